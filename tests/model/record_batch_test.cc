#include "model/record_batch.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/model/batch_test_util.h"

namespace rc {

template <typename T>
struct Arbitrary<std::optional<T>> {
  static Gen<std::optional<T>> arbitrary() {
    return gen::oneOf(gen::just(std::optional<T>()),
                      gen::map(gen::arbitrary<T>(), [](T value) { return std::optional<T>(std::move(value)); }));
  }
};

template <>
struct Arbitrary<leat::model::OwnedHeader> {
  static Gen<leat::model::OwnedHeader> arbitrary() {
    using leat::model::OwnedHeader;
    return gen::build<OwnedHeader>(gen::set(&OwnedHeader::key),
                                   gen::set(&OwnedHeader::value, gen::arbitrary<std::optional<std::string>>()));
  }
};

template <>
struct Arbitrary<leat::model::OwnedRecord> {
  static Gen<leat::model::OwnedRecord> arbitrary() {
    using leat::model::OwnedRecord;
    return gen::build<OwnedRecord>(gen::set(&OwnedRecord::timestamp_ms), gen::set(&OwnedRecord::key),
                                   gen::set(&OwnedRecord::value), gen::set(&OwnedRecord::headers));
  }
};

}  // namespace rc

namespace leat::model {
namespace {

using ::testing::HasSubstr;

std::vector<OwnedRecord> ThreeRecords() {
  return {{.timestamp_ms = 1000, .key = "a", .value = "one"},
          {.timestamp_ms = 990, .value = "", .headers = {{"trace", "42"}, {"", std::nullopt}}},
          {.timestamp_ms = 1005, .key = "", .value = std::nullopt}};
}

RC_GTEST_PROP(RecordBatch, RoundTripsThroughEveryCompression, (const std::vector<OwnedRecord>& records)) {
  RC_PRE(!records.empty());
  for (const Compression compression : kEveryCompression) {
    const std::string batch = Build(records, {.compression = compression, .base_offset = Offset(77)});
    const auto header = ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit);
    RC_ASSERT(header.ok());
    RC_ASSERT(header->compression() == compression);
    RC_ASSERT(header->base_offset == Offset(77));
    RC_ASSERT(header->record_count == static_cast<int32_t>(records.size()));
    RC_ASSERT(header->last_offset() == Offset(76 + static_cast<int64_t>(records.size())));
    RC_ASSERT(header->base_timestamp_ms == records.front().timestamp_ms);
    int64_t max_timestamp_ms = records.front().timestamp_ms;
    for (const OwnedRecord& record : records) max_timestamp_ms = std::max(max_timestamp_ms, record.timestamp_ms);
    RC_ASSERT(header->max_timestamp_ms == max_timestamp_ms);
    const auto back = ReadAll(batch);
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == records);
  }
}

TEST(RecordBatch, RoundTripsTimesAtBothEndsOfTheirRange) {
  const std::vector<OwnedRecord> records = {{.timestamp_ms = INT64_MAX}, {.timestamp_ms = INT64_MIN}, {}, {-1}};
  EXPECT_EQ(ReadAll(Build(records)).value(), records);
}

TEST(RecordBatch, RoundTripsLargeRecords) {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 200; ++i) {
    records.push_back({.timestamp_ms = i, .key = std::string(100 * i, 'k'), .value = std::string(1000 + i, 'v')});
    records.back().headers.assign(static_cast<size_t>(i), {"name", "value"});
  }
  for (const Compression compression : kEveryCompression) {
    const std::string batch = Build(records, {.compression = compression});
    EXPECT_TRUE(ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit).ok());
    EXPECT_EQ(ReadAll(batch).value(), records);
  }
}

TEST(BatchBuilder, WritesItsOptionsIntoTheHeader) {
  const std::string batch = Build(ThreeRecords(), {.compression = Compression::kLz4,
                                                   .base_offset = Offset(1'000'000'000'000),
                                                   .leader_epoch = LeaderEpoch(12),
                                                   .producer_id = ProducerId(5'000'000'000),
                                                   .producer_epoch = 7,
                                                   .base_sequence = 99,
                                                   .transactional = true,
                                                   .control = true});
  const auto header = ParseBatchHeader(batch);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->total_bytes(), batch.size());
  EXPECT_EQ(header->base_offset, Offset(1'000'000'000'000));
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(12));
  EXPECT_EQ(header->producer_id, ProducerId(5'000'000'000));
  EXPECT_EQ(header->producer_epoch, 7);
  EXPECT_EQ(header->base_sequence, 99);
  EXPECT_EQ(header->compression(), Compression::kLz4);
  EXPECT_TRUE(header->transactional());
  EXPECT_TRUE(header->control());
  EXPECT_FALSE(header->log_append_time());
}

TEST(BatchBuilder, KnowsItsSizeBeforeCompression) {
  BatchBuilder builder({});
  EXPECT_EQ(builder.uncompressed_bytes(), kBatchHeaderBytes);
  builder.Add(5, "key", "value", {{"name", "value"}});
  const size_t expected = builder.uncompressed_bytes();
  EXPECT_EQ(builder.Finish().value().size(), expected);
}

TEST(BatchBuilderDeathTest, DiesWhenFinishedWithoutARecord) {
  BatchBuilder builder({});
  EXPECT_DEATH(builder.Finish().IgnoreError(), "a batch holds at least one record");
}

TEST(RecordIterator, ReplacesEverythingInAReusedRecord) {
  const std::string batch = Build(ThreeRecords());
  auto iterator = RecordIterator::Open(batch, kTestLimit);
  ASSERT_TRUE(iterator.ok());
  RecordView record;
  record.headers.assign(3, {"old", "header"});
  ASSERT_TRUE(iterator->Next(&record).value());
  EXPECT_TRUE(record.headers.empty());
  ASSERT_TRUE(iterator->Next(&record).value());
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "");
  ASSERT_EQ(record.headers.size(), 2u);
  ASSERT_TRUE(iterator->Next(&record).value());
  EXPECT_EQ(record.key, "");
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_TRUE(record.headers.empty());
}

