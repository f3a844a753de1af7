#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Topics : public ::testing::Test {
 protected:
  Topics() { LEAT_CHECK_OK(w.Start()); }
  BrokerWorld w{7, 3};
};

TEST_F(Topics, AreDescribedWithTheirPartitionsAndConfigs) {
  ASSERT_TRUE(w.Create("events", 5, {{"retention.ms", "1000"}}).outcome.ok());
  w.Produce(Tp("events", 4), Batch({"a", "b"}));
  const TopicDescription topic = w.Describe("events");
  ASSERT_EQ(topic.partitions.size(), 5u);
  EXPECT_EQ(topic.partitions[4].high_watermark, model::Offset(2));
  EXPECT_EQ(topic.partitions[4].leader, model::NodeId(1));
  int from_topic = 0;
  for (const ConfigEntry& entry : topic.configs) {
    if (entry.source != ConfigEntry::Source::kTopic) continue;
    ++from_topic;
    EXPECT_EQ(entry.name + "=" + entry.value, "retention.ms=1000");
  }
  EXPECT_EQ(from_topic, 1);
}

TEST_F(Topics, AreAllListedWhenNoneIsNamed) {
  w.Create("b");
  w.Create("a");
  const auto all =
      w.Await<std::vector<TopicDescription>>([&](auto done) { w.broker->DescribeTopics({}, std::move(done)); });
  std::vector<std::string> names;
  for (const TopicDescription& topic : all) names.push_back(topic.name);
  EXPECT_THAT(names, ElementsAre("__consumer_offsets", "__transaction_state", "a", "b"));
  EXPECT_TRUE(all[0].internal);
}

TEST_F(Topics, AreRefusedEachForItsOwnReason) {
  w.Create("there");
  const auto results = w.Await<std::vector<TopicResult>>([&](auto done) {
    w.broker->CreateTopics({{"there"},
                            {"bad name"},
                            {"many", 100000},
                            {"typo", 1, {{"retention.m", "1"}}},
                            {"good"},
                            {"good"},
                            {"__leat_x"}},
                           std::move(done));
  });
  EXPECT_EQ(results[0].outcome.code, ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(results[1].outcome.code, ErrorCode::kInvalidTopic);
  EXPECT_EQ(results[2].outcome.code, ErrorCode::kInvalidPartitions);
  EXPECT_EQ(results[3].outcome.code, ErrorCode::kInvalidConfig);
  EXPECT_THAT(results[3].outcome.message, HasSubstr("retention.ms"));
  EXPECT_TRUE(results[4].outcome.ok());
  EXPECT_EQ(results[5].outcome.code, ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(results[6].outcome.code, ErrorCode::kInvalidTopic);
}

TEST_F(Topics, BeginEmptyWhenMadeAgainUnderTheSameName) {
  const TopicResult first = w.Create("events", 3);
  for (int p = 0; p < 3; ++p) w.Produce(Tp("events", p), Batch({"old"}));
  w.Commit("g", Tp("events"), 1);
  ASSERT_TRUE(w.Delete("events").outcome.ok());
  EXPECT_EQ(w.Describe("events").outcome.code, ErrorCode::kUnknownTopicOrPartition);
  const TopicResult second = w.Create("events", 3);
  ASSERT_TRUE(second.outcome.ok()) << second.outcome.message;
  EXPECT_NE(first.id, second.id);
  for (int p = 0; p < 3; ++p) EXPECT_THAT(w.FetchOne(Tp("events", p)).batches, IsEmpty());
  EXPECT_EQ(w.Committed("g", Tp("events")), -1);
}

TEST_F(Topics, GetTheirNewConfigsAndPartitionsAtOnce) {
  w.Create("events", 1);
  const auto altered = w.Await<std::vector<TopicResult>>([&](auto done) {
    w.broker->AlterTopics({{"events", {{"max.message.bytes", "200"}}, {}, 3}}, std::move(done));
  });
  ASSERT_TRUE(altered[0].outcome.ok()) << altered[0].outcome.message;
  EXPECT_EQ(altered[0].partitions, 3);
  EXPECT_TRUE(w.Produce(Tp("events", 2), Batch({"x"})).outcome.ok());
  EXPECT_EQ(w.Produce(Tp("events", 0), Batch({std::string(500, 'x')})).outcome.code, ErrorCode::kMessageTooLarge);
  const auto shrunk = w.Await<std::vector<TopicResult>>([&](auto done) {
    w.broker->AlterTopics({{"events", {}, {"max.message.bytes"}, 2}}, std::move(done));
  });
  EXPECT_EQ(shrunk[0].outcome.code, ErrorCode::kInvalidPartitions);
}

TEST_F(Topics, RecordsAreListedByTimeAndDeleted) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"a"}, 1000));
  w.Produce(Tp("events"), Batch({"b"}, 2000));
  using Spec = ListOffsetsPartition::Spec;
  const auto list = [&](Spec spec, int64_t time = -1) {
    return w
        .Await<std::vector<ListOffsetsResult>>([&](auto done) {
          w.broker->ListOffsets({{Tp("events"), spec, time}}, std::move(done));
        })[0]
        .offset.value();
  };
  EXPECT_EQ(list(Spec::kTimestamp, 1500), 1);
  EXPECT_EQ(list(Spec::kTimestamp, 3000), -1);
  EXPECT_EQ(list(Spec::kMaxTimestamp), 1);
  const auto remove = [&](int64_t before) {
    return w.Await<std::vector<DeleteRecordsResult>>([&](auto done) {
      w.broker->DeleteRecords({{Tp("events"), model::Offset(before)}}, std::move(done));
    })[0];
  };
  EXPECT_EQ(remove(5).outcome.code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(remove(1).log_start, model::Offset(1));
  EXPECT_EQ(list(Spec::kEarliest), 1);
  EXPECT_EQ(remove(-1).log_start, model::Offset(2));
  EXPECT_EQ(list(Spec::kLatest), 2);
}

