// A partition whose files are damaged when its broker starts: fetched again where others have it, refused otherwise.
#include <gmock/gmock.h>

#include "broker/partition_folder.h"
#include "tests/broker/cluster_fixture.h"

namespace leat::broker {
namespace {

using model::NodeId;
using model::Offset;

const std::string kFolder = "/data/log/t-0";
const std::string kSegment = kFolder + "/00000000000000000000.log";

class DamagedCopy : public Cluster {
 protected:
  const meta::Partition& Partition(int32_t at) {
    const meta::TopicPtr topic = ImageOf(at)->FindTopic("t");
    return *ImageOf(at)->FindPartition({topic->id, model::PartitionId(0)});
  }
  bool InSync(int32_t at, int32_t node) { return meta::Contains(Partition(at).isr, NodeId(node)); }
  log::PartitionLog* Log(int32_t id) {
    const auto& shards = nodes[id]->broker->shards();
    return shards[OwnerOf(Tp("t"), shards.size())]->Find(Tp("t")).log;
  }
  // Ten batches, which all copies have.
  void Fill(int32_t leader) {
    for (int i = 0; i < 10; ++i) {
      ProduceRequest request;
      request.acks = Acks::kAll;
      request.partitions.push_back({Tp("t"), Batch({std::string(200, 'x')})});
      std::optional<Outcome> outcome;
      nodes[leader]->broker->Produce(std::move(request),
                                     [&](ProduceReply reply) { outcome = reply.partitions[0].outcome; });
      ASSERT_TRUE(world.RunUntil([&] { return outcome.has_value(); }, absl::Seconds(30)));
      ASSERT_TRUE(outcome->ok()) << outcome->message;
    }
    ASSERT_TRUE(
        world.RunUntil([&] { return InSync(leader, 1) && InSync(leader, 2) && InSync(leader, 3); }, absl::Seconds(60)));
  }
  absl::Status Health(int32_t id) {
    std::optional<absl::Status> health;
    nodes[id]->broker->Health([&](absl::Status status) { health = std::move(status); });
    LEAT_CHECK(world.RunUntil([&] { return health.has_value(); }, absl::Seconds(10)));
    return *health;
  }
};

TEST_F(DamagedCopy, IsFetchedAgainFromTheOthers) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 1).outcome.ok());
  const int32_t leader = Partition(1).leader.value();
  const int32_t other = leader % kNodes + 1;
  Fill(leader);
  // The one that leads is the worst one: it is in sync and would be elected again.
  Kill(leader);
  nodes[leader]->disk.FlipBit(kSegment, 500, 3);
  Start(leader);
  ASSERT_TRUE(world.RunUntil([&] { return nodes[leader]->started.has_value(); }, absl::Seconds(60)));
  ASSERT_TRUE(nodes[leader]->started->ok()) << *nodes[leader]->started;
  EXPECT_NE(Partition(other).leader, NodeId(leader));
  ASSERT_TRUE(world.RunUntil([&] { return InSync(other, leader); }, absl::Seconds(60)));
  log::PartitionLog* log = Log(leader);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->log_end(), Offset(10));
  EXPECT_THAT(Values(log->ReadReplicated(Offset(0), 1 << 20)->batches), ::testing::SizeIs(10));
  EXPECT_TRUE(world.RunUntil([&] { return !*nodes[leader]->disk.Exists(DamagedFolder("/data/log", Tp("t"))); },
                             absl::Seconds(10)));
  EXPECT_TRUE(Health(leader).ok()) << Health(leader);
}

TEST_F(DamagedCopy, IsKeptUntilTheNewOneHasCaughtUp) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 1).outcome.ok());
  const int32_t leader = Partition(1).leader.value();
  const int32_t damaged = leader % kNodes + 1;
  Fill(leader);
  Kill(damaged);
  nodes[damaged]->disk.FlipBit(kSegment, 500, 3);
  Start(damaged);
  const std::string kept = DamagedFolder("/data/log", Tp("t"));
  ASSERT_TRUE(world.RunUntil([&] { return *nodes[damaged]->disk.Exists(kept); }, absl::Seconds(60)));
  EXPECT_FALSE(InSync(leader, damaged));
  EXPECT_THAT(nodes[damaged]->disk.Files(), ::testing::Contains(kept.substr(1) + "/00000000000000000000.log"));
  // The process dies once more: the next one knows that it is there.
  Kill(damaged);
  Start(damaged);
  ASSERT_TRUE(world.RunUntil([&] { return InSync(leader, damaged); }, absl::Seconds(60)));
  EXPECT_TRUE(world.RunUntil([&] { return !*nodes[damaged]->disk.Exists(kept); }, absl::Seconds(10)));
  EXPECT_EQ(Log(damaged)->log_end(), Offset(10));
}

