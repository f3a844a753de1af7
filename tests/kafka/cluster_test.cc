// What clients see of a cluster of several brokers, and what operators change in it. The node under test is broker 1;
// the others are in the metadata only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "meta/brokers.h"
#include "meta/draft.h"
#include "meta/partition_commands.h"
#include "tests/kafka/admin_fixture.h"
#include "wire/messages/add_raft_voter.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/metadata.h"
#include "wire/messages/remove_raft_voter.h"
#include "wire/messages/unregister_broker.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using model::NodeId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ids = std::vector<int32_t>;
using Assigned = std::vector<Ids>;

class ClusterWorld : public HandlerWorld {
 public:
  ClusterWorld() {
    Register(2, {{"kafka.default", "two.test", 9192}, {"kafka.inside", "two.inside", 9292}}, "left");
    Register(3, {{"kafka.default", "three.test", 9193}}, "right");
  }

  using Decision = std::function<absl::StatusOr<meta::Records>(const meta::Image&)>;
  void Change(const Decision& decide) {
    const absl::Status status = Await<absl::Status>([&](auto done) {
      shards[0]->Post([this, decide, done]() mutable { broker->metadata()->Submit(decide, std::move(done)); });
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void Register(int32_t id, std::vector<meta::Listener> listeners, const std::string& rack) {
    Change([&](const meta::Image& image) -> absl::StatusOr<meta::Records> {
      meta::RegisterBroker command;
      command.cluster_id = image.cluster_id();
      command.broker.id = NodeId(id);
      command.broker.incarnation = {100, static_cast<uint64_t>(++lives_)};
      command.broker.directories = {{200, static_cast<uint64_t>(id)}};
      command.broker.listeners = listeners;
      command.broker.rack = rack;
      meta::Draft draft(image);
      LEAT_RETURN_IF_ERROR(draft.Add(meta::Decide(image, command, meta::Session::kNone, {})));
      LEAT_RETURN_IF_ERROR(draft.Add(meta::UnfenceBroker(draft.image(), NodeId(id), {})));
      return draft.Take();
    });
  }
  void Fence(int32_t id) {
    Change([id](const meta::Image& image) { return meta::FenceBroker(image, NodeId(id), {}); });
  }
  void Unfence(int32_t id) {
    Change([id](const meta::Image& image) { return meta::UnfenceBroker(image, NodeId(id), {}); });
  }
  // The partition's leader takes these brokers into its in-sync set.
  void SetInSync(const std::string& topic, const Ids& ids) {
    Change([&](const meta::Image& image) {
      meta::AlterPartition command;
      command.key = {image.FindTopic(topic)->id, model::PartitionId(0)};
      const meta::Partition& now = *image.FindPartition(command.key);
      command.broker = now.leader;
      command.broker_epoch = image.FindBroker(now.leader)->epoch();
      command.leader_epoch = now.leader_epoch;
      command.partition_epoch = now.partition_epoch;
      for (const int32_t id : ids) command.isr.push_back({NodeId(id), image.FindBroker(NodeId(id))->epoch()});
      return meta::Decide(image, command, {});
    });
  }

  ErrorCode CreateAssigned(std::string_view name, const Assigned& assigned, const char* min_insync = "1") {
    wire::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    for (size_t i = 0; i < assigned.size(); ++i) {
      auto& assignment = topic.assignments.emplace_back();
      assignment.partition_index = static_cast<int32_t>(i);
      assignment.broker_ids = assigned[i];
    }
    auto& config = topic.configs.emplace_back();
    config.name = "min.insync.replicas";
    config.value = min_insync;
    return static_cast<ErrorCode>(Ask(&HandleCreateTopics, request, 7).topics.at(0).error_code);
  }
  wire::MetadataResponse Metadata(std::string_view topic, int16_t version = 12) {
    wire::MetadataRequest request;
    request.topics.emplace();
    request.topics->emplace_back().name = topic;
    return Ask(&HandleMetadata, request, version);
  }
  wire::MetadataResponse::MetadataResponsePartition Partition(std::string_view topic, int16_t version = 12) {
    return Metadata(topic, version).topics.at(0).partitions.at(0);
  }
  ErrorCode Elect(int8_t type, std::string_view topic) {
    wire::ElectLeadersRequest request;
    request.election_type = type;
    request.topic_partitions.emplace();
    auto& elect = request.topic_partitions->emplace_back();
    elect.topic = topic;
    elect.partitions = {0};
    const auto response = Ask(&HandleElectLeaders, request, 2);
    return static_cast<ErrorCode>(response.replica_election_results.at(0).partition_result.at(0).error_code);
  }
  ErrorCode Move(std::string_view topic, const std::optional<Ids>& replicas, bool same_count = false) {
    wire::AlterPartitionReassignmentsRequest request;
    request.allow_replication_factor_change = !same_count;
    auto& moved = request.topics.emplace_back();
    moved.name = topic;
    moved.partitions.emplace_back().replicas = replicas;
    const auto response = Ask(&HandleAlterPartitionReassignments, request, 1);
    return static_cast<ErrorCode>(response.responses.at(0).partitions.at(0).error_code);
  }

 private:
  int lives_ = 0;
};

TEST(ClusterMetadata, NamesEveryBrokerAtTheListenerThatTheClientCameInBy) {
  ClusterWorld w;
  const auto response = w.Metadata("none");
  ASSERT_EQ(response.brokers.size(), 3u);
  EXPECT_EQ(response.brokers[0].host, "broker.test");
  EXPECT_EQ(response.brokers[1].host, "two.test");
  EXPECT_EQ(response.brokers[1].port, 9192);
  EXPECT_EQ(response.brokers[1].rack, "left");
  EXPECT_EQ(response.brokers[2].node_id, 3);
  EXPECT_EQ(response.controller_id, 1);
}

TEST(ClusterMetadata, LeavesOutBrokersThatAreFencedOrNotOnThisListener) {
  ClusterWorld w;
  w.Register(4, {{"kafka.inside", "four.inside", 1}}, "");
  w.Fence(3);
  const auto response = w.Metadata("none");
  ASSERT_EQ(response.brokers.size(), 2u);
  EXPECT_EQ(response.brokers[1].node_id, 2);
  wire::DescribeClusterRequest request;
  EXPECT_EQ(w.Ask(&HandleDescribeCluster, request, 2).brokers.size(), 2u);
  request.include_fenced_brokers = true;
  const auto all = w.Ask(&HandleDescribeCluster, request, 2);
  ASSERT_EQ(all.brokers.size(), 3u);
  EXPECT_EQ(all.brokers[2].broker_id, 3);
  EXPECT_TRUE(all.brokers[2].is_fenced);
}

TEST(ClusterMetadata, TellsLeaderReplicasAndWhoIsInSync) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{2, 3, 1}}), ErrorCode::kNone);
  auto partition = w.Partition("t");
  EXPECT_EQ(partition.leader_id, 2);
  EXPECT_THAT(partition.replica_nodes, ElementsAre(2, 3, 1));
  EXPECT_THAT(partition.isr_nodes, ElementsAre(2, 3, 1));
  EXPECT_THAT(partition.offline_replicas, IsEmpty());
  const int32_t epoch = partition.leader_epoch;
  w.Fence(2);
  partition = w.Partition("t");
  EXPECT_EQ(partition.error_code, 0);
  EXPECT_EQ(partition.leader_id, 3);
  EXPECT_GT(partition.leader_epoch, epoch);
  EXPECT_THAT(partition.isr_nodes, ElementsAre(3, 1));
  EXPECT_THAT(partition.offline_replicas, ElementsAre(2));
}

