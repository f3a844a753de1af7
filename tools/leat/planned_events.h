// Events of many things (orders, sessions, sensors) that overlap in time, made from a seed: the same options give the
// same bytes on every machine. A thing is planned as a whole when its time has come; its events wait until theirs has.
// Some of them may come late, or twice: what comes when is decided by a source of random numbers of its own, so that
// the events stay the same. Not thread-safe.
#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "tools/leat/event_generator.h"

namespace leat::tool {

struct PlanOptions {
  uint64_t count = 0;  // things
  uint64_t seed = 1;
  int64_t start_seconds = 1704067200;  // event time of the first thing, seconds since 1970 UTC
  double rate = 1;                     // things per second of event time
  double planted = 0.01;               // share of the things that something is planted in
  double out_of_order = 0;             // share of the events that come later than their time
  double duplicates = 0;               // share of the events that come twice
  int64_t max_delay_seconds = 60;      // of both
};

class PlannedEvents : public EventGenerator {
 public:
  explicit PlannedEvents(const PlanOptions& options);
  bool Next(std::string* out) final;
  std::string_view key() const final { return last_.key; }
  std::string TakeTruth() final;

 protected:
  // Adds the events of one thing, none before `seconds`, and the truth about it.
  virtual void Plan(uint64_t index, int64_t seconds) = 0;
  // Behind the last thing: the truth that is about all of them.
  virtual void Finish() {}
  // When a thing begins: never before the one in front of it.
  virtual int64_t StartOf(uint64_t index) const;

  void Add(int64_t seconds, std::string key, std::string line);
  void AddTruth(std::string_view line);
  bool Chance(double share) { return random_.Unit() < share; }
  Random& random() { return random_; }
  const PlanOptions& options() const { return options_; }

 private:
  struct Event {
    int64_t arrival_seconds = 0;
    uint64_t number = 0;
    std::string key;
    std::string line;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.arrival_seconds != b.arrival_seconds ? a.arrival_seconds > b.arrival_seconds : a.number > b.number;
    }
  };

  void Push(int64_t arrival_seconds, std::string key, std::string line);

  PlanOptions options_;
  Random random_;
  Random arrivals_;
  std::priority_queue<Event, std::vector<Event>, Later> waiting_;
  uint64_t planned_ = 0;
  uint64_t added_ = 0;
  Event last_;
  std::string truth_;
};

// "2024-01-01 00:00:00"
std::string SecondsText(int64_t seconds);
// "12.05"
std::string CentsText(uint64_t cents);
// 16 hexadecimal digits.
std::string HexText(uint64_t value);

}  // namespace leat::tool
