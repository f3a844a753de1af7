// What the calls of the broker about jobs take and give. A part of api.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace leat::broker {

// kFinished: every source is bounded and has been read to its end.
enum class JobState { kStarting, kRunning, kRestarting, kStopped, kFailed, kFinished };
std::string_view JobStateName(JobState state);
struct NewJob {
  std::string name;  // 1 to 100 of [a-zA-Z0-9._-]
  std::string sql;
};
struct PartitionProgress {
  model::TopicPartition partition;
  model::Offset offset{-1};  // of the last committed checkpoint
  model::Offset high_watermark{-1};
  int64_t watermark_ms = INT64_MIN;  // INT64_MIN: none yet
};
// One operator of a job's plan, over all its workers, since the job runs on its node.
struct JobOperator {
  int32_t id = 0;    // as the plan shows it
  std::string name;  // "WindowAggregate#3", "Source payments#1"
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;
  uint64_t state_bytes = 0;          // in memory
  int64_t watermark_ms = INT64_MIN;  // INT64_MIN: none yet; INT64_MAX: its input has ended
  double watermark_lag_seconds = 0;  // behind the clock of its node; 0 without a watermark and at the end of the input
  double busy_seconds = 0;           // all workers together
  double backpressured_seconds = 0;  // of a source: rows were there, and the log or other workers did not keep up
};
// What the node that runs a job knows beside its description.
struct JobProgress {
  std::vector<JobOperator> operators;  // inputs before their consumers; empty: nothing runs, or the node is too old
  // From a record's timestamp to the commit of its checkpoint, over the last one to two minutes. 0 records: no figures.
  uint64_t latency_records = 0;
  double latency_p50_seconds = 0, latency_p95_seconds = 0, latency_p99_seconds = 0;
  int32_t workers = 0;
  double seconds = 0;              // that the job has run there
  uint64_t checkpoint_bytes = 0;   // that the last checkpoint added to the changelog
  double cpu_seconds = 0;          // of the job's threads
  double cpu_limited_seconds = 0;  // that workers waited because of the limit, all together
  double cpu_limit = 0;            // cores; 0: none
};
struct JobDescription {
  std::string name;
  JobState state = JobState::kStopped;
  std::string error;  // why it restarts or failed
  std::string sql;
  std::string explain;
  int64_t created_ms = 0;
  int restarts = 0;
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;  // since it was started here
  int64_t checkpoint_age_ms = -1;                                    // -1: none yet
  double checkpoint_duration_seconds = 0;
  uint64_t checkpoints = 0;
  size_t state_bytes = 0;
  std::vector<PartitionProgress> inputs;
  int64_t revision = 1;    // of its SQL
  model::NodeId node{-1};  // that it runs on, or would: it leads the job's changelog; -1: nobody does now
  JobProgress progress{};  // of DescribeJob alone
};
// Other SQL for a job that is there, which goes on with its state.
struct JobUpgrade {
  std::string name;
  std::string sql;
  std::vector<std::string> drop_state{};  // operators whose state may be lost, as the error names them; or "all"
  enum class Mode { kApply, kCheck } mode = Mode::kApply;  // kCheck: says what would be, and changes nothing
};
struct JobUpgraded {
  JobDescription job;
  std::vector<std::string> changes;  // what becomes of each operator's state, a sentence each
};
struct JobLogLine {
  int64_t time_ms = 0;
  std::string text;
};

}  // namespace leat::broker
