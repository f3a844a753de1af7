#include "broker/job_manager.h"

#include <set>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "env/disk.h"

namespace leat::broker {
namespace {

void CollectGroups(const plan::Node& node, std::set<std::string>* groups) {
  for (const plan::NodePtr& input : node.inputs) CollectGroups(*input, groups);
  if (node.kind != plan::NodeKind::kSource || node.table == nullptr) return;
  const auto option = node.table->options.find("properties.group.id");
  if (option != node.table->options.end()) groups->insert(option->second);
}

// The group ids that the job's SQL gives to its sources.
std::vector<std::string> SourceGroups(const plan::JobPlan& plan) {
  std::set<std::string> groups;
  for (const plan::NodePtr& sink : plan.sinks) CollectGroups(*sink, &groups);
  return {groups.begin(), groups.end()};
}

}  // namespace

JobManager::JobManager(BrokerImpl& broker, std::unique_ptr<JobFactory> factory, run::LogPort& port)
    : broker_(broker), factory_(std::move(factory)), port_(port) {}
JobManager::~JobManager() = default;

run::Options JobManager::RunOptions() const {
  run::Options options = broker_.options().jobs;
  if (options.state_dir.empty()) options.state_dir = env::JoinPath(broker_.options().data_dir, "state");
  return options;
}

run::DeliveryOptions JobManager::DeliveryOptions() const {
  run::DeliveryOptions options;
  options.max_transaction_timeout = broker_.options().max_transaction_timeout;
  return options;
}

void JobManager::Compile(std::string sql, Callback<Compiled> done) {
  auto result = std::make_shared<Compiled>(Internal("not compiled"));
  broker_.home().RunBlocking(
      [this, result, sql = std::move(sql)] {
        *result = factory_->Compile(sql);
        return absl::OkStatus();
      },
      [result, done = std::move(done)](const absl::Status& ran) mutable {
        done(ran.ok() ? std::move(*result) : Compiled(ran));
      });
}

void JobManager::Launch(const std::string& name, CompiledJob compiled) {
  Entry& entry = entries_[name];
  entry.explain = std::move(compiled.explain);
  entry.groups = SourceGroups(compiled.plan);
  entry.compile_error = absl::OkStatus();
  if (stopping_) return;
  entry.last.reset();
  entry.runner =
      factory_->Start({name, std::move(compiled.plan), RunOptions(), DeliveryOptions()}, port_, broker_.metrics());
  LogInfo("broker", "job ", name, " starts");
}

std::vector<std::string> JobManager::GroupsOf(const std::string& name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() ? std::vector<std::string>() : it->second.groups;
}

void JobManager::CompileAndLaunch(const meta::Job& job, Callback<absl::Status> done) {
  Compile(job.sql, [this, name = job.name, done = std::move(done)](Compiled compiled) mutable {
    const absl::Status status = compiled.status();
    if (status.ok()) {
      Launch(name, *std::move(compiled));
    } else {
      entries_[name].compile_error = status;
      LogError("broker", "job ", name, " cannot run: ", Message(status));
    }
    done(status);
  });
}

// Which node of several runs a job is decided nowhere: all of them would.
absl::Status JobManager::CheckAlone() const {
  const size_t voters = broker_.options().voters.size();
  if (voters <= 1) return absl::OkStatus();
  return Unimplemented("jobs run on a broker that is alone, and this one is one of ", voters,
                       ": no node of a cluster is chosen for them by this version");
}

void JobManager::StartAll() {
  if (const absl::Status alone = CheckAlone(); !alone.ok()) {
    for (const meta::JobPtr& job : broker_.image()->Jobs()) {
      LogWarning("jobs", "the job ", job->name, " does not run: ", Message(alone));
      entries_[job->name].compile_error = alone;
    }
    return;
  }
  for (const meta::JobPtr& job : broker_.image()->Jobs()) {
    Entry& entry = entries_[job->name];
    if (job->desired != meta::DesiredState::kRunning) {
      Look(job->name);
      continue;
    }
    entry.busy = true;
    CompileAndLaunch(*job, [this, name = job->name](const absl::Status&) { entries_[name].busy = false; });
  }
}

void JobManager::StopAll(env::Closure stopped) {
  stopping_ = true;
  struct Waiting {
    size_t runners = 1;
    env::Closure stopped;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->stopped = std::move(stopped);
  const auto arrive = [waiting] {
    if (--waiting->runners == 0) waiting->stopped();
  };
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    if (entry.runner != nullptr || entry.ending) names.push_back(name);
  }
  for (const std::string& name : names) {
    ++waiting->runners;
    StopRunner(name, [name, arrive](const absl::Status& status) {
      if (!status.ok()) LogWarning("broker", "job ", name, " stopped without a last checkpoint: ", Message(status));
      arrive();
    });
  }
  arrive();
}

void JobManager::StopRunner(const std::string& name, Callback<absl::Status> done) {
  const auto it = entries_.find(name);
  if (it != entries_.end() && it->second.ending) {
    it->second.on_ended.push_back(std::move(done));
    return;
  }
  if (it == entries_.end() || it->second.runner == nullptr) {
    done(absl::OkStatus());
    return;
  }
  // Taken out at once, so that nobody stops it twice; it is destroyed here, after its threads have ended.
  it->second.ending = true;
  std::shared_ptr<run::JobRunner> runner = std::move(it->second.runner);
  run::JobRunner& target = *runner;
  target.Stop([this, name, runner = std::move(runner), done = std::move(done)](const absl::Status& status) mutable {
    broker_.home().Post([this, name, runner = std::move(runner), done = std::move(done), status]() mutable {
      Entry& entry = entries_[name];
      entry.last = runner->Status();
      runner.reset();
      entry.ending = false;
      std::vector<Callback<absl::Status>> waiting = std::exchange(entry.on_ended, {});
      done(status);
      for (Callback<absl::Status>& each : waiting) each(status);
    });
  });
}

void JobManager::Look(const std::string& name) {
  entries_[name].runner = factory_->Start(
      {.name = name, .plan = {}, .options = RunOptions(), .purpose = run::Purpose::kLook}, port_, broker_.metrics());
  StopRunner(name, [name](const absl::Status& status) {
    if (!status.ok()) LogWarning("broker", "job ", name, ": ", Message(status));
  });
}

absl::StatusOr<Callback<absl::Status>> JobManager::Begin(const std::string& name, Callback<absl::Status>* done) {
  if (stopping_) return Unavailable("the broker is stopping: try again when it is back");
  LEAT_RETURN_IF_ERROR(meta::CheckJobName(name));
  Entry& entry = entries_[name];
  if (entry.busy) return FailedPrecondition("job '", name, "' is being changed by another request: try again");
  entry.busy = true;
  return Callback<absl::Status>([this, name, finished = std::move(*done)](const absl::Status& status) mutable {
    const auto it = entries_.find(name);
    if (it != entries_.end()) {
      it->second.busy = false;
      if (broker_.image()->FindJob(name) == nullptr) entries_.erase(it);
    }
    finished(status);
  });
}

void JobManager::Submit(NewJob job, Callback<absl::StatusOr<JobDescription>> done) {
  if (const absl::Status alone = CheckAlone(); !alone.ok()) return done(alone);
  struct Asked {
    NewJob job;
    Callback<absl::StatusOr<JobDescription>> done;
  };
  auto asked = std::make_shared<Asked>(Asked{std::move(job), std::move(done)});
  Callback<absl::Status> answer = [this, asked](const absl::Status& status) {
    asked->done(status.ok() ? Describe(asked->job.name) : absl::StatusOr<JobDescription>(status));
  };
  absl::StatusOr<Callback<absl::Status>> begun = Begin(asked->job.name, &answer);
  if (!begun.ok()) {
    asked->done(begun.status());
    return;
  }
  const meta::SubmitJob command{asked->job.name, asked->job.sql, broker_.home().WallMillis()};
  // What the metadata refuses is said before the text is compiled.
  const absl::Status refused = meta::Decide(*broker_.image(), command, broker_.MetaLimits()).status();
  if (!refused.ok()) {
    (*begun)(refused);
    return;
  }
  Compile(asked->job.sql, [this, asked, command, finish = *std::move(begun)](Compiled compiled) mutable {
    if (!compiled.ok()) {
      finish(compiled.status());
      return;
    }
    if (!compiled->has_inserts) {
      finish(InvalidArgument("the script has no INSERT INTO, so that nothing would run: add one"));
      return;
    }
    if (const absl::Status status = run::CheckDelivery(compiled->plan, RunOptions(), DeliveryOptions()); !status.ok()) {
      finish(status);
      return;
    }
    broker_.ChangeMetadata(command, [this, asked, compiled = *std::move(compiled), finish = std::move(finish)](
                                        const absl::StatusOr<meta::CommandResult>& changed) mutable {
      if (changed.ok()) Launch(asked->job.name, std::move(compiled));
      finish(changed.status());
    });
  });
}

void JobManager::Change(const std::string& name, meta::DesiredState desired, Callback<absl::Status> done, Next next) {
  absl::StatusOr<Callback<absl::Status>> begun = Begin(name, &done);
  if (!begun.ok()) {
    done(begun.status());
    return;
  }
  broker_.ChangeMetadata(
      meta::SetJobDesired{name, desired},
      [finish = *std::move(begun), next = std::move(next)](const absl::StatusOr<meta::CommandResult>& changed) mutable {
        if (changed.ok()) {
          next(std::move(finish));
        } else {
          finish(changed.status());
        }
      });
}

void JobManager::Start(const std::string& name, Callback<absl::Status> done) {
  if (const absl::Status alone = CheckAlone(); !alone.ok()) return done(alone);
  Change(name, meta::DesiredState::kRunning, std::move(done), [this, name](Callback<absl::Status> finish) {
    const std::unique_ptr<run::JobRunner>& runner = entries_[name].runner;
    const run::State state = runner == nullptr ? run::State::kStopped : runner->Status().state;
    const bool runs = runner != nullptr && state != run::State::kFailed && state != run::State::kFinished;
    if (runs) {
      finish(absl::OkStatus());
      return;
    }
    StopRunner(name, [this, name, finish = std::move(finish)](const absl::Status&) mutable {
      CompileAndLaunch(*broker_.image()->FindJob(name), std::move(finish));
    });
  });
}

void JobManager::Stop(const std::string& name, Callback<absl::Status> done) {
  Change(name, meta::DesiredState::kStopped, std::move(done), [this, name](Callback<absl::Status> finish) {
    entries_[name].compile_error = absl::OkStatus();
    StopRunner(name, std::move(finish));
  });
}

void JobManager::Delete(const std::string& name, Callback<absl::Status> done) {
  // The record that it is stopped comes first: after a crash in the middle the job is there, stopped, and can be
  // deleted again; it never starts on half of its state.
  Change(name, meta::DesiredState::kStopped, std::move(done), [this, name](Callback<absl::Status> finish) {
    StopRunner(name, [this, name, finish = std::move(finish)](const absl::Status&) mutable {
      DeleteStopped(name, std::move(finish));
    });
  });
}

void JobManager::DeleteStopped(const std::string& name, Callback<absl::Status> done) {
  factory_->DeleteState(
      name, RunOptions(), port_, [this, name, done = std::move(done)](const absl::Status& status) mutable {
        broker_.home().Post([this, name, status, done = std::move(done)]() mutable {
          if (!status.ok()) {
            done(Annotate(status, StrCat("the state of job '", name, "' could not be removed")));
            return;
          }
          broker_.ForgetGroup(name, [this, name, done = std::move(done)](const absl::Status& forgotten) mutable {
            if (!forgotten.ok()) {
              done(forgotten);
              return;
            }
            broker_.metrics().Forget("job", name);
            broker_.ChangeMetadata(
                meta::DeleteJobCommand{name},
                [done = std::move(done)](const absl::StatusOr<meta::CommandResult>& changed) mutable {
                  done(changed.status());
                });
          });
        });
      });
}

void JobManager::Explain(std::string sql, Callback<absl::StatusOr<std::string>> done) {
  Compile(std::move(sql), [done = std::move(done)](Compiled compiled) mutable {
    done(compiled.ok() ? absl::StatusOr<std::string>(std::move(compiled->explain)) : compiled.status());
  });
}

}  // namespace leat::broker
