// A segment as Kafka writes it, byte by byte: made without the batch builder and with checksums computed elsewhere, so
// that a mistake shared by writer and reader of this code base shows.
#include <gmock/gmock.h>

#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

template <size_t n>
std::string Bytes(const unsigned char (&bytes)[n]) {
  return std::string(reinterpret_cast<const char*>(bytes), n);
}

constexpr unsigned char kFirstBatch[] = {0, 0, 0, 0, 0, 0, 0, 7,                          // base offset
                                         0, 0, 0, 0x4c,                                   // 76 bytes follow
                                         0, 0, 0, 3,                                      // leader epoch
                                         2,                                               // magic
                                         0x7d, 0xb8, 0xba, 0x1c,                          // CRC-32C
                                         0, 0,                                            // attributes
                                         0, 0, 0, 1,                                      // last offset delta
                                         0, 0, 0, 0, 0, 0, 0x03, 0xe8,                    // base timestamp 1000
                                         0, 0, 0, 0, 0, 0, 0x05, 0xdc,                    // largest timestamp 1500
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // no producer id
                                         0xff, 0xff,                                      // no producer epoch
                                         0xff, 0xff, 0xff, 0xff,                          // no sequence
                                         0, 0, 0, 2,                                      // records
                                         // 15 bytes: attributes, time +0, offset +0, key, value, one header
                                         0x1e, 0, 0, 0, 0x04, 'k', '1', 0x06, 'o', 'n', 'e', 0x02, 0x02, 'h', 0x02, 'x',
                                         // 10 bytes: attributes, time +500, offset +1, no key, value, no headers
                                         0x14, 0, 0xe8, 0x07, 0x02, 0x01, 0x06, 't', 'w', 'o', 0};

constexpr unsigned char kSecondBatch[] = {0, 0, 0, 0, 0, 0, 0, 9,                          // base offset
                                          0, 0, 0, 0x3a,                                   // 58 bytes follow
                                          0, 0, 0, 3,                                      // leader epoch
                                          2,                                               // magic
                                          0xf1, 0x6b, 0x61, 0x6b,                          // CRC-32C
                                          0, 0,                                            // attributes
                                          0, 0, 0, 0,                                      // last offset delta
                                          0, 0, 0, 0, 0, 0, 0x0b, 0xb8,                    // base timestamp 3000
                                          0, 0, 0, 0, 0, 0, 0x0b, 0xb8,                    // largest timestamp 3000
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // no producer id
                                          0xff, 0xff,                                      // no producer epoch
                                          0xff, 0xff, 0xff, 0xff,                          // no sequence
                                          0, 0, 0, 1,                                      // records
                                          // 8 bytes: attributes, time +0, offset +0, key, no value, no headers
                                          0x10, 0, 0, 0, 0x04, 'k', '1', 0x01, 0};

constexpr unsigned char kIndex[] = {0, 0, 0, 2, 0, 0, 0, 88};                       // offset 7 + 2 at byte 88
constexpr unsigned char kTimeIndex[] = {0, 0, 0, 0, 0, 0, 0x0b, 0xb8, 0, 0, 0, 2};  // time 3000, offset 7 + 2
constexpr char kEpochs[] = "0\n1\n3 7\n";                                           // epoch 3 from offset 7
constexpr char kRecoveryPoint[] = "0\n1\norders 0 10\n";