TEST_F(Topics, SurviveRestartAndPowerCut) {
  const TopicResult created = w.Create("events", 4, {{"segment.bytes", "4096"}});
  w.Produce(Tp("events", 2), Batch({"a"}));
  ASSERT_TRUE(w.Commit("g", Tp("events", 2), 1, "note").ok());
  ASSERT_TRUE(w.Stop().ok());
  ASSERT_TRUE(w.Start().ok());
  w.Produce(Tp("events", 2), Batch({"b"}));
  ASSERT_TRUE(w.Commit("g", Tp("events", 2), 2).ok());
  w.PowerCut();
  ASSERT_TRUE(w.Start().ok());
  EXPECT_EQ(w.Describe("events").id, created.id);
  EXPECT_THAT(Values(w.FetchOne(Tp("events", 2)).batches), ElementsAre("a", "b"));
  EXPECT_EQ(w.Committed("g", Tp("events", 2)), 2);
}

TEST_F(Topics, DeletedInACrashDoNotComeBack) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"old"}));
  bool answered = false;
  w.broker->DeleteTopics({"events"}, [&](const auto&) { answered = true; });
  // The record is durable and the folder still there: find that moment, and die in it.
  ASSERT_TRUE(w.world.RunUntil([&] { return w.broker->image()->FindTopic("events") == nullptr; }));
  EXPECT_FALSE(answered);
  w.Crash();
  ASSERT_TRUE(w.Start().ok());
  ASSERT_TRUE(w.Create("events").outcome.ok());
  EXPECT_THAT(w.FetchOne(Tp("events")).batches, IsEmpty());
}

TEST(Directory, IsRefusedToAnotherNodeAndToASecondBroker) {
  BrokerWorld w(9);
  ASSERT_TRUE(w.Start().ok());
  const std::string id =
      w.Await<ClusterDescription>([&](auto done) { w.broker->DescribeCluster(std::move(done)); }).cluster_id;
  EXPECT_EQ(id.size(), 22u);
  std::vector<env::Shard*> shards = {w.shards[0].get()};
  const auto second =
      CreateBroker(w.options, w.disk, shards, env::NullMetrics(), std::make_unique<FakeJobFactory>(&w.jobs));
  EXPECT_FALSE(w.Await<absl::Status>([&](auto done) { second->Start(std::move(done)); }).ok());
  ASSERT_TRUE(w.Stop().ok());
  w.options.node_id = model::NodeId(5);
  const absl::Status refused = w.Start();
  EXPECT_THAT(std::string(Message(refused)), HasSubstr("node 1"));
  w.Crash();
  w.options.node_id = model::NodeId(1);
  ASSERT_TRUE(w.Start().ok());
  EXPECT_EQ(w.Await<ClusterDescription>([&](auto done) { w.broker->DescribeCluster(std::move(done)); }).cluster_id, id);
}

TEST(FullDisk, RefusesProduceServesReadsAndRecoversByItself) {
  BrokerWorld w(11);
  ASSERT_TRUE(w.Start().ok());
  w.Create("events");
  ASSERT_TRUE(w.Produce(Tp("events"), Batch({"a"})).outcome.ok());
  w.disk.faults().capacity_bytes = w.disk.used_bytes();
  const Outcome full = w.Produce(Tp("events"), Batch({std::string(5000, 'x')})).outcome;
  EXPECT_EQ(full.code, ErrorCode::kKafkaStorageError);
  EXPECT_THAT(full.message, HasSubstr("free space"));
  EXPECT_EQ(w.Health().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(w.Create("other").outcome.ok());
  EXPECT_FALSE(w.Commit("g", Tp("events"), 1).ok());
  EXPECT_THAT(Values(w.FetchOne(Tp("events")).batches), ElementsAre("a"));
  w.disk.faults().capacity_bytes.reset();
  w.world.RunFor(absl::Milliseconds(50));  // the log syncs the removal of the half-written batch
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"b"})).outcome.message, "");
  EXPECT_TRUE(w.Health().ok());
  EXPECT_TRUE(w.Create("other").outcome.ok());
  EXPECT_TRUE(w.Commit("g", Tp("events"), 1).ok());
  EXPECT_THAT(Values(w.FetchOne(Tp("events")).batches), ElementsAre("a", "b"));
}

