// The job calls of the broker, and how a job looks from outside.
#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/job_desk.h"
#include "broker/job_manager.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

JobState StateOf(run::State state) {
  switch (state) {
    case run::State::kStarting:
      return JobState::kStarting;
    case run::State::kRunning:
      return JobState::kRunning;
    case run::State::kRestarting:
      return JobState::kRestarting;
    case run::State::kStopped:
      return JobState::kStopped;
    case run::State::kFailed:
      return JobState::kFailed;
    case run::State::kFinished:
      return JobState::kFinished;
  }
  return JobState::kFailed;
}

void AddStatus(const run::JobStatus& status, int64_t now_ms, JobDescription* description) {
  description->state = StateOf(status.state);
  description->error = status.error;
  description->restarts = status.restarts;
  description->rows_in = status.rows_in;
  description->rows_out = status.rows_out;
  description->rows_late = status.rows_late;
  description->rows_dead = status.rows_dead;
  if (status.last_checkpoint_ms >= 0) {
    description->checkpoint_age_ms = std::max<int64_t>(0, now_ms - status.last_checkpoint_ms);
  }
  description->checkpoint_duration_seconds = status.checkpoint_duration_seconds;
  description->checkpoints = status.checkpoints;
  description->state_bytes = status.state_bytes;
  for (const run::InputProgress& input : status.inputs) {
    description->inputs.push_back({input.partition, input.offset, input.high_watermark, input.watermark_ms});
  }
}

}  // namespace

std::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kStarting:
      return "STARTING";
    case JobState::kRunning:
      return "RUNNING";
    case JobState::kRestarting:
      return "RESTARTING";
    case JobState::kStopped:
      return "STOPPED";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kFinished:
      return "FINISHED";
  }
  return "unknown";
}

JobDescription JobManager::DescriptionOf(const meta::Job& job) const {
  JobDescription description;
  description.name = job.name;
  description.sql = job.sql;
  description.created_ms = job.created_ms;
  description.revision = job.revision;
  description.state = job.desired == meta::DesiredState::kRunning ? JobState::kStarting : JobState::kStopped;
  const absl::StatusOr<model::NodeId> owner = JobOwner(*broker_.image(), job.name, broker_.node_id());
  if (owner.ok()) description.node = *owner;
  const auto it = entries_.find(job.name);
  if (it == entries_.end()) return description;
  description.explain = it->second.explain;
  const auto say_failed = [&] {
    if (it->second.failed.ok()) return;
    description.state = JobState::kFailed;
    description.error = Message(it->second.failed);
  };
  say_failed();
  if (it->second.runner != nullptr && job.revision > run::kFirstRevision) {
    // By the numbers that it runs with, which an upgrade has kept.
    if (std::string plan = it->second.runner->Status().plan; !plan.empty()) description.explain = std::move(plan);
  }
  if (it->second.runner != nullptr) {
    AddStatus(it->second.runner->Status(), broker_.home().WallMillis(), &description);
  } else if (it->second.last.has_value()) {
    const JobState state = description.state;
    AddStatus(*it->second.last, broker_.home().WallMillis(), &description);
    description.state = state;
    say_failed();
  }
  return description;
}

std::vector<JobDescription> JobManager::DescribeOwn(const std::vector<std::string>& names) const {
  std::vector<JobDescription> all;
  for (const std::string& name : names) {
    if (IsOwn(name)) all.push_back(DescriptionOf(*broker_.image()->FindJob(name)));
  }
  return all;
}

size_t JobManager::running() const {
  return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), [](const auto& item) {
    return item.second.runner != nullptr && item.second.runner->Status().state == run::State::kRunning;
  }));
}

absl::StatusOr<std::vector<JobLogLine>> JobManager::Logs(const std::string& name) const {
  if (!IsOwn(name)) return Unavailable("node ", broker_.node_id(), " does not run job '", name, "'");
  std::vector<JobLogLine> lines;
  const auto it = entries_.find(name);
  if (it == entries_.end()) return lines;
  run::JobLog::Lines shown;
  if (it->second.runner != nullptr) {
    shown = it->second.runner->Status().log;
  } else if (it->second.last.has_value()) {
    shown = it->second.last->log;
  }
  for (auto& [time_ms, text] : shown) lines.push_back({time_ms, std::move(text)});
  return lines;
}

