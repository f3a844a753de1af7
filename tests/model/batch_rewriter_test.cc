#include "model/batch_rewriter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace leat::model {
namespace {

constexpr size_t kLimit = 1 << 20;

std::string Original(Compression compression) {
  BatchBuilder builder({.compression = compression,
                        .base_offset = Offset(100),
                        .leader_epoch = LeaderEpoch(3),
                        .producer_id = ProducerId(7),
                        .producer_epoch = 2,
                        .base_sequence = 40,
                        .transactional = true});
  builder.Add(1000, "a", "1", {{"h", "x"}});
  builder.Add(3000, "b", std::nullopt);
  builder.Add(2000, "c", std::string(300, 'z'));
  return builder.Finish().value();
}

std::string Rewrite(const std::string& original, const std::vector<int>& keep, std::optional<int64_t> horizon) {
  auto records = RecordIterator::Open(original, kLimit).value();
  BatchRewriter rewriter(records.header(), horizon);
  RecordView record;
  for (int i = 0; records.Next(&record).value(); ++i) {
    if (std::find(keep.begin(), keep.end(), i) != keep.end()) rewriter.Keep(record);
  }
  return rewriter.Finish().value();
}

class BatchRewriterTest : public testing::TestWithParam<Compression> {};

TEST_P(BatchRewriterTest, KeepsOffsetsTimesAndProducerOfWhatStays) {
  const std::string batch = Rewrite(Original(GetParam()), {0, 2}, std::nullopt);
  const auto header = ValidateBatch(batch, RecordCheck::kHeaderAndCrc, 0);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->base_offset, Offset(100));
  EXPECT_EQ(header->last_offset(), Offset(102));
  EXPECT_EQ(header->record_count, 2);
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(header->producer_id, ProducerId(7));
  EXPECT_EQ(header->producer_epoch, 2);
  EXPECT_EQ(header->base_sequence, 40);
  EXPECT_TRUE(header->transactional());
  EXPECT_EQ(header->compression(), GetParam());
  EXPECT_EQ(header->max_timestamp_ms, 2000);
  EXPECT_EQ(header->delete_horizon_ms(), std::nullopt);
  auto records = RecordIterator::Open(batch, kLimit).value();
  RecordView record;
  ASSERT_TRUE(records.Next(&record).value());
  EXPECT_EQ(record.offset, Offset(100));
  EXPECT_EQ(record.timestamp_ms, 1000);
  ASSERT_EQ(record.headers.size(), 1u);
  EXPECT_EQ(record.headers[0].value, "x");
  ASSERT_TRUE(records.Next(&record).value());
  EXPECT_EQ(record.offset, Offset(102));
  EXPECT_EQ(record.timestamp_ms, 2000);
  EXPECT_EQ(record.value, std::string(300, 'z'));
  EXPECT_FALSE(records.Next(&record).value());
}

TEST_P(BatchRewriterTest, KeepsTimesBesideADeleteHorizonAndKeepsTheHorizon) {
  const std::string once = Rewrite(Original(GetParam()), {1, 2}, 999'999);
  const std::string twice = Rewrite(once, {0}, std::nullopt);
  const auto header = ValidateBatch(twice, RecordCheck::kHeaderAndCrc, 0);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->delete_horizon_ms(), 999'999);
  auto records = RecordIterator::Open(twice, kLimit).value();
  RecordView record;
  ASSERT_TRUE(records.Next(&record).value());
  EXPECT_EQ(record.offset, Offset(101));
  EXPECT_EQ(record.timestamp_ms, 3000);
  EXPECT_EQ(record.value, std::nullopt);
}

TEST_P(BatchRewriterTest, LeavesAHeaderOfAnEmptyBatch) {
  const std::string batch = Rewrite(Original(GetParam()), {}, 999'999);
  EXPECT_EQ(batch.size(), kBatchHeaderBytes);
  const auto header = ValidateBatch(batch, RecordCheck::kHeaderAndCrc, 0);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->record_count, 0);
  EXPECT_EQ(header->last_offset(), Offset(102));
  EXPECT_EQ(header->base_sequence, 40);
  EXPECT_EQ(header->max_timestamp_ms, 3000);
  EXPECT_EQ(header->compression(), Compression::kNone);
  EXPECT_EQ(header->delete_horizon_ms(), std::nullopt);
  RecordView record;
  EXPECT_FALSE(RecordIterator::Open(batch, kLimit).value().Next(&record).value());
}

INSTANTIATE_TEST_SUITE_P(Codecs, BatchRewriterTest,
                         testing::Values(Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                         Compression::kLz4, Compression::kZstd),
                         [](const auto& codec) { return std::string(CompressionName(codec.param)); });

TEST_P(BatchRewriterTest, CompressesAnewAndChangesNothingElse) {
  const std::string original = Original(Compression::kGzip);
  const std::string made = CompressAnew(original, GetParam(), kLimit).value();
  const auto header = ValidateBatch(made, RecordCheck::kEveryRecord, kLimit);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->compression(), GetParam());
  EXPECT_EQ(header->base_sequence, 40);
  EXPECT_EQ(CompressAnew(made, Compression::kNone, kLimit).value(), Original(Compression::kNone));
}

TEST(BatchRewriter, KeepsLogAppendTime) {
  std::string original = Original(Compression::kNone);
  SetLogAppendTime(&original, 5000);
  const std::string batch = Rewrite(original, {0}, std::nullopt);
  const auto header = ParseBatchHeader(batch).value();
  EXPECT_TRUE(header.log_append_time());
  EXPECT_EQ(header.max_timestamp_ms, 5000);
}

TEST(ValidateBatch, RefusesWhatOnlyCompactionMayWriteFromAProducer) {
  const std::string gaps = Rewrite(Original(Compression::kNone), {0, 2}, std::nullopt);
  EXPECT_TRUE(absl::IsDataLoss(ValidateBatch(gaps, RecordCheck::kEveryRecord, kLimit).status()));
  const std::string horizon = Rewrite(Original(Compression::kNone), {0, 1, 2}, 5);
  EXPECT_TRUE(absl::IsDataLoss(ValidateBatch(horizon, RecordCheck::kEveryRecord, kLimit).status()));
  EXPECT_TRUE(ValidateBatch(horizon, RecordCheck::kHeaderAndCrc, 0).ok());
}

TEST(ValidateBatch, RefusesRecordsWithoutKeyWhenKeysAreAskedFor) {
  BatchBuilder builder({});
  builder.Add(1, "k", "v");
  builder.Add(1, std::nullopt, "v");
  const std::string batch = builder.Finish().value();
  EXPECT_TRUE(ValidateBatch(batch, RecordCheck::kEveryRecord, kLimit).ok());
  const absl::Status refused = ValidateBatch(batch, RecordCheck::kEveryRecordWithKey, kLimit).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_TRUE(ValidateBatch(Original(Compression::kZstd), RecordCheck::kEveryRecordWithKey, kLimit).ok());
}

}  // namespace
}  // namespace leat::model
