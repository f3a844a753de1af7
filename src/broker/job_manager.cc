#include "broker/job_manager.h"

#include <algorithm>
#include <set>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/job_desk.h"
#include "env/disk.h"
#include "stream/plan/state_match.h"
#include "stream/run/job_options.h"

namespace leat::broker {
namespace {

constexpr Duration kStopPatience = absl::Seconds(10);

// Views that join themselves make plans in which one node has very many ways up: each node is looked at once.
void CollectGroups(const plan::Node& node, std::set<const plan::Node*>* seen, std::set<std::string>* groups) {
  if (!seen->insert(&node).second) return;
  for (const plan::NodePtr& input : node.inputs) CollectGroups(*input, seen, groups);
  if (node.kind != plan::NodeKind::kSource || node.table == nullptr) return;
  const auto option = node.table->options.find("properties.group.id");
  if (option != node.table->options.end()) groups->insert(option->second);
}

// The group ids that the job's SQL gives to its sources.
std::vector<std::string> SourceGroups(const plan::JobPlan& plan) {
  std::set<std::string> groups;
  std::set<const plan::Node*> seen;
  for (const plan::NodePtr& sink : plan.sinks) CollectGroups(*sink, &seen, &groups);
  std::vector<std::string> names(groups.begin(), groups.end());
  const auto options = run::ParseJobOptions(plan.settings, "");
  for (std::string& name : names) name += options.ok() ? options->suffix : "";
  return names;
}

}  // namespace

JobManager::JobManager(BrokerImpl& broker, std::unique_ptr<JobFactory> factory, run::LogPort& port)
    : broker_(broker), factory_(std::move(factory)), port_(port), desk_(std::make_unique<JobDesk>(broker, *this)) {}
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

absl::Status JobManager::CheckDelivery(const CompiledJob& job) const {
  LEAT_RETURN_IF_ERROR(run::CheckFiles(job.plan, RunOptions()));
  return run::CheckDelivery(job.plan, RunOptions(), DeliveryOptions());
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

void JobManager::Explain(std::string sql, Callback<absl::StatusOr<std::string>> done) {
  Compile(std::move(sql), [done = std::move(done)](Compiled compiled) mutable {
    done(compiled.ok() ? absl::StatusOr<std::string>(std::move(compiled->explain)) : compiled.status());
  });
}

// ---- towards what the metadata wants

void JobManager::StartAll() {
  following_ = true;
  Follow();
}

void JobManager::Follow() {
  if (!following_) return;
  std::set<std::string> names;
  for (const auto& [name, entry] : entries_) names.insert(name);
  for (const meta::JobPtr& job : broker_.image()->Jobs()) names.insert(job->name);
  for (const std::string& name : names) Advance(name);
}

void JobManager::Advance(const std::string& name) {
  Entry& entry = entries_[name];
  if (entry.working) return;
  const meta::JobPtr job = broker_.image()->FindJob(name);
  const std::optional<JobLeadership> leads = LeadershipHere(*broker_.image(), name, broker_.node_id());
  const bool own = job != nullptr && leads.has_value();
  const bool wanted = own && !stopping_ && job->desired == meta::DesiredState::kRunning;
  const bool same = entry.leads == leads && (job == nullptr || entry.revision == job->revision);
  if (entry.runner != nullptr && (!wanted || !same || entry.start_again)) return StopRunner(name);
  if (stopping_) {
    Answer(entry, Unavailable("the broker stops: ask another one"));
    return MaybeStopped();
  }
  if (job == nullptr) return DropState(name);
  if (!own) {
    const bool missing = broker_.image()->FindTopic(ChangelogOf(name).topic) == nullptr;
    if (missing && job->desired == meta::DesiredState::kRunning) EnsureChangelog(name);
    entry.leads.reset();
    entry.last.reset();
    entry.failed = absl::OkStatus();
    return Answer(entry, Unavailable("node ", broker_.node_id(), " does not run job '", name, "'"));
  }
  const bool fresh = !same;
  if (std::exchange(entry.start_again, false) || fresh) entry.failed = absl::OkStatus();
  if (wanted && entry.runner == nullptr && entry.failed.ok()) return Begin(name, *job, *leads);
  if (!wanted && fresh) {
    entry.revision = job->revision;
    return Look(name, *leads);
  }
  Answer(entry, entry.failed);
}

void JobManager::StepEnded(const std::string& name) {
  entries_[name].working = false;
  Advance(name);
}

void JobManager::Answer(Entry& entry, const absl::Status& status) {
  std::vector<Callback<absl::Status>> waiting = std::exchange(entry.on_settled, {});
  for (Callback<absl::Status>& each : waiting) each(status);
}

void JobManager::StopRunner(const std::string& name) {
  Entry& entry = entries_[name];
  entry.working = true;
  run::JobRunner& runner = *entry.runner;
  runner.Stop([this, name](const absl::Status& status) {
    broker_.home().Post([this, name, status] {
      if (!status.ok()) LogWarning("jobs", "job ", name, " stopped without a last checkpoint: ", Message(status));
      Entry& stopped = entries_[name];
      stopped.last = stopped.runner->Status();
      stopped.runner.reset();
      broker_.metrics().Forget("job", name);  // they would stand still as if it ran
      stopped.port.reset();
      StepEnded(name);
    });
  });
}

void JobManager::Begin(const std::string& name, const meta::Job& job, const JobLeadership& leads) {
  Entry& entry = entries_[name];
  entry.working = true;
  entry.leads = leads;
  entry.revision = job.revision;
  entry.last.reset();
  JudgeState(broker_, RunOptions(), name, leads, [this, name, job](const absl::StatusOr<StateOnDisk>& judged) {
    if (absl::IsUnavailable(judged.status())) {
      // The log is not ready to be led yet, or is not led here any more.
      return broker_.retries().After(Retries::kFirstPause, [this, name](const absl::Status& open) {
        if (open.ok()) entries_[name].leads.reset();
        StepEnded(name);
      });
    }
    if (!judged.ok()) {
      entries_[name].failed = judged.status();
      return StepEnded(name);
    }
    CompileAndLaunch(name, job, *judged);
  });
}

void JobManager::CompileAndLaunch(const std::string& name, const meta::Job& job, const StateOnDisk& state) {
  auto result = std::make_shared<Compiled>(Internal("not compiled"));
  broker_.home().RunBlocking(
      [this, result, name, sql = job.sql, drop = state.drop, options = RunOptions()] {
        if (drop) LEAT_RETURN_IF_ERROR(factory_->DropState(name, options));
        *result = factory_->Compile(sql);
        return absl::OkStatus();
      },
      [this, name, job, state, result](const absl::Status& ran) {
        Entry& entry = entries_[name];
        absl::Status status = ran;
        if (ran.ok() && !result->ok()) {
          const std::string_view text = Message(result->status());
          status = InvalidArgument("its SQL does not compile with this version: ", text);
        }
        if (status.ok()) {
          Launch(job, std::move(**result), state);
        } else {
          entry.failed = status;
          LogError("jobs", "job ", name, " cannot run: ", Message(status));
          // Other SQL may take its place: whether that fits is seen by the state.
          if (ran.ok() && entry.leads.has_value()) return Look(name, *entry.leads);
        }
        StepEnded(name);
      });
}

void JobManager::Launch(const meta::Job& job, CompiledJob compiled, const StateOnDisk& state) {
  const std::string& name = job.name;
  Entry& entry = entries_[name];
  entry.explain = std::move(compiled.explain);
  entry.groups = SourceGroups(compiled.plan);
  // The world may have moved meanwhile.
  if (stopping_ || entry.leads != LeadershipHere(*broker_.image(), name, broker_.node_id())) return;
  entry.port = MakeFencedPort(broker_, port_, RunOptions(), name, *entry.leads);
  entry.runner = factory_->Start({.name = name,
                                  .plan = std::move(compiled.plan),
                                  .revision = job.revision,
                                  .dropped = job.dropped,
                                  .options = RunOptions(),
                                  .delivery = DeliveryOptions(),
                                  .usable_state_until = state.usable_until,
                                  .disk = &broker_.disk()},
                                 *entry.port, broker_.metrics());
  LogInfo("jobs", "job ", name, " starts",
          entry.leads->replicated ? StrCat(", in epoch ", entry.leads->fence.epoch) : "");
}

void JobManager::Look(const std::string& name, const JobLeadership& leads) {
  Entry& entry = entries_[name];
  entry.working = true;
  entry.leads = leads;
  entry.last.reset();
  JudgeState(broker_, RunOptions(), name, leads, [this, name, leads](const absl::StatusOr<StateOnDisk>& judged) {
    if (!judged.ok()) {
      LogWarning("jobs", "where job ", name, " has stopped is not known: ", Message(judged.status()));
      return StepEnded(name);
    }
    broker_.home().RunBlocking(
        [this, name, drop = judged->drop, options = RunOptions()] {
          return drop ? factory_->DropState(name, options) : absl::OkStatus();
        },
        [this, name, leads, state = *judged](const absl::Status& ready) {
          if (!ready.ok() || stopping_) return StepEnded(name);
          Entry& looked = entries_[name];
          looked.port = MakeFencedPort(broker_, port_, RunOptions(), name, leads);
          looked.runner = factory_->Start({.name = name,
                                           .plan = {},
                                           .options = RunOptions(),
                                           .purpose = run::Purpose::kLook,
                                           .usable_state_until = state.usable_until},
                                          *looked.port, broker_.metrics());
          StopRunner(name);
        });
  });
}

void JobManager::DropState(const std::string& name) {
  entries_[name].working = true;
  broker_.home().RunBlocking(
      [this, name, options = RunOptions()] {
        LEAT_RETURN_IF_ERROR(factory_->DropState(name, options));
        const std::string file = LeadershipFile(options, name);
        LEAT_ASSIGN_OR_RETURN(const bool there, broker_.disk().Exists(file));
        return there ? broker_.disk().Remove(file) : absl::OkStatus();
      },
      [this, name](const absl::Status& dropped) {
        if (!dropped.ok()) LogWarning("jobs", "the state of job ", name, ", which is gone: ", Message(dropped));
        broker_.metrics().Forget("job", name);
        Entry& entry = entries_[name];
        entry.working = false;
        if (broker_.image()->FindJob(name) != nullptr) return Advance(name);
        Answer(entry, NotFound("job '", name, "' does not exist"));
        entries_.erase(name);
        if (stopping_) MaybeStopped();
      });
}

void JobManager::EnsureChangelog(const std::string& name) {
  if (!broker_.is_alone() && broker_.ControllerOn(broker_.home()) != broker_.node_id()) return;
  Entry& entry = entries_[name];
  entry.working = true;
  broker_.ChangeMetadata(JobDesk::ChangelogTopic(broker_, name),
                         [this, name](const absl::StatusOr<meta::CommandResult>& made) {
                           const bool settled = made.ok() || absl::IsAlreadyExists(made.status());
                           if (!settled)
                             LogWarning("jobs", "the changelog of job ", name, ": ", Message(made.status()));
                           // Not at once again: with the next change of the metadata.
                           entries_[name].working = false;
                           if (settled || stopping_) Advance(name);
                         });
}

void JobManager::StopAll(env::Closure stopped) {
  stopping_ = true;
  stopped_ = std::move(stopped);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  patience_ = broker_.home().RunAt(broker_.home().Now() + kStopPatience, [this] {
    LogWarning("jobs", "there are jobs without an end of their last checkpoint after ",
               absl::FormatDuration(kStopPatience), ": they go on from the one before");
    broker_.retries().Close();
  });
  for (const std::string& name : names) Advance(name);
  MaybeStopped();
}

void JobManager::MaybeStopped() {
  const bool busy = std::any_of(entries_.begin(), entries_.end(),
                                [](const auto& item) { return item.second.working || item.second.runner != nullptr; });
  if (busy || !stopped_) return;
  patience_.reset();
  broker_.home().Post(std::exchange(stopped_, nullptr));
}

// ---- what is asked of the node that runs a job

bool JobManager::IsOwn(const std::string& name) const {
  return broker_.image()->FindJob(name) != nullptr &&
         LeadershipHere(*broker_.image(), name, broker_.node_id()).has_value();
}

void JobManager::WhenGone(const std::string& name, env::Closure done) {
  if (!entries_.contains(name)) return done();
  entries_[name].on_settled.push_back([done = std::move(done)](const absl::Status&) mutable { done(); });
  Advance(name);
}

void JobManager::CheckUpgrade(const AskUpgrade& asked, Callback<absl::StatusOr<AskUpgrade::Reply>> done) {
  const meta::JobPtr job = broker_.image()->FindJob(asked.name);
  if (job == nullptr || !IsOwn(asked.name)) {
    return done(Unavailable("node ", broker_.node_id(), " does not run job '", asked.name, "'"));
  }
  Compile(asked.sql, [this, asked, done = std::move(done)](const Compiled& compiled) mutable {
    if (!compiled.ok()) return done(compiled.status());
    if (!compiled->has_inserts) {
      return done(InvalidArgument("the script has no INSERT INTO, so that nothing would run: add one"));
    }
    if (const absl::Status status = CheckDelivery(*compiled); !status.ok()) return done(status);
    done(CompareWithState(asked, *compiled));
  });
}

absl::StatusOr<AskUpgrade::Reply> JobManager::CompareWithState(const AskUpgrade& asked,
                                                               const CompiledJob& compiled) const {
  const meta::JobPtr job = broker_.image()->FindJob(asked.name);
  const auto it = entries_.find(asked.name);
  if (job == nullptr || it == entries_.end()) {
    return Unavailable("node ", broker_.node_id(), " does not run job '", asked.name, "'");
  }
  const Entry& entry = it->second;
  if (entry.revision != job->revision) {
    return Unavailable("job '", asked.name, "' is going over to revision ", job->revision, " of its SQL");
  }
  const run::JobStatus status =
      entry.runner != nullptr ? entry.runner->Status() : entry.last.value_or(run::JobStatus());
  if (!status.state_known) {
    if (!status.error.empty()) {
      return FailedPrecondition("job '", asked.name, "' has not come so far that its state is known: ", status.error);
    }
    return Unavailable("job '", asked.name, "' is starting: what it keeps is not known yet");
  }
  if (status.has_state && status.operators.empty() && !entry.failed.ok()) {
    return FailedPrecondition("the state of job '", asked.name,
                              "' was written by a version of leatd that did not note whose it is, and the job cannot "
                              "be started with this version to note it: ",
                              Message(entry.failed),
                              ". It cannot be upgraded: begin anew with leat job submit --replace, whose --from says "
                              "from where its topics are read");
  }
  if (status.has_state && status.operators.empty()) {
    return FailedPrecondition("the state of job '", asked.name,
                              "' was written by a version of leatd that did not note ",
                              "whose it is: start the job once with this version, then upgrade it");
  }
  const plan::StateMatch match = plan::MatchState(status.operators, compiled.plan);
  // What is given up is of the state that the next start finds.
  const bool ended = status.state == run::State::kStopped || status.state == run::State::kFailed ||
                     status.state == run::State::kFinished;
  if (!ended && status.has_state && status.state_revision != job->revision) {
    return Unavailable(
        "job '", asked.name,
        "' has not taken its first checkpoint since it was upgraded: wait for it, or stop the job first");
  }
  AskUpgrade::Reply reply{.revision = job->revision};
  // What has stopped without a checkpoint begins anew, whatever it is; what runs takes one when it is stopped.
  const bool going = status.state == run::State::kRunning || status.state == run::State::kRestarting;
  if (status.has_state || going) {
    LEAT_RETURN_IF_ERROR(plan::CheckMatch(match, asked.drop_state));
    LEAT_RETURN_IF_ERROR(plan::CheckTwins(match));
  }
  reply.changes = plan::Explain(match);
  reply.dropped = plan::Dropped(match);
  return reply;
}

void JobManager::SettleUpgrade(const AskUpgraded& asked, Callback<absl::StatusOr<JobDescription>> done) {
  const meta::JobPtr job = broker_.image()->FindJob(asked.name);
  if (job == nullptr || job->revision < asked.revision) {
    return done(Unavailable("node ", broker_.node_id(), " has not heard of the upgrade of job '", asked.name, "' yet"));
  }
  Settle({.name = asked.name, .desired = job->desired}, std::move(done));
}

void JobManager::Settle(const AskSettle& asked, Callback<absl::StatusOr<JobDescription>> done) {
  const meta::JobPtr job = broker_.image()->FindJob(asked.name);
  if (job == nullptr || job->desired != asked.desired) {
    return done(Unavailable("node ", broker_.node_id(), " has not heard of the change of job '", asked.name, "' yet"));
  }
  if (!IsOwn(asked.name)) {
    return done(Unavailable("node ", broker_.node_id(), " does not run job '", asked.name, "'"));
  }
  Entry& entry = entries_[asked.name];
  if (asked.wish == Wish::kStartAgain) {
    const run::State state = entry.runner == nullptr ? run::State::kStopped : entry.runner->Status().state;
    entry.start_again = entry.runner == nullptr || state == run::State::kFailed || state == run::State::kFinished;
  }
  entry.on_settled.push_back([this, name = asked.name, done = std::move(done)](const absl::Status& settled) mutable {
    if (!settled.ok()) return done(settled);
    const meta::JobPtr now = broker_.image()->FindJob(name);
    done(now == nullptr ? absl::StatusOr<JobDescription>(NotFound("job '", name, "' does not exist"))
                        : DescriptionOf(*now));
  });
  Advance(asked.name);
}

}  // namespace leat::broker
