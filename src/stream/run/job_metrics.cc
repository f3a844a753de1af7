#include "stream/run/job_metrics.h"

#include <algorithm>
#include <utility>

#include "stream/run/job_runner.h"

namespace leat::run {
namespace {

struct Named {
  const char* name;
  const char* help;
};
// Of operators.
constexpr Named kRowsIn{"leat_job_operator_rows_in_total",
                        "Rows that an operator of a job has taken; of a source: records read."};
constexpr Named kRowsOut{"leat_job_operator_rows_out_total", "Rows that an operator has given."};
constexpr Named kRowsLate{"leat_job_operator_rows_late_total",
                          "Rows that came to an operator after their windows had fired."};
constexpr Named kRowsDead{"leat_job_operator_rows_dead_total",
                          "Rows that an operator could not process: dead letters."};
constexpr Named kBusy{"leat_job_operator_busy_seconds_total",
                      "Time that an operator has worked, all workers of the job together."};
constexpr Named kBackpressured{
    "leat_job_operator_backpressured_seconds_total",
    "Time that a source had rows to read and waited for the log or for other workers to take what was written."};
constexpr Named kStateBytes{"leat_job_operator_state_bytes", "Bytes of an operator's state in memory."};
constexpr Named kWatermark{"leat_job_operator_watermark_timestamp_seconds",
                           "Event-time watermark of an operator, seconds since 1970."};
constexpr Named kWatermarkLag{"leat_job_operator_watermark_lag_seconds",
                              "How far an operator's watermark is behind the clock; 0 at the end of bounded input."};

env::Labels JobLabels(const std::string& job) { return {{"job", job}}; }

}  // namespace

env::Gauge& RunningGauge(env::Metrics& metrics, const std::string& job) {
  return metrics.GetGauge("leat_job_running", "1 while the job runs on this node, 0 while it restarts or has failed.",
                          JobLabels(job));
}

JobMetrics::JobMetrics(std::string job, env::Metrics& metrics, LogPort& port, Counters* counters)
    : job_(std::move(job)),
      metrics_(metrics),
      port_(port),
      checkpoint_seconds_(metrics.GetHistogram("leat_job_checkpoint_duration_seconds", "Time from barrier to commit.",
                                               JobLabels(job_),
                                               {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5})),
      checkpoint_bytes_(metrics.GetHistogram("leat_job_checkpoint_size_bytes",
                                             "Bytes that a checkpoint adds to the job's changelog.", JobLabels(job_),
                                             {1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9})),
      latency_seconds_(metrics.GetHistogram(
          "leat_job_latency_seconds", "Time from a record's timestamp to the commit of the checkpoint it is part of.",
          JobLabels(job_), {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600})),
      restarts_(metrics.GetCounter("leat_job_restarts_total", "Restarts of the job after a failure.", JobLabels(job_))),
      running_(RunningGauge(metrics, job_)),
      checkpoint_time_(metrics.GetGauge("leat_job_last_checkpoint_timestamp_seconds",
                                        "When the job's last checkpoint was committed, seconds since 1970; before "
                                        "the first one: when the job was started on this node.",
                                        JobLabels(job_))),
      cpu_seconds_(
          metrics.GetCounter("leat_job_cpu_seconds_total", "Processor time of a job's threads.", JobLabels(job_))),
      cpu_limited_seconds_(metrics.GetCounter(
          "leat_job_cpu_limited_seconds_total",
          "Time that workers of a job had rows to read and waited because of its leat.cpu.limit.", JobLabels(job_))) {
  checkpoint_time_.Set(static_cast<double>(port.WallMillis()) / 1000);
  const env::Labels labels = JobLabels(job_);
  counters->rows_in_total = &metrics.GetCounter("leat_job_rows_in_total", "Records read by the job's sources.", labels);
  counters->rows_out_total = &metrics.GetCounter("leat_job_rows_out_total", "Rows written by the job's sinks.", labels);
  counters->rows_late_total =
      &metrics.GetCounter("leat_job_rows_late_total", "Rows that came after their windows had fired.", labels);
  counters->rows_dead_total =
      &metrics.GetCounter("leat_job_rows_dead_total", "Records sent to the dead-letter topic.", labels);
  for (const Named& of : {kRowsIn, kRowsOut, kRowsLate, kRowsDead, kBusy, kBackpressured}) {
    metrics.DeclareCounter(of.name, of.help, {"job", "operator"});
  }
  for (const Named& of : {kStateBytes, kWatermark, kWatermarkLag}) {
    metrics.DeclareGauge(of.name, of.help, {"job", "operator"});
  }
}

void JobMetrics::Begin(std::shared_ptr<const JobContext> life) {
  const std::lock_guard<std::mutex> lock(mutex_);
  workers_ = life->workers;
  life_ = std::move(life);
  began_ = port_.Now();
}

void JobMetrics::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (life_ == nullptr) return;
  earlier_ = Operators();
  earlier_cpu_ = CpuUsed();
  counted_ += port_.Now() - began_;
  life_ = nullptr;
}

