#include "meta/partition_commands.h"

#include <set>

#include "tests/meta/test_cluster.h"

namespace leat::meta {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct AlterPartitionTest : ::testing::Test {
  AlterPartitionTest() {
    c.StartAll({1, 2, 3, 4});
    c.Create("a", {Nodes({1, 2, 3})}, {{"min.insync.replicas", "2"}});
  }
  std::string Error(const AlterPartition& command) { return ErrorOf(Decide(c.image, command, c.policy)); }
  TestCluster c;
};

TEST_F(AlterPartitionTest, ShrinksAndExpandsTheInSyncSet) {
  c.SetIsr("a", Nodes({1, 2}));
  EXPECT_EQ(c.At("a").isr, Nodes({1, 2}));
  EXPECT_EQ(c.At("a").leader_epoch, LeaderEpoch(0)) << "the leader stayed";
  EXPECT_EQ(c.At("a").partition_epoch, 1);
  EXPECT_EQ(c.At("a").elr, Nodes({})) << "two are enough";
  c.SetIsr("a", Nodes({1}));
  EXPECT_EQ(c.At("a").elr, Nodes({2})) << "nothing can be acknowledged without 2 from here on";
  c.SetIsr("a", Nodes({3, 1}));
  EXPECT_EQ(c.At("a").isr, Nodes({1, 3}));
  EXPECT_EQ(c.At("a").elr, Nodes({})) << "two are in sync again, and 2 falls behind";
}

TEST_F(AlterPartitionTest, ChangesNothingWhenItIsSoAlready) {
  EXPECT_EQ(Decide(c.image, c.IsrChange("a", Nodes({3, 2, 1})), c.policy)->size(), 0u);
}

TEST_F(AlterPartitionTest, IsRefusedFromWhoeverDoesNotLeadNow) {
  AlterPartition command = c.IsrChange("a", Nodes({1, 2}));
  command.broker_epoch = 77;
  EXPECT_THAT(Error(command), StartsWith("STALE_BROKER_EPOCH"));
  command = c.IsrChange("a", Nodes({1, 2}));
  command.broker = NodeId(9);
  EXPECT_THAT(Error(command), StartsWith("BROKER_ID_NOT_REGISTERED"));
  command = c.IsrChange("a", Nodes({1, 2}));
  command.broker = NodeId(2);
  command.broker_epoch = c.image.FindBroker(NodeId(2))->epoch();
  EXPECT_THAT(Error(command), AllOf(StartsWith("INVALID_REQUEST"), HasSubstr("broker 1 does")));
  command = c.IsrChange("a", Nodes({1, 2}));
  command.key.topic = {5, 5};
  EXPECT_THAT(Error(command), StartsWith("UNKNOWN_TOPIC_ID"));
  command = c.IsrChange("a", Nodes({1, 2}));
  command.key.partition = PartitionId(1);
  EXPECT_THAT(Error(command), StartsWith("UNKNOWN_TOPIC_OR_PARTITION"));
}

TEST_F(AlterPartitionTest, IsRefusedOnAnOldOrAnUnknownState) {
  const AlterPartition old = c.IsrChange("a", Nodes({1, 2}));
  c.SetIsr("a", Nodes({1, 3}));
  EXPECT_THAT(Error(old), StartsWith("INVALID_UPDATE_VERSION"));
  AlterPartition newer = c.IsrChange("a", Nodes({1, 2}));
  ++newer.partition_epoch;
  EXPECT_THAT(Error(newer), StartsWith("NOT_CONTROLLER"));
  const AlterPartition before_election = c.IsrChange("a", Nodes({1, 2}));
  c.Fence(1);
  c.Unfence(1);
  EXPECT_THAT(Error(before_election), StartsWith("FENCED_LEADER_EPOCH"));
}

TEST_F(AlterPartitionTest, IsRefusedWithMembersThatMayNotBeInSync) {
  EXPECT_THAT(Error(c.IsrChange("a", Nodes({1, 4}))), AllOf(StartsWith("INVALID_REQUEST"), HasSubstr("no replica")));
  EXPECT_THAT(Error(c.IsrChange("a", Nodes({1, 2, 2}))), StartsWith("INVALID_REQUEST"));
  EXPECT_THAT(Error(c.IsrChange("a", Nodes({2, 3}))), HasSubstr("left itself out"));
  AlterPartition stale = c.IsrChange("a", Nodes({1, 2}));
  --stale.isr[1].epoch;
  EXPECT_THAT(Error(stale), AllOf(StartsWith("INELIGIBLE_REPLICA"), HasSubstr("epoch 1 and is in epoch 2 now")));
  c.Run(BeginControlledShutdown(c.image, NodeId(3), c.policy));
  EXPECT_THAT(Error(c.IsrChange("a", Nodes({1, 2, 3}))), HasSubstr("shutting down"));
  c.Fence(2);
  EXPECT_THAT(Error(c.IsrChange("a", Nodes({1, 2}))), AllOf(StartsWith("INELIGIBLE_REPLICA"), HasSubstr("fenced")));
}

TEST(Eligible, AreNoMoreWhenAConfigLetsRecordsBeAcknowledgedWithoutThem) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})}, {{"min.insync.replicas", "2"}});
  c.Create("b", {Nodes({1, 2})});
  c.Run(Decide(c.image, AlterBrokerConfigs{kNobody, {{"min.insync.replicas", "2"}}}, c.policy));
  c.SetIsr("a", Nodes({1}));
  c.SetIsr("b", Nodes({1}));
  EXPECT_EQ(c.At("a").elr, Nodes({2}));
  EXPECT_EQ(c.At("b").elr, Nodes({2}));
  c.Run(Decide(c.image, AlterTopic{.name = "a", .set = {{"min.insync.replicas", "1"}}}, c.policy, c.random));
  EXPECT_EQ(c.At("a").elr, Nodes({}));
  c.Run(Decide(c.image, AlterBrokerConfigs{.remove = {"min.insync.replicas"}}, c.policy));
  EXPECT_EQ(c.At("b").elr, Nodes({}));
}

