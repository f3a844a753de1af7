#include "broker/cluster_host.h"

#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/lone_quorum.h"
#include "broker/outcomes.h"
#include "meta/brokers.h"
#include "meta/draft.h"
#include "meta/partition_commands.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

constexpr size_t kDecisionsAtOnce = 1000;  // of one batch of records
constexpr size_t kMovesAtOnce = 1000;      // partitions that one request of a drain or a rebalance moves
constexpr size_t kMostListed = 100'000;    // reassignments in one answer

// Of a change that was refused, or that could not be written.
Outcome ChangeOutcome(const absl::Status& status) {
  if (status.ok()) return {};
  std::string text(Message(status));
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return Failed(*code, std::move(text));
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return Failed(ErrorCode::kInvalidRequest, std::move(text));
    default:
      return AppendOutcome(status);
  }
}

absl::StatusOr<meta::PartitionKey> KeyOf(const meta::Image& image, const model::TopicPartition& partition) {
  if (const meta::TopicPtr topic = image.FindTopic(partition.topic)) {
    if (partition.partition.value() >= 0 && partition.partition.value() < topic->partitions) {
      return meta::PartitionKey{topic->id, partition.partition};
    }
  }
  return model::WithCode(NotFound("partition ", partition.ToString(), " does not exist"),
                         ErrorCode::kUnknownTopicOrPartition);
}

std::vector<PartitionOutcome> Pair(std::vector<model::TopicPartition> partitions, std::vector<Outcome> outcomes) {
  std::vector<PartitionOutcome> pairs;
  pairs.reserve(partitions.size());
  for (size_t i = 0; i < partitions.size(); ++i) {
    pairs.push_back({std::move(partitions[i]), std::move(outcomes[i])});
  }
  return pairs;
}

std::vector<Outcome> Repeat(size_t times, const Outcome& outcome) { return std::vector<Outcome>(times, outcome); }

}  // namespace

struct ClusterHost::Batch {
  std::vector<Decision> decisions;
  std::vector<Outcome> outcomes;  // of those that were decided
  Callback<std::vector<Outcome>> done;
};

ClusterHost::ClusterHost(BrokerImpl& broker) : broker_(broker), quorum_(std::make_unique<LoneQuorum>(broker)) {}
ClusterHost::~ClusterHost() = default;

void ClusterHost::OnHome(absl::AnyInvocable<void(const Outcome&)> run) {
  broker_.home().Post([this, run = std::move(run)]() mutable {
    const ShardState& home = *broker_.shards()[0];
    run(home.phase == Phase::kServing ? Outcome() : home.Refusal());
  });
}

void ClusterHost::Submit(std::vector<Decision> decisions, Callback<std::vector<Outcome>> done) {
  auto batch = std::make_shared<Batch>();
  batch->decisions = std::move(decisions);
  batch->done = std::move(done);
  SubmitSome(std::move(batch));
}

void ClusterHost::SubmitSome(std::shared_ptr<Batch> batch) {
  const size_t from = batch->outcomes.size();
  const size_t to = std::min(batch->decisions.size(), from + kDecisionsAtOnce);
  if (from == to) {
    broker_.WhenInstalled([batch] { batch->done(std::move(batch->outcomes)); });
    return;
  }
  broker_.SubmitMetadata(
      [batch, from, to](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        batch->outcomes.resize(from);
        meta::Draft draft(image);
        for (size_t i = from; i < to; ++i) {
          batch->outcomes.push_back(ChangeOutcome(draft.Add(batch->decisions[i](draft.image()))));
        }
        return draft.Take();
      },
      [this, batch, from, to](const absl::Status& status) {
        // What was refused stays so; what was to be done was not.
        batch->outcomes.resize(to);
        for (size_t i = from; i < to && !status.ok(); ++i) {
          if (batch->outcomes[i].ok()) batch->outcomes[i] = ChangeOutcome(status);
        }
        SubmitSome(batch);
      });
}

void ClusterHost::SubmitOne(Decision decision, Callback<Outcome> done) {
  std::vector<Decision> decisions;
  decisions.push_back(std::move(decision));
  Submit(std::move(decisions),
         [done = std::move(done)](std::vector<Outcome> outcomes) mutable { done(std::move(outcomes[0])); });
}

std::vector<model::TopicPartition> ClusterHost::WithoutRightLeader(ElectionType type) const {
  const meta::Image& image = *broker_.image();
  std::vector<model::TopicPartition> partitions;
  image.partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
    const bool right = type == ElectionType::kPreferred ? partition.leader == partition.replicas.front()
                                                        : partition.leader != meta::kNobody;
    if (!right) partitions.push_back({image.FindTopic(key.topic)->name, key.partition});
  });
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