class GoldenSegmentTest : public LogTest {
 protected:
  GoldenSegmentTest() {
    options_.index_interval_bytes = 0;
    options_.retention_age = absl::InfiniteDuration();
    EXPECT_TRUE(disk_.CreateDirectories(kFolder).ok());
    Put("00000000000000000007.log", Bytes(kFirstBatch) + Bytes(kSecondBatch));
  }
  void Put(std::string_view name, std::string_view bytes) {
    const auto file = disk_.Open(StrCat(kFolder, "/", name), env::OpenMode::kCreate);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->WriteAt(0, bytes).ok());
  }
  std::string Content(std::string_view name) { return disk_.Content(StrCat(kFolder, "/", name)); }

  static void ExpectTime(PartitionLog& log, int64_t asked_ms, int64_t offset, int64_t timestamp_ms) {
    const auto found = log.FindTimestamp(asked_ms);
    ASSERT_TRUE(found.ok() && found->has_value()) << asked_ms;
    EXPECT_EQ((*found)->offset, model::Offset(offset)) << asked_ms;
    EXPECT_EQ((*found)->timestamp_ms, timestamp_ms) << asked_ms;
  }
  static void ExpectGoldenRecords(PartitionLog& log) {
    EXPECT_EQ(log.log_start(), model::Offset(7));
    EXPECT_EQ(log.log_end(), model::Offset(10));
    const auto read = log.Read(model::Offset(7), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->batches, Bytes(kFirstBatch) + Bytes(kSecondBatch));
    EXPECT_EQ(log.Read(model::Offset(9), 1 << 20)->batches, Bytes(kSecondBatch));
    ExpectTime(log, 0, 7, 1000);
    ExpectTime(log, 1001, 8, 1500);
    ExpectTime(log, 1501, 9, 3000);
    EXPECT_EQ(log.FindTimestamp(3001).value(), std::nullopt);
    EXPECT_EQ(log.MaxTimestamp().value()->offset, model::Offset(9));
  }
};

TEST_F(GoldenSegmentTest, IsServedWithItsIndexes) {
  Put("00000000000000000007.index", Bytes(kIndex));
  Put("00000000000000000007.timeindex", Bytes(kTimeIndex));
  Put("leader-epoch-checkpoint", kEpochs);
  Put("recovery-point-offset-checkpoint", kRecoveryPoint);
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().scanned_bytes, 0u);
  EXPECT_EQ(log.recovery().rebuilt_indexes, 0);
  ExpectGoldenRecords(log);
}

TEST_F(GoldenSegmentTest, HoldsTheRecordsThatItsBytesSpell) {
  PartitionLog& log = Open();
  const std::string bytes = log.Read(model::Offset(7), 1 << 20)->batches;
  std::string_view rest = bytes;
  auto first = model::RecordIterator::Open(model::TakeBatch(&rest).value(), 1 << 20).value();
  model::RecordView record;
  ASSERT_TRUE(first.Next(&record).value());
  EXPECT_EQ(record.offset, model::Offset(7));
  EXPECT_EQ(record.key, "k1");
  EXPECT_EQ(record.value, "one");
  ASSERT_EQ(record.headers.size(), 1u);
  EXPECT_EQ(record.headers[0].key, "h");
  EXPECT_EQ(record.headers[0].value, "x");
  ASSERT_TRUE(first.Next(&record).value());
  EXPECT_EQ(record.timestamp_ms, 1500);
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "two");
  EXPECT_FALSE(first.Next(&record).value());
  auto second = model::RecordIterator::Open(model::TakeBatch(&rest).value(), 1 << 20).value();
  ASSERT_TRUE(second.Next(&record).value());
  EXPECT_EQ(record.key, "k1");
  EXPECT_EQ(record.value, std::nullopt);
}

TEST_F(GoldenSegmentTest, GetsTheGoldenIndexesWhenItHasNone) {
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().scanned_bytes, 158u);
  ExpectGoldenRecords(log);
  ASSERT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(Content("00000000000000000007.index"), Bytes(kIndex));
  EXPECT_EQ(Content("00000000000000000007.timeindex"), Bytes(kTimeIndex));
  EXPECT_EQ(Content("leader-epoch-checkpoint"), kEpochs);
  EXPECT_EQ(Content("recovery-point-offset-checkpoint"), kRecoveryPoint);
}

TEST_F(GoldenSegmentTest, IsWhatAppendingItsBatchesWrites) {
  const model::TopicPartition tp{"copy", model::PartitionId(0)};
  PartitionLog& log = Open(tp);
  ASSERT_TRUE(Append(log, Bytes(kFirstBatch), 3).ok());
  ASSERT_TRUE(Append(log, Bytes(kSecondBatch), 3).ok());
  std::string expected = Bytes(kFirstBatch) + Bytes(kSecondBatch);
  expected[7] = 0;
  expected[sizeof(kFirstBatch) + 7] = 2;
  EXPECT_EQ(disk_.Content("data/log/copy-0/00000000000000000000.log"), expected);
}

}  // namespace
}  // namespace leat::log
