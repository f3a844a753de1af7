#include "meta/brokers.h"

#include "tests/meta/test_cluster.h"

namespace leat::meta {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Registration, IsFencedUntilItIsUnfenced) {
  TestCluster c;
  c.Run(Decide(c.image, TestCluster::Registration(1), Session::kNone, c.policy));
  ASSERT_NE(c.image.FindBroker(NodeId(1)), nullptr);
  EXPECT_TRUE(c.image.FindBroker(NodeId(1))->fenced);
  EXPECT_EQ(c.image.FindBroker(NodeId(1))->epoch(), 1);
  c.Unfence(1);
  EXPECT_TRUE(c.image.IsActive(NodeId(1)));
}

TEST(Registration, AskedForAgainChangesNothing) {
  TestCluster c;
  c.Start(1);
  EXPECT_EQ(Decide(c.image, TestCluster::Registration(1), Session::kAlive, c.policy)->size(), 0u);
  EXPECT_TRUE(c.image.IsActive(NodeId(1)));
}

TEST(Registration, OfASecondNodeWithOneIdIsRefused) {
  TestCluster c;
  c.Start(1);
  RegisterBroker other = TestCluster::Registration(1);
  other.broker.incarnation = {9, 9};
  other.broker.directories = {{9, 9}};
  EXPECT_THAT(ErrorOf(Decide(c.image, other, Session::kAlive, c.policy)),
              AllOf(StartsWith("DUPLICATE_BROKER_REGISTRATION"), HasSubstr("host:9001"), HasSubstr("node.id")));
}

TEST(Registration, OfAnotherClusterIsRefused) {
  TestCluster c;
  RegisterBroker other = TestCluster::Registration(1);
  other.cluster_id = "d";
  EXPECT_THAT(ErrorOf(Decide(c.image, other, Session::kNone, c.policy)),
              AllOf(StartsWith("INCONSISTENT_CLUSTER_ID"), HasSubstr("cluster d"), HasSubstr("cluster c")));
}

TEST(Registration, OfARolledBackDiskIsRefused) {
  TestCluster c;
  c.Start(1);
  c.Fence(1);
  c.Run(Decide(c.image, TestCluster::Registration(1, 2), Session::kNone, c.policy));
  RegisterBroker rolled_back = TestCluster::Registration(1, 3);
  rolled_back.known_incarnations.pop_back();  // as the disk was before life 2
  EXPECT_THAT(ErrorOf(Decide(c.image, rolled_back, Session::kNone, c.policy)),
              AllOf(StartsWith("INVALID_REGISTRATION"), HasSubstr("rolled back")));
  EXPECT_TRUE(Decide(c.image, TestCluster::Registration(1, 3), Session::kNone, c.policy).ok());
  RegisterBroker late = TestCluster::Registration(1, 1);
  EXPECT_THAT(ErrorOf(Decide(c.image, late, Session::kNone, c.policy)), HasSubstr("older process"));
}

TEST(Registration, OfACopiedDiskIsRefused) {
  TestCluster c;
  c.Start(1);
  RegisterBroker copy = TestCluster::Registration(2);
  copy.broker.directories = TestCluster::Registration(1).broker.directories;
  EXPECT_THAT(ErrorOf(Decide(c.image, copy, Session::kNone, c.policy)),
              AllOf(StartsWith("DUPLICATE_BROKER_REGISTRATION"), HasSubstr("copied")));
}

TEST(Registration, OfAnOldProgramIsRefused) {
  TestCluster c;
  RegisterBroker old = TestCluster::Registration(1);
  old.broker.newest_feature_level = 1;
  EXPECT_THAT(
      ErrorOf(Decide(c.image, old, Session::kNone, c.policy)),
      AllOf(StartsWith("UNSUPPORTED_VERSION"), HasSubstr("1 to 1"), HasSubstr(StrCat("level ", kFeatureLevel))));
}