// Brokers that have registered, and may lead, long before they open what nobody asks for.
class DamagedCopyFoundLate : public DamagedCopy {
 protected:
  void Adjust(Options* options) override {
    options->log_defaults.min_insync_replicas = 2;
    options->opened_in_one_turn = 1;
    options->opening_rest = rest;
  }
  bool IsOpen(int32_t id) {
    const auto& shards = nodes[id]->broker->shards();
    return shards[OwnerOf(Tp("t"), shards.size())]->Peek(Tp("t")).log != nullptr;
  }

  Duration rest = absl::Milliseconds(1);
};

TEST_F(DamagedCopyFoundLate, IsFetchedAgain) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 1).outcome.ok());
  const int32_t leader = Partition(1).leader.value();
  Fill(leader);
  rest = absl::Seconds(5);
  Kill(leader);
  nodes[leader]->disk.FlipBit(kSegment, 500, 3);
  Start(leader);
  ASSERT_TRUE(world.RunUntil([&] { return nodes[leader]->started.has_value(); }, absl::Seconds(60)));
  ASSERT_TRUE(nodes[leader]->started->ok()) << *nodes[leader]->started;
  EXPECT_FALSE(IsOpen(leader));
  const int32_t other = leader % kNodes + 1;
  EXPECT_FALSE(InSync(other, leader));
  ASSERT_TRUE(world.RunUntil([&] { return InSync(other, leader); }, absl::Seconds(60)));
  EXPECT_EQ(Log(leader)->log_end(), Offset(10));
}

TEST_F(DamagedCopyFoundLate, GivesUpTheLeadershipThatItWasElectedTo) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 1).outcome.ok());
  Fill(Partition(1).leader.value());
  rest = absl::Seconds(5);
  bool led = false;
  for (int32_t damaged = 1; damaged <= kNodes; ++damaged) {
    for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
    nodes[damaged]->disk.FlipBit(kSegment, 500, 3);
    StartAll();
    led |= Partition(damaged).leader == NodeId(damaged);
    ASSERT_TRUE(world.RunUntil([&] { return InSync(damaged, 1) && InSync(damaged, 2) && InSync(damaged, 3); },
                               absl::Seconds(60)))
        << damaged;
    for (int32_t id = 1; id <= kNodes; ++id) EXPECT_EQ(Log(id)->log_end(), Offset(10)) << damaged << " " << id;
  }
  EXPECT_TRUE(led) << "else nothing was tried";
}

TEST(DamagedOnlyCopy, IsRefusedWhileTheRestIsServed) {
  BrokerWorld broker(1);
  ASSERT_TRUE(broker.Start().ok());
  ASSERT_TRUE(broker.Create("t").outcome.ok());
  ASSERT_TRUE(broker.Create("whole").outcome.ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(broker.Produce(Tp("t"), Batch({std::string(200, 'x')})).outcome.ok());
  broker.Crash();
  broker.disk.FlipBit(kSegment, 500, 3);
  const std::string before = broker.disk.Content(kSegment);
  ASSERT_TRUE(broker.Start().ok());
  EXPECT_EQ(broker.FetchOne(Tp("t")).outcome.code, model::ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(broker.Produce(Tp("whole"), Batch({"a"})).outcome.ok());
  const absl::Status health = broker.Health();
  EXPECT_THAT(std::string(Message(health)), ::testing::HasSubstr("partition t-0 cannot be served"));
  EXPECT_EQ(broker.disk.Content(kSegment), before) << "nothing but this copy has the records";
}

}  // namespace
}  // namespace leat::broker
