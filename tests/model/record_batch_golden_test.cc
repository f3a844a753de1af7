// A batch written out from the definition of the format, byte by byte, with a CRC from a bit-by-bit computation: what
// the builder makes and what the reader reads is held against it.
#include <gtest/gtest.h>

#include "model/record_batch.h"

namespace leat::model {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

constexpr unsigned char kGolden[] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02,  // base offset 258
    0x00, 0x00, 0x00, 0x47,                          // 71 bytes follow
    0x00, 0x00, 0x00, 0x09,                          // leader epoch 9
    0x02,                                            // magic
    0x99, 0xbd, 0xe9, 0xa2,                          // CRC-32C of the rest
    0x00, 0x00,                                      // attributes: not compressed, create time
    0x00, 0x00, 0x00, 0x01,                          // last offset delta 1
    0x00, 0x00, 0x01, 0x70, 0x00, 0x00, 0x00, 0x00,  // base timestamp
    0x00, 0x00, 0x01, 0x70, 0x00, 0x00, 0x00, 0x96,  // max timestamp: 150 ms later
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07,  // producer id 7
    0x00, 0x03,                                      // producer epoch 3
    0x00, 0x00, 0x00, 0x05,                          // base sequence 5
    0x00, 0x00, 0x00, 0x02,                          // 2 records
    // The first record: 8 bytes; no delta; key "k", value "v", no headers.
    0x10, 0x00, 0x00, 0x00, 0x02, 'k', 0x02, 'v', 0x00,
    // The second: 12 bytes; 150 ms and 1 offset later; no key, no value, headers "h" (null) and "" (empty).
    0x18, 0x00, 0xac, 0x02, 0x02, 0x01, 0x01, 0x04, 0x02, 'h', 0x01, 0x00, 0x00};

constexpr int64_t kBaseTimestampMs = 0x17000000000;

std::string_view Golden() { return {reinterpret_cast<const char*>(kGolden), sizeof(kGolden)}; }

TEST(GoldenBatch, HasTheHeaderItWasWrittenWith) {
  const auto header = ValidateBatch(Golden(), RecordCheck::kEveryRecord, kMiB);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->base_offset, Offset(258));
  EXPECT_EQ(header->batch_length, 71);
  EXPECT_EQ(header->total_bytes(), 83u);
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(9));
  EXPECT_EQ(header->magic, 2);
  EXPECT_EQ(header->attributes, 0);
  EXPECT_EQ(header->compression(), Compression::kNone);
  EXPECT_FALSE(header->log_append_time());
  EXPECT_FALSE(header->transactional());
  EXPECT_FALSE(header->control());
  EXPECT_EQ(header->last_offset(), Offset(259));
  EXPECT_EQ(header->next_offset(), Offset(260));
  EXPECT_EQ(header->base_timestamp_ms, kBaseTimestampMs);
  EXPECT_EQ(header->max_timestamp_ms, kBaseTimestampMs + 150);
  EXPECT_EQ(header->producer_id, ProducerId(7));
  EXPECT_EQ(header->producer_epoch, 3);
  EXPECT_EQ(header->base_sequence, 5);
  EXPECT_EQ(header->record_count, 2);
}

TEST(GoldenBatch, HasTheRecordsItWasWrittenWith) {
  auto iterator = RecordIterator::Open(Golden(), kMiB);
  ASSERT_TRUE(iterator.ok()) << iterator.status();
  RecordView record;
  ASSERT_TRUE(iterator->Next(&record).value());
  EXPECT_EQ(record.offset, Offset(258));
  EXPECT_EQ(record.timestamp_ms, kBaseTimestampMs);
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.value, "v");
  EXPECT_TRUE(record.headers.empty());
  ASSERT_TRUE(iterator->Next(&record).value());
  EXPECT_EQ(record.offset, Offset(259));
  EXPECT_EQ(record.timestamp_ms, kBaseTimestampMs + 150);
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, std::nullopt);
  ASSERT_EQ(record.headers.size(), 2u);
  EXPECT_EQ(record.headers[0].key, "h");
  EXPECT_EQ(record.headers[0].value, std::nullopt);
  EXPECT_EQ(record.headers[1].key, "");
  EXPECT_EQ(record.headers[1].value, "");
  EXPECT_FALSE(iterator->Next(&record).value());
  EXPECT_FALSE(iterator->Next(&record).value());
}

TEST(GoldenBatch, IsWhatTheBuilderMakes) {
  BatchBuilder builder({.base_offset = Offset(258),
                        .leader_epoch = LeaderEpoch(9),
                        .producer_id = ProducerId(7),
                        .producer_epoch = 3,
                        .base_sequence = 5});
  builder.Add(kBaseTimestampMs, "k", "v");
  builder.Add(kBaseTimestampMs + 150, std::nullopt, std::nullopt, {{"h", std::nullopt}, {"", ""}});
  EXPECT_EQ(builder.record_count(), 2);
  EXPECT_EQ(builder.uncompressed_bytes(), sizeof(kGolden));
  const auto batch = builder.Finish();
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(*batch, Golden());
}

}  // namespace
}  // namespace leat::model
