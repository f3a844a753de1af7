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
