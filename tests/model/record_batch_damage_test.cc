// Batches that are damaged, or made to deceive: all of them are told from sound ones, and none of them makes the reader
// read past its bytes (which the sanitizer build of this test watches) or allocate what they claim.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "tests/model/batch_test_util.h"

namespace leat::model {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

std::vector<OwnedRecord> FewRecords() {
  return {{.timestamp_ms = 1000, .key = "key", .value = "value"},
          {.timestamp_ms = 1001, .value = "x", .headers = {{"h", "1"}, {"i", std::nullopt}}},
          {.timestamp_ms = 2000, .key = "tombstone"}};
}

absl::Status Validate(std::string_view batch) {
  return ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit).status();
}

std::string Problem(std::string_view batch) {
  const absl::Status status = Validate(batch);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  return std::string(Message(status));
}

TEST(DamagedBatch, IsFoundByTheCrcWhicheverBitFlips) {
  for (const Compression compression : kEveryCompression) {
    const std::string sound = Build(FewRecords(), {.compression = compression});
    for (size_t bit = 8 * 17; bit < 8 * sound.size(); ++bit) {  // the CRC itself and all that it covers
      std::string batch = sound;
      batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_TRUE(absl::IsDataLoss(ValidateBatch(batch, RecordCheck::kHeaderAndCrc, 0).status())) << bit;
    }
  }
}

TEST(DamagedBatch, IsFoundWhenItsLengthOrMagicChanges) {
  const std::string sound = Build(FewRecords());
  for (size_t bit = 0; bit < 8 * 17; ++bit) {
    if (bit / 8 < 8 || (bit / 8 >= 12 && bit / 8 < 16)) continue;  // base offset and leader epoch may be anything
    std::string batch = sound;
    batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsDataLoss(Validate(batch))) << bit;
  }
}

TEST(DamagedBatch, IsFoundWhenCutShortAnywhere) {
  for (const Compression compression : kEveryCompression) {
    const std::string sound = Build(FewRecords(), {.compression = compression});
    for (size_t length = 0; length < sound.size(); ++length) {
      // An allocation of exactly this size: a read beyond it is a finding of the sanitizer.
      const std::vector<char> cut(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(length));
      const std::string_view bytes(cut.data(), cut.size());
      EXPECT_TRUE(absl::IsDataLoss(Validate(bytes))) << length;
      const absl::Status opened = RecordIterator::Open(bytes, kTestLimit).status();
      EXPECT_TRUE(absl::IsOutOfRange(opened) || absl::IsDataLoss(opened)) << length;
    }
  }
}

TEST(DamagedBatch, IsFoundWhenItsRecordsAreCutShortAndLengthAndCrcSayOtherwise) {
  const std::string sound = Build(FewRecords());
  const std::string_view records = std::string_view(sound).substr(kBatchHeaderBytes);
  for (size_t length = 0; length < records.size(); ++length) {
    EXPECT_TRUE(absl::IsDataLoss(Validate(WithRecords(sound, records.substr(0, length), 3)))) << length;
  }
  EXPECT_TRUE(Validate(WithRecords(sound, records, 3)).ok());
}

TEST(DamagedBatch, IsFoundWhenBytesFollowTheLastRecord) {
  const std::string sound = Build(FewRecords());
  EXPECT_THAT(Problem(sound + "x"), HasSubstr("its length says"));
  const std::string_view records = std::string_view(sound).substr(kBatchHeaderBytes);
  EXPECT_THAT(Problem(WithRecords(sound, StrCat(records, "x"), 3)), HasSubstr("1 bytes follow the last of 3 records"));
}

TEST(LyingBatch, MayNotClaimMoreRecordsThanItHasBytesFor) {
  const std::string sound = Build({{.value = "x"}});
  ASSERT_LE(sound.size(), 70u);
  std::string batch = WithField<int32_t>(sound, 57, INT32_MAX);
  EXPECT_TRUE(absl::IsDataLoss(Validate(batch)));
  batch = WithField<int32_t>(batch, 23, INT32_MAX - 1);
  EXPECT_THAT(Problem(batch), HasSubstr("2147483647 records do not fit in"));
  EXPECT_TRUE(absl::IsDataLoss(RecordIterator::Open(batch, kTestLimit).status()));
}

