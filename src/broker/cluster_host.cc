#include "broker/cluster_host.h"

#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/listeners.h"
#include "broker/outcomes.h"
#include "broker/raft_quorum.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

constexpr size_t kCommandsAtOnce = 1000;  // of one batch of records
constexpr size_t kMostListed = 100'000;   // reassignments in one answer

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

std::vector<PartitionOutcome> Refused(const std::vector<model::TopicPartition>& partitions, const Outcome& why) {
  std::vector<PartitionOutcome> outcomes;
  for (const model::TopicPartition& partition : partitions) outcomes.push_back({partition, why});
  return outcomes;
}

}  // namespace

struct ClusterHost::Batch {
  Commands commands;
  std::vector<Outcome> outcomes;  // of those that were decided
  Callback<std::vector<Outcome>> done;
  meta::ChangeMode mode = meta::ChangeMode::kApply;
};

ClusterHost::ClusterHost(BrokerImpl& broker) : broker_(broker), quorum_(std::make_unique<RaftQuorum>(broker)) {}
ClusterHost::~ClusterHost() = default;

void ClusterHost::OnHome(absl::AnyInvocable<void(const Outcome&)> run) {
  broker_.home().Post([this, run = std::move(run)]() mutable {
    const ShardState& home = *broker_.shards()[0];
    run(home.phase == Phase::kServing ? Outcome() : home.Refusal());
  });
}

void ClusterHost::Submit(Commands commands, Callback<std::vector<Outcome>> done, meta::ChangeMode mode) {
  auto batch = std::make_shared<Batch>();
  batch->commands = std::move(commands);
  batch->done = std::move(done);
  batch->mode = mode;
  SubmitSome(std::move(batch));
}

void ClusterHost::SubmitSome(std::shared_ptr<Batch> batch) {
  const size_t from = batch->outcomes.size();
  const size_t to = std::min(batch->commands.size(), from + kCommandsAtOnce);
  if (from == to) return batch->done(std::move(batch->outcomes));
  const auto begin = batch->commands.begin();
  Commands some(begin + static_cast<ptrdiff_t>(from), begin + static_cast<ptrdiff_t>(to));
  broker_.ChangeMetadata(std::move(some), batch->mode, [this, batch, from, to](const BrokerImpl::Changed& changed) {
    for (size_t i = from; i < to; ++i) {
      const bool decided = changed.status.ok();
      batch->outcomes.push_back(ChangeOutcome(decided ? changed.results.at(i - from).status : changed.status));
    }
    SubmitSome(batch);
  });
}

void ClusterHost::SubmitOne(meta::Command command, Callback<Outcome> done) {
  Commands commands;
  commands.push_back(std::move(command));
  Submit(std::move(commands),
         [done = std::move(done)](std::vector<Outcome> outcomes) mutable { done(std::move(outcomes[0])); });
}

void ClusterHost::SubmitForPartitions(std::vector<model::TopicPartition> partitions,
                                      const std::function<meta::Command(const meta::PartitionKey&, size_t)>& command_of,
                                      Callback<std::vector<PartitionOutcome>> done) {
  const meta::Image& image = *broker_.image();
  std::vector<PartitionOutcome> results;
  std::vector<size_t> places;  // of the commands in the results
  Commands commands;
  for (model::TopicPartition& partition : partitions) {
    const absl::StatusOr<meta::PartitionKey> key = KeyOf(image, partition);
    if (key.ok()) {
      commands.push_back(command_of(*key, results.size()));
      places.push_back(results.size());
    }
    results.push_back({std::move(partition), ChangeOutcome(key.status())});
  }
  Submit(std::move(commands), [results = std::move(results), places = std::move(places),
                               done = std::move(done)](std::vector<Outcome> outcomes) mutable {
    for (size_t i = 0; i < places.size(); ++i) results[places[i]].outcome = std::move(outcomes[i]);
    done(std::move(results));
  });
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
    if (!serving.ok()) return done(Refused(partitions, serving));
    const auto wish =
        request.type == ElectionType::kPreferred ? meta::ElectionWish::kPreferred : meta::ElectionWish::kUnclean;
    SubmitForPartitions(
        std::move(partitions),
        [wish](const meta::PartitionKey& key, size_t) {
          return meta::ElectLeader{key, wish};
        },
        std::move(done));
  });
}

