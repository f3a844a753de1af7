// A data directory of feature level 1, from before there were brokers in the metadata, comes up with all that it holds.
#include "coordinator/metadata_log.h"
#include "meta/snapshot.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;

// The same metadata in a log of feature level 1, in the place of the one that is there.
void WriteLevelOne(BrokerWorld& w, meta::Records records) {
  for (meta::Record& record : records) {
    if (auto* level = std::get_if<meta::FeatureLevel>(&record)) level->level = 1;
  }
  LEAT_CHECK_OK(env::RemoveRecursively(w.disk, "/data/log/__cluster_metadata-0"));
  sim::SimShard shard(w.world);
  auto directory = *log::LogDirectory::Open(w.disk, shard, {.path = "/data/log"});
  log::LogOptions options;
  options.delete_old = false;
  log::PartitionLog* log = *directory->OpenPartition(Tp(std::string(meta::kMetadataTopic)), options);
  auto metadata = *coordinator::MetadataLog::Open(*log, shard, [](const auto&, const auto&) {});
  absl::Status written = Internal("not answered");
  metadata->Submit([&](const meta::Image&) { return records; }, [&](const absl::Status& status) { written = status; });
  w.world.RunFor(absl::Seconds(1));
  LEAT_CHECK_OK(written);
  LEAT_CHECK(metadata->image()->feature_level() == 1);
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
  ASSERT_TRUE(w.Stop().ok());
  WriteLevelOne(w, records);
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(w.Start().ok()) << start;
    EXPECT_EQ(w.broker->image()->feature_level(), meta::kFeatureLevel);
    EXPECT_EQ(WithoutLives(meta::SnapshotOf(*w.broker->image())), records) << "nothing else changed";
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