TEST(Registration, RefusesWhatIsIncompleteOrTooMuch) {
  TestCluster c;
  c.policy.limits.brokers = 1;
  RegisterBroker bad = TestCluster::Registration(1);
  bad.broker.listeners[0].port = 0;
  EXPECT_THAT(ErrorOf(Decide(c.image, bad, Session::kNone, c.policy)), HasSubstr("port in 1..65535"));
  bad = TestCluster::Registration(1);
  bad.broker.directories.clear();
  EXPECT_THAT(ErrorOf(Decide(c.image, bad, Session::kNone, c.policy)), HasSubstr("log directories"));
  bad = TestCluster::Registration(1);
  bad.broker.incarnation = {};
  EXPECT_THAT(ErrorOf(Decide(c.image, bad, Session::kNone, c.policy)), HasSubstr("incarnation"));
  bad = TestCluster::Registration(-1);
  EXPECT_THAT(ErrorOf(Decide(c.image, bad, Session::kNone, c.policy)), HasSubstr("node.id"));
  c.Start(1);
  EXPECT_THAT(ErrorOf(Decide(c.image, TestCluster::Registration(2), Session::kNone, c.policy)),
              HasSubstr("limits.brokers"));
}

TEST(Registration, LearnsItsListenersWithoutANewEpoch) {
  TestCluster c;
  RegisterBroker early = TestCluster::Registration(1);
  const std::vector<Listener> listeners = std::exchange(early.broker.listeners, {});
  c.Run(Decide(c.image, early, Session::kNone, c.policy));
  c.Unfence(1);
  c.Create("t", {Nodes({1})});
  const Partition before = c.At("t");
  RegisterBroker late = TestCluster::Registration(1);
  c.Run(Decide(c.image, late, Session::kAlive, c.policy));
  EXPECT_EQ(c.image.FindBroker(NodeId(1))->registration.listeners, listeners);
  EXPECT_EQ(c.image.FindBroker(NodeId(1))->epoch(), 1);
  EXPECT_TRUE(c.image.IsActive(NodeId(1)));
  EXPECT_EQ(c.At("t"), before);
  EXPECT_TRUE(Decide(c.image, late, Session::kAlive, c.policy)->empty());
  EXPECT_TRUE(Decide(c.image, early, Session::kAlive, c.policy)->empty()) << "a late copy of the first request";
}

TEST(Registration, NeedsTheClusterLevel) {
  Image image;
  LEAT_CHECK_OK(image.Apply(ClusterCreated{"c"}).status());
  LEAT_CHECK_OK(image.Apply(FeatureLevel{1}).status());
  EXPECT_THAT(ErrorOf(Decide(image, TestCluster::Registration(1), Session::kNone, {})), HasSubstr("raise the level"));
  EXPECT_EQ(image.Apply(TestCluster::Registration(1).broker).status().code(), absl::StatusCode::kDataLoss);
}

TEST(UncleanShutdown, TakesABrokerOutOfEveryInSyncAndEligibleSet) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Create("a", {Nodes({1, 2, 3})}, {{"min.insync.replicas", "2"}});
  c.Fence(2);
  c.Fence(1);
  EXPECT_EQ(c.At("a").elr, Nodes({1}));
  c.Run(Decide(c.image, TestCluster::Registration(1, 2), Session::kNone, c.policy));
  EXPECT_EQ(c.At("a").elr, Nodes({}));
  EXPECT_EQ(c.At("a").isr, Nodes({3}));
}

TEST(UncleanShutdown, LeavesTheEligibleWhoStoppedInOrder) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})}, {{"min.insync.replicas", "2"}});
  c.Fence(1);
  RegisterBroker again = TestCluster::Registration(1, 2);
  again.clean_shutdown_epoch = c.image.FindBroker(NodeId(1))->epoch();
  c.Run(Decide(c.image, again, Session::kNone, c.policy));
  EXPECT_EQ(c.At("a").elr, Nodes({1}));
}

TEST(UncleanShutdown, IsForgivenWhereEverythingWasSynced) {
  TestCluster c;
  c.policy.after_unclean_shutdown = AfterUncleanShutdown::kTrustSynced;
  c.StartAll({1, 2});
  c.Create("synced", {Nodes({1, 2})}, {{"min.insync.replicas", "2"}});
  c.Create("cached", {Nodes({1, 2})}, {{"min.insync.replicas", "2"}, {"leat.durability", "page-cache"}});
  c.Fence(1);
  c.Run(Decide(c.image, TestCluster::Registration(1, 2), Session::kNone, c.policy));
  EXPECT_EQ(c.At("synced").elr, Nodes({1}));
  EXPECT_EQ(c.At("cached").elr, Nodes({}));
}

TEST(UncleanShutdown, OfTheOnlyCopyElectsTheLastLeaderWhenItIsBack) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1})});
  c.Run(Decide(c.image, TestCluster::Registration(1, 2), Session::kNone, c.policy));
  EXPECT_EQ(c.At("a").leader, kNobody);
  EXPECT_EQ(c.At("a").last_known_elr, Nodes({1}));
  const Delta delta = c.Run(UnfenceBroker(c.image, NodeId(1), c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(1));
  ASSERT_EQ(delta.partitions.size(), 1u);
  EXPECT_EQ(delta.partitions[0].election, Election::kLastKnown);
}