absl::StatusOr<JobProgress> JobManager::ProgressOf(const std::string& name) const {
  if (!IsOwn(name)) return Unavailable("node ", broker_.node_id(), " does not run job '", name, "'");
  JobProgress progress;
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.runner == nullptr) return progress;
  const run::JobProgress from = it->second.runner->Progress();
  progress.latency_records = from.latency.records;
  progress.latency_p50_seconds = from.latency.p50_seconds;
  progress.latency_p95_seconds = from.latency.p95_seconds;
  progress.latency_p99_seconds = from.latency.p99_seconds;
  progress.workers = from.workers;
  progress.seconds = from.seconds;
  progress.checkpoint_bytes = from.checkpoint_bytes;
  progress.cpu_seconds = from.cpu_seconds;
  progress.cpu_limited_seconds = from.cpu_limited_seconds;
  progress.cpu_limit = from.cpu_limit;
  const int64_t now_ms = broker_.home().WallMillis();
  for (const run::OperatorProgress& op : from.operators) {
    const bool timed = op.watermark_ms != INT64_MIN && op.watermark_ms != INT64_MAX;
    progress.operators.push_back(
        {.id = op.id,
         .name = op.name,
         .rows_in = op.rows_in,
         .rows_out = op.rows_out,
         .rows_late = op.rows_late,
         .rows_dead = op.rows_dead,
         .state_bytes = op.state_bytes,
         .watermark_ms = op.watermark_ms,
         .watermark_lag_seconds =
             timed ? static_cast<double>(std::max<int64_t>(0, now_ms - op.watermark_ms)) / 1000 : 0,
         .busy_seconds = op.busy_seconds,
         .backpressured_seconds = op.backpressured_seconds});
  }
  return progress;
}

void JobManager::PublishMetrics() {
  for (auto& [name, entry] : entries_) {
    if (entry.runner != nullptr) {
      entry.runner->PublishMetrics();
      entry.shows_failure = false;
      continue;
    }
    const meta::JobPtr job = broker_.image()->FindJob(name);
    const bool fails = !entry.failed.ok() && job != nullptr && job->desired == meta::DesiredState::kRunning;
    if (fails) run::RunningGauge(broker_.metrics(), name).Set(0);
    // It has been stopped, or is another node's by now.
    if (!fails && entry.shows_failure) broker_.metrics().Forget("job", name);
    entry.shows_failure = fails;
  }
}

absl::StatusOr<std::vector<std::string>> JobManager::GroupsOf(const std::string& name) const {
  if (!IsOwn(name)) return Unavailable("node ", broker_.node_id(), " does not run job '", name, "'");
  const auto it = entries_.find(name);
  return it == entries_.end() ? std::vector<std::string>() : it->second.groups;
}

// Every job call: on shard 0, and only while the broker serves.
#define LEAT_ON_HOME(refuse)                       \
  if (shards_[0]->phase != Phase::kServing) {      \
    done(refuse(ToStatus(shards_[0]->Refusal()))); \
    return;                                        \
  }

void BrokerImpl::SubmitJob(NewJob job, Callback<absl::StatusOr<JobDescription>> done) {
  home().Post([this, job = std::move(job), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::StatusOr<JobDescription>);
    jobs_->desk().Submit(std::move(job), std::move(done));
  });
}

void BrokerImpl::UpgradeJob(JobUpgrade upgrade, Callback<absl::StatusOr<JobUpgraded>> done) {
  home().Post([this, upgrade = std::move(upgrade), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::StatusOr<JobUpgraded>);
    jobs_->desk().Upgrade(std::move(upgrade), std::move(done));
  });
}

void BrokerImpl::StartJob(std::string name, Callback<absl::Status> done) {
  home().Post([this, name = std::move(name), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::Status);
    jobs_->desk().Start(name, std::move(done));
  });
}

void BrokerImpl::StopJob(std::string name, Callback<absl::Status> done) {
  home().Post([this, name = std::move(name), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::Status);
    jobs_->desk().Stop(name, std::move(done));
  });
}

void BrokerImpl::DeleteJob(std::string name, Callback<absl::Status> done) {
  home().Post([this, name = std::move(name), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::Status);
    jobs_->desk().Delete(name, std::move(done));
  });
}

void BrokerImpl::ListJobs(Callback<std::vector<JobDescription>> done) {
  home().Post([this, done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) return done({});
    jobs_->desk().List(std::move(done));
  });
}

void BrokerImpl::DescribeJob(std::string name, Callback<absl::StatusOr<JobDescription>> done) {
  home().Post([this, name = std::move(name), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::StatusOr<JobDescription>);
    jobs_->desk().Describe(name, std::move(done));
  });
}

void BrokerImpl::JobLogs(std::string name, Callback<absl::StatusOr<std::vector<JobLogLine>>> done) {
  home().Post([this, name = std::move(name), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::StatusOr<std::vector<JobLogLine>>);
    jobs_->desk().Logs(name, std::move(done));
  });
}

void BrokerImpl::ExplainJob(std::string sql, Callback<absl::StatusOr<std::string>> done) {
  home().Post([this, sql = std::move(sql), done = std::move(done)]() mutable {
    LEAT_ON_HOME(absl::StatusOr<std::string>);
    jobs_->Explain(std::move(sql), std::move(done));
  });
}

#undef LEAT_ON_HOME

}  // namespace leat::broker
