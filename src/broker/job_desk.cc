#include "broker/job_desk.h"

#include <algorithm>
#include <map>

#include "broker/broker_impl.h"
#include "broker/coordinators.h"
#include "broker/job_leadership.h"
#include "broker/job_manager.h"
#include "broker/job_peers.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

constexpr Duration kPatience = absl::Seconds(15);       // for the node of a job, while it changes
constexpr Duration kSettleTimeout = absl::Seconds(30);  // a last checkpoint may take its time
constexpr Duration kAnswerTimeout = absl::Seconds(3);

}  // namespace

meta::CreateTopic JobDesk::ChangelogTopic(const BrokerImpl& broker, const std::string& job) {
  return {.name = ChangelogOf(job).topic,
          .partitions = 1,
          .configs = {{"retention.ms", "-1"}, {"retention.bytes", "-1"}},
          .origin = meta::Origin::kInternal,
          .replication_factor = broker.options().replication_factor};
}

absl::StatusOr<std::string> JobDesk::Known(const std::string& name) const {
  if (broker_.image()->FindJob(name) != nullptr) return name;
  return NotFound("job '", name, "' does not exist");
}

template <typename Message>
void JobDesk::AskOwner(const std::string& name, Message message, Duration timeout,
                       std::function<void(Message, Callback<absl::StatusOr<typename Message::Reply>>)> here,
                       Callback<absl::StatusOr<typename Message::Reply>> done) {
  using Answer = absl::StatusOr<typename Message::Reply>;
  broker_.retries().Insist<typename Message::Reply>(
      kPatience,
      [this, name, message = std::move(message), timeout, here = std::move(here)](Callback<Answer> answer) {
        const absl::StatusOr<model::NodeId> owner = JobOwner(*broker_.image(), name, broker_.node_id());
        // The changelog of a job is made with it, or soon.
        if (!owner.ok()) return answer(Unavailable(leat::Message(owner.status())));
        if (*owner == broker_.node_id()) return here(message, std::move(answer));
        broker_.job_peers().Ask(*owner, message, timeout,
                                [name, owner = *owner, answer = std::move(answer)](Answer reply) mutable {
                                  if (!absl::IsUnavailable(reply.status())) return answer(std::move(reply));
                                  answer(Unavailable("job '", name, "' runs on node ", owner,
                                                     ", which does not answer: ", leat::Message(reply.status()),
                                                     "; try again when the node is back, or another has taken over"));
                                });
      },
      std::move(done));
}

void JobDesk::Settle(const AskSettle& wanted, Callback<absl::StatusOr<JobDescription>> done) {
  AskOwner<AskSettle>(
      wanted.name, wanted, kSettleTimeout,
      [this](const AskSettle& asked, auto answer) { jobs_.Settle(asked, std::move(answer)); }, std::move(done));
}

absl::StatusOr<Callback<absl::Status>> JobDesk::Begin(const std::string& name, Callback<absl::Status>* done) {
  LEAT_RETURN_IF_ERROR(meta::CheckJobName(name));
  if (!busy_.insert(name).second) {
    return FailedPrecondition("job '", name, "' is being changed by another request: try again");
  }
  return Callback<absl::Status>([this, name, finished = std::move(*done)](const absl::Status& status) mutable {
    busy_.erase(name);
    finished(status);
  });
}

// ---- changes

