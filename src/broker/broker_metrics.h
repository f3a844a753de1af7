// The metrics of the handlers. Handles are thread-safe; one object for all shards.
#pragma once

#include "base/time.h"
#include "env/metrics.h"

namespace leat::broker {

struct BrokerMetrics {
  explicit BrokerMetrics(env::Metrics& metrics);

  env::Counter& produce_bytes;
  env::Counter& produce_records;
  env::Counter& produce_errors;
  env::Counter& fetch_bytes;
  env::Counter& fetch_requests;
  env::Histogram& produce_seconds;
  env::Histogram& fetch_seconds;  // of fetches that found data: a long poll that waits is not slow
  env::Histogram& commit_seconds;
  env::Gauge& partitions;
  env::Gauge& topics;
  env::Gauge& directory_online;
  env::Gauge& jobs_running;
  env::Counter& compaction_runs;
  env::Counter& compaction_failures;
  env::Counter& compaction_read_bytes;
  env::Counter& compaction_written_bytes;
  env::Counter& compaction_dropped_records;
  env::Counter& compaction_seconds;
  env::Gauge& compaction_max_dirty_ratio;
  env::Counter& compaction_segments;
  env::Gauge& compaction_last_run;
  env::Gauge& compaction_uncleanable;
  env::Gauge& producers;
  env::Gauge& transactional_ids;
  env::Gauge& transactions_open;
  env::Gauge& transactions_ending;
  env::Gauge& transaction_markers_waiting;
  env::Counter& transactions_committed;
  env::Counter& transactions_aborted;
  env::Counter& transactions_timed_out;
  env::Histogram& transaction_markers_seconds;
};

inline double Seconds(Duration duration) { return absl::ToDoubleSeconds(duration); }

}  // namespace leat::broker
