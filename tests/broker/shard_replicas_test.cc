// What a shard answers for partitions that other nodes lead, or that have another epoch than the caller knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/produce_part.h"
#include "broker/replica_append.h"
#include "broker/shard_state.h"
#include "model/error_status.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;

const model::TopicId kTopic{5, 6};

class ShardReplicas : public ::testing::Test {
 protected:
  ShardReplicas() {
    EXPECT_TRUE(disk_.CreateDirectories("/data/log").ok());
    EXPECT_TRUE(state_.OpenDirectory().ok());
    state_.phase = Phase::kServing;
    Apply(meta::ClusterCreated{"c"});
    Apply(meta::FeatureLevel{});
    for (int32_t id = 1; id <= 2; ++id) {
      Apply(meta::BrokerRegistered{.id = NodeId(id), .incarnation = {1, static_cast<uint64_t>(id)}, .epoch = id});
      Apply(meta::BrokerUnfenced{NodeId(id), id});
    }
  }
  static Options MakeOptions() {
    Options options;
    options.data_dir = "/data";
    return options;
  }

  void Apply(const meta::Record& record) {
    absl::StatusOr<meta::Delta> delta = image_.Apply(record);
    ASSERT_TRUE(delta.ok()) << delta.status();
    bool installed = false;
    state_.Install(std::make_shared<const meta::Image>(image_), *delta, [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      installed = true;
    });
    EXPECT_TRUE(world_.RunUntil([&] { return installed; }));
  }
  void MakeTopic(std::vector<NodeId> replicas) {
    meta::TopicCreated topic{.id = kTopic, .name = "t", .partitions = 1, .configs = {}};
    topic.assigned.push_back(meta::NewPartition(replicas, replicas));
    Apply(topic);
  }
  void Change(NodeId leader, int32_t epoch, std::vector<NodeId> replicas) {
    meta::Partition partition = *image_.FindPartition({kTopic, model::PartitionId(0)});
    partition.leader = leader;
    partition.leader_epoch = LeaderEpoch(epoch);
    partition.isr = partition.replicas = std::move(replicas);
    ++partition.partition_epoch;
    Apply(meta::PartitionChanged{kTopic, model::PartitionId(0), partition});
  }
  ProducePartitionResult Produce() {
    std::optional<ProducePartitionResult> result;
    AppendHere(state_, {Tp("t"), Batch({"a"}), Acks::kAll, absl::Seconds(1), nullptr},
               [&](ProducePartitionResult answered) { result = std::move(answered); });
    EXPECT_TRUE(world_.RunUntil([&] { return result.has_value(); }));
    return *result;
  }

  sim::SimWorld world_{1};
  sim::SimDisk disk_{1};
  sim::SimShard shard_{world_};
  BrokerMetrics metrics_{env::NullMetrics()};
  const Options options_ = MakeOptions();
  meta::Image image_;
  ShardState state_{ShardState::Config{&options_, &disk_, &shard_, &metrics_, 0, 1}};
};

TEST_F(ShardReplicas, AppendsInTheEpochOfTheImage) {
  MakeTopic({NodeId(1)});
  ASSERT_TRUE(Produce().outcome.ok());
  Change(NodeId(1), 4, {NodeId(1)});
  const ProducePartitionResult second = Produce();
  ASSERT_TRUE(second.outcome.ok()) << second.outcome.message;
  const log::LeaderEpochs& epochs = state_.Find(Tp("t")).log->epochs();
  EXPECT_EQ(epochs.At(model::Offset(0)), LeaderEpoch(0));
  EXPECT_EQ(epochs.At(second.base_offset), LeaderEpoch(4));
}