void JobDesk::Submit(NewJob job, Callback<absl::StatusOr<JobDescription>> done) {
  struct Asked {
    NewJob job;
    Callback<absl::StatusOr<JobDescription>> done;
    std::optional<JobDescription> description;
  };
  auto asked = std::make_shared<Asked>(Asked{std::move(job), std::move(done), std::nullopt});
  Callback<absl::Status> answer = [asked](const absl::Status& status) {
    asked->done(status.ok() ? absl::StatusOr<JobDescription>(*std::move(asked->description)) : status);
  };
  absl::StatusOr<Callback<absl::Status>> begun = Begin(asked->job.name, &answer);
  if (!begun.ok()) return asked->done(begun.status());
  // What the metadata refuses is said before the text is compiled.
  const meta::SubmitJob command{asked->job.name, asked->job.sql, broker_.home().WallMillis()};
  const absl::Status refused = meta::Decide(*broker_.image(), command, broker_.MetaLimits()).status();
  if (!refused.ok()) return (*begun)(refused);
  jobs_.Compile(asked->job.sql,
                [this, asked, finish = *std::move(begun)](const JobManager::Compiled& compiled) mutable {
                  if (!compiled.ok()) return finish(compiled.status());
                  if (!compiled->has_inserts) {
                    return finish(InvalidArgument("the script has no INSERT INTO, so that nothing would run: add one"));
                  }
                  if (const absl::Status status = jobs_.CheckDelivery(*compiled); !status.ok()) return finish(status);
                  Record(asked->job, [this, asked, finish = std::move(finish)](const absl::Status& recorded) mutable {
                    if (!recorded.ok()) return finish(recorded);
                    Settle({.name = asked->job.name},
                           [this, asked, finish = std::move(finish)](absl::StatusOr<JobDescription> settled) mutable {
                             // It is submitted, whatever its node says.
                             if (settled.ok()) {
                               asked->description = *std::move(settled);
                             } else if (const meta::JobPtr known = broker_.image()->FindJob(asked->job.name)) {
                               asked->description = jobs_.DescriptionOf(*known);
                               if (asked->description->error.empty())
                                 asked->description->error = Message(settled.status());
                             } else {
                               return finish(settled.status());
                             }
                             finish(absl::OkStatus());
                           });
                  });
                });
}

// The job and its changelog in one step. A changelog that is there already is what a deletion has left that was cut
// off.
void JobDesk::Record(const NewJob& job, Callback<absl::Status> done) {
  std::vector<meta::Command> commands;
  commands.push_back(meta::SubmitJob{job.name, job.sql, broker_.home().WallMillis()});
  commands.push_back(ChangelogTopic(broker_, job.name));
  broker_.ChangeMetadata(std::move(commands), meta::ChangeMode::kApply,
                         [this, name = job.name, done = std::move(done)](const BrokerImpl::Changed& changed) mutable {
                           if (!changed.status.ok()) return done(changed.status);
                           const absl::Status submitted = changed.results.at(0).status;
                           const absl::Status topic = changed.results.at(1).status;
                           if (!submitted.ok() || topic.ok() || absl::IsAlreadyExists(topic)) return done(submitted);
                           broker_.ChangeMetadata(
                               meta::DeleteJobCommand{name},
                               [topic, done = std::move(done)](const absl::StatusOr<meta::CommandResult>&) mutable {
                                 done(Annotate(topic, "the job's changelog cannot be made"));
                               });
                         });
}

struct JobDesk::Upgrading {
  JobUpgrade wanted;
  int64_t revision = 0;  // that it takes the place of
  std::vector<std::string> dropped{};
  JobUpgraded result{};
  Callback<absl::Status> finish;
};

