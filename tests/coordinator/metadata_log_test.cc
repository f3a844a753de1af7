// The metadata of one node: led from the start without a network, durable before it is told, and brought up from what
// older programs wrote.
#include "coordinator/metadata_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/metadata_codec.h"
#include "coordinator/metadata_entry.h"
#include "meta/snapshot.h"
#include "model/record_batch.h"
#include "tests/coordinator/sim_hosts.h"

namespace leat::coordinator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

MetadataLog::Decide Create(std::string name, uint64_t id) {
  return [name, id](const meta::Image& image) -> absl::StatusOr<meta::Records> {
    if (image.FindTopic(name) != nullptr) return AlreadyExists(name);
    return meta::Records{meta::TopicCreated{{id, id}, name, 1, {}}};
  };
}

TEST(MetadataLog, IsAppliedOnceDurableAndReplayedAtStart) {
  SimHosts q({.nodes = 1, .voters = 1}, 1);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  std::vector<std::string> events;
  const auto note = [&](const std::string& what) {
    return [&, what](const absl::Status& s) { events.push_back(StrCat(what, s.ok() ? " yes" : " no", node.images)); };
  };
  node.metadata->Submit(Create("a", 1), note("a"));
  node.metadata->Submit(Create("b", 2), note("b"));
  node.metadata->Submit(Create("a", 3), note("a again"));
  EXPECT_EQ(node.metadata->image()->topic_count(), 0u);
  q.world.RunFor(absl::Seconds(1));
  EXPECT_THAT(events, ElementsAre("a again no0", "a yes1", "b yes1")) << "in one round, answered behind its image";
  const uint64_t hash = node.metadata->image()->Hash();
  q.PowerCut(node);
  q.Start(node);
  EXPECT_EQ(node.metadata->image()->Hash(), hash) << "from Open on, before there is a leader";
  EXPECT_EQ(node.images, 0);
  EXPECT_EQ(q.network.counters().messages, 0u);
  EXPECT_EQ(q.violation, "");
}

TEST(MetadataLog, OfOneNodeIsLedAtOnceAndIdlesWithoutWaking) {
  SimHosts q({.nodes = 1, .voters = 1}, 2);
  for (int start = 0; start < 3; ++start) {
    q.StartAll();
    const Instant began = q.world.Now();
    ASSERT_TRUE(q.Progress());
    EXPECT_LT(q.world.Now() - began, absl::Milliseconds(40));
    EXPECT_EQ(q.nodes[0]->metadata->epoch(), model::LeaderEpoch(start + 1));
    q.PowerCut(*q.nodes[0]);
  }
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  q.world.RunFor(absl::Seconds(1));
  size_t steps = 0;
  const Instant end = q.world.Now() + absl::Seconds(10);
  while (q.world.Now() < end && q.world.Step()) ++steps;
  EXPECT_LT(steps, 10u) << "no heartbeats to nobody";
}

TEST(MetadataLog, KeepsWhatItAnsweredWhereverThePowerGoesOut) {
  for (uint64_t calls = 0; calls < 160; ++calls) {
    SimHosts q({.nodes = 1, .voters = 1, .snapshot_entries = 3}, 100 + calls);
    SimHosts::Node& node = *q.nodes[0];
    node.disk->LosePowerAfter(calls);
    q.Start(node);
    for (int i = 0; i < 12 && node.up(); ++i) {
      q.Submit(node);
      q.world.RunFor(absl::Milliseconds(5));
    }
    q.PowerCut(node);
    q.Start(node);
    ASSERT_EQ(q.violation, "") << calls;
    for (const std::string& name : q.acked) ASSERT_NE(node.metadata->image()->FindTopic(name), nullptr) << calls;
    ASSERT_TRUE(q.Progress()) << calls;
    ASSERT_TRUE(q.Agree()) << calls << q.violation;
  }
}

TEST(MetadataLog, ShortensTheLogBehindTheOlderOfTwoSnapshots) {
  SimHosts q({.nodes = 1, .voters = 1, .snapshot_entries = 10}, 4);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(q.Progress());
  q.world.RunFor(absl::Seconds(1));
  const auto points = *SnapshotFolder(*node.disk, kFolder).List();
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(node.log->log_start(), points[0].end);
  EXPECT_EQ(node.metadata->quorum().newest_snapshot(), points[1]);
  const uint64_t hash = node.metadata->image()->Hash();
  q.PowerCut(node);
  // Without the newer one the older one and the log have everything.
  node.disk->FlipBit(StrCat(kFolder, "/", SnapshotName(points[1])), 200, 1);
  q.Start(node);
  EXPECT_EQ(node.metadata->image()->Hash(), hash);
  EXPECT_TRUE(q.Progress());
}

