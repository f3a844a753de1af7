// What a run of a job does, operator by operator, for people and for metrics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leat::run {

// One operator, over all workers. Totals of a job's run in this process.
struct OperatorProgress {
  int id = 0;        // of the plan's node, as EXPLAIN shows it
  std::string name;  // "WindowAggregate#3", "Source payments#1"
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;
  uint64_t state_bytes = 0;          // in memory
  int64_t watermark_ms = INT64_MIN;  // INT64_MIN: none yet; INT64_MAX: its input has ended
  double busy_seconds = 0;           // of all workers together; without those that it hands rows to
  double backpressured_seconds = 0;  // of a source: rows were there, and the log or other workers did not keep up
};

struct LatencySummary {
  uint64_t records = 0;  // that were measured; 0: there is nothing to say
  double p50_seconds = 0, p95_seconds = 0, p99_seconds = 0;
};

struct JobProgress {
  std::vector<OperatorProgress> operators;  // inputs before their consumers
  LatencySummary latency;                   // from a record's timestamp to the commit, of the last one to two minutes
  int workers = 0;
  double seconds = 0;              // that the job has run in this process: what busy_seconds is a part of
  uint64_t checkpoint_bytes = 0;   // that the last checkpoint added to the changelog
  double cpu_seconds = 0;          // of the job's threads
  double cpu_limited_seconds = 0;  // that workers waited because of the limit of CPU, all together
  double cpu_limit = 0;            // cores; 0: none
};

}  // namespace leat::run