TEST(ElectLeader, GivesThePreferredOneItsPartitionBack) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  EXPECT_THAT(ErrorOf(Decide(c.image, ElectLeader{c.Key("a")}, c.policy)), StartsWith("ELECTION_NOT_NEEDED"));
  c.Fence(1);
  EXPECT_THAT(ErrorOf(Decide(c.image, ElectLeader{c.Key("a")}, c.policy)), StartsWith("PREFERRED_LEADER_NOT_AVAIL"));
  c.Unfence(1);
  EXPECT_THAT(ErrorOf(Decide(c.image, ElectLeader{c.Key("a")}, c.policy)), HasSubstr("in sync are [2]"));
  c.SetIsr("a", Nodes({1, 2}));
  c.Run(Decide(c.image, ElectLeader{c.Key("a")}, c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(1));
  EXPECT_EQ(c.At("a").isr, Nodes({1, 2}));
}

TEST(ElectLeader, ElectsUncleanlyWhenAnOperatorAsks) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  const auto unclean = [&] { return Decide(c.image, ElectLeader{c.Key("a"), ElectionWish::kUnclean}, c.policy); };
  EXPECT_THAT(ErrorOf(unclean()), StartsWith("ELECTION_NOT_NEEDED"));
  c.Fence(2);
  c.Fence(1);
  EXPECT_THAT(ErrorOf(unclean()), StartsWith("ELIGIBLE_LEADERS_NOT_AVAILABLE"));
  c.Unfence(2);
  EXPECT_EQ(c.At("a").leader, kNobody);
  const Delta delta = c.Run(unclean());
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_EQ(delta.partitions[0].election, Election::kUnclean);
}

TEST(RebalanceLeaders, ActsAboveThePercentageOnly) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2}), Nodes({1, 2}), Nodes({1, 2}), Nodes({2, 1})});
  c.Fence(1);
  c.Unfence(1);
  EXPECT_TRUE(RebalanceLeaders(c.image, {}, c.policy).empty()) << "1 is not in sync yet";
  for (int32_t i = 0; i < 2; ++i) {
    const Partition& p = c.At("a", i);
    c.Run(Decide(c.image,
                 AlterPartition{
                     NodeId(2), 2, c.Key("a", i), p.leader_epoch, p.partition_epoch, {{NodeId(1), 1}, {NodeId(2), 2}}},
                 c.policy));
  }
  EXPECT_TRUE(RebalanceLeaders(c.image, {.percent = 100}, c.policy).empty());
  EXPECT_EQ(RebalanceLeaders(c.image, {.most = 1}, c.policy).size(), 1u);
  c.Apply(RebalanceLeaders(c.image, {}, c.policy));
  EXPECT_EQ(c.image.partitions().LedCount(NodeId(1)), 2u);
  EXPECT_TRUE(RebalanceLeaders(c.image, {}, c.policy).empty()) << "the third is not in sync with 1";
}

TEST(ElectLeaderless, ActsOnWhatAConfigAllowsSince) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  c.SetIsr("a", Nodes({1}));
  c.Fence(1);
  EXPECT_TRUE(ElectLeaderless(c.image, 10, c.policy).empty());
  c.Run(Decide(c.image, AlterBrokerConfigs{kNobody, {{"unclean.leader.election.enable", "true"}}}, c.policy));
  c.Apply(ElectLeaderless(c.image, 10, c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(2));
}