TEST(MetadataLog, OfAFullDiskDidNotHappenAndGoesOnWithRoom) {
  SimHosts q({.nodes = 1, .voters = 1}, 5);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  ASSERT_TRUE(q.Progress());
  node.disk->faults().capacity_bytes = node.disk->used_bytes();
  const std::string refused = q.Submit(node);
  q.world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(absl::IsResourceExhausted(q.outcomes.at(refused))) << q.outcomes.at(refused);
  node.disk->faults().capacity_bytes.reset();
  ASSERT_TRUE(q.Progress());
  EXPECT_EQ(node.metadata->image()->FindTopic(refused), nullptr);
}

TEST(MetadataLog, ComesUpOnAFullDiskToRead) {
  SimHosts q({.nodes = 1, .voters = 1}, 6);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  ASSERT_TRUE(q.Progress());
  q.PowerCut(node);
  node.disk->faults().capacity_bytes = node.disk->used_bytes();
  q.Start(node);
  ASSERT_TRUE(node.up());
  absl::Status nothing = Internal("not answered");
  node.metadata->Submit([](const meta::Image&) { return meta::Records{}; },
                        [&](absl::Status s) { nothing = std::move(s); });
  const std::string refused = q.Submit(node);
  q.world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(nothing.ok()) << "what needs no writing is answered: " << nothing;
  EXPECT_TRUE(absl::IsResourceExhausted(q.outcomes.at(refused)));
  EXPECT_FALSE(node.metadata->active());
  node.disk->faults().capacity_bytes.reset();
  EXPECT_TRUE(q.Progress());
}

TEST(MetadataLog, TakesNoMorePartWhenADiskFails) {
  SimHosts q({.nodes = 1, .voters = 1}, 7);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  ASSERT_TRUE(q.Progress());
  node.disk->faults().sync_eio_one_in = 1;
  const std::string lost = q.Submit(node);
  q.world.RunFor(absl::Seconds(1));
  EXPECT_FALSE(q.outcomes.at(lost).ok());
  EXPECT_FALSE(node.metadata->quorum().failure().ok());
  EXPECT_FALSE(node.metadata->active());
  node.disk->faults() = {};
  const std::string later = q.Submit(node);
  EXPECT_FALSE(q.outcomes.at(later).ok());
  bool closed = false;
  node.metadata->Close([&] { closed = true; });
  q.world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(closed);
}

TEST(MetadataLog, ClosesOnceWhatIsUnderWayIsAnswered) {
  SimHosts q({.nodes = 1, .voters = 1}, 8);
  q.StartAll();
  SimHosts::Node& node = *q.nodes[0];
  ASSERT_TRUE(q.Progress());
  const std::string last = q.Submit(node);
  bool closed = false;
  node.metadata->Close([&] {
    closed = true;
    EXPECT_TRUE(q.acked.contains(last));
  });
  const std::string late = q.Submit(node);
  EXPECT_FALSE(q.outcomes.at(late).ok());
  q.world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(closed);
}

TEST(MetadataLog, NamesTheActiveControllerWhereItIsNot) {
  SimHosts q({.nodes = 3, .voters = 3}, 9);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  SimHosts::Node& other = *q.nodes[q.Active()->id == 1 ? 1 : 0];
  const std::string name = q.Submit(other);
  EXPECT_EQ(model::CodeOf(q.outcomes.at(name)), model::ErrorCode::kNotController);
  EXPECT_THAT(std::string(Message(q.outcomes.at(name))), HasSubstr(StrCat("node ", q.Active()->id)));
}

// ---- logs of older programs ----

// As programs without a quorum wrote it: a batch of several records without keys, of leader epoch 0.
void WriteOldLog(sim::SimDisk& disk, const meta::Records& records) {
  sim::SimWorld world(1);
  sim::SimShard shard(world);
  auto directory = *log::LogDirectory::Open(disk, shard, {.path = kLogPath});
  log::PartitionLog* log =
      *directory->OpenPartition({"__cluster_metadata", model::PartitionId(0)}, MetadataLogOptions());
  for (size_t i = 0; i < records.size(); i += 2) {
    model::BatchBuilder batch({});
    for (size_t k = i; k < std::min(i + 2, records.size()); ++k) batch.Add(1, std::nullopt, EncodeMetadata(records[k]));
    log->Append(*batch.Finish(), {.epoch = model::LeaderEpoch(0)},
                [](const auto& result) { LEAT_CHECK_OK(result.status()); });
  }
  world.RunFor(absl::Seconds(1));
  shard.Kill();
  directory.reset();
}