void ClusterHost::Reassign(ReassignRequest request, Callback<std::vector<PartitionOutcome>> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& serving) mutable {
    std::vector<model::TopicPartition> partitions;
    for (const Reassignment& item : request.partitions) partitions.push_back(item.partition);
    if (!serving.ok()) return done(Refused(partitions, serving));
    const auto factor = request.count == ReplicaCount::kMayChange ? meta::Reassign::Factor::kMayChange
                                                                  : meta::Reassign::Factor::kMustStay;
    SubmitForPartitions(
        std::move(partitions),
        [&request, factor](const meta::PartitionKey& key, size_t i) {
          return meta::Reassign{key, std::move(request.partitions[i].replicas), factor};
        },
        std::move(done));
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

void ClusterHost::AlterBrokerConfigs(std::vector<BrokerConfigChange> changes, ChangeMode mode,
                                     Callback<std::vector<Outcome>> done) {
  OnHome([this, changes = std::move(changes), mode, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done(std::vector<Outcome>(changes.size(), serving));
    Commands commands;
    for (BrokerConfigChange& change : changes) {
      using Others = meta::AlterBrokerConfigs::Others;
      commands.push_back(meta::AlterBrokerConfigs{.broker = change.node.value_or(meta::kNobody),
                                                  .set = std::move(change.set),
                                                  .remove = std::move(change.remove),
                                                  .others = change.replace_all ? Others::kRemove : Others::kKeep});
    }
    Submit(std::move(commands), std::move(done),
           mode == ChangeMode::kValidate ? meta::ChangeMode::kValidate : meta::ChangeMode::kApply);
  });
}

void ClusterHost::DescribeBrokerConfigs(std::optional<model::NodeId> node, Callback<std::vector<DynamicConfig>> done) {
  OnHome([this, node, done = std::move(done)](const Outcome& serving) mutable {
    std::vector<DynamicConfig> configs;
    if (!serving.ok()) return done(std::move(configs));
    const meta::ImagePtr image = broker_.image();
    const meta::Configs none;
    const meta::Configs& own = node ? image->BrokerConfigs(*node) : none;
    for (const auto& [name, value] : own) configs.push_back({name, value, DynamicConfig::Source::kNode});
    for (const auto& [name, value] : image->BrokerConfigs(meta::kNobody)) {
      if (!own.contains(name)) configs.push_back({name, value, DynamicConfig::Source::kCluster});
    }
    done(std::move(configs));
  });
}

void ClusterHost::RebalanceLeaders(Callback<RebalanceReply> done) {
  ElectLeaders({}, [done = std::move(done)](const std::vector<PartitionOutcome>& elections) mutable {
    RebalanceReply reply;
    for (const PartitionOutcome& election : elections) {
      // A preferred leader that is not in sync, or that leads meanwhile, is no failure of the others.
      const ErrorCode code = election.outcome.code;
      if (code == ErrorCode::kNone) ++reply.moved;
      if (code == ErrorCode::kNone || code == ErrorCode::kElectionNotNeeded) continue;
      if (code == ErrorCode::kPreferredLeaderNotAvailable || code == ErrorCode::kUnknownTopicOrPartition) continue;
      if (reply.outcome.ok()) reply.outcome = election.outcome;
    }
    done(std::move(reply));
  });
}

void ClusterHost::Drain(model::NodeId node, Draining draining, Callback<DrainReply> done) {
  OnHome([this, node, draining, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done({.outcome = serving});
    const auto wish = draining == Draining::kStart ? meta::Drain::Wish::kStart : meta::Drain::Wish::kStop;
    SubmitOne(meta::Drain{node, wish}, [this, node, done = std::move(done)](Outcome outcome) mutable {
      done({std::move(outcome), broker_.image()->partitions().HeldCount(node)});
    });
  });
}

void ClusterHost::UnregisterBroker(model::NodeId node, Callback<Outcome> done) {
  OnHome([this, node, done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done(serving);
    SubmitOne(meta::Unregister{node}, std::move(done));
  });
}

void ClusterHost::FindCoordinator(CoordinatorKind kind, std::string name, Callback<Coordinator> done) {
  OnHome([this, kind, name = std::move(name), done = std::move(done)](const Outcome& serving) mutable {
    if (!serving.ok()) return done({.outcome = serving});
    const meta::Image& image = *broker_.image();
    Coordinator found{.id = CoordinatorOf(image, kind, name, broker_.options().node_id)};
    const meta::BrokerPtr broker = image.FindBroker(found.id);
    if (found.id == meta::kNobody) {
      found.outcome = Failed(ErrorCode::kCoordinatorNotAvailable,
                             StrCat("nobody leads the partition that '", name, "' falls on: try again"));
    } else if (broker != nullptr && image.broker_count() > 1) {
      const meta::Listener* at = FindListener(*broker, kGrpcListener);
      if (at != nullptr) found.grpc = AddressOf(*at);
    }
    done(std::move(found));
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