TEST_F(ShardReplicas, FencesCallersOfOtherEpochs) {
  MakeTopic({NodeId(1)});
  Change(NodeId(1), 4, {NodeId(1)});
  EXPECT_TRUE(state_.FindLed(Tp("t"), LeaderEpoch(4)).outcome.ok());
  EXPECT_TRUE(state_.FindLed(Tp("t")).outcome.ok());
  EXPECT_EQ(state_.FindLed(Tp("t"), LeaderEpoch(3)).outcome.code, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(state_.FindLed(Tp("t"), LeaderEpoch(5)).outcome.code, ErrorCode::kUnknownLeaderEpoch);
}

TEST_F(ShardReplicas, NamesTheLeaderElsewhere) {
  MakeTopic({NodeId(1), NodeId(2)});
  Change(NodeId(2), 3, {NodeId(1), NodeId(2)});
  const ProducePartitionResult refused = Produce();
  EXPECT_EQ(refused.outcome.code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(refused.leader, (CurrentLeader{NodeId(2), LeaderEpoch(3)}));
  EXPECT_NE(state_.Find(Tp("t")).log, nullptr) << "its copy is here all the same";
}

TEST_F(ShardReplicas, HasNoLogOfAPartitionWithoutALocalReplica) {
  MakeTopic({NodeId(2)});
  const ShardState::Found found = state_.Find(Tp("t"));
  EXPECT_EQ(found.log, nullptr);
  EXPECT_EQ(found.outcome.code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(found.leader, (CurrentLeader{NodeId(2), LeaderEpoch(0)}));
  EXPECT_FALSE(*disk_.Exists("/data/log/t-0"));
}

TEST_F(ShardReplicas, DropsACopyThatIsMovedAwayAndTakesOneThatComes) {
  MakeTopic({NodeId(1)});
  ASSERT_TRUE(Produce().outcome.ok());
  ASSERT_TRUE(*disk_.Exists("/data/log/t-0"));
  Change(NodeId(2), 1, {NodeId(2)});
  EXPECT_FALSE(*disk_.Exists("/data/log/t-0"));
  EXPECT_EQ(state_.FindLed(Tp("t")).outcome.code, ErrorCode::kNotLeaderOrFollower);
  Change(NodeId(1), 2, {NodeId(1)});
  EXPECT_TRUE(Produce().outcome.ok());
}

TEST_F(ShardReplicas, WakesLongPollsWhenTheLeaderChanges) {
  MakeTopic({NodeId(1)});
  const CurrentLeader leader = state_.Find(Tp("t")).leader;
  int woken = 0;
  const auto wait = [&](uint64_t fetch, const CurrentLeader& seen) {
    state_.WaitForData(fetch, Tp("t"), {model::Offset(0), model::Isolation::kReadUncommitted, seen},
                       [&woken] { ++woken; });
  };
  wait(1, leader);
  wait(2, leader);
  state_.CancelWaits(2);
  EXPECT_EQ(woken, 0);
  Change(NodeId(1), 4, {NodeId(1), NodeId(2)});
  EXPECT_EQ(woken, 1) << "the one that waits still";
  wait(3, leader);
  EXPECT_EQ(woken, 2) << "it moved between the look and the wait";
}

// As when this node hears of both at once, in a snapshot: the folder of the first one is still there.
TEST_F(ShardReplicas, MakesATopicAgainBehindTheRemovalOfItsFolder) {
  MakeTopic({NodeId(1)});
  ASSERT_TRUE(Produce().outcome.ok());
  absl::StatusOr<meta::Delta> delta = image_.Apply(meta::TopicDeleted{kTopic});
  ASSERT_TRUE(delta.ok());
  meta::TopicCreated again{.id = {7, 7}, .name = "t", .partitions = 1, .configs = {}};
  again.assigned.push_back(meta::NewPartition({NodeId(1)}, {NodeId(1)}));
  absl::StatusOr<meta::Delta> made = image_.Apply(again);
  ASSERT_TRUE(made.ok());
  delta->Append(*std::move(made));
  bool installed = false;
  state_.Install(std::make_shared<const meta::Image>(image_), *delta,
                 [&](const absl::Status& status) { installed = status.ok(); });
  ASSERT_TRUE(world_.RunUntil([&] { return installed; }));
  const ProducePartitionResult first = Produce();
  ASSERT_TRUE(first.outcome.ok()) << first.outcome.message;
  EXPECT_EQ(first.base_offset, model::Offset(0)) << "nothing of the deleted topic is left";
  world_.RunFor(absl::Seconds(1));
  EXPECT_THAT(disk_.Files(), ::testing::Contains("data/log/t-0/00000000000000000000.log"));
}

TEST_F(ShardReplicas, CoordinatorsAreRefusedWhereTheyDoNotLead) {
  MakeTopic({NodeId(1), NodeId(2)});
  Change(NodeId(2), 3, {NodeId(1), NodeId(2)});
  absl::Status refused;
  AppendsTo(state_, Tp("t"), model::LeaderEpoch(-1))(
      model::PartitionId(0), Batch({"a"}), log::Origin::kCoordinator,
      [&](const absl::StatusOr<log::AppendResult>& result) { refused = result.status(); });
  EXPECT_EQ(model::CodeOf(refused), ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace leat::broker