struct ReassignTest : ::testing::Test {
  ReassignTest() {
    c.StartAll({1, 2, 3, 4, 5, 6});
    c.Create("a", {Nodes({1, 2, 3})});
  }
  absl::StatusOr<Records> To(std::optional<NodeList> target) {
    return Decide(c.image, Reassign{c.Key("a"), std::move(target)}, c.policy);
  }
  TestCluster c;
};

TEST_F(ReassignTest, EndsWhenTheNewReplicasAreInSync) {
  c.Run(To(Nodes({4, 5})));
  EXPECT_EQ(c.At("a").replicas, Nodes({4, 5, 1, 2, 3}));
  EXPECT_EQ(c.At("a").adding, Nodes({4, 5}));
  EXPECT_EQ(c.At("a").removing, Nodes({1, 2, 3}));
  EXPECT_EQ(c.At("a").leader, NodeId(1));
  EXPECT_EQ(Reassignments(c.image, 10), (std::vector<PartitionKey>{c.Key("a")}));
  c.SetIsr("a", Nodes({1, 2, 3, 4}));
  EXPECT_TRUE(c.At("a").is_reassigning());
  const LeaderEpoch before = c.At("a").leader_epoch;
  c.SetIsr("a", Nodes({1, 2, 3, 4, 5}));
  EXPECT_FALSE(c.At("a").is_reassigning());
  EXPECT_EQ(c.At("a").replicas, Nodes({4, 5}));
  EXPECT_EQ(c.At("a").isr, Nodes({4, 5}));
  EXPECT_EQ(c.At("a").leader, NodeId(4));
  EXPECT_EQ(c.At("a").leader_epoch, before + 1);
  EXPECT_TRUE(Reassignments(c.image, 10).empty());
  EXPECT_EQ(c.image.partitions().HeldCount(NodeId(1)), 0u);
}

TEST_F(ReassignTest, IsTakenBack) {
  EXPECT_THAT(ErrorOf(To(std::nullopt)), StartsWith("NO_REASSIGNMENT_IN_PROGRESS"));
  c.Run(To(Nodes({4, 2, 1})));
  c.SetIsr("a", Nodes({1, 2, 3}));
  c.Run(To(std::nullopt));
  EXPECT_EQ(c.At("a").replicas, Nodes({2, 1, 3}));
  EXPECT_EQ(c.At("a").isr, Nodes({2, 1, 3}));
  EXPECT_FALSE(c.At("a").is_reassigning());
}

TEST_F(ReassignTest, IsNotTakenBackWhenOnlyTheNewReplicasHaveTheRecords) {
  c.Run(To(Nodes({4, 5, 6})));
  c.SetIsr("a", Nodes({1, 4}));
  c.Fence(1);
  EXPECT_EQ(c.At("a").leader, NodeId(4));
  EXPECT_THAT(ErrorOf(To(std::nullopt)), AllOf(StartsWith("INVALID_REPLICA_ASSIGNMENT"), HasSubstr("only [4]")));
}

TEST_F(ReassignTest, ReplacesTheOneUnderWay) {
  c.Run(To(Nodes({4, 5, 6})));
  c.Run(To(Nodes({4, 2, 3})));
  EXPECT_EQ(c.At("a").replicas, Nodes({4, 2, 3, 1}));
  EXPECT_EQ(c.At("a").adding, Nodes({4}));
  EXPECT_EQ(c.At("a").removing, Nodes({1}));
}

TEST_F(ReassignTest, OnlyRemovesOrReordersAtOnce) {
  c.Run(To(Nodes({3, 1})));
  EXPECT_EQ(c.At("a").replicas, Nodes({3, 1}));
  EXPECT_FALSE(c.At("a").is_reassigning());
  EXPECT_EQ(c.At("a").leader, NodeId(1));
  EXPECT_EQ(To(Nodes({3, 1}))->size(), 0u);
}

TEST_F(ReassignTest, ChecksItsTarget) {
  EXPECT_THAT(ErrorOf(To(Nodes({}))), HasSubstr("1 to 16 replicas"));
  EXPECT_THAT(ErrorOf(To(Nodes({1, 1}))), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf(To(Nodes({1, 9}))), AllOf(StartsWith("INVALID_REPLICA_ASSIGNMENT"), HasSubstr("no broker 9")));
  EXPECT_THAT(ErrorOf(Decide(c.image, Reassign{c.Key("a"), Nodes({1, 2}), Reassign::Factor::kMustStay}, c.policy)),
              StartsWith("INVALID_REPLICATION_FACTOR"));
}