TEST(ClusterMetadata, SaysThatThereIsNoLeaderNow) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{2}}), ErrorCode::kNone);
  w.Fence(2);
  const auto partition = w.Partition("t");
  EXPECT_EQ(partition.error_code, Code(ErrorCode::kLeaderNotAvailable));
  EXPECT_EQ(partition.leader_id, -1);
  EXPECT_THAT(partition.replica_nodes, ElementsAre(2));
}

TEST(ClusterMetadata, TellsALeaderThatIsNotOnThisListenerFromOneThatIsNotThere) {
  ClusterWorld w;
  w.Register(4, {{"kafka.inside", "four.inside", 1}}, "");
  ASSERT_EQ(w.CreateAssigned("t", {{4}}), ErrorCode::kNone);
  EXPECT_EQ(w.Partition("t", 6).error_code, Code(ErrorCode::kListenerNotFound));
  EXPECT_EQ(w.Partition("t", 5).error_code, Code(ErrorCode::kLeaderNotAvailable)) << "older clients do not know it";
}

TEST(ClusterMetadata, DescribesEligibleLeaders) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{1, 2}}, "2"), ErrorCode::kNone);
  w.Fence(2);
  wire::DescribeTopicPartitionsRequest request;
  request.topics.emplace_back().name = "t";
  const auto partition = w.Ask(&HandleDescribeTopicPartitions, request, 0).topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.leader_id, 1);
  EXPECT_THAT(partition.isr_nodes, ElementsAre(1));
  EXPECT_THAT(*partition.eligible_leader_replicas, ElementsAre(2));
  EXPECT_THAT(*partition.last_known_elr, IsEmpty());
  EXPECT_THAT(partition.offline_replicas, ElementsAre(2));
}