// The node that runs the job compares the new SQL with the state; nothing has happened yet if it does not fit. One
// record of the metadata is the switch: the node stops what ran at a checkpoint and goes on from there with the new
// SQL.
void JobDesk::Upgrade(JobUpgrade upgrade, Callback<absl::StatusOr<JobUpgraded>> done) {
  auto asked = std::make_shared<Upgrading>();
  asked->wanted = std::move(upgrade);
  // The callback is in what it keeps alive until it is called, once.
  Callback<absl::Status> answer = [asked, done = std::move(done)](const absl::Status& status) mutable {
    done(status.ok() ? absl::StatusOr<JobUpgraded>(std::move(asked->result)) : status);
  };
  const std::string& name = asked->wanted.name;
  absl::StatusOr<Callback<absl::Status>> begun = Begin(name, &answer);
  if (!begun.ok()) return answer(begun.status());
  const meta::JobPtr job = broker_.image()->FindJob(name);
  const meta::UpgradeJob command{name, asked->wanted.sql, job == nullptr ? 0 : job->revision, {}};
  const absl::Status refused = meta::Decide(*broker_.image(), command, broker_.MetaLimits()).status();
  if (!refused.ok()) return (*begun)(refused);
  AskOwner<AskUpgrade>(
      name, {.name = name, .sql = asked->wanted.sql, .drop_state = asked->wanted.drop_state}, kSettleTimeout,
      [this](const AskUpgrade& message, auto reply) { jobs_.CheckUpgrade(message, std::move(reply)); },
      [this, asked, finish = *std::move(begun)](absl::StatusOr<AskUpgrade::Reply> checked) mutable {
        if (!checked.ok()) return finish(checked.status());
        asked->finish = std::move(finish);
        asked->revision = checked->revision;
        asked->dropped = std::move(checked->dropped);
        asked->result.changes = std::move(checked->changes);
        ApplyUpgrade(asked);
      });
}

void JobDesk::ApplyUpgrade(const std::shared_ptr<Upgrading>& upgrading) {
  const std::string& name = upgrading->wanted.name;
  const auto finish = [upgrading](const absl::Status& status) { std::exchange(upgrading->finish, nullptr)(status); };
  if (upgrading->wanted.mode == JobUpgrade::Mode::kCheck) {
    const meta::JobPtr job = broker_.image()->FindJob(name);
    if (job == nullptr) return finish(NotFound("job '", name, "' does not exist"));
    upgrading->result.job = jobs_.DescriptionOf(*job);
    return finish(absl::OkStatus());
  }
  broker_.ChangeMetadata(meta::UpgradeJob{name, upgrading->wanted.sql, upgrading->revision, upgrading->dropped},
                         [this, upgrading, finish](const absl::StatusOr<meta::CommandResult>& changed) {
                           if (!changed.ok()) return finish(changed.status());
                           SettleUpgrade(upgrading);
                         });
}

void JobDesk::SettleUpgrade(const std::shared_ptr<Upgrading>& upgrading) {
  const std::string& name = upgrading->wanted.name;
  AskOwner<AskUpgraded>(
      name, {.name = name, .revision = upgrading->revision + 1}, kSettleTimeout,
      [this](const AskUpgraded& message, auto reply) { jobs_.SettleUpgrade(message, std::move(reply)); },
      [this, upgrading, name](absl::StatusOr<JobDescription> settled) {
        const meta::JobPtr job = broker_.image()->FindJob(name);
        auto finish = std::exchange(upgrading->finish, nullptr);
        if (job == nullptr) return finish(NotFound("job '", name, "' does not exist"));
        // It is upgraded, whatever its node says.
        JobDescription& description = upgrading->result.job;
        description = settled.ok() ? *std::move(settled) : jobs_.DescriptionOf(*job);
        description.revision = job->revision;
        if (!settled.ok() && description.error.empty()) description.error = Message(settled.status());
        finish(absl::OkStatus());
      });
}

void JobDesk::Change(const AskSettle& wanted, Callback<absl::Status> done, Next next) {
  absl::StatusOr<Callback<absl::Status>> begun = Begin(wanted.name, &done);
  if (!begun.ok()) return done(begun.status());
  broker_.ChangeMetadata(meta::SetJobDesired{wanted.name, wanted.desired},
                         [this, wanted, finish = *std::move(begun),
                          next = std::move(next)](const absl::StatusOr<meta::CommandResult>& changed) mutable {
                           if (!changed.ok()) return finish(changed.status());
                           // Without a changelog nobody runs it: its deletion was cut off.
                           const bool nowhere = broker_.image()->FindTopic(ChangelogOf(wanted.name).topic) == nullptr;
                           if (nowhere && wanted.desired == meta::DesiredState::kStopped)
                             return next(std::move(finish));
                           Settle(wanted, [finish = std::move(finish), next = std::move(next)](
                                              const absl::StatusOr<JobDescription>& settled) mutable {
                             if (!settled.ok()) return finish(settled.status());
                             next(std::move(finish));
                           });
                         });
}