void ClusterHost::ElectLeaders(ElectLeadersRequest request, Callback<std::vector<PartitionOutcome>> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& serving) mutable {
    std::vector<model::TopicPartition> partitions;
    if (request.partitions) {
      partitions = *std::move(request.partitions);
    } else if (serving.ok()) {
      partitions = WithoutRightLeader(request.type);
    }
    if (!serving.ok()) {
      std::vector<Outcome> refused = Repeat(partitions.size(), serving);
      return done(Pair(std::move(partitions), std::move(refused)));
    }
    const auto wish =
        request.type == ElectionType::kPreferred ? meta::ElectionWish::kPreferred : meta::ElectionWish::kUnclean;
    std::vector<Decision> decisions;
    for (const model::TopicPartition& partition : partitions) {
      decisions.push_back([this, partition, wish](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        LEAT_ASSIGN_OR_RETURN(const meta::PartitionKey key, KeyOf(image, partition));
        return meta::Decide(image, meta::ElectLeader{key, wish}, broker_.MetaPolicy());
      });
    }
    Submit(std::move(decisions),
           [partitions = std::move(partitions), done = std::move(done)](std::vector<Outcome> outcomes) mutable {
             done(Pair(std::move(partitions), std::move(outcomes)));
           });
  });
}

void ClusterHost::Reassign(ReassignRequest request, Callback<std::vector<PartitionOutcome>> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& serving) mutable {
    std::vector<model::TopicPartition> partitions;
    std::vector<Decision> decisions;
    const auto factor = request.count == ReplicaCount::kMayChange ? meta::Reassign::Factor::kMayChange
                                                                  : meta::Reassign::Factor::kMustStay;
    for (Reassignment& item : request.partitions) {
      partitions.push_back(item.partition);
      decisions.push_back(
          [this, item = std::move(item), factor](const meta::Image& image) -> absl::StatusOr<meta::Records> {
            LEAT_ASSIGN_OR_RETURN(const meta::PartitionKey key, KeyOf(image, item.partition));
            return meta::Decide(image, meta::Reassign{key, item.replicas, factor}, broker_.MetaPolicy());
          });
    }
    if (!serving.ok()) {
      std::vector<Outcome> refused = Repeat(partitions.size(), serving);
      return done(Pair(std::move(partitions), std::move(refused)));
    }
    Submit(std::move(decisions),
           [partitions = std::move(partitions), done = std::move(done)](std::vector<Outcome> outcomes) mutable {
             done(Pair(std::move(partitions), std::move(outcomes)));
           });
  });
}

void ClusterHost::ListReassignments(Callback<std::vector<OngoingReassignment>> done) {
  OnHome([this, done = std::move(done)](const Outcome& serving) mutable {
    std::vector<OngoingReassignment> list;
    if (!serving.ok()) return done(std::move(list));
    const meta::ImagePtr image = broker_.image();
    for (const meta::PartitionKey& key : meta::Reassignments(*image, kMostListed)) {
      const meta::Partition& partition = *image->FindPartition(key);
      list.push_back({{image->FindTopic(key.topic)->name, key.partition},
                      partition.replicas,
                      partition.adding,
                      partition.removing});
    }
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.partition < b.partition; });
    done(std::move(list));
  });
}

void ClusterHost::RebalanceLeaders(Callback<RebalanceReply> done) {
  OnHome([this, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done({serving, 0});
    auto moved = std::make_shared<size_t>(0);
    SubmitOne(
        [this, moved](const meta::Image& image) -> absl::StatusOr<meta::Records> {
          meta::Records records =
              meta::RebalanceLeaders(image, {.percent = 0, .most = kMovesAtOnce}, broker_.MetaPolicy());
          *moved = records.size();
          return records;
        },
        [moved, done = std::move(done)](Outcome outcome) mutable {
          const size_t count = outcome.ok() ? *moved : 0;
          done({std::move(outcome), count});
        });
  });
}

void ClusterHost::Drain(model::NodeId node, Draining draining, Callback<DrainReply> done) {
  OnHome([this, node, draining, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done({.outcome = serving});
    auto waiting = std::make_shared<size_t>(0);
    SubmitOne(
        [this, node, draining, waiting](const meta::Image& image) -> absl::StatusOr<meta::Records> {
          if (draining == Draining::kStop) return meta::StopDraining(image, node);
          LEAT_ASSIGN_OR_RETURN(
              meta::Drained drained,
              meta::DrainBroker(image, node, kMovesAtOnce, broker_.MetaPolicy(), broker_.random()));
          *waiting = drained.left;
          return std::move(drained.records);
        },
        [this, node, waiting, done = std::move(done)](Outcome outcome) mutable {
          done({std::move(outcome), *waiting, broker_.image()->partitions().HeldCount(node)});
        });
  });
}

void ClusterHost::UnregisterBroker(model::NodeId node, Callback<Outcome> done) {
  OnHome([this, node, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done(serving);
    SubmitOne([node](const meta::Image& image) { return meta::UnregisterBroker(image, node); }, std::move(done));
  });
}

void ClusterHost::DescribeQuorum(Callback<QuorumDescription> done) {
  OnHome([this, done = std::move(done)](const Outcome&) mutable { done(quorum_->Describe()); });
}

void ClusterHost::AddVoter(NewVoter voter, Callback<Outcome> done) {
  OnHome([this, voter = std::move(voter), done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done(serving);
    quorum_->AddVoter(std::move(voter), std::move(done));
  });
}

void ClusterHost::RemoveVoter(OldVoter voter, Callback<Outcome> done) {
  OnHome([this, voter = std::move(voter), done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done(serving);
    quorum_->RemoveVoter(std::move(voter), std::move(done));
  });
}

}  // namespace leat::broker
