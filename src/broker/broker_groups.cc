#include "broker/broker_groups.h"

#include <set>

#include "broker/broker_impl.h"
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

template <typename Reply>
void BrokerGroups::PostAs(Callback<Reply> done, absl::AnyInvocable<void(Callback<Reply>)> serve, Reply refusal) {
  broker_.home().Post([this, done = std::move(done), serve = std::move(serve), refusal = std::move(refusal)]() mutable {
    if (broker_.serving_groups() == nullptr) {
      done(std::move(refusal));
    } else {
      serve(std::move(done));
    }
  });
}

void BrokerGroups::Join(group::JoinRequest request, Callback<group::JoinReply> done) {
  group::JoinReply refusal;
  refusal.code = kNotNow;
  PostAs<group::JoinReply>(
      std::move(done),
      [this, request = std::move(request)](Callback<group::JoinReply> reply) mutable {
        broker_.serving_groups()->Join(std::move(request), std::move(reply));
      },
      std::move(refusal));
}

void BrokerGroups::Sync(group::SyncRequest request, Callback<group::SyncReply> done) {
  PostAs<group::SyncReply>(
      std::move(done),
      [this, request = std::move(request)](Callback<group::SyncReply> reply) {
        broker_.serving_groups()->Sync(request, std::move(reply));
      },
      group::SyncReply{.code = kNotNow});
}

void BrokerGroups::Heartbeat(group::HeartbeatRequest request, Callback<group::HeartbeatReply> done) {
  PostAs<group::HeartbeatReply>(
      std::move(done),
      [this, request = std::move(request)](Callback<group::HeartbeatReply> reply) {
        broker_.serving_groups()->Heartbeat(request, std::move(reply));
      },
      group::HeartbeatReply{kNotNow});
}

void BrokerGroups::Leave(group::LeaveRequest request, Callback<group::LeaveReply> done) {
  PostAs<group::LeaveReply>(
      std::move(done),
      [this, request = std::move(request)](Callback<group::LeaveReply> reply) {
        broker_.serving_groups()->Leave(request, std::move(reply));
      },
      group::LeaveReply{.code = kNotNow});
}

void BrokerGroups::CommitChecked(group::CommitCommand command, CommitSome commit, Callback<std::vector<Outcome>> done) {
  const size_t count = command.items.size();
  PostAs<std::vector<Outcome>>(
      std::move(done),
      [this, command = std::move(command), commit = std::move(commit)](Callback<std::vector<Outcome>> reply) mutable {
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
        commit(std::move(command),
               [this, outcomes = std::move(outcomes), accepted = std::move(accepted), began = broker_.home().Now(),
                reply = std::move(reply)](std::vector<group::Outcome> written) mutable {
                 for (size_t k = 0; k < written.size(); ++k) outcomes[accepted[k]] = ToOutcome(std::move(written[k]));
                 broker_.broker_metrics().commit_seconds.Observe(Seconds(broker_.home().Now() - began));
                 reply(std::move(outcomes));
               });
      },
      std::vector<Outcome>(count, NotNow()));
}

void BrokerGroups::Commit(group::CommitCommand command, Callback<std::vector<Outcome>> done) {
  CommitChecked(
      std::move(command),
      [this](const group::CommitCommand& checked, Callback<std::vector<group::Outcome>> written) {
        broker_.serving_groups()->CommitOffsets(checked, std::move(written));
      },
      std::move(done));
}

void BrokerGroups::CommitInTxn(group::TxnCommitCommand command, Callback<std::vector<Outcome>> done) {
  CommitChecked(
      std::move(command.commit),
      [this, producer = command.producer, epoch = command.producer_epoch](
          group::CommitCommand checked, Callback<std::vector<group::Outcome>> written) {
        broker_.serving_groups()->CommitOffsetsInTxn({std::move(checked), producer, epoch}, std::move(written));
      },
      std::move(done));
}

void BrokerGroups::FetchOffsets(std::vector<FetchGroupOffsets> groups, StableOffsets stable,
                                Callback<std::vector<GroupOffsets>> done) {
  std::vector<GroupOffsets> refusal;
  for (const FetchGroupOffsets& request : groups) refusal.push_back({request.group, NotNow(), {}});
  PostAs<std::vector<GroupOffsets>>(
      std::move(done),
      [this, groups = std::move(groups), stable](Callback<std::vector<GroupOffsets>> reply) {
        std::vector<GroupOffsets> results;
        for (const FetchGroupOffsets& request : groups) {
          results.push_back(OffsetsOf(*broker_.serving_groups(), request, stable));
        }
        reply(std::move(results));
      },
      std::move(refusal));
}

void BrokerGroups::DeleteOffsets(group::DeleteOffsetsRequest request, Callback<group::DeleteOffsetsReply> done) {
  PostAs<group::DeleteOffsetsReply>(
      std::move(done),
      [this, request = std::move(request)](Callback<group::DeleteOffsetsReply> reply) {
        broker_.serving_groups()->DeleteOffsets(request, std::move(reply));
      },
      group::DeleteOffsetsReply{{kNotNow, NotNow().message}, {}});
}

void BrokerGroups::Describe(std::vector<std::string> groups, Callback<std::vector<group::GroupDescription>> done) {
  std::vector<group::GroupDescription> refusal;
  for (const std::string& name : groups) refusal.push_back({.outcome = {kNotNow, NotNow().message}, .group = name});
  PostAs<std::vector<group::GroupDescription>>(
      std::move(done),
      [this, groups = std::move(groups)](Callback<std::vector<group::GroupDescription>> reply) {
        std::vector<group::GroupDescription> descriptions;
        for (const std::string& name : groups) descriptions.push_back(broker_.serving_groups()->Describe(name));
        reply(std::move(descriptions));
      },
      std::move(refusal));
}

void BrokerGroups::List(Callback<absl::StatusOr<std::vector<group::GroupListing>>> done) {
  using Listings = absl::StatusOr<std::vector<group::GroupListing>>;
  PostAs<Listings>(
      std::move(done), [this](Callback<Listings> reply) { reply(broker_.serving_groups()->List()); },
      Listings(Unavailable(NotNow().message)));
}

void BrokerGroups::Delete(std::vector<std::string> groups, Callback<std::vector<Outcome>> done) {
  const size_t count = groups.size();
  PostAs<std::vector<Outcome>>(
      std::move(done),
      [this, groups = std::move(groups)](Callback<std::vector<Outcome>> reply) mutable {
        auto gather = std::make_shared<internal::Gather<Outcome>>();
        gather->results.resize(groups.size());
        gather->waiting = groups.size();
        gather->done = std::move(reply);
        if (groups.empty()) gather->Arrive(0);
        for (size_t i = 0; i < groups.size(); ++i) {
          broker_.serving_groups()->Delete(groups[i], [gather, i](group::DeleteReply answer) {
            gather->results[i] = ToOutcome(std::move(answer.outcome));
            gather->Arrive(1);
          });
        }
      },
      std::vector<Outcome>(count, NotNow()));
}

}  // namespace leat::broker