TEST(LyingBatch, MayNotClaimMoreRecordsThanItDecompressesTo) {
  for (const Compression compression : kEveryCompression) {
    if (compression == Compression::kNone) continue;
    const std::string sound = Build({{.value = "x"}}, {.compression = compression});
    const std::string batch = WithField<int32_t>(WithField<int32_t>(sound, 57, INT32_MAX), 23, INT32_MAX - 1);
    EXPECT_THAT(Problem(batch), HasSubstr("decompressed bytes"));
    EXPECT_TRUE(absl::IsDataLoss(RecordIterator::Open(batch, kTestLimit).status()));
    EXPECT_TRUE(ValidateBatch(batch, RecordCheck::kHeaderAndCrc, 0).ok());  // which does not look at records
  }
}

TEST(LyingBatch, MayNotHaveACountThatIsZeroOrNegativeOrAtOddsWithItsOffsets) {
  const std::string sound = Build(FewRecords());
  for (const int32_t count : {0, -1, INT32_MIN, 2, 4}) {
    EXPECT_TRUE(absl::IsDataLoss(Validate(WithField(sound, 57, count)))) << count;
  }
  for (const int32_t delta : {-1, INT32_MIN, INT32_MAX, 1, 3}) {
    EXPECT_TRUE(absl::IsDataLoss(Validate(WithField(sound, 23, delta)))) << delta;
  }
}

TEST(LyingBatch, MayNotHaveALengthThatCannotBe) {
  const std::string sound = Build(FewRecords());
  for (const int32_t length : {0, -1, 48, 49, INT32_MIN, INT32_MAX}) {
    const std::string batch = WithField(sound, 8, length);
    EXPECT_TRUE(absl::IsDataLoss(Validate(batch))) << length;
    std::string_view rest = batch;
    const auto taken = TakeBatch(&rest);
    EXPECT_FALSE(taken.ok() && taken->size() > batch.size());
  }
}

TEST(LyingBatch, MayNotHaveUnknownAttributes) {
  const std::string sound = Build(FewRecords());
  for (const int16_t attributes : {5, 6, 7, 64, 128, 0x4000, -32768}) {
    EXPECT_TRUE(absl::IsDataLoss(Validate(WithField(sound, 21, attributes)))) << attributes;
    if ((attributes & 7) != 0) {
      EXPECT_TRUE(absl::IsDataLoss(RecordIterator::Open(WithField(sound, 21, attributes), kTestLimit).status()));
    }
  }
}

TEST(LyingBatch, MayNotReachPastTheLastOffset) {
  std::string batch = Build(FewRecords());
  SetBaseOffset(batch.data(), Offset(INT64_MAX));
  EXPECT_THAT(Problem(batch), HasSubstr("pass the largest offset"));
  SetBaseOffset(batch.data(), Offset(INT64_MAX - 3));
  EXPECT_TRUE(Validate(batch).ok());
  EXPECT_EQ(ParseBatchHeader(batch)->next_offset(), Offset(INT64_MAX));
  SetBaseOffset(batch.data(), Offset(INT64_MIN));
  EXPECT_TRUE(ReadAll(batch).ok());
}