TEST(UncleanShutdown, WithAnotherDiskLeavesNothingToElect) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1})});
  c.Fence(1);
  RegisterBroker wiped = TestCluster::Registration(1, 2);
  wiped.known_incarnations.clear();
  wiped.broker.directories = {{77, 77}};
  c.Run(Decide(c.image, wiped, Session::kNone, c.policy));
  c.Unfence(1);
  EXPECT_EQ(c.At("a").leader, kNobody) << "an empty disk must not lead by itself";
  c.Run(Decide(c.image, ElectLeader{c.Key("a"), ElectionWish::kUnclean}, c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(1));
}

TEST(DamagedCopies, AreNotEligibleWhereAnotherReplicaHasTheRecords) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2}), Nodes({1, 2})}, {{"min.insync.replicas", "2"}});
  RegisterBroker again = TestCluster::Registration(1, 2);
  again.clean_shutdown_epoch = c.image.FindBroker(NodeId(1))->epoch();
  again.damaged = {c.Key("a")};
  c.Run(Decide(c.image, again, Session::kNone, c.policy));
  EXPECT_EQ(c.At("a").isr, Nodes({2}));
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_THAT(c.At("a").elr, ::testing::IsEmpty()) << "what it held is lost";
  EXPECT_EQ(c.At("a", 1).elr, Nodes({1})) << "this copy is whole";
}

TEST(DamagedCopies, AreGivenUpAlsoOnceTheirBrokerLeadsThem) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2}), Nodes({1, 2})}, {{"min.insync.replicas", "2"}});
  RegisterBroker again = TestCluster::Registration(1);
  again.damaged = {c.Key("a"), c.Key("a"), PartitionKey{{9, 9}, PartitionId(0)}};
  c.Run(Decide(c.image, again, Session::kAlive, c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_EQ(c.At("a").isr, Nodes({2}));
  EXPECT_THAT(c.At("a").elr, ::testing::IsEmpty());
  EXPECT_EQ(c.At("a", 1).leader, NodeId(1)) << "this copy is whole";
  EXPECT_FALSE(c.image.FindBroker(NodeId(1))->fenced);
  EXPECT_THAT(*Decide(c.image, again, Session::kAlive, c.policy), ::testing::IsEmpty()) << "said once more";
}

TEST(DamagedCopies, AreNotElectedUncleanly) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})}, {{"min.insync.replicas", "2"}, {"unclean.leader.election.enable", "true"}});
  c.Run(FenceBroker(c.image, NodeId(2), c.policy));
  ASSERT_EQ(c.At("a").isr, Nodes({1}));
  ASSERT_EQ(c.At("a").elr, Nodes({2}));
  RegisterBroker again = TestCluster::Registration(1);
  again.damaged = {c.Key("a")};
  c.Run(Decide(c.image, again, Session::kAlive, c.policy));
  EXPECT_EQ(c.At("a").leader, kNobody);
  c.Unfence(2);
  EXPECT_EQ(c.At("a").leader, NodeId(2)) << "which has every record";
}

TEST(DamagedCopies, StayTheLastOnesAlsoOnceTheirBrokerLeadsThem) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})}, {{"min.insync.replicas", "1"}});
  c.SetIsr("a", Nodes({1}));
  RegisterBroker again = TestCluster::Registration(1);
  again.damaged = {c.Key("a")};
  EXPECT_THAT(*Decide(c.image, again, Session::kAlive, c.policy), ::testing::IsEmpty());
}

TEST(DamagedCopies, AreKeptWhereNobodyElseHasTheRecords) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})}, {{"min.insync.replicas", "1"}});
  c.SetIsr("a", Nodes({1}));
  RegisterBroker again = TestCluster::Registration(1, 2);
  again.damaged = {c.Key("a")};
  c.Run(Decide(c.image, again, Session::kNone, c.policy));
  EXPECT_EQ(c.At("a").leader, kNobody);
  c.Unfence(1);
  EXPECT_EQ(c.At("a").leader, NodeId(1)) << "the last one that has them, who refuses to serve until it is restored";
}

