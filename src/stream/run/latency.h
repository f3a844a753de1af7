// End-to-end latency of a job's records: from the timestamp that a record has in the log to the commit of the
// checkpoint that it is part of, when readers of committed records see what it led to. Pure; not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "stream/run/job_progress.h"

namespace leat::run {

// Records that were read together, by the oldest of them.
struct ReadSample {
  int64_t timestamp_ms = 0;
  uint64_t records = 0;
};

// What was read in one epoch. Holds at most kMost samples: neighbours are put together, each as old as the older one.
class ReadSamples {
 public:
  static constexpr size_t kMost = 128;
  void Add(const ReadSample& sample);  // without a timestamp (not above 0) it counts nowhere
  std::vector<ReadSample> Take();

 private:
  std::vector<ReadSample> samples_;
};

// Quantiles over the last one to two minutes, to 5 % (and a millisecond).
class LatencyWindow {
 public:
  void Add(int64_t latency_ms, uint64_t records, Instant now);
  LatencySummary Summary(Instant now) const;

 private:
  // Bucket i holds latencies up to 1.05^i ms; the last one holds the rest, above 36 years.
  static constexpr size_t kBuckets = 570;
  static constexpr Duration kTurn = absl::Minutes(1);
  using Counts = std::array<uint64_t, kBuckets>;
  static size_t BucketOf(int64_t latency_ms);
  void Turn(Instant now);
  std::array<Counts, 2> counts_{};  // of this minute and of the one before
  std::optional<Instant> began_;    // this minute
};

}  // namespace leat::run
