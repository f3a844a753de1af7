#include "broker/broker_metrics.h"

namespace leat::broker {
namespace {

env::Histogram& Latency(env::Metrics& metrics, const std::string& api) {
  return metrics.GetHistogram("leat_request_duration_seconds", "Time from a request's arrival to its answer, seconds.",
                              {{"api", api}},
                              {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5});
}

env::Counter& Ended(env::Metrics& metrics, const std::string& result) {
  return metrics.GetCounter("leat_transactions_ended_total", "Transactions whose markers are written everywhere.",
                            {{"result", result}});
}

}  // namespace

BrokerMetrics::BrokerMetrics(env::Metrics& metrics)
    : produce_bytes(
          metrics.GetCounter("leat_produce_bytes_total", "Bytes of record batches appended by producers.", {})),
      produce_records(metrics.GetCounter("leat_produce_records_total", "Records appended by producers.", {})),
      produce_errors(metrics.GetCounter("leat_produce_errors_total", "Partitions of produce requests refused.", {})),
      fetch_bytes(metrics.GetCounter("leat_fetch_bytes_total", "Bytes of record batches handed to consumers.", {})),
      fetch_requests(metrics.GetCounter("leat_fetch_requests_total", "Fetch requests answered.", {})),
      produce_seconds(Latency(metrics, "produce")),
      fetch_seconds(Latency(metrics, "fetch")),
      commit_seconds(Latency(metrics, "commit_offsets")),
      partitions(metrics.GetGauge("leat_partitions", "Partitions of all topics.", {})),
      topics(metrics.GetGauge("leat_topics", "Topics, internal ones included.", {})),
      directory_online(metrics.GetGauge("leat_log_directory_online",
                                        "1 while the log directory takes writes, 0 once it is offline.", {})),
      jobs_running(metrics.GetGauge("leat_jobs_running", "Jobs whose state is running.", {})),
      compaction_runs(
          metrics.GetCounter("leat_compaction_runs_total", "Compactions of a partition that ended well.", {})),
      compaction_failures(metrics.GetCounter("leat_compaction_failures_total",
                                             "Compactions of a partition that were given up; most are tried again.",
                                             {})),
      compaction_read_bytes(
          metrics.GetCounter("leat_compaction_read_bytes_total", "Bytes of record batches read by compaction.", {})),
      compaction_written_bytes(metrics.GetCounter("leat_compaction_written_bytes_total",
                                                  "Bytes of record batches written by compaction.", {})),
      compaction_dropped_records(
          metrics.GetCounter("leat_compaction_dropped_records_total", "Records that compaction left out.", {})),
      compaction_seconds(metrics.GetCounter("leat_compaction_seconds_total",
                                            "Time that compactions took, waiting for their share of the disk included.",
                                            {})),
      compaction_max_dirty_ratio(metrics.GetGauge("leat_compaction_max_dirty_ratio",
                                                  "Largest share of a compacted partition that waits to be compacted, "
                                                  "0 to 1.",
                                                  {})),
      compaction_segments(
          metrics.GetCounter("leat_compaction_segments_total", "Segments that compaction replaced by new ones.", {})),
      compaction_last_run(metrics.GetGauge("leat_compaction_last_run_timestamp_seconds",
                                           "When a compaction last ended well, seconds since 1970; 0 before the first "
                                           "one since the start.",
                                           {})),
      compaction_uncleanable(metrics.GetGauge("leat_compaction_uncleanable_partitions",
                                              "Partitions that are not compacted because they are damaged.", {})),
      producers(metrics.GetGauge("leat_producers",
                                 "Producers that the partitions remember, each counted on every partition.", {})),
      transactional_ids(metrics.GetGauge("leat_transactional_ids", "Transactional ids that are remembered.", {})),
      transactions_open(metrics.GetGauge("leat_transactions_open", "Transactions that go on.", {})),
      transactions_ending(metrics.GetGauge("leat_transactions_ending",
                                           "Transactions that are decided and wait for their markers.", {})),
      transaction_markers_waiting(metrics.GetGauge("leat_transaction_markers_waiting",
                                                   "Markers of decided transactions that are not written yet.", {})),
      transactions_committed(Ended(metrics, "commit")),
      transactions_aborted(Ended(metrics, "abort")),
      transactions_timed_out(metrics.GetCounter("leat_transactions_timed_out_total",
                                                "Transactions that were aborted because their time was over.", {})),
      transaction_markers_seconds(
          metrics.GetHistogram("leat_transaction_markers_duration_seconds",
                               "Time from the decision about a transaction to its end on every partition, seconds.", {},
                               {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10})) {}

}  // namespace leat::broker