meta::Records OldRecords() {
  return {meta::ClusterCreated{"sim"}, meta::FeatureLevel{1}, meta::TopicCreated{{1000, 1}, "old", 3, {}},
          meta::JobSubmitted{"j", "sql", 5}, meta::ProducerIdsReserved{2000}};
}

TEST(OldMetadataLog, IsConvertedWhereverThePowerGoesOut) {
  meta::Image expected;
  for (const meta::Record& record : OldRecords()) LEAT_CHECK_OK(expected.Apply(record).status());
  int survived = 0;
  for (uint64_t calls = 0; calls < 120; ++calls) {
    SimHosts q({.nodes = 1, .voters = 1}, 300 + calls);
    SimHosts::Node& node = *q.nodes[0];
    WriteOldLog(*node.disk, OldRecords());
    node.disk->LosePowerAfter(calls);
    q.Start(node);
    if (node.up()) {
      EXPECT_EQ(node.metadata->image()->Hash(), expected.Hash());
      q.Submit(node);
      q.world.RunFor(absl::Milliseconds(calls % 20));
    }
    survived += node.up() && !node.disk->dark();
    q.PowerCut(node);
    q.Start(node);
    ASSERT_EQ(q.violation, "") << calls;
    ASSERT_EQ(node.metadata->image()->FindTopic("old")->partitions, 3) << calls;
    ASSERT_EQ(node.metadata->image()->producer_ids_end(), 2000);
    ASSERT_TRUE(q.Progress()) << calls;
    ASSERT_TRUE(q.Agree()) << calls << q.violation;
    EXPECT_EQ(node.log->log_start(), model::Offset(5)) << "the log goes on where the old one ended";
    EXPECT_GE(node.metadata->epoch(), model::LeaderEpoch(2));
  }
  EXPECT_GT(survived, 10);
}

TEST(OldMetadataLog, OfANodeIsReplicatedToOthersThatJoin) {
  SimHosts q({.nodes = 3, .voters = 1}, 12);
  WriteOldLog(*q.nodes[0]->disk, OldRecords());
  q.StartAll();
  ASSERT_TRUE(q.Progress()) << "it goes on alone";
  EXPECT_EQ(q.Active(), q.nodes[0].get());
  ASSERT_TRUE(q.world.RunUntil([&] { return q.nodes[1]->metadata->caught_up(); }, absl::Seconds(20)));
  ASSERT_TRUE(q.Agree(absl::Seconds(20))) << q.violation;
  EXPECT_NE(q.nodes[2]->metadata->image()->FindTopic("old"), nullptr);
}

// ---- between two images ----

TEST(DeltaBetween, SaysWhatWentWhatCameAndWhatChanged) {
  meta::Image before;
  meta::Image after;
  const auto make = [](meta::Image& image, meta::Records records) {
    for (const meta::Record& record : records) LEAT_CHECK_OK(image.Apply(record).status());
  };
  make(before, {meta::TopicCreated{{1, 1}, "same", 1, {}}, meta::TopicCreated{{2, 2}, "again", 1, {}},
                meta::TopicCreated{{3, 3}, "grows", 1, {}}, meta::JobSubmitted{"gone", "x", 1}});
  make(after, {meta::TopicCreated{{1, 1}, "same", 1, {}}, meta::TopicCreated{{4, 4}, "again", 1, {}},
               meta::TopicCreated{{3, 3}, "grows", 5, {}}, meta::JobSubmitted{"new", "x", 1}});
  const meta::Delta delta = DeltaBetween(before, after);
  ASSERT_EQ(delta.topics.size(), 3u);
  EXPECT_EQ(delta.topics[0].after, nullptr) << "what went comes first: its name is used again";
  EXPECT_EQ(delta.topics[0].before->id, (model::TopicId{2, 2}));
  EXPECT_EQ(delta.jobs.size(), 2u);
  EXPECT_TRUE(DeltaBetween(before, before).empty());
}

TEST(Change, ReadsWhatItWroteAndRefusesTheRest) {
  const auto read = DecodeChange(EncodeChange(OldRecords()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, OldRecords());
  EXPECT_FALSE(DecodeChange("\x0a\xff").ok());
}

}  // namespace
}  // namespace leat::coordinator::test