TEST(Fencing, MovesLeadersWithinTheInSyncSet) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Create("a", {Nodes({1, 2, 3}), Nodes({2, 3, 1})});
  const Partition before = c.At("a");
  c.Fence(1);
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_EQ(c.At("a").isr, Nodes({2, 3}));
  EXPECT_EQ(c.At("a").leader_epoch, before.leader_epoch + 1);
  EXPECT_EQ(c.At("a").partition_epoch, before.partition_epoch + 1);
  EXPECT_EQ(c.At("a", 1).leader_epoch, LeaderEpoch(0)) << "its leader stayed";
  EXPECT_EQ(c.At("a", 1).isr, Nodes({2, 3}));
}

TEST(Fencing, TouchesOnlyThePartitionsOfTheBroker) {
  TestCluster c;
  c.StartAll({1, 2, 3});
  c.Create("a", {Nodes({1, 2}), Nodes({2, 3}), Nodes({3, 2})});
  EXPECT_EQ(FenceBroker(c.image, NodeId(1), c.policy)->size(), 2u);
  EXPECT_EQ(c.image.partitions().HeldCount(NodeId(2)), 3u);
  EXPECT_EQ(c.image.partitions().LedBy(NodeId(3)), (std::vector<PartitionKey>{c.Key("a", 2)}));
}

TEST(Fencing, KeepsTheLastOnesEligible) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  c.Fence(1);
  EXPECT_EQ(c.At("a").elr, Nodes({})) << "2 is enough for min.insync.replicas 1: 1 may miss what comes";
  c.Fence(2);
  EXPECT_EQ(c.At("a").leader, kNobody);
  EXPECT_EQ(c.At("a").isr, Nodes({}));
  EXPECT_EQ(c.At("a").elr, Nodes({2}));
  c.Unfence(1);
  EXPECT_EQ(c.At("a").leader, kNobody) << "1 may miss records";
  const Delta delta = c.Run(UnfenceBroker(c.image, NodeId(2), c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_EQ(delta.partitions[0].election, Election::kEligible);
}

TEST(Fencing, ElectsUncleanlyOnlyWhereTheTopicAllowsIt) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("safe", {Nodes({1, 2})});
  c.Create("fast", {Nodes({1, 2})}, {{"unclean.leader.election.enable", "true"}});
  c.SetIsr("safe", Nodes({1}));
  c.SetIsr("fast", Nodes({1}));
  const Delta delta = c.Run(FenceBroker(c.image, NodeId(1), c.policy));
  EXPECT_EQ(c.At("safe").leader, kNobody);
  EXPECT_EQ(c.At("fast").leader, NodeId(2));
  EXPECT_EQ(c.At("fast").isr, Nodes({2}));
  EXPECT_EQ(c.At("fast").elr, Nodes({}));
  const bool audited = std::any_of(delta.partitions.begin(), delta.partitions.end(), [](const auto& change) {
    return change.election == Election::kUnclean && change.after->leader == NodeId(2);
  });
  EXPECT_TRUE(audited);
}

TEST(Fencing, OfNobodyIsAnError) {
  TestCluster c;
  EXPECT_THAT(ErrorOf(FenceBroker(c.image, NodeId(4), c.policy)), StartsWith("BROKER_ID_NOT_REGISTERED"));
  EXPECT_THAT(ErrorOf(UnfenceBroker(c.image, NodeId(4), c.policy)), StartsWith("BROKER_ID_NOT_REGISTERED"));
  c.Start(1);
  EXPECT_EQ(UnfenceBroker(c.image, NodeId(1), c.policy)->size(), 0u);
  EXPECT_THAT(ErrorOf(RequireBroker(c.image, NodeId(1), 7).status()), StartsWith("STALE_BROKER_EPOCH"));
}

TEST(ControlledShutdown, HandsOverAndDoesNotComeBackWithoutRegistration) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1, 2})});
  c.Run(BeginControlledShutdown(c.image, NodeId(1), c.policy));
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_FALSE(c.image.IsActive(NodeId(1)));
  EXPECT_EQ(BeginControlledShutdown(c.image, NodeId(1), c.policy)->size(), 0u);
  c.Fence(1);
  EXPECT_THAT(ErrorOf(UnfenceBroker(c.image, NodeId(1), c.policy)), HasSubstr("new registration"));
}

