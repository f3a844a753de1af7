#include "group/offset_store.h"

#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace leat::group {
namespace {

using model::ErrorCode;
using ::testing::HasSubstr;

model::TopicPartition Tp(std::string topic, int32_t partition) {
  return {std::move(topic), model::PartitionId(partition)};
}

TEST(OffsetRecords, AreKafkasBytes) {
  EXPECT_EQ(EncodeOffsetKey({"g1", Tp("top", 7)}), std::string("\0\1\0\2g1\0\3top\0\0\0\7", 15));
  EXPECT_EQ(EncodeOffsetValue({model::Offset(258), model::LeaderEpoch(-1), "md", 1}),
            std::string("\0\3\0\0\0\0\0\0\1\2\xff\xff\xff\xff\0\2md\0\0\0\0\0\0\0\1", 26));
}

TEST(OffsetRecords, OfOlderVersionsAreRead) {
  const std::string v1("\0\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x9", 28);
  ASSERT_TRUE(DecodeOffsetValue(v1).ok());
  EXPECT_EQ(DecodeOffsetValue(v1)->offset, model::Offset(5));
  EXPECT_EQ(DecodeOffsetValue(v1)->commit_time_ms, 2);
  EXPECT_EQ(*DecodeOffsetKey(std::string("\0\2\0\1g", 5)), std::nullopt);  // a group's members
  EXPECT_EQ(DecodeOffsetKey(std::string("\0\x9", 2)).status().code(), absl::StatusCode::kUnimplemented);
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// Written by the classes of Apache Kafka 4.3.1, which itself writes version 4.
TEST(OffsetRecords, ThatKafkaWroteAreRead) {
  const std::pair<const char*, int32_t> all[] = {
      {"00000000011f71fb04cb000a66726f6d206b61666b610000018bcfe5687b", -1},
      {"00010000011f71fb04cb000a66726f6d206b61666b610000018bcfe5687b0000018bcfe56be7", -1},
      {"00020000011f71fb04cb000a66726f6d206b61666b610000018bcfe5687b", -1},
      {"00030000011f71fb04cb00000007000a66726f6d206b61666b610000018bcfe5687b", 7},
      // With the topic's id in a tagged field.
      {"00040000011f71fb04cb000000070b66726f6d206b61666b610000018bcfe5687b010010000102030405060708090a0b0c0d0e0f", 7}};
  for (const auto& [hex, leader_epoch] : all) {
    const std::string bytes = FromHex(hex);
    const auto value = DecodeOffsetValue(bytes);
    ASSERT_TRUE(value.ok()) << hex << ": " << value.status();
    const OffsetValue expected{model::Offset(1234567890123), model::LeaderEpoch(leader_epoch), "from kafka",
                               1700000000123};
    EXPECT_EQ(*value, expected) << hex;
    for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeOffsetValue(bytes.substr(0, n)).ok()) << hex << n;
    EXPECT_FALSE(DecodeOffsetValue(bytes + "x").ok()) << hex;
  }
  // Without a leader epoch and an id.
  const auto plain = DecodeOffsetValue(FromHex("00040000000000000005ffffffff01000000000000000900"));
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(*plain, (OffsetValue{model::Offset(5), model::LeaderEpoch(-1), "", 9}));
  EXPECT_EQ(DecodeOffsetValue(FromHex("0005")).status().code(), absl::StatusCode::kUnimplemented);
}

RC_GTEST_PROP(OffsetRecords, ComeBackWholeAndAreRefusedWhenCut,
              (const std::string& group, int64_t offset, int32_t number)) {
  const OffsetKey key{group, Tp("t", number)};
  const std::string bytes = EncodeOffsetKey(key);
  RC_ASSERT(**DecodeOffsetKey(bytes) == key);
  const OffsetValue value{model::Offset(offset), model::LeaderEpoch(number), group, offset};
  const std::string encoded = EncodeOffsetValue(value);
  RC_ASSERT(*DecodeOffsetValue(encoded) == value);
  for (size_t n = 0; n < encoded.size(); ++n) RC_ASSERT(!DecodeOffsetValue(encoded.substr(0, n)).ok());
  for (size_t n = 0; n < bytes.size(); ++n) RC_ASSERT(!DecodeOffsetKey(bytes.substr(0, n)).ok());
}

TEST(PartitionForGroup, IsJavasHash) {
  // "hello".hashCode() is 99162322, "polygenelubricants".hashCode() is Integer.MIN_VALUE.
  EXPECT_EQ(PartitionForGroup("hello", 50), 99162322 % 50);
  EXPECT_EQ(PartitionForGroup("polygenelubricants", 50), 0);
  EXPECT_EQ(PartitionForGroup("", 50), 0);
  // One UTF-16 unit, 0xe9, and a pair of surrogates: 0xd83d * 31 + 0xde00.
  EXPECT_EQ(PartitionForGroup("\xc3\xa9", 1000), 0xe9);
  EXPECT_EQ(PartitionForGroup("\xf0\x9f\x98\x80", 1000), (0xd83d * 31 + 0xde00) % 1000);
}

TEST(OffsetStore, ChangesOnlyByReplay) {
  OffsetStore store({});
  const CommitDecision decision = store.CommitOffsets({"g", {{Tp("t", 0), model::Offset(5), "m"}}}, 77);
  ASSERT_EQ(decision.records.size(), 1u);
  EXPECT_EQ(store.Find("g"), nullptr);
  ASSERT_TRUE(store.Replay({}, decision.records[0].key, *decision.records[0].value).ok());
  ASSERT_NE(store.Find("g", Tp("t", 0)), nullptr);
  EXPECT_EQ(store.Find("g", Tp("t", 0))->offset, model::Offset(5));
  EXPECT_EQ(store.Find("g", Tp("t", 0))->commit_time_ms, 77);
}

TEST(OffsetStore, ForgetsATopicAndAGroupByTombstones) {
  OffsetStore store({});
  for (const char* topic : {"a", "b"}) {
    for (const OffsetRecord& r : store.CommitOffsets({"g", {{Tp(topic, 0), model::Offset(1), ""}}}, 0).records) {
      ASSERT_TRUE(store.Replay({}, r.key, *r.value).ok());
    }
  }
  for (const OffsetRecord& r : store.ForgetTopic("a")) ASSERT_TRUE(store.Replay({}, r.key, std::nullopt).ok());
  EXPECT_EQ(store.offset_count(), 1u);
  for (const OffsetRecord& r : store.ForgetGroup("g")) ASSERT_TRUE(store.Replay({}, r.key, std::nullopt).ok());
  EXPECT_TRUE(store.Groups().empty());
}

TEST(OffsetStore, RefusesEachItemForItsOwnReason) {
  const OffsetStore store({.metadata_bytes = 3, .offsets = 1});
  const CommitDecision decision = store.CommitOffsets({"g",
                                                       {{Tp("t", 0), model::Offset(1), "1234"},
                                                        {Tp("bad name", 0), model::Offset(1), ""},
                                                        {Tp("t", 0), model::Offset(1), "123"},
                                                        {Tp("t", 1), model::Offset(1), ""}}},
                                                      0);
  EXPECT_EQ(decision.outcomes[0].code, ErrorCode::kOffsetMetadataTooLarge);
  EXPECT_EQ(decision.outcomes[1].code, ErrorCode::kInvalidTopic);
  EXPECT_EQ(decision.outcomes[2].code, ErrorCode::kNone);
  EXPECT_EQ(decision.outcomes[3].code, ErrorCode::kPolicyViolation);
  EXPECT_EQ(decision.records.size(), 1u);
  EXPECT_EQ(store.CommitOffsets({"", {{Tp("t", 0), model::Offset(1), ""}}}, 0).outcomes[0].code,
            ErrorCode::kInvalidGroupId);
}

// Some clients store -1 and -2 for "the end" and "the start" and take them so when they get them back, as from Kafka.
TEST(OffsetStore, KeepsNegativeOffsetsAsTheyAre) {
  OffsetStore store({});
  const CommitDecision decision = store.CommitOffsets({"g", {{Tp("t", 0), model::Offset(-2), ""}}}, 0);
  ASSERT_EQ(decision.records.size(), 1u);
  ASSERT_TRUE(store.Replay({}, decision.records[0].key, *decision.records[0].value).ok());
  EXPECT_EQ(store.Find("g", Tp("t", 0))->offset, model::Offset(-2));
}

RC_GTEST_PROP(OffsetStore, ItsSnapshotMakesTheSameState, (uint64_t seed)) {
  Random random(seed);
  OffsetStore store({});
  for (int i = 0; i < 50; ++i) {
    const CommitCommand command{StrCat("g", random.Below(3)),
                                {{Tp("t", static_cast<int32_t>(random.Below(4))), model::Offset(i), "m"}}};
    for (const OffsetRecord& r : store.CommitOffsets(command, i).records)
      RC_ASSERT(store.Replay({}, r.key, *r.value).ok());
  }
  OffsetStore copy({});
  for (const OffsetRecord& r : store.Snapshot()) RC_ASSERT(copy.Replay({}, r.key, *r.value).ok());
  RC_ASSERT(copy.offset_count() == store.offset_count());
  RC_ASSERT(copy.Groups() == store.Groups());
  for (const std::string& group : store.Groups()) RC_ASSERT(*copy.Find(group) == *store.Find(group));
}

// The offsets topic as a list of records, replayed as they are written.
struct PendingOffsets : ::testing::Test {
  void Write(int64_t offset, model::ProducerId transaction = model::ProducerId(-1)) {
    const auto decision = store.CommitOffsets({"g", {{Tp("t", 0), model::Offset(offset), ""}}}, 0);
    for (const OffsetRecord& r : decision.records) {
      ASSERT_TRUE(store.Replay({model::Offset(next_++), transaction}, r.key, *r.value).ok());
    }
  }
  int64_t Stored() const {
    const OffsetValue* value = store.Find("g", Tp("t", 0));
    return value == nullptr ? -1 : value->offset.value();
  }
  OffsetStore store{{}};
  const model::ProducerId producer{7};
  int64_t next_ = 0;
};

TEST_F(PendingOffsets, BecomeCurrentWithTheCommitMarker) {
  Write(5);
  Write(9, producer);
  EXPECT_EQ(Stored(), 5);
  EXPECT_TRUE(store.IsPending("g", Tp("t", 0)));
  EXPECT_FALSE(store.IsPending("g", Tp("t", 1)));
  store.CompleteTxn(model::ProducerId(8), TxnResult::kCommit);
  EXPECT_EQ(Stored(), 5);
  store.CompleteTxn(producer, TxnResult::kCommit);
  EXPECT_EQ(Stored(), 9);
  EXPECT_FALSE(store.HasPending("g"));
}

TEST_F(PendingOffsets, AreForgottenWithTheAbortMarker) {
  Write(9, producer);
  EXPECT_EQ(store.pending_count(), 1u);
  EXPECT_EQ(store.Groups(), std::vector<std::string>{"g"});
  store.CompleteTxn(producer, TxnResult::kAbort);
  EXPECT_EQ(Stored(), -1);
  EXPECT_TRUE(store.Groups().empty());
}

TEST_F(PendingOffsets, DoNotReplaceWhatWasWrittenBehindThem) {
  Write(9, producer);
  Write(3);
  store.CompleteTxn(producer, TxnResult::kCommit);
  EXPECT_EQ(Stored(), 3);
}

TEST_F(PendingOffsets, GoWithATombstone) {
  Write(9, producer);
  for (const OffsetRecord& r : store.ForgetTopic("t")) ASSERT_TRUE(store.Replay({}, r.key, std::nullopt).ok());
  store.CompleteTxn(producer, TxnResult::kCommit);
  EXPECT_EQ(Stored(), -1);
}

}  // namespace
}  // namespace leat::group
