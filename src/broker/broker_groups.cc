#include "broker/broker_groups.h"

#include <set>

#include "broker/broker_impl.h"
#include "broker/group_host.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

constexpr ErrorCode kNotNow = ErrorCode::kCoordinatorNotAvailable;

Outcome NotNow() { return {kNotNow, "the broker is starting or stopping: try again"}; }

Outcome ToOutcome(group::Outcome outcome) { return {outcome.code, std::move(outcome.message)}; }

// OK, or why an offset of this partition cannot be committed.
Outcome CheckTarget(const meta::Image& image, const model::TopicPartition& partition) {
  const meta::TopicPtr topic = image.FindTopic(partition.topic);
  if (topic != nullptr && partition.partition.value() >= 0 && partition.partition.value() < topic->partitions)
    return {};
  return Failed(ErrorCode::kUnknownTopicOrPartition, StrCat("partition ", partition.partition, " of topic '",
                                                            partition.topic.substr(0, 300), "' does not exist"));
}

GroupOffset OffsetOf(const coordinator::GroupCoordinator& groups, const std::string& group,
                     const model::TopicPartition& partition, StableOffsets stable) {
  GroupOffset result{.partition = partition};
  if (stable == StableOffsets::kRequired && groups.IsPending(group, partition)) {
    result.outcome = {ErrorCode::kUnstableOffsetCommit, StrCat("a transaction that is not over holds an offset of ",
                                                               partition.ToString(), ": try again")};
    return result;
  }
  const group::OffsetStore::GroupOffsets* stored = groups.Find(group);
  if (stored == nullptr) return result;
  const auto it = stored->find(partition);
  if (it == stored->end()) return result;
  result.offset = it->second.offset;
  result.leader_epoch = it->second.leader_epoch;
  result.metadata = it->second.metadata;
  result.commit_time_ms = it->second.commit_time_ms;
  return result;
}

GroupOffsets OffsetsOf(const coordinator::GroupCoordinator& groups, const FetchGroupOffsets& request,
                       StableOffsets stable) {
  GroupOffsets result;
  result.group = request.group;
  if (request.partitions) {
    for (const model::TopicPartition& partition : *request.partitions) {
      result.offsets.push_back(OffsetOf(groups, request.group, partition, stable));
    }
    return result;
  }
  std::set<model::TopicPartition> all;
  if (const group::OffsetStore::GroupOffsets* stored = groups.Find(request.group)) {
    for (const auto& [partition, value] : *stored) all.insert(partition);
  }
  if (stable == StableOffsets::kRequired) {
    for (model::TopicPartition& partition : groups.PendingPartitions(request.group)) all.insert(std::move(partition));
  }
  for (const model::TopicPartition& partition : all) {
    result.offsets.push_back(OffsetOf(groups, request.group, partition, stable));
  }
  return result;
}

}  // namespace

void BrokerGroups::OnHome(absl::AnyInvocable<void(const Outcome&)> serve) {
  broker_.home().Post([this, serve = std::move(serve)]() mutable { serve(broker_.serves() ? Outcome() : NotNow()); });
}

template <typename Reply>
void BrokerGroups::PostAs(std::string group, Callback<Reply> done,
                          absl::AnyInvocable<void(coordinator::GroupCoordinator&, Callback<Reply>)> serve,
                          absl::AnyInvocable<Reply(const Outcome&)> refuse) {
  OnHome([this, group = std::move(group), done = std::move(done), serve = std::move(serve),
          refuse = std::move(refuse)](const Outcome& refusal) mutable {
    if (!refusal.ok()) return done(refuse(refusal));
    const GroupHost::Served served = broker_.group_host().Of(group);
    if (served.groups == nullptr) return done(refuse(served.refusal));
    serve(*served.groups, std::move(done));
  });
}

void BrokerGroups::Join(group::JoinRequest request, Callback<group::JoinReply> done) {
  const std::string group = request.group;
  PostAs<group::JoinReply>(
      group, std::move(done),
      [request = std::move(request)](coordinator::GroupCoordinator& at, Callback<group::JoinReply> reply) mutable {
        at.Join(std::move(request), std::move(reply));
      },
      [](const Outcome& why) {
        group::JoinReply refusal;
        refusal.code = why.code;
        return refusal;
      });
}

void BrokerGroups::Sync(group::SyncRequest request, Callback<group::SyncReply> done) {
  const std::string group = request.group;
  PostAs<group::SyncReply>(
      group, std::move(done),
      [request = std::move(request)](coordinator::GroupCoordinator& at, Callback<group::SyncReply> reply) {
        at.Sync(request, std::move(reply));
      },
      [](const Outcome& why) { return group::SyncReply{.code = why.code}; });
}

void BrokerGroups::Heartbeat(group::HeartbeatRequest request, Callback<group::HeartbeatReply> done) {
  const std::string group = request.group;
  PostAs<group::HeartbeatReply>(
      group, std::move(done),
      [request = std::move(request)](coordinator::GroupCoordinator& at, Callback<group::HeartbeatReply> reply) {
        at.Heartbeat(request, std::move(reply));
      },
      [](const Outcome& why) { return group::HeartbeatReply{why.code}; });
}

void BrokerGroups::Leave(group::LeaveRequest request, Callback<group::LeaveReply> done) {
  const std::string group = request.group;
  PostAs<group::LeaveReply>(
      group, std::move(done),
      [request = std::move(request)](coordinator::GroupCoordinator& at, Callback<group::LeaveReply> reply) {
        at.Leave(request, std::move(reply));
      },
      [](const Outcome& why) { return group::LeaveReply{.code = why.code}; });
}