TEST(ClusterMetadata, FindsTheCoordinatorWhereItsPartitionIsLed) {
  ClusterWorld w;
  const auto find = [&](std::string_view group) {
    wire::FindCoordinatorRequest request;
    request.coordinator_keys = {group};
    return w.Ask(&HandleFindCoordinator, request, 4).coordinators.at(0);
  };
  EXPECT_EQ(find("g").node_id, 1);
  EXPECT_EQ(find("g").host, "broker.test");
  // The offsets move to broker 2, which leads them once this node has left.
  w.Change([](const meta::Image& image) -> absl::StatusOr<meta::Records> {
    meta::PartitionChanged change{image.FindTopic(meta::kOffsetsTopic)->id, model::PartitionId(0), {}};
    change.state = *image.FindPartition({change.topic, change.partition});
    change.state.replicas = change.state.isr = {NodeId(2)};
    change.state.leader = NodeId(2);
    change.state.leader_epoch = model::LeaderEpoch(change.state.leader_epoch.value() + 1);
    ++change.state.partition_epoch;
    change.election = meta::Election::kClean;
    return meta::Records{change};
  });
  EXPECT_EQ(find("g").node_id, 2);
  EXPECT_EQ(find("g").host, "two.test");
  w.Fence(2);
  EXPECT_EQ(find("g").error_code, Code(ErrorCode::kCoordinatorNotAvailable));
  EXPECT_EQ(find("g").node_id, -1);
}

TEST(ClusterTopics, GetAsManyReplicasAsAskedFor) {
  ClusterWorld w;
  wire::CreateTopicsRequest request;
  for (const int16_t factor : {3, 4, 0}) {
    auto& topic = request.topics.emplace_back();
    topic.name = factor == 3 ? "three" : factor == 4 ? "four" : "none";
    topic.num_partitions = 2;
    topic.replication_factor = factor;
  }
  const auto response = w.Ask(&HandleCreateTopics, request, 7);
  EXPECT_EQ(response.topics[0].error_code, 0);
  EXPECT_EQ(response.topics[0].replication_factor, 3);
  EXPECT_EQ(response.topics[1].error_code, Code(ErrorCode::kInvalidReplicationFactor));
  EXPECT_EQ(response.topics[2].error_code, Code(ErrorCode::kInvalidReplicationFactor));
  EXPECT_EQ(w.Partition("three").replica_nodes.size(), 3u);
}

TEST(ClusterTopics, TakeAssignmentsThatNameLiveBrokers) {
  ClusterWorld w;
  EXPECT_EQ(w.CreateAssigned("t", {{3, 1}, {1, 2}}), ErrorCode::kNone);
  const auto metadata = w.Metadata("t");
  EXPECT_THAT(metadata.topics[0].partitions[0].replica_nodes, ElementsAre(3, 1));
  EXPECT_THAT(metadata.topics[0].partitions[1].replica_nodes, ElementsAre(1, 2));
  EXPECT_EQ(w.CreateAssigned("unknown", {{9}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(w.CreateAssigned("twice", {{1, 1}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(w.CreateAssigned("uneven", {{1, 2}, {1}}), ErrorCode::kInvalidReplicaAssignment);

  wire::CreatePartitionsRequest grow;
  auto& topic = grow.topics.emplace_back();
  topic.name = "t";
  topic.count = 3;
  topic.assignments.emplace();
  topic.assignments->emplace_back().broker_ids = {2, 3};
  EXPECT_EQ(w.Ask(&HandleCreatePartitions, grow, 3).results.at(0).error_code, 0);
  EXPECT_THAT(w.Metadata("t").topics[0].partitions[2].replica_nodes, ElementsAre(2, 3));
  topic.count = 4;
  topic.assignments->front().broker_ids = {9, 3};
  EXPECT_EQ(w.Ask(&HandleCreatePartitions, grow, 3).results.at(0).error_code,
            Code(ErrorCode::kInvalidReplicaAssignment));
}

TEST(ClusterElections, GiveThePreferredLeaderItsPartitionBack) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{2, 1}}), ErrorCode::kNone);
  EXPECT_EQ(w.Elect(0, "t"), ErrorCode::kElectionNotNeeded);
  w.Fence(2);
  w.Unfence(2);
  EXPECT_EQ(w.Elect(0, "t"), ErrorCode::kPreferredLeaderNotAvailable);
  w.SetInSync("t", {1, 2});
  EXPECT_EQ(w.Partition("t").leader_id, 1);
  // All partitions: only those that such an election changes are answered.
  wire::ElectLeadersRequest all;
  all.topic_partitions.reset();
  const auto response = w.Ask(&HandleElectLeaders, all, 2);
  ASSERT_EQ(response.replica_election_results.size(), 1u);
  EXPECT_EQ(response.replica_election_results[0].topic, "t");
  EXPECT_EQ(response.replica_election_results[0].partition_result.at(0).error_code, 0);
  EXPECT_EQ(w.Partition("t").leader_id, 2);
  EXPECT_EQ(w.Elect(0, "absent"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(w.Elect(1, "t"), ErrorCode::kElectionNotNeeded);
}

TEST(ClusterElections, AreUncleanOnlyOnRequest) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{2, 3}}), ErrorCode::kNone);
  w.Fence(3);
  w.Fence(2);
  w.Unfence(3);
  EXPECT_EQ(w.Partition("t").leader_id, -1);
  EXPECT_EQ(w.Elect(1, "t"), ErrorCode::kNone);
  EXPECT_EQ(w.Partition("t").leader_id, 3);
}

