// What a job's run shows of itself beside its state: what its operators do, how long records take, its checkpoints. As
// a summary for people, and as series of /metrics. Thread-safe; lives over the job's restarts.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "env/metrics.h"
#include "stream/run/checkpointer.h"
#include "stream/run/job_context.h"
#include "stream/run/job_progress.h"
#include "stream/run/latency.h"
#include "stream/run/operator_meter.h"

namespace leat::run {

class JobMetrics {
 public:
  // Both outlive it.
  JobMetrics(std::string job, env::Metrics& metrics, LogPort& port, Counters* counters);

  // A life of the job begins, with nothing done, and ends: what it did is kept.
  void Begin(std::shared_ptr<const JobContext> life);
  void End();
  void OnCheckpoint(const CheckpointReport& report);
  void OnRestart() { restarts_.Add(1); }

  JobProgress Progress() const;
  // Brings the series up to date that no event of the job moves.
  void Publish(bool running);

 private:
  // The series of one operator, and what they were told.
  struct Series {
    env::Counter &rows_in, &rows_out, &rows_late, &rows_dead, &busy, &backpressured;
    env::Gauge& state_bytes;
    env::Gauge *watermark = nullptr, *watermark_lag = nullptr;  // there are none before the first watermark
    OperatorProgress told;
  };
  struct Cpu {
    int64_t used_nanos = 0, limited_nanos = 0;
  };
  Cpu CpuUsed() const;  // under the mutex
  Series MakeSeries(const OperatorProgress& op);
  void Publish(const OperatorProgress& op, Series& series, int64_t now_ms);
  std::vector<OperatorProgress> Operators() const;  // under the mutex

  const std::string job_;
  env::Metrics& metrics_;
  LogPort& port_;
  env::Histogram& checkpoint_seconds_;
  env::Histogram& checkpoint_bytes_;
  env::Histogram& latency_seconds_;
  env::Counter& restarts_;
  env::Gauge& running_;
  env::Gauge& checkpoint_time_;
  env::Counter& cpu_seconds_;
  env::Counter& cpu_limited_seconds_;

  mutable std::mutex mutex_;
  std::shared_ptr<const JobContext> life_;
  std::vector<OperatorProgress> earlier_;  // of lives that have ended
  Duration counted_ = absl::ZeroDuration();
  Cpu earlier_cpu_, told_cpu_;
  Instant began_;  // the life
  int workers_ = 0;
  uint64_t last_checkpoint_bytes_ = 0;
  LatencyWindow latency_;
  std::vector<Series> series_;
};

}  // namespace leat::run