TEST(FullDisk, IsToldByHealthUntilThereIsSpaceWithoutAnotherAppend) {
  BrokerWorld w(12);
  ASSERT_TRUE(w.Start().ok());
  w.Create("events");
  w.disk.faults().capacity_bytes = w.disk.used_bytes();
  EXPECT_FALSE(w.Produce(Tp("events"), Batch({std::string(5000, 'x')})).outcome.ok());
  w.world.RunFor(absl::Minutes(5));
  EXPECT_EQ(w.Health().code(), absl::StatusCode::kResourceExhausted);
  w.disk.faults().capacity_bytes.reset();
  w.world.RunFor(absl::Seconds(3));
  EXPECT_TRUE(w.Health().ok()) << w.Health();
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"b"})).outcome.message, "");
}

TEST(FailedDisk, IsToldByHealthAndByEveryProduce) {
  BrokerWorld w(13, 1);
  ASSERT_TRUE(w.Start().ok());
  w.Create("events");
  ASSERT_TRUE(w.Produce(Tp("events"), Batch({"a"})).outcome.ok());
  w.disk.faults().sync_eio_one_in = 1;
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"b"})).outcome.code, ErrorCode::kKafkaStorageError);
  w.disk.faults().sync_eio_one_in = 0;
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"c"})).outcome.code, ErrorCode::kKafkaStorageError);
  EXPECT_THAT(std::string(Message(w.Health())), HasSubstr("offline"));
  EXPECT_THAT(Values(w.FetchOne(Tp("events")).batches), ElementsAre("a"));
}

TEST_F(Topics, LagIsShownInRecordsAndSeconds) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"a"}, w.world.WallMillis()));
  w.Produce(Tp("events"), Batch({"b", "c"}, w.world.WallMillis()));
  w.Commit("g", Tp("events"), 1);
  w.world.RunFor(absl::Seconds(10));
  const auto lag = w.Await<std::vector<GroupLag>>([&](auto done) { w.broker->DescribeLag("", std::move(done)); });
  ASSERT_EQ(lag.size(), 1u);
  EXPECT_EQ(lag[0].lag_records, 2);
  EXPECT_NEAR(lag[0].lag_seconds, 10, 0.5);
  w.Commit("g", Tp("events"), 3);
  EXPECT_EQ(
      w.Await<std::vector<GroupLag>>([&](auto done) { w.broker->DescribeLag("g", std::move(done)); })[0].lag_seconds,
      0);
  EXPECT_EQ(w.Commit("g", Tp("nowhere"), 1).code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(w.Commit("", Tp("events"), 1).code, ErrorCode::kInvalidGroupId);
}

// More partitions than are looked at at once.
TEST_F(Topics, AConsumerThatDoesNotCommitAnyMoreHasStopped) {
  constexpr int kPartitions = 250;
  w.Create("events", kPartitions);
  for (int p = 0; p < kPartitions; ++p) {
    ASSERT_TRUE(w.Produce(Tp("events", p), Batch({"a", "b"})).outcome.ok());
    ASSERT_TRUE(w.Commit("g", Tp("events", p), p == 7 ? 2 : 1).ok());
  }
  const auto statuses = [this] {
    std::map<std::string_view, int> count;
    for (const GroupLag& lag :
         w.Await<std::vector<GroupLag>>([&](auto done) { w.broker->DescribeLag("g", std::move(done)); })) {
      EXPECT_EQ(lag.lag_records, lag.partition.partition.value() == 7 ? 0 : 1) << lag.partition.ToString();
      ++count[StatusName(lag.status)];
    }
    return count;
  };
  w.world.RunFor(absl::Seconds(50));
  EXPECT_EQ(statuses(), (std::map<std::string_view, int>{{"ok", kPartitions}}));
  w.world.RunFor(absl::Seconds(60));
  EXPECT_EQ(statuses(), (std::map<std::string_view, int>{{"ok", 1}, {"stopped", kPartitions - 1}}));
  ASSERT_TRUE(w.Commit("g", Tp("events", 8), 1).ok());
  w.world.RunFor(absl::Seconds(16));
  EXPECT_EQ(statuses()["stopped"], kPartitions - 2) << "one is back";
}

}  // namespace
}  // namespace leat::broker
