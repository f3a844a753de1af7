// Topic configs that change what a log does: compaction, and what a batch may be.
#include <gmock/gmock.h>

#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

std::string Keyed(const std::string& key, std::optional<std::string_view> value,
                  int64_t timestamp_ms = 1'700'000'000'000) {
  model::BatchBuilder builder({});
  builder.Add(timestamp_ms, key, value);
  return builder.Finish().value();
}

class TopicConfigs : public testing::Test {
 protected:
  TopicConfigs() { EXPECT_TRUE(w.Start().ok()); }
  TopicResult Alter(const std::string& topic, const Configs& set) {
    return w.Await<std::vector<TopicResult>>([&](auto done) {
      w.broker->AlterTopics({{topic, set, {}, -1}}, std::move(done));
    })[0];
  }
  std::vector<std::string> All(const std::string& topic) {
    std::vector<std::string> all;
    for (int64_t at = 0;;) {
      const FetchPartitionResult read = w.FetchOne(Tp(topic), at);
      EXPECT_TRUE(read.outcome.ok()) << read.outcome.message;
      if (read.batches.empty()) return all;
      for (std::string& value : Values(read.batches, model::Offset(at))) all.push_back(std::move(value));
      for (std::string_view rest = read.batches; !rest.empty();) {
        at = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset().value();
      }
    }
  }
  void Fill(const std::string& topic, int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(w.Produce(Tp(topic), Keyed(StrCat("k", i % 3), StrCat("v", i, std::string(50, 'x')))).outcome.ok());
    }
  }

  BrokerWorld w{7};
};

const Configs kCompacted = {
    {"cleanup.policy", "compact"}, {"segment.bytes", "1024"}, {"min.cleanable.dirty.ratio", "0"}};

TEST_F(TopicConfigs, CompactKeepsTheLastRecordOfEachKey) {
  ASSERT_TRUE(w.Create("prices", 1, kCompacted).outcome.ok());
  Fill("prices", 0, 100);
  w.world.RunFor(absl::Minutes(1));
  std::vector<std::string> left = All("prices");
  EXPECT_LT(left.size(), 20u);
  EXPECT_THAT(left.back(), testing::StartsWith("v99x"));
  ASSERT_TRUE(w.Stop().ok());
  ASSERT_TRUE(w.Start().ok());
  EXPECT_EQ(All("prices"), left);
}

TEST_F(TopicConfigs, CompactRefusesRecordsWithoutKey) {
  ASSERT_TRUE(w.Create("prices", 1, kCompacted).outcome.ok());
  EXPECT_EQ(w.Produce(Tp("prices"), Batch({"a"})).outcome.code, ErrorCode::kInvalidRecord);
}

TEST_F(TopicConfigs, CompactionBeginsAndEndsWithTheConfig) {
  ASSERT_TRUE(w.Create("prices", 1, {{"segment.bytes", "1024"}, {"min.cleanable.dirty.ratio", "0"}}).outcome.ok());
  Fill("prices", 0, 50);
  w.world.RunFor(absl::Minutes(1));
  EXPECT_EQ(All("prices").size(), 50u);
  ASSERT_TRUE(Alter("prices", {{"cleanup.policy", "compact,delete"}}).outcome.ok());
  w.world.RunFor(absl::Minutes(1));
  const size_t left = All("prices").size();
  EXPECT_LT(left, 20u);
  ASSERT_TRUE(Alter("prices", {{"cleanup.policy", "delete"}}).outcome.ok());
  Fill("prices", 50, 100);
  w.world.RunFor(absl::Minutes(1));
  EXPECT_EQ(All("prices").size(), left + 50);
  EXPECT_TRUE(w.Produce(Tp("prices"), Batch({"without key"})).outcome.ok());
}

TEST_F(TopicConfigs, RecordsOfACompactedTopicAreNotDeletedByOffset) {
  ASSERT_TRUE(w.Create("prices", 1, kCompacted).outcome.ok());
  Fill("prices", 0, 5);
  const auto deleted = w.Await<std::vector<DeleteRecordsResult>>([&](auto done) {
    w.broker->DeleteRecords({{Tp("prices"), model::Offset(3)}}, std::move(done));
  })[0];
  EXPECT_EQ(deleted.outcome.code, ErrorCode::kPolicyViolation);
}

TEST_F(TopicConfigs, CommittedOffsetsAreCompacted) {
  ASSERT_TRUE(w.Create("events").outcome.ok());
  const auto size = [&] {
    uint64_t bytes = 0;
    for (const std::string& path : w.disk.Files()) {
      if (path.find("__consumer_offsets") != std::string::npos) bytes += w.disk.Content(path).size();
    }
    return bytes;
  };
  const std::string long_metadata(4000, 'm');
  for (int i = 0; i < 6000; ++i) ASSERT_TRUE(w.Commit("g", Tp("events"), i, long_metadata).ok());
  ASSERT_GT(size(), 20u << 20);
  w.world.RunFor(absl::Minutes(1));
  EXPECT_LT(size(), 17u << 20);
  EXPECT_EQ(w.Committed("g", Tp("events")), 5999);
  w.PowerCut();
  ASSERT_TRUE(w.Start().ok());
  EXPECT_EQ(w.Committed("g", Tp("events")), 5999);
}

TEST_F(TopicConfigs, CompressionTypeIsThatOfTheLog) {
  ASSERT_TRUE(w.Create("events", 1, {{"compression.type", "zstd"}}).outcome.ok());
  ASSERT_TRUE(w.Produce(Tp("events"), Batch({"a", "b"})).outcome.ok());
  const FetchPartitionResult read = w.FetchOne(Tp("events"));
  EXPECT_EQ(model::ParseBatchHeader(read.batches)->compression(), model::Compression::kZstd);
  EXPECT_THAT(Values(read.batches), testing::ElementsAre("a", "b"));
}

TEST_F(TopicConfigs, TimestampsFarFromTheClockAreRefused) {
  ASSERT_TRUE(w.Create("events", 1, {{"message.timestamp.before.max.ms", "1000"}}).outcome.ok());
  const int64_t now = w.world.WallMillis();
  EXPECT_TRUE(w.Produce(Tp("events"), Keyed("k", "v", now)).outcome.ok());
  EXPECT_EQ(w.Produce(Tp("events"), Keyed("k", "v", now - 60'000)).outcome.code, ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(w.Produce(Tp("events"), Keyed("k", "v", now + 2 * 3'600'000)).outcome.code, ErrorCode::kInvalidTimestamp);
}

TEST_F(TopicConfigs, MoreCopiesThanThereAreRefuseWhatAsksForAll) {
  ASSERT_TRUE(w.Create("events", 1, {{"min.insync.replicas", "2"}}).outcome.ok());
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"a"}), Acks::kAll).outcome.code, ErrorCode::kNotEnoughReplicas);
  EXPECT_TRUE(w.Produce(Tp("events"), Batch({"a"}), Acks::kLeader).outcome.ok());
}

TEST_F(TopicConfigs, FlushingEveryMessageIsTheDurableClass) {
  ASSERT_TRUE(w.Create("events", 1, {{"leat.durability", "page-cache"}, {"flush.messages", "1"}}).outcome.ok());
  ASSERT_TRUE(w.Produce(Tp("events"), Batch({"a"})).outcome.ok());
  w.PowerCut();
  ASSERT_TRUE(w.Start().ok());
  EXPECT_THAT(All("events"), testing::ElementsAre("a"));
}

}  // namespace
}  // namespace leat::broker