TEST(Unregistration, IsRefusedWhileTheBrokerLivesOrHoldsCopies) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({2})});
  EXPECT_THAT(ErrorOf(UnregisterBroker(c.image, NodeId(2))), HasSubstr("is live"));
  c.Fence(2);
  EXPECT_THAT(ErrorOf(UnregisterBroker(c.image, NodeId(2))), HasSubstr("decommission 2"));
  EXPECT_THAT(ErrorOf(UnregisterBroker(c.image, NodeId(3))), StartsWith("BROKER_ID_NOT_REGISTERED"));
  c.Fence(1);
  c.Run(Decide(c.image, AlterBrokerConfigs{NodeId(1), {{"leader.replication.throttled.rate", "5"}}}, c.policy));
  c.Run(UnregisterBroker(c.image, NodeId(1)));
  EXPECT_EQ(c.image.broker_count(), 1u);
  EXPECT_TRUE(c.image.BrokerConfigs(NodeId(1)).empty());
  c.Run(Decide(c.image, TestCluster::Registration(1, 2), Session::kNone, c.policy));
  EXPECT_EQ(c.image.FindBroker(NodeId(1))->epoch(), 3) << "an epoch is never given twice";
}

TEST(FeatureLevel, IsRaisedOnlyWhenEveryBrokerKnowsIt) {
  Image image;
  LEAT_CHECK_OK(image.Apply(ClusterCreated{"c"}).status());
  LEAT_CHECK_OK(image.Apply(FeatureLevel{1}).status());
  EXPECT_EQ(RaiseFeatureLevel(image, 2)->size(), 1u);
  EXPECT_THAT(ErrorOf(RaiseFeatureLevel(image, kFeatureLevel + 1)), StartsWith("FEATURE_UPDATE_FAILED"));
  TestCluster c;
  EXPECT_EQ(RaiseFeatureLevel(c.image, kFeatureLevel)->size(), 0u);
  EXPECT_THAT(ErrorOf(RaiseFeatureLevel(c.image, 1)), HasSubstr("where the cluster is"));
}

TEST(BrokerConfigs, AreCheckedAndKept) {
  TestCluster c;
  c.Start(1);
  c.Run(Decide(c.image, AlterBrokerConfigs{kNobody, {{"min.insync.replicas", "2"}}}, c.policy));
  c.Run(Decide(c.image, AlterBrokerConfigs{NodeId(1), {{"leader.replication.throttled.rate", "1000"}}}, c.policy));
  EXPECT_EQ(c.image.BrokerConfigs(NodeId(1)).size(), 1u);
  c.Create("a", {Nodes({1})});
  EXPECT_EQ(MinInsync(c.image, *c.image.FindTopic("a"), c.policy), 2);
  const auto error = [&](const AlterBrokerConfigs& command) { return ErrorOf(Decide(c.image, command, c.policy)); };
  EXPECT_THAT(error({NodeId(1), {{"min.insync.replicas", "2"}}}), HasSubstr("whole cluster"));
  EXPECT_THAT(error({kNobody, {{"min.insync.replicas", "0"}}}), StartsWith("INVALID_CONFIG"));
  EXPECT_THAT(error({kNobody, {{"leader.replication.throttled.rat", "1"}}}), HasSubstr("did you mean"));
  EXPECT_THAT(error({NodeId(1), {{"leader.replication.throttled.rate", "0"}}}), HasSubstr("at least 1"));
  EXPECT_THAT(error({NodeId(5), {}}), StartsWith("BROKER_ID_NOT_REGISTERED"));
  c.Run(Decide(c.image, AlterBrokerConfigs{.broker = NodeId(1), .others = AlterBrokerConfigs::Others::kRemove},
               c.policy));
  EXPECT_TRUE(c.image.BrokerConfigs(NodeId(1)).empty());
}

TEST(Adoption, GivesOldPartitionsToTheirOneNode) {
  TestCluster c;
  c.Run(Decide(c.image, CreateTopic{"old", 3}, c.policy, c.random));
  EXPECT_EQ(c.image.partitions().size(), 0u);
  EXPECT_THAT(ErrorOf(Decide(c.image, ElectLeader{c.Key("old")}, c.policy)), HasSubstr("before brokers registered"));
  c.Start(4);
  c.Apply(AdoptPartitions(c.image, NodeId(4)));
  EXPECT_EQ(c.At("old", 2).leader, NodeId(4));
  EXPECT_EQ(c.At("old", 2).leader_epoch, LeaderEpoch(0)) << "the epoch of the records that are there";
  EXPECT_TRUE(AdoptPartitions(c.image, NodeId(4)).empty());
}

}  // namespace
}  // namespace leat::meta