// Each of these is the only record of a batch; the fields are those of record_codec.h.
TEST(LyingRecord, IsToldWithItsFault) {
  const std::string sound = Build({{.key = "k"}});
  const auto problem = [&](std::string_view records) { return Problem(WithRecords(sound, records, 1)); };
  EXPECT_TRUE(Validate(WithRecords(sound, "\x10\0\0\0\x02k\x02v\0"sv, 1)).ok());
  EXPECT_THAT(problem("\x0f\0\0\0\x02k\x02v\0"sv), HasSubstr("record 0 of 1: its length"));         // -8
  EXPECT_THAT(problem("\x12\0\0\0\x02k\x02v\0"sv), HasSubstr("its length"));                        // 9 of 8
  EXPECT_THAT(problem("\xfe\xff\xff\xff\x0f\0\0\0"sv), HasSubstr("its length"));                    // 2^31 - 1
  EXPECT_THAT(problem("\x80\x80\x80\x80\x20\0\0\0"sv), HasSubstr("its length"));                    // 2^32
  EXPECT_THAT(problem("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv), HasSubstr("its length"));  // 11 bytes
  EXPECT_THAT(problem("\0\0\0\0\0\0\0"sv), HasSubstr("it is empty"));
  EXPECT_THAT(problem("\x10\0\x80\x80\x80\x80\x80\x80\x80"sv), HasSubstr("its timestamp"));
  EXPECT_TRUE(Validate(WithRecords(sound, "\x1e\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\x01\x01\0"sv, 1)).ok());
  EXPECT_THAT(problem("\x1e\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\x01\x01\0"sv),
              HasSubstr("its timestamp"));                                            // 65 bits
  EXPECT_THAT(problem("\x10\0\0\x80\x80\x80\x80\x20\0"sv), HasSubstr("its offset"));  // 2^32
  EXPECT_THAT(problem("\x10\0\0\x02\x02k\x02v\0"sv), HasSubstr("expected offset delta 0, got 1"));
  EXPECT_THAT(problem("\x10\0\0\x01\x02k\x02v\0"sv), HasSubstr("expected offset delta 0, got -1"));
  EXPECT_THAT(problem("\x10\0\0\0\x20k\x02v\0"sv), HasSubstr("its key"));
  EXPECT_THAT(problem("\x10\0\0\0\x03k\x02v\0"sv), HasSubstr("its key"));  // -2
  EXPECT_THAT(problem("\x10\0\0\0\x02k\x20v\0"sv), HasSubstr("its value"));
  EXPECT_THAT(problem("\x10\0\0\0\x02k\x04v\0"sv), HasSubstr("its header count"));  // value eats it
  EXPECT_THAT(problem("\x10\0\0\0\x02k\x01\0v"sv), HasSubstr("its fields end before"));
  EXPECT_THAT(problem("\x10\0\0\0\x02k\x02v\x01"sv), HasSubstr("the header count"));  // -1
  EXPECT_THAT(problem("\x18\0\0\0\x01\x01\xfe\xff\xff\xff\x0f\0\0"sv), HasSubstr("the header count"));
  EXPECT_THAT(problem("\x10\0\0\0\x01\x01\x02\x01\0"sv), HasSubstr("a header key"));  // null
  EXPECT_THAT(problem("\x10\0\0\0\x01\x01\x02\0\x02"sv), HasSubstr("a header value"));
}

TEST(LyingRecord, HasNoOffsetOutsideOfItsBatch) {
  const std::string sound = Build({{.key = "k"}});
  for (const std::string_view records : {"\x10\0\0\x02\x02k\x02v\0"sv, "\x10\0\0\x01\x02k\x02v\0"sv}) {
    const std::string batch = WithRecords(sound, records, 1);
    auto iterator = RecordIterator::Open(batch, kTestLimit);
    ASSERT_TRUE(iterator.ok());
    RecordView record;
    EXPECT_TRUE(absl::IsDataLoss(iterator->Next(&record).status()));
    EXPECT_TRUE(absl::IsDataLoss(iterator->Next(&record).status()));  // and stays there
  }
}

// Random damage with a right CRC: whatever validation lets pass must also be readable, with the same count of records.
RC_GTEST_PROP(LyingBatch, IsEitherRefusedOrReadable, (uint64_t seed)) {
  Random random(seed);
  for (const Compression compression : kEveryCompression) {
    std::string batch = Build(FewRecords(), {.compression = compression});
    for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) {
      const size_t at = 21 + random.Below(batch.size() - 21);
      batch[at] = static_cast<char>(random.OneIn(2) ? random.Next() : static_cast<uint64_t>(batch[at]) + 1);
    }
    const std::string heap = WithRightCrc(batch);
    const auto header = ValidateBatch(heap, RecordCheck::kEveryRecord, kTestLimit);
    auto iterator = RecordIterator::Open(heap, kTestLimit);
    if (header.ok()) RC_ASSERT(iterator.ok());
    if (!iterator.ok()) continue;
    RecordView record;
    int32_t read = 0;
    absl::StatusOr<bool> more = true;
    while ((more = iterator->Next(&record)).ok() && *more) ++read;
    if (header.ok()) RC_ASSERT(more.ok() && read == header->record_count);
  }
}

}  // namespace
}  // namespace leat::model