void JobDesk::Start(const std::string& name, Callback<absl::Status> done) {
  Change({.name = name, .desired = meta::DesiredState::kRunning, .wish = AskSettle::Wish::kStartAgain}, std::move(done),
         [](Callback<absl::Status> finish) { finish(absl::OkStatus()); });
}

void JobDesk::Stop(const std::string& name, Callback<absl::Status> done) {
  Change({.name = name, .desired = meta::DesiredState::kStopped}, std::move(done),
         [](Callback<absl::Status> finish) { finish(absl::OkStatus()); });
}

void JobDesk::Delete(const std::string& name, Callback<absl::Status> done) {
  // The record that it is stopped comes first: after a crash in the middle the job is there, stopped, and can be
  // deleted again; it never starts on half of its state.
  Change({.name = name, .desired = meta::DesiredState::kStopped}, std::move(done),
         [this, name](Callback<absl::Status> finish) { Remove(name, std::move(finish)); });
}

// The changelog goes first, with which nobody can run the job any more; the nodes drop their copies of its state when
// they hear that the job is gone.
void JobDesk::Remove(const std::string& name, Callback<absl::Status> done) {
  broker_.job_log().DeleteTopic(
      ChangelogOf(name).topic, [this, name, done = std::move(done)](const absl::Status& deleted) mutable {
        broker_.home().Post([this, name, deleted, done = std::move(done)]() mutable {
          if (!deleted.ok() && !absl::IsNotFound(deleted)) {
            return done(Annotate(deleted, StrCat("the state of job '", name, "' could not be removed")));
          }
          ForgetGroup(name, [this, name, done = std::move(done)](const absl::Status& forgotten) mutable {
            if (!forgotten.ok()) return done(forgotten);
            broker_.ChangeMetadata(
                meta::DeleteJobCommand{name},
                [this, name, done = std::move(done)](const absl::StatusOr<meta::CommandResult>& changed) mutable {
                  if (!changed.ok()) return done(changed.status());
                  jobs_.WhenGone(name, [done = std::move(done)]() mutable { done(absl::OkStatus()); });
                });
          });
        });
      });
}

void JobDesk::ForgetGroup(const std::string& group, Callback<absl::Status> done) {
  broker_.retries().Insist<Nothing>(
      kPatience,
      [this, group](Callback<absl::StatusOr<Nothing>> answer) {
        const model::NodeId node = CoordinatorOf(*broker_.image(), CoordinatorKind::kGroup, group, broker_.node_id());
        if (node == meta::kNobody) return answer(Unavailable("nobody coordinates group '", group, "' now"));
        if (node != broker_.node_id()) {
          return broker_.job_peers().Ask(node, AskForget{group}, kAnswerTimeout, std::move(answer));
        }
        broker_.ForgetGroup(group, [answer = std::move(answer)](const absl::Status& forgotten) mutable {
          answer(forgotten.ok() ? absl::StatusOr<Nothing>(Nothing()) : forgotten);
        });
      },
      [done = std::move(done)](const absl::StatusOr<Nothing>& forgotten) mutable { done(forgotten.status()); });
}

// ---- questions

void JobDesk::Describe(const std::string& name, Callback<absl::StatusOr<JobDescription>> done) {
  if (const auto known = Known(name); !known.ok()) return done(known.status());
  struct Both {
    std::vector<JobDescription> jobs;
    JobProgress progress;
    int waiting = 2;
    Callback<absl::StatusOr<JobDescription>> done;
    void Arrive(const std::string& name) {
      if (--waiting > 0) return;
      if (jobs.empty()) return done(NotFound("job '", name, "' does not exist"));
      jobs[0].progress = std::move(progress);
      done(std::move(jobs[0]));
    }
  };
  auto both = std::make_shared<Both>();
  both->done = std::move(done);
  // Whether its node answers is said by the description.
  Progress(name, [name, both](absl::StatusOr<JobProgress> progress) {
    if (progress.ok()) both->progress = *std::move(progress);
    both->Arrive(name);
  });
  List({name}, [name, both](std::vector<JobDescription> jobs) {
    both->jobs = std::move(jobs);
    both->Arrive(name);
  });
}