TEST(ClusterReassignments, AreBegunListedAndCancelled) {
  ClusterWorld w;
  ASSERT_EQ(w.CreateAssigned("t", {{1, 2}}), ErrorCode::kNone);
  EXPECT_EQ(w.Move("t", std::nullopt), ErrorCode::kNoReassignmentInProgress);
  EXPECT_EQ(w.Move("t", Ids{1, 9}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(w.Move("t", Ids{1}, true), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(w.Move("t", Ids{1, 3}), ErrorCode::kNone);

  wire::ListPartitionReassignmentsRequest list;
  list.topics.reset();
  const auto all = w.Ask(&HandleListPartitionReassignments, list, 0);
  ASSERT_EQ(all.topics.size(), 1u);
  EXPECT_THAT(all.topics[0].partitions.at(0).adding_replicas, ElementsAre(3));
  EXPECT_THAT(all.topics[0].partitions.at(0).removing_replicas, ElementsAre(2));
  list.topics.emplace();
  auto& asked = list.topics->emplace_back();
  asked.name = "t";
  asked.partition_indexes = {5};
  EXPECT_THAT(w.Ask(&HandleListPartitionReassignments, list, 0).topics, IsEmpty());

  EXPECT_EQ(w.Move("t", std::nullopt), ErrorCode::kNone);
  EXPECT_THAT(w.Partition("t").replica_nodes, ElementsAre(1, 2));
}

TEST(ClusterBrokers, AreForgottenOnceTheyHaveStoppedAndHoldNothing) {
  ClusterWorld w;
  const auto unregister = [&](int32_t id) {
    wire::UnregisterBrokerRequest request;
    request.broker_id = id;
    return w.Ask(&HandleUnregisterBroker, request, 0);
  };
  EXPECT_EQ(unregister(9).error_code, Code(ErrorCode::kBrokerIdNotRegistered));
  EXPECT_THAT(unregister(3).error_message.value_or(""), HasSubstr("stop it"));
  EXPECT_EQ(w.Metadata("none").brokers.size(), 3u);
  w.Fence(3);
  EXPECT_EQ(unregister(3).error_code, 0);
  EXPECT_EQ(unregister(3).error_code, Code(ErrorCode::kBrokerIdNotRegistered));
}

TEST(ClusterVoters, StayAsTheyAreWhereOneNodeVotesAlone) {
  ClusterWorld w;
  wire::AddRaftVoterRequest add;
  add.cluster_id.reset();
  add.voter_id = 1;
  EXPECT_EQ(w.Ask(&HandleAddRaftVoter, add, 1).error_code, Code(ErrorCode::kDuplicateVoter));
  add.voter_id = 2;
  EXPECT_EQ(w.Ask(&HandleAddRaftVoter, add, 1).error_code, Code(ErrorCode::kUnsupportedVersion));
  add.cluster_id = "another";
  EXPECT_EQ(w.Ask(&HandleAddRaftVoter, add, 1).error_code, Code(ErrorCode::kInconsistentClusterId));
  wire::RemoveRaftVoterRequest remove;
  remove.cluster_id.reset();
  remove.voter_id = 2;
  EXPECT_EQ(w.Ask(&HandleRemoveRaftVoter, remove, 0).error_code, Code(ErrorCode::kVoterNotFound));
  remove.voter_id = 1;
  EXPECT_EQ(w.Ask(&HandleRemoveRaftVoter, remove, 0).error_code, Code(ErrorCode::kInvalidRequest));
}

}  // namespace
}  // namespace leat::kafka