TEST(Drain, MovesEveryCopyAwayAndKeepsNewOnesOut) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Create("a", {Nodes({1, 2}), Nodes({2, 3}), Nodes({3, 1})});
  absl::StatusOr<Drained> drained = DrainBroker(c.image, NodeId(1), 1, c.policy, c.random);
  ASSERT_TRUE(drained.ok());
  EXPECT_EQ(drained->left, 1u);
  c.Apply(drained->records);
  drained = DrainBroker(c.image, NodeId(1), 10, c.policy, c.random);
  ASSERT_TRUE(drained.ok());
  EXPECT_EQ(drained->left, 0u);
  c.Apply(drained->records);
  EXPECT_EQ(Reassignments(c.image, 10).size(), 2u);
  EXPECT_EQ(c.At("a").adding, Nodes({3})) << "the only other one";
  c.Run(Decide(c.image, CreateTopic{.name = "b", .partitions = 4, .replication_factor = 2}, c.policy, c.random));
  for (int32_t i = 0; i < 4; ++i) EXPECT_FALSE(Contains(c.At("b", i).replicas, NodeId(1)));
  for (int32_t i : {0, 2}) {
    const Partition p = c.At("a", i);
    AlterPartition command{
        p.leader, c.image.FindBroker(p.leader)->epoch(), c.Key("a", i), p.leader_epoch, p.partition_epoch, {}};
    for (const NodeId node : p.replicas) command.isr.push_back({node, c.image.FindBroker(node)->epoch()});
    c.Run(Decide(c.image, command, c.policy));
  }
  EXPECT_EQ(c.image.partitions().HeldCount(NodeId(1)), 0u);
  c.Fence(1);
  c.Run(UnregisterBroker(c.image, NodeId(1)));
}

TEST(Drain, SaysWhenThereIsNowhereToGo) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  EXPECT_THAT(ErrorOf(DrainBroker(c.image, NodeId(1), 10, c.policy, c.random).status()),
              AllOf(StartsWith("INVALID_REPLICA_ASSIGNMENT"), HasSubstr("partition a-0"), HasSubstr("start another")));
  EXPECT_THAT(ErrorOf(DrainBroker(c.image, NodeId(7), 10, c.policy, c.random).status()),
              StartsWith("BROKER_ID_NOT_REGISTERED"));
  c.Apply({BrokerDraining{NodeId(2), true}});
  EXPECT_EQ(StopDraining(c.image, NodeId(2))->size(), 1u);
  EXPECT_EQ(StopDraining(c.image, NodeId(1))->size(), 0u);
}

TEST(Placement, SpreadsCopiesLeadersAndRacks) {
  TestCluster c;
  for (int32_t node = 1; node <= 6; ++node) c.Start(node, StrCat("rack", node % 3));
  c.Run(Decide(c.image, CreateTopic{.name = "a", .partitions = 60, .replication_factor = 3}, c.policy, c.random));
  for (int32_t i = 0; i < 60; ++i) {
    std::set<int32_t> racks;
    for (const NodeId node : c.At("a", i).replicas) racks.insert(node.value() % 3);
    EXPECT_EQ(racks.size(), 3u) << i;
    EXPECT_EQ(c.At("a", i).isr, c.At("a", i).replicas);
  }
  for (int32_t node = 1; node <= 6; ++node) {
    EXPECT_EQ(c.image.partitions().LedCount(NodeId(node)), 10u);
    EXPECT_NEAR(static_cast<double>(c.image.partitions().HeldCount(NodeId(node))), 30, 3);
  }
}

TEST(Placement, TakesTheSameSeedToTheSamePlaces) {
  const auto hash = [](uint64_t seed) {
    TestCluster c(seed);
    c.StartAll({1, 2, 3, 4});
    c.Run(Decide(c.image, CreateTopic{.name = "a", .partitions = 9, .replication_factor = 2}, c.policy, c.random));
    return c.image.Hash();
  };
  EXPECT_EQ(hash(5), hash(5));
  EXPECT_NE(hash(5), hash(6));
}