void BrokerGroups::CommitChecked(group::CommitCommand command, CommitSome commit, Callback<std::vector<Outcome>> done) {
  const size_t count = command.items.size();
  const std::string group = command.group;
  PostAs<std::vector<Outcome>>(
      group, std::move(done),
      [this, command = std::move(command), commit = std::move(commit)](coordinator::GroupCoordinator& at,
                                                                       Callback<std::vector<Outcome>> reply) mutable {
        std::vector<Outcome> outcomes;
        std::vector<size_t> accepted;  // of each item that is left, its place in the outcomes
        std::vector<group::CommitCommand::Item> items;
        for (group::CommitCommand::Item& item : command.items) {
          outcomes.push_back(CheckTarget(*broker_.image(), item.partition));
          if (!outcomes.back().ok()) continue;
          accepted.push_back(outcomes.size() - 1);
          items.push_back(std::move(item));
        }
        if (items.empty()) {
          reply(std::move(outcomes));
          return;
        }
        command.items = std::move(items);
        commit(at, std::move(command),
               [this, outcomes = std::move(outcomes), accepted = std::move(accepted), began = broker_.home().Now(),
                reply = std::move(reply)](std::vector<group::Outcome> written) mutable {
                 for (size_t k = 0; k < written.size(); ++k) outcomes[accepted[k]] = ToOutcome(std::move(written[k]));
                 broker_.broker_metrics().commit_seconds.Observe(Seconds(broker_.home().Now() - began));
                 reply(std::move(outcomes));
               });
      },
      [count](const Outcome& why) { return std::vector<Outcome>(count, why); });
}

void BrokerGroups::Commit(group::CommitCommand command, Callback<std::vector<Outcome>> done) {
  CommitChecked(
      std::move(command),
      [](coordinator::GroupCoordinator& at, const group::CommitCommand& checked,
         Callback<std::vector<group::Outcome>> written) { at.CommitOffsets(checked, std::move(written)); },
      std::move(done));
}

void BrokerGroups::CommitInTxn(group::TxnCommitCommand command, Callback<std::vector<Outcome>> done) {
  CommitChecked(
      std::move(command.commit),
      [producer = command.producer, epoch = command.producer_epoch](coordinator::GroupCoordinator& at,
                                                                    group::CommitCommand checked,
                                                                    Callback<std::vector<group::Outcome>> written) {
        at.CommitOffsetsInTxn({std::move(checked), producer, epoch}, std::move(written));
      },
      std::move(done));
}

void BrokerGroups::FetchOffsets(std::vector<FetchGroupOffsets> groups, StableOffsets stable,
                                Callback<std::vector<GroupOffsets>> done) {
  OnHome([this, groups = std::move(groups), stable, done = std::move(done)](const Outcome& refusal) mutable {
    std::vector<GroupOffsets> results;
    for (const FetchGroupOffsets& request : groups) {
      const GroupHost::Served served =
          refusal.ok() ? broker_.group_host().Of(request.group) : GroupHost::Served{nullptr, refusal};
      results.push_back(served.groups == nullptr ? GroupOffsets{request.group, served.refusal, {}}
                                                 : OffsetsOf(*served.groups, request, stable));
    }
    done(std::move(results));
  });
}

void BrokerGroups::DeleteOffsets(group::DeleteOffsetsRequest request, Callback<group::DeleteOffsetsReply> done) {
  const std::string group = request.group;
  PostAs<group::DeleteOffsetsReply>(
      group, std::move(done),
      [request = std::move(request)](coordinator::GroupCoordinator& at, Callback<group::DeleteOffsetsReply> reply) {
        at.DeleteOffsets(request, std::move(reply));
      },
      [](const Outcome& why) {
        return group::DeleteOffsetsReply{{why.code, why.message}, {}};
      });
}

void BrokerGroups::Describe(std::vector<std::string> groups, Callback<std::vector<group::GroupDescription>> done) {
  OnHome([this, groups = std::move(groups), done = std::move(done)](const Outcome& refusal) mutable {
    std::vector<group::GroupDescription> descriptions;
    for (const std::string& name : groups) {
      const GroupHost::Served served =
          refusal.ok() ? broker_.group_host().Of(name) : GroupHost::Served{nullptr, refusal};
      if (served.groups != nullptr) {
        descriptions.push_back(served.groups->Describe(name));
      } else {
        descriptions.push_back({.outcome = {served.refusal.code, served.refusal.message}, .group = name});
      }
    }
    done(std::move(descriptions));
  });
}

void BrokerGroups::List(Callback<absl::StatusOr<std::vector<group::GroupListing>>> done) {
  OnHome([this, done = std::move(done)](const Outcome& refusal) mutable {
    if (refusal.ok()) {
      done(broker_.group_host().List());
    } else {
      done(Unavailable(refusal.message));
    }
  });
}

void BrokerGroups::Delete(std::vector<std::string> groups, Callback<std::vector<Outcome>> done) {
  OnHome([this, groups = std::move(groups), done = std::move(done)](const Outcome& refusal) mutable {
    auto gather = std::make_shared<internal::Gather<Outcome>>();
    gather->results.resize(groups.size());
    gather->waiting = groups.size();
    gather->done = std::move(done);
    if (groups.empty()) gather->Arrive(0);
    for (size_t i = 0; i < groups.size(); ++i) {
      const GroupHost::Served served =
          refusal.ok() ? broker_.group_host().Of(groups[i]) : GroupHost::Served{nullptr, refusal};
      if (served.groups == nullptr) {
        gather->results[i] = served.refusal;
        gather->Arrive(1);
        continue;
      }
      served.groups->Delete(groups[i], [gather, i](group::DeleteReply answer) {
        gather->results[i] = ToOutcome(std::move(answer.outcome));
        gather->Arrive(1);
      });
    }
  });
}

}  // namespace leat::broker
