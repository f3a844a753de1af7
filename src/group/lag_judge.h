// Whether the consumer of a partition that is behind is stopped, stalled or merely slow, from a sliding window of its
// commits: no threshold of records, which would be different for every topic. The rules are those of LinkedIn's Burrow
// (https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules). Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>

#include "base/time.h"
#include "model/ids.h"

namespace leat::group {

enum class ConsumerStatus : uint8_t {
  kOk,       // nothing to read, or it gets nearer, or too little is known
  kSlow,     // it commits and moves, and is further behind with every commit
  kStalled,  // it commits, always the same offset, while there are records
  kStopped,  // it has not committed for longer than all of the window before took, while there were records
};
std::string_view StatusName(ConsumerStatus status);  // "ok", "slow", "stalled", "stopped"

class LagJudge {
 public:
  struct Options {
    size_t window = 10;                         // commits
    size_t least = 4;                           // fewer commits say nothing about stalled or slow
    Duration least_silence = absl::Minutes(1);  // without a commit before it counts as stopped
  };
  explicit LagJudge(const Options& options) : options_(options) {}

  // How the consumer stands at `time_ms`: its last commit, when it was made (by the same clock, the coordinator's), and
  // how many records are behind it now. A commit that was shown before only brings the last one up to date.
  struct Look {
    int64_t time_ms = 0;
    model::Offset committed{-1};
    int64_t commit_time_ms = 0;
    int64_t lag_records = 0;  // -1: not known just now, the look is passed over
  };
  void Observe(const Look& look);
  // By the last look.
  ConsumerStatus Status(int64_t now_ms) const;

 private:
  bool Stopped(int64_t now_ms) const;
  bool Stalled() const;
  bool Slow() const;

  struct Commit {
    model::Offset offset;
    int64_t time_ms;
    int64_t lag_records;  // when it was seen first
  };
  const Options options_;
  std::deque<Commit> commits_;  // the newest last
  int64_t lag_records_ = 0;     // of the last look
  int64_t behind_since_ms_ =
      0;  // the first look of those in a row that saw records: before, there was nothing to commit
};

}  // namespace leat::group
