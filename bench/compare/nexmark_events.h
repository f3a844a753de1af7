// Nexmark-like events as JSON: in every 50 one person, three auctions and 46 bids, about 300 bytes each, in order of
// event time but for some that are late. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace leat::load {

struct NexmarkOptions {
  uint64_t seed = 42;
  double events_per_second = 10'000;  // of event time
  double late_percent = 1;            // events that are up to three seconds older than their neighbours
};

inline constexpr int64_t kNexmarkStartMs = 1'767'225'600'000;  // 2026-01-01 00:00:00 UTC

class NexmarkEvents {
 public:
  explicit NexmarkEvents(const NexmarkOptions& options);

  // The next event, which replaces *json.
  void Next(std::string* json);

 private:
  void Person(int64_t time_ms, std::string* json);
  void Auction(int64_t time_ms, std::string* json);
  void Bid(int64_t time_ms, std::string* json);
  // Numbers of the youngest person and auction as of the current event.
  int64_t LastPerson() const;
  int64_t LastAuction() const;
  int64_t AnyPerson();
  int64_t AnyAuction();
  int64_t Price();
  // Letters that bring an event from `bytes` to about `wanted`.
  void Filler(int64_t bytes, int64_t wanted, std::string* json);

  const NexmarkOptions options_;
  Random random_;
  int64_t number_ = 0;  // of the current event
  std::string letters_;
  std::vector<std::string> channels_;
  std::vector<std::string> urls_;  // by channel
};

// The versioned table of the channels' fees over the same event time: every channel once before the first event, then
// a hundred new versions a second.
class NexmarkChannels {
 public:
  NexmarkChannels(const NexmarkOptions& options, int64_t events);
  // False at the end. The key and the value of an upsert; versions of a channel always have the same `partition_hint`.
  bool Next(std::string* key, std::string* json, int64_t* partition_hint);

 private:
  Random random_;
  int64_t next_ = 0;
  int64_t versions_;
};

// "2026-01-01 00:00:00.000"
void AppendNexmarkTime(int64_t time_ms, std::string* out);

}  // namespace leat::load