TEST(Placement, PrefersTheLiveAndNeedsEnoughBrokers) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Fence(3);
  const auto create = [&](int32_t factor) {
    return Decide(c.image, CreateTopic{.name = StrCat("t", factor), .partitions = 4, .replication_factor = factor},
                  c.policy, c.random);
  };
  c.Run(create(2));
  for (int32_t i = 0; i < 4; ++i) EXPECT_FALSE(Contains(c.At("t2", i).replicas, NodeId(3)));
  c.Run(create(3));
  EXPECT_FALSE(Contains(c.At("t3").isr, NodeId(3)));
  EXPECT_THAT(ErrorOf(create(4)),
              AllOf(StartsWith("INVALID_REPLICATION_FACTOR"), HasSubstr("at most 3"), HasSubstr("start more brokers")));
  EXPECT_THAT(ErrorOf(create(0)), StartsWith("INVALID_REPLICATION_FACTOR"));
  c.Fence(1);
  c.Fence(2);
  EXPECT_THAT(ErrorOf(create(1)), HasSubstr("0 of them are live"));
}

TEST(Placement, ChecksManualAssignments) {
  TestCluster c;
  c.StartAll({1, 2});
  const auto error = [&](std::vector<NodeList> assignments) {
    return ErrorOf(Decide(c.image, CreateTopic{.name = "a", .partitions = 2, .assignments = std::move(assignments)},
                          c.policy, c.random));
  };
  EXPECT_THAT(error({Nodes({1})}), HasSubstr("assignments of 2 partitions, got 1"));
  EXPECT_THAT(error({Nodes({1}), Nodes({1, 2})}), HasSubstr("expected 1 replicas as in the first"));
  EXPECT_THAT(error({Nodes({1}), Nodes({5})}), StartsWith("INVALID_REPLICA_ASSIGNMENT"));
  c.Fence(2);
  EXPECT_THAT(error({Nodes({1}), Nodes({2})}), HasSubstr("is live"));
}

TEST(Topics, GrowWithTheReplicasOfTheirFirstPartition) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Create("a", {Nodes({1, 2})});
  c.Run(Decide(c.image, AlterTopic{.name = "a", .partitions = 4}, c.policy, c.random));
  EXPECT_EQ(c.At("a", 3).replicas.size(), 2u);
  c.Run(Decide(c.image, AlterTopic{.name = "a", .partitions = 5, .assignments = {Nodes({3, 1})}}, c.policy, c.random));
  EXPECT_EQ(c.At("a", 4).replicas, Nodes({3, 1}));
  EXPECT_EQ(c.image.partition_count(), 5);
  c.Run(Decide(c.image, DeleteTopic{"a"}));
  EXPECT_EQ(c.image.partitions().size(), 0u);
  EXPECT_EQ(c.image.partitions().HeldCount(NodeId(1)), 0u);
  EXPECT_EQ(c.image.partition_count(), 0);
}

TEST(Topics, AreLimitedByTheClustersPartitions) {
  TestCluster c;
  c.policy.limits.partitions = 5;
  c.Start(1);
  c.Run(Decide(c.image, CreateTopic{"a", 4}, c.policy, c.random));
  EXPECT_THAT(ErrorOf(Decide(c.image, CreateTopic{"b", 2}, c.policy, c.random)), HasSubstr("limits.partitions, 5"));
  EXPECT_THAT(ErrorOf(Decide(c.image, AlterTopic{.name = "a", .partitions = 6}, c.policy, c.random)),
              HasSubstr("delete topics or raise the limit"));
}

TEST(Topics, OfANodeWithoutBrokersHaveOneCopy) {
  TestCluster c;
  c.Run(Decide(c.image, CreateTopic{.name = "a", .replication_factor = 1}, c.policy, c.random));
  EXPECT_THAT(ErrorOf(Decide(c.image, CreateTopic{.name = "b", .replication_factor = 3}, c.policy, c.random)),
              HasSubstr("no broker is registered"));
}

TEST(GivingUpLeadership, MakesAnotherInSyncLeadOrBeginsANewEpoch) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("t", {Nodes({1, 2})});
  const GiveUpLeadership command{NodeId(1), c.image.FindBroker(NodeId(1))->epoch(), c.Key("t"), c.At("t").leader_epoch};
  c.Run(Decide(c.image, command, c.policy));
  EXPECT_EQ(c.At("t").leader, NodeId(2));
  EXPECT_EQ(c.At("t").isr, Nodes({2}));
  EXPECT_THAT(ErrorOf(Decide(c.image, command, c.policy)), StartsWith("FENCED_LEADER_EPOCH")) << "a copy of it";
  const Partition alone = c.At("t");
  c.Run(Decide(c.image,
               GiveUpLeadership{NodeId(2), c.image.FindBroker(NodeId(2))->epoch(), c.Key("t"), alone.leader_epoch},
               c.policy));
  EXPECT_EQ(c.At("t").leader, NodeId(2));
  EXPECT_EQ(c.At("t").leader_epoch, alone.leader_epoch + 1);
}

}  // namespace
}  // namespace leat::meta
