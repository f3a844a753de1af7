// The image of a cluster: what its records do, what they may not do, what copies of it share, and its snapshot.
#include "meta/snapshot.h"
#include "tests/meta/test_cluster.h"

namespace leat::meta {
namespace {

using ::testing::HasSubstr;

Image Replayed(const Records& records) {
  Image image;
  for (const Record& record : records) LEAT_CHECK_OK(image.Apply(record).status());
  return image;
}

TEST(ClusterImage, RefusesRecordsThatDoNotFollow) {
  TestCluster c;
  c.StartAll({1, 2});
  const TopicId id = c.Create("a", {Nodes({1, 2})});
  c.SetIsr("a", Nodes({1}));
  const Partition now = c.At("a");
  const auto changed = [&](auto change) {
    Partition state = now;
    ++state.partition_epoch;
    change(state);
    return PartitionChanged{id, PartitionId(0), state};
  };
  const std::pair<Record, std::string> bad[] = {
      {TestCluster::Registration(3).broker, "with epoch 0 after epoch 2"},
      {BrokerRegistered{NodeId(-4), {1, 1}, 9}, "as node -4"},
      {BrokerUnregistered{NodeId(9), 1}, "is not registered"},
      {BrokerFenced{NodeId(1), 7}, "in its epoch 7, but is in epoch 1"},
      {BrokerUnfenced{NodeId(9), 7}, "is not registered"},
      {BrokerInControlledShutdown{NodeId(9), 7}, "is not registered"},
      {BrokerDraining{NodeId(9)}, "is not registered"},
      {BrokerEpochsGiven{1}, "went back from 2 to 1"},
      {TopicCreated{{5, 5}, "b", 2, {}, {now}}, "replicas of 1 partitions, but has 2"},
      {PartitionsAdded{id, 2, {now, now}}, "replicas of 2 partitions, but has 1"},
      {PartitionChanged{{5, 5}, PartitionId(0), now}, "which no earlier record made"},
      {PartitionChanged{id, PartitionId(1), now}, "the topic has 1 partitions"},
      {PartitionChanged{id, PartitionId(0), now}, "partition epoch 1 follows 1"},
      {changed([](Partition& p) { p.leader = NodeId(2); }), "the leader is not in sync"},
      {changed([](Partition& p) { p.leader = kNobody; }), "leader -1 has leader epoch 0 after leader 1 with 0"},
      {changed([](Partition& p) {
         p.isr = Nodes({1, 7});
       }),
       "that is no replica"},
      {changed([](Partition& p) { p.elr = Nodes({1}); }), "both in sync and eligible"},
      {changed([](Partition& p) {
         p.replicas = Nodes({1, 2, 1});
       }),
       "named twice"},
      {changed([](Partition& p) { p.adding = p.removing = Nodes({2}); }), "added and removed"},
      {changed([](Partition& p) { p.leader_epoch = LeaderEpoch(-1); }), "negative"},
      {changed([](Partition& p) { p = {.partition_epoch = 9}; }), "no replicas"},
  };
  const uint64_t hash = c.image.Hash();
  for (const auto& [record, why] : bad) {
    const absl::Status status = c.image.Apply(record).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << why;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(why));
  }
  EXPECT_EQ(c.image.Hash(), hash);
}

TEST(ClusterImage, RefusesClusterRecordsBelowTheirLevel) {
  const Image old = Replayed({ClusterCreated{"c"}, FeatureLevel{1}, TopicCreated{{1, 2}, "a", 1, {}}});
  const Partition state = NewPartition(Nodes({1}), Nodes({1}));
  const Records bad = {BrokerConfigsChanged{kNobody, {{"a", "b"}}}, BrokerEpochsGiven{4}, VotersChanged{},
                       PartitionChanged{{1, 2}, PartitionId(0), state}, TopicCreated{{3, 4}, "b", 1, {}, {state}}};
  for (const Record& record : bad) {
    Image image = old;
    EXPECT_THAT(std::string(Message(image.Apply(record).status())), HasSubstr("needs feature level 2"));
  }
}

TEST(ClusterImage, TellsWhatChanged) {
  TestCluster c;
  c.Start(1);
  Delta delta = c.Run(Decide(c.image, CreateTopic{"a", 2}, c.policy, c.random));
  EXPECT_EQ(delta.topics.size(), 1u);
  ASSERT_EQ(delta.partitions.size(), 2u);
  EXPECT_FALSE(delta.partitions[1].before.has_value());
  EXPECT_EQ(delta.partitions[1].after->leader, NodeId(1));
  delta = c.Run(FenceBroker(c.image, NodeId(1), c.policy));
  ASSERT_EQ(delta.brokers.size(), 1u);
  EXPECT_FALSE(delta.brokers[0].before->fenced);
  EXPECT_TRUE(delta.brokers[0].after->fenced);
  ASSERT_EQ(delta.partitions.size(), 2u);
  EXPECT_EQ(delta.partitions[0].before->leader, NodeId(1));
  EXPECT_EQ(delta.partitions[0].after->leader, kNobody);
  delta = c.Run(Decide(c.image, DeleteTopic{"a"}));
  ASSERT_EQ(delta.partitions.size(), 2u);
  EXPECT_FALSE(delta.partitions[0].after.has_value());
  delta = c.Apply({VotersChanged{{{NodeId(1), {3, 4}}}}, BrokerConfigsChanged{NodeId(1), {{"a", "b"}}}});
  EXPECT_TRUE(delta.voters);
  EXPECT_EQ(delta.broker_configs, (std::vector<NodeId>{NodeId(1)}));
  EXPECT_TRUE(Delta().empty());
  EXPECT_FALSE(delta.empty());
}

// Copies share what they do not change, and an image changes in place what it alone has: neither may show.
TEST(ClusterImage, GoesItsOwnWayFromEveryCopy) {
  struct Branch {
    Image image;
    Records records;
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestCluster c(seed);
    c.StartAll({1, 2, 3, 4});
    c.Run(Decide(c.image, CreateTopic{.name = "a", .partitions = 40, .replication_factor = 2}, c.policy, c.random));
    std::vector<Branch> branches = {{c.image, c.all}};
    for (int i = 0; i < 300; ++i) {
      const size_t at = c.random.Below(branches.size());
      if (branches.size() < 8 && c.random.OneIn(10)) branches.push_back(Branch(branches[at]));
      Branch& branch = branches[at];
      const NodeId node(static_cast<int32_t>(c.random.Between(1, 4)));
      const absl::StatusOr<Records> records =
          c.random.OneIn(2) ? FenceBroker(branch.image, node, c.policy) : UnfenceBroker(branch.image, node, c.policy);
      for (const Record& record : *records) {
        ASSERT_TRUE(branch.image.Apply(record).ok());
        branch.records.push_back(record);
      }
      if (c.random.OneIn(20)) branch.image = Image(std::move(branch.image));
    }
    for (const Branch& branch : branches) {
      const Image replayed = Replayed(branch.records);
      EXPECT_EQ(branch.image.Hash(), replayed.Hash()) << "seed " << seed;
      for (int32_t node = 1; node <= 4; ++node) {
        EXPECT_EQ(branch.image.partitions().LedBy(NodeId(node)), replayed.partitions().LedBy(NodeId(node)));
      }
    }
  }
}

TEST(ClusterImage, HasAHashThatDependsOnTheStateAlone) {
  TestCluster one, other;
  one.StartAll({1, 2});
  other.StartAll({1, 2});
  const Records topics = {TopicCreated{{1, 1}, "a", 1, {}, {NewPartition(Nodes({1}), Nodes({1}))}},
                          TopicCreated{{2, 2}, "b", 1, {}, {NewPartition(Nodes({2}), Nodes({2}))}}};
  one.Apply({topics[0], topics[1]});
  other.Apply({topics[1], topics[0]});
  EXPECT_EQ(one.image.Hash(), other.image.Hash());
  // As it was when there was nothing newer than level 2.
  Records records = SnapshotOf(one.image);
  for (Record& record : records) {
    if (auto* level = std::get_if<FeatureLevel>(&record)) level->level = kClusterFeatureLevel;
    if (auto* broker = std::get_if<BrokerRegistered>(&record)) broker->newest_feature_level = kClusterFeatureLevel;
  }
  EXPECT_EQ(Replayed(records).Hash(), 10026401057879051737ULL)
      << "the hash of a state must stay the same over versions";
  Partition changed = one.At("a");
  ++changed.partition_epoch;
  one.Apply({PartitionChanged{{1, 1}, PartitionId(0), changed}});
  EXPECT_NE(one.image.Hash(), other.image.Hash());
}

TEST(Snapshot, HoldsEverything) {
  TestCluster c;
  c.Run(Decide(c.image, CreateTopic{"old", 3}, c.policy, c.random));
  c.StartAll({3, 1, 2});
  c.Create("a", {Nodes({1, 2}), Nodes({2, 3})}, {{"retention.ms", "5"}});
  // Of an old topic, one partition has its state already.
  c.Apply({PartitionChanged{c.Key("old").topic, PartitionId(1), NewPartition(Nodes({1}), Nodes({1}))},
           JobSubmitted{"j", "SQL", 1}, JobSubmitted{"k", "SQL", 2}, JobStateChanged{"k", DesiredState::kStopped},
           VotersChanged{{{NodeId(1), {3, 4}, {{"controller", "h", 1}}}}}, ProducerIdsReserved{500},
           BrokerConfigsChanged{kNobody, {{"min.insync.replicas", "2"}}}, BrokerDraining{NodeId(2), true}});
  c.Run(BeginControlledShutdown(c.image, NodeId(1), c.policy));
  c.Fence(3);
  c.Run(Decide(c.image, TestCluster::Registration(4), Session::kNone, c.policy));
  c.Run(UnregisterBroker(c.image, NodeId(4)));
  const Image back = Replayed(SnapshotOf(c.image));
  EXPECT_EQ(back.Hash(), c.image.Hash());
  EXPECT_EQ(SnapshotOf(back), SnapshotOf(c.image));
  EXPECT_EQ(back.last_broker_epoch(), 4) << "an epoch is never given twice, whoever had it is gone";
  EXPECT_EQ(back.partition_count(), 5);
  EXPECT_TRUE(SnapshotOf(Image()).empty());
}

TEST(Upgrade, OfAnOldDirectoryKeepsItsStateAndGetsALeader) {
  TestCluster c;
  c.image = Replayed({ClusterCreated{"c"}, FeatureLevel{1}, TopicCreated{{1, 2}, "a", 2, {{"retention.ms", "5"}}},
                      ProducerIdsReserved{1001}});
  c.Apply(FormatCluster(c.image, "c"));
  EXPECT_EQ(c.image.feature_level(), kClusterFeatureLevel) << "and no further, until something needs it";
  EXPECT_TRUE(FormatCluster(c.image, "c").empty());
  EXPECT_EQ(c.image.partitions().size(), 0u);
  c.Start(7);
  c.Apply(AdoptPartitions(c.image, NodeId(7)));
  EXPECT_EQ(c.image.FindTopic("a")->configs, (Configs{{"retention.ms", "5"}}));
  EXPECT_EQ(c.image.LeaderOf(c.Key("a", 1)), NodeId(7));
  EXPECT_EQ(c.image.producer_ids_end(), 1001);
  c.Run(Decide(c.image, AlterTopic{.name = "a", .partitions = 3}, c.policy, c.random));
  EXPECT_EQ(c.At("a", 2).replicas, Nodes({7}));
}

// A lost broker costs its own partitions, in one pass.
TEST(Scale, TenThousandPartitionsOnALostBroker) {
  TestCluster c;
  c.policy.limits.partitions_per_topic = 2000;
  c.StartAll({1, 2, 3, 4});
  for (int i = 0; i < 10; ++i) {
    c.Run(Decide(c.image, CreateTopic{.name = StrCat("t", i), .partitions = 1000, .replication_factor = 3}, c.policy,
                 c.random));
  }
  const size_t held = c.image.partitions().HeldCount(NodeId(1));
  EXPECT_NEAR(static_cast<double>(held), 7500, 40);
  const absl::StatusOr<Records> records = FenceBroker(c.image, NodeId(1), c.policy);
  EXPECT_EQ(records->size(), held + 1);
  c.Apply(*records);
  EXPECT_EQ(c.image.partitions().LedCount(NodeId(1)), 0u);
  EXPECT_EQ(c.image.partitions().LedCount(NodeId(2)) + c.image.partitions().LedCount(NodeId(3)) +
                c.image.partitions().LedCount(NodeId(4)),
            10'000u);
}

}  // namespace
}  // namespace leat::meta