TEST(RecordIterator, KeepsItsViewsWhenMoved) {
  for (const Compression compression : kEveryCompression) {
    const std::string batch = Build(ThreeRecords(), {.compression = compression});
    auto opened = RecordIterator::Open(batch, kTestLimit);
    ASSERT_TRUE(opened.ok());
    RecordView first;
    ASSERT_TRUE(opened->Next(&first).value());
    RecordIterator moved = *std::move(opened);
    RecordView second;
    ASSERT_TRUE(moved.Next(&second).value());
    EXPECT_EQ(first.value, "one");
    EXPECT_EQ(second.headers.at(0).value, "42");
  }
}

TEST(RecordIterator, StopsADecompressionBomb) {
  for (const Compression compression : kEveryCompression) {
    if (compression == Compression::kNone) continue;
    const std::string batch =
        Build({{.value = std::string(4 << 20, '\0')}}, {.compression = compression, .base_offset = Offset(31)});
    const absl::Status status = RecordIterator::Open(batch, 1 << 20).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(Message(status)), HasSubstr("offset 31"));
    EXPECT_TRUE(absl::IsResourceExhausted(ValidateBatch(batch, RecordCheck::kEveryRecord, 1 << 20).status()));
    EXPECT_TRUE(ValidateBatch(batch, RecordCheck::kHeaderAndCrc, 0).ok());
  }
}

TEST(TakeBatch, SplitsBatchesAndLeavesAnIncompleteOne) {
  const std::string first = Build(ThreeRecords());
  const std::string second = Build(ThreeRecords(), {.compression = Compression::kZstd, .base_offset = Offset(3)});
  const std::string both = first + second;
  std::string_view rest = both;
  EXPECT_EQ(TakeBatch(&rest).value(), first);
  EXPECT_EQ(TakeBatch(&rest).value(), second);
  EXPECT_TRUE(rest.empty());
  for (size_t length = 0; length < second.size(); ++length) {
    rest = std::string_view(second).substr(0, length);
    EXPECT_TRUE(absl::IsOutOfRange(TakeBatch(&rest).status())) << length;
    EXPECT_EQ(rest.size(), length);
  }
}

TEST(TakeBatch, CallsWhatCannotBeABatchDamaged) {
  const std::string zeros(200, '\0');
  std::string_view rest = zeros;
  EXPECT_TRUE(absl::IsDataLoss(TakeBatch(&rest).status()));
  EXPECT_EQ(rest.size(), zeros.size());
}

TEST(SetBaseOffset, LeavesTheBatchValid) {
  std::string batch = Build(ThreeRecords());
  SetBaseOffset(batch.data(), Offset(123'456'789'012));
  SetLeaderEpoch(batch.data(), LeaderEpoch(8));
  const auto header = ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->base_offset, Offset(123'456'789'012));
  EXPECT_EQ(header->last_offset(), Offset(123'456'789'014));
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(8));
  EXPECT_EQ(ReadAll(batch).value(), ThreeRecords());
}

TEST(SetLogAppendTime, GivesEveryRecordThatTime) {
  for (const Compression compression : kEveryCompression) {
    std::string batch = Build(ThreeRecords(), {.compression = compression});
    SetLogAppendTime(&batch, 5555);
    const auto header = ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit);
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_TRUE(header->log_append_time());
    EXPECT_EQ(header->compression(), compression);
    EXPECT_EQ(header->max_timestamp_ms, 5555);
    std::vector<OwnedRecord> expected = ThreeRecords();
    for (OwnedRecord& record : expected) record.timestamp_ms = 5555;
    EXPECT_EQ(ReadAll(batch).value(), expected);
  }
}

}  // namespace
}  // namespace leat::model
