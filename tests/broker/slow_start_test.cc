// Brokers whose partitions take long to open: they serve what is asked for before the rest is open.
#include <gmock/gmock.h>

#include "env/disk.h"
#include "tests/broker/cluster_fixture.h"

namespace leat::broker {
namespace {

using model::NodeId;
using model::Offset;

constexpr int32_t kPartitions = 20;

class SlowStart : public Cluster {
 protected:
  void Adjust(Options* options) override {
    options->log_defaults.min_insync_replicas = 2;
    options->opened_in_one_turn = 1;
    options->opening_rest = rest;
  }
  ShardState& ShardOf(int32_t id, const model::TopicPartition& partition) {
    const auto& shards = nodes[id]->broker->shards();
    return *shards[OwnerOf(partition, shards.size())];
  }
  int OpenPartitions(int32_t id, const std::string& topic) {
    int open = 0;
    for (int32_t i = 0; i < kPartitions; ++i) {
      open += ShardOf(id, Tp(topic, i)).Peek(Tp(topic, i)).log == nullptr ? 0 : 1;
    }
    return open;
  }
  const meta::Partition& Partition(int32_t at, int32_t partition) {
    return *ImageOf(at)->FindPartition({ImageOf(at)->FindTopic("t")->id, model::PartitionId(partition)});
  }
  // At whoever leads, until it is acknowledged by all that have to.
  void Produce(int32_t partition) {
    const Instant end = world.Now() + absl::Seconds(10);
    while (world.Now() < end) {
      const NodeId leader = Partition(1, partition).leader;
      std::optional<Outcome> outcome;
      if (leader != meta::kNobody) {
        ProduceRequest request;
        request.acks = Acks::kAll;
        request.partitions.push_back({Tp("t", partition), Batch({"x"})});
        nodes[leader.value()]->broker->Produce(std::move(request),
                                               [&](ProduceReply reply) { outcome = reply.partitions[0].outcome; });
        ASSERT_TRUE(world.RunUntil([&] { return outcome.has_value(); }, absl::Seconds(60)));
        if (outcome->ok()) return;
      }
      world.RunFor(absl::Milliseconds(20));
    }
    FAIL() << "not acknowledged in 10 s";
  }

  Duration rest;
};

TEST_F(SlowStart, ServesWhatIsAskedForBeforeTheRestIsOpen) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", kPartitions).outcome.ok());
  for (int32_t i = 0; i < kPartitions; ++i) Produce(i);
  for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
  rest = absl::Seconds(60);
  StartAll();
  for (int32_t id = 1; id <= kNodes; ++id) EXPECT_EQ(OpenPartitions(id, "t"), 0) << id;
  for (const int32_t asked : {3, 4, 15}) Produce(asked);
  for (int32_t id = 1; id <= kNodes; ++id) EXPECT_LE(OpenPartitions(id, "t"), 3) << id;
}

TEST_F(SlowStart, OpensAllInTheEnd) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", kPartitions).outcome.ok());
  for (int32_t i = 0; i < kPartitions; ++i) Produce(i);
  for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
  rest = absl::Milliseconds(100);
  StartAll();
  const auto all_in_sync = [&] {
    for (int32_t i = 0; i < kPartitions; ++i) {
      if (Partition(1, i).isr.size() < 3) return false;
    }
    return true;
  };
  EXPECT_TRUE(world.RunUntil(all_in_sync, absl::Seconds(60)));
  for (int32_t id = 1; id <= kNodes; ++id) EXPECT_EQ(OpenPartitions(id, "t"), kPartitions) << id;
}

// A topic may go, and another one of its name come, while its partitions wait for their turn.
TEST_F(SlowStart, ForgetsWhatIsDeletedBeforeItIsOpen) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", kPartitions).outcome.ok());
  Produce(0);
  for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
  rest = absl::Milliseconds(300);
  StartAll();
  std::optional<Outcome> deleted;
  nodes[1]->broker->DeleteTopics({"t"}, [&](std::vector<TopicResult> results) { deleted = results[0].outcome; });
  ASSERT_TRUE(world.RunUntil([&] { return deleted.has_value(); }, absl::Seconds(60)));
  ASSERT_TRUE(deleted->ok()) << deleted->message;
  ASSERT_TRUE(Create(1, "t", kPartitions).outcome.ok());
  Produce(0);
  world.RunFor(absl::Seconds(30));
  for (int32_t id = 1; id <= kNodes; ++id) {
    ASSERT_NE(ShardOf(id, Tp("t", 0)).Peek(Tp("t", 0)).log, nullptr);
    EXPECT_EQ(ShardOf(id, Tp("t", 0)).Peek(Tp("t", 0)).log->log_end(), Offset(1)) << "of the new topic alone";
  }
}

// What an earlier process has left in the page cache is synced only where the log was opened.
TEST_F(SlowStart, DoesNotEndInOrderBeforeAllIsOpen) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", kPartitions).outcome.ok());
  for (int32_t i = 0; i < kPartitions; ++i) Produce(i);
  for (const bool in_time : {false, true}) {
    for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
    rest = in_time ? absl::Milliseconds(10) : absl::Seconds(60);
    StartAll();
    if (in_time) world.RunFor(absl::Seconds(30));
    ASSERT_EQ(OpenPartitions(1, "t") == kPartitions, in_time);
    std::optional<absl::Status> stopped;
    nodes[1]->broker->Stop([&](absl::Status status) { stopped = std::move(status); });
    ASSERT_TRUE(world.RunUntil([&] { return stopped.has_value(); }, absl::Seconds(60)));
    ASSERT_TRUE(stopped->ok()) << *stopped;
    const auto text = env::ReadWholeFile(nodes[1]->disk, "/data/broker.properties");
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(text->find("clean.shutdown.epoch=-1\n") == std::string::npos, in_time) << *text;
  }
}

}  // namespace
}  // namespace leat::broker