void JobMetrics::OnCheckpoint(const CheckpointReport& report) {
  checkpoint_seconds_.Observe(report.duration_seconds);
  checkpoint_bytes_.Observe(static_cast<double>(report.bytes));
  checkpoint_time_.Set(static_cast<double>(report.committed_ms) / 1000);
  const Instant now = port_.Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  last_checkpoint_bytes_ = report.bytes;
  for (const ReadSample& sample : report.read) {
    // A producer whose clock is ahead of ours.
    const int64_t latency_ms = std::max<int64_t>(0, report.committed_ms - sample.timestamp_ms);
    latency_.Add(latency_ms, sample.records, now);
    latency_seconds_.ObserveMany(static_cast<double>(latency_ms) / 1000, sample.records);
  }
}

std::vector<OperatorProgress> JobMetrics::Operators() const {
  if (life_ == nullptr) return earlier_;
  std::vector<OperatorProgress> all = OperatorsOf(life_->graph, life_->meters);
  AddEarlier(earlier_, &all);
  return all;
}

JobMetrics::Cpu JobMetrics::CpuUsed() const {
  Cpu used = earlier_cpu_;
  if (life_ != nullptr) {
    used.used_nanos += life_->cpu_nanos.load();
    used.limited_nanos += life_->cpu_limited_nanos.load();
  }
  return used;
}

JobProgress JobMetrics::Progress() const {
  const Instant now = port_.Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  JobProgress progress{.operators = Operators(), .latency = latency_.Summary(now)};
  progress.workers = workers_;
  progress.seconds = absl::ToDoubleSeconds(counted_ + (life_ == nullptr ? absl::ZeroDuration() : now - began_));
  progress.checkpoint_bytes = last_checkpoint_bytes_;
  const Cpu cpu = CpuUsed();
  progress.cpu_seconds = static_cast<double>(cpu.used_nanos) / 1e9;
  progress.cpu_limited_seconds = static_cast<double>(cpu.limited_nanos) / 1e9;
  if (life_ != nullptr && life_->cpu_budget != nullptr) progress.cpu_limit = life_->cpu_budget->cores();
  return progress;
}

JobMetrics::Series JobMetrics::MakeSeries(const OperatorProgress& op) {
  const env::Labels labels = {{"job", job_}, {"operator", op.name}};
  const auto counter = [&](const Named& of) -> env::Counter& { return metrics_.GetCounter(of.name, of.help, labels); };
  const auto gauge = [&](const Named& of) -> env::Gauge& { return metrics_.GetGauge(of.name, of.help, labels); };
  return {
      .rows_in = counter(kRowsIn),
      .rows_out = counter(kRowsOut),
      .rows_late = counter(kRowsLate),
      .rows_dead = counter(kRowsDead),
      .busy = counter(kBusy),
      .backpressured = counter(kBackpressured),
      .state_bytes = gauge(kStateBytes),
      .told = {},
  };
}

void JobMetrics::Publish(const OperatorProgress& op, Series& series, int64_t now_ms) {
  const auto add = [](env::Counter& counter, auto now, auto told) {
    if (now > told) counter.Add(static_cast<double>(now - told));
  };
  add(series.rows_in, op.rows_in, series.told.rows_in);
  add(series.rows_out, op.rows_out, series.told.rows_out);
  add(series.rows_late, op.rows_late, series.told.rows_late);
  add(series.rows_dead, op.rows_dead, series.told.rows_dead);
  add(series.busy, op.busy_seconds, series.told.busy_seconds);
  add(series.backpressured, op.backpressured_seconds, series.told.backpressured_seconds);
  series.state_bytes.Set(static_cast<double>(op.state_bytes));
  series.told = op;
  if (op.watermark_ms == exec::kMinWatermark) return;
  const auto show = [&](env::Gauge*& gauge, const Named& of, int64_t ms) {
    if (gauge == nullptr) gauge = &metrics_.GetGauge(of.name, of.help, {{"job", job_}, {"operator", op.name}});
    gauge->Set(static_cast<double>(ms) / 1000);
  };
  const bool ended = op.watermark_ms == exec::kMaxWatermark;
  if (!ended) show(series.watermark, kWatermark, op.watermark_ms);
  show(series.watermark_lag, kWatermarkLag, ended ? 0 : std::max<int64_t>(0, now_ms - op.watermark_ms));
}

void JobMetrics::Publish(bool running) {
  running_.Set(running ? 1 : 0);
  const int64_t now_ms = port_.WallMillis();
  const std::lock_guard<std::mutex> lock(mutex_);
  const Cpu cpu = CpuUsed();
  cpu_seconds_.Add(static_cast<double>(cpu.used_nanos - told_cpu_.used_nanos) / 1e9);
  cpu_limited_seconds_.Add(static_cast<double>(cpu.limited_nanos - told_cpu_.limited_nanos) / 1e9);
  told_cpu_ = cpu;
  const std::vector<OperatorProgress> all = Operators();
  while (series_.size() < all.size()) series_.push_back(MakeSeries(all[series_.size()]));
  for (size_t i = 0; i < all.size(); ++i) Publish(all[i], series_[i], now_ms);
}

}  // namespace leat::run
