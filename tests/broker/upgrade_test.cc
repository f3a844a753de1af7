// A data directory of feature level 1, from before there were brokers in the metadata, comes up with all that it holds.
#include "coordinator/metadata_codec.h"
#include "meta/snapshot.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;

// The same metadata as a program of feature level 1 wrote it, which had no quorum: batches of several records, without
// keys, of leader epoch 0. In the place of the log that is there.
void WriteLevelOne(BrokerWorld& w, meta::Records records) {
  LEAT_CHECK_OK(env::RemoveRecursively(w.disk, "/data/log/__cluster_metadata-0"));
  model::BatchBuilder batch({});
  for (meta::Record& record : records) {
    if (auto* level = std::get_if<meta::FeatureLevel>(&record)) level->level = 1;
    batch.Add(1, std::nullopt, coordinator::EncodeMetadata(record));
  }
  sim::SimShard shard(w.world);
  auto directory = *log::LogDirectory::Open(w.disk, shard, {.path = "/data/log"});
  log::LogOptions options;
  options.delete_old = false;
  log::PartitionLog* log = *directory->OpenPartition(Tp(std::string(meta::kMetadataTopic)), options);
  absl::Status written = Internal("not answered");
  log->Append(*batch.Finish(), {.epoch = model::LeaderEpoch(0)},
              [&](const auto& result) { written = result.status(); });
  w.world.RunFor(absl::Seconds(1));
  LEAT_CHECK_OK(written);
  while (w.world.queued() > 0) shard.Kill();
  directory.reset();
}

void ExpectLeadsAll(BrokerWorld& w) {
  const meta::ImagePtr image = w.broker->image();
  EXPECT_EQ(static_cast<int64_t>(image->partitions().LedCount(w.options.node_id)), image->partition_count());
}

TEST(Upgrade, OfADirectoryOfFeatureLevelOneKeepsEverything) {
  BrokerWorld w(11);
  LEAT_CHECK_OK(w.Start());
  const TopicResult created = w.Create("events", 3, {{"retention.ms", "86400000"}});
  w.Produce(Tp("events", 2), Batch({"a", "b"}));
  ASSERT_TRUE(w.Commit("g", Tp("events", 2), 1).ok());
  const meta::Records records = WithoutLives(meta::SnapshotOf(*w.broker->image()));
  meta::Records expected = records;
  for (meta::Record& record : expected) {
    if (auto* level = std::get_if<meta::FeatureLevel>(&record)) level->level = meta::kClusterFeatureLevel;
  }
  ASSERT_TRUE(w.Stop().ok());
  WriteLevelOne(w, records);
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(w.Start().ok()) << start;
    EXPECT_EQ(w.broker->image()->feature_level(), meta::kClusterFeatureLevel);
    EXPECT_EQ(WithoutLives(meta::SnapshotOf(*w.broker->image())), expected) << "nothing else changed";
    ExpectLeadsAll(w);
    const TopicDescription topic = w.Describe("events");
    EXPECT_EQ(topic.id, created.id);
    EXPECT_EQ(topic.partitions.size(), 3u);
    EXPECT_THAT(Values(w.FetchOne(Tp("events", 2)).batches), ElementsAre("a", "b"));
    EXPECT_EQ(w.Committed("g", Tp("events", 2)), 1);
    ASSERT_TRUE(w.Stop().ok());
  }
}

}  // namespace
}  // namespace leat::broker