void JobDesk::Progress(const std::string& name, Callback<absl::StatusOr<JobProgress>> done) {
  const absl::StatusOr<model::NodeId> owner = JobOwner(*broker_.image(), name, broker_.node_id());
  if (!owner.ok()) return done(owner.status());
  if (*owner == broker_.node_id()) return done(jobs_.ProgressOf(name));
  broker_.job_peers().Ask(*owner, AskJobProgress{name}, kAnswerTimeout, std::move(done));
}

void JobDesk::List(Callback<std::vector<JobDescription>> done) {
  std::vector<std::string> names;
  for (const meta::JobPtr& job : broker_.image()->Jobs()) names.push_back(job->name);
  List(names, std::move(done));
}

// Each node that runs some is asked once.
void JobDesk::List(const std::vector<std::string>& names, Callback<std::vector<JobDescription>> done) {
  struct Gather {
    std::map<std::string, JobDescription> jobs;
    size_t waiting = 1;
    Callback<std::vector<JobDescription>> done;
    void Arrive() {
      if (--waiting > 0) return;
      std::vector<JobDescription> all;
      for (auto& [name, job] : jobs) all.push_back(std::move(job));
      done(std::move(all));
    }
  };
  auto gather = std::make_shared<Gather>();
  gather->done = std::move(done);
  std::map<model::NodeId, AskJobs> by_owner;
  for (const std::string& name : names) {
    const meta::JobPtr job = broker_.image()->FindJob(name);
    if (job == nullptr) continue;
    JobDescription& description = gather->jobs[name] = jobs_.DescriptionOf(*job);
    const absl::StatusOr<model::NodeId> owner = JobOwner(*broker_.image(), name, broker_.node_id());
    if (!owner.ok()) {
      description.error = Message(owner.status());
    } else if (*owner != broker_.node_id()) {
      by_owner[*owner].names.push_back(name);
    }
  }
  for (const auto& [owner, message] : by_owner) {
    ++gather->waiting;
    broker_.job_peers().Ask(
        owner, message, kAnswerTimeout,
        [gather, owner = owner, names = message.names](absl::StatusOr<std::vector<JobDescription>> answer) {
          for (const std::string& name : names) {
            if (!answer.ok()) {
              gather->jobs[name].error =
                  StrCat("node ", owner, ", which runs it, does not answer: ", Message(answer.status()));
            }
          }
          if (answer.ok()) {
            for (JobDescription& job : *answer) {
              JobDescription& known = gather->jobs[job.name];
              job.revision = known.revision;
              known = std::move(job);
            }
          }
          gather->Arrive();
        });
  }
  gather->Arrive();
}

void JobDesk::Logs(const std::string& name, Callback<absl::StatusOr<std::vector<JobLogLine>>> done) {
  if (const auto known = Known(name); !known.ok()) return done(known.status());
  AskOwner<AskJobLogs>(
      name, {name}, kAnswerTimeout, [this](const AskJobLogs& asked, auto answer) { answer(jobs_.Logs(asked.name)); },
      std::move(done));
}

void JobDesk::GroupsOf(const std::string& name, Callback<std::vector<std::string>> done) {
  if (!Known(name).ok()) return done({name});
  AskOwner<AskJobGroups>(
      name, {name}, kAnswerTimeout,
      [this](const AskJobGroups& asked, auto answer) { answer(jobs_.GroupsOf(asked.name)); },
      [name, done = std::move(done)](const absl::StatusOr<std::vector<std::string>>& others) mutable {
        std::vector<std::string> groups = {name};
        if (others.ok()) groups.insert(groups.end(), others->begin(), others->end());
        done(std::move(groups));
      });
}

}  // namespace leat::broker
