#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "log/checkpoint_file.h"
#include "log/file_names.h"
#include "log/leader_epochs.h"
#include "log/offset_index.h"
#include "log/time_index.h"

namespace leat::log {
namespace {

TEST(FileNames, HaveTwentyDigits) {
  EXPECT_EQ(SegmentPath("d", model::Offset(42), kLogSuffix), "d/00000000000000000042.log");
  EXPECT_EQ(ParseSegmentName("00000000000000000042.log", kLogSuffix), model::Offset(42));
  EXPECT_EQ(ParseSegmentName("0000000000000000042.log", kLogSuffix), std::nullopt);
  EXPECT_EQ(ParseSegmentName("-0000000000000000042.log", kLogSuffix), std::nullopt);
  EXPECT_EQ(ParseSegmentName("00000000000000000042.log", kOffsetIndexSuffix), std::nullopt);
  EXPECT_EQ(ParseSegmentName("99999999999999999999.log", kLogSuffix), std::nullopt);
}

TEST(OffsetIndex, IsBigEndianPairs) {
  OffsetIndex index;
  index.Add({1, 0x0203});
  EXPECT_EQ(index.Encode(0), std::string("\0\0\0\1\0\0\2\3", 8));
  EXPECT_EQ(OffsetIndex::Decode(index.Encode(0), 0x0204)->entries(), index.entries());
}

TEST(OffsetIndex, RefusesWhatCannotBe) {
  EXPECT_FALSE(OffsetIndex::Decode("1234567", 100).ok());
  EXPECT_FALSE(OffsetIndex::Decode(std::string("\0\0\0\1\0\0\0\5\0\0\0\1\0\0\0\6", 16), 100).ok());
  EXPECT_FALSE(OffsetIndex::Decode(std::string("\0\0\0\1\0\0\0\5\0\0\0\2\0\0\0\5", 16), 100).ok());
  EXPECT_FALSE(OffsetIndex::Decode(std::string("\0\0\0\1\0\0\0\144", 8), 100).ok());
}

RC_GTEST_PROP(OffsetIndex, FindsTheSameAsALinearSearch, (std::vector<uint8_t> steps, uint16_t wanted)) {
  OffsetIndex index;
  int32_t offset = 0;
  int32_t position = 0;
  for (const uint8_t step : steps) index.Add({offset += 1 + step % 50, position += 1 + step});
  const OffsetIndex::Entry* floor = nullptr;
  const OffsetIndex::Entry* behind = nullptr;
  for (const OffsetIndex::Entry& entry : index.entries()) {
    if (entry.relative_offset <= wanted) floor = &entry;
    if (behind == nullptr && entry.position > wanted) behind = &entry;
  }
  const bool holds1 = index.Floor(wanted) == floor;
  RC_ASSERT(holds1);
  const bool holds2 = index.FirstBehind(wanted) == behind;
  RC_ASSERT(holds2);
  index.DropFrom(wanted);
  const bool holds3 = index.entries().empty() || index.entries().back().relative_offset < wanted;
  RC_ASSERT(holds3);
  const bool holds4 = OffsetIndex::Decode(index.Encode(0), uint64_t{1} << 31)->entries() == index.entries();
  RC_ASSERT(holds4);
}

RC_GTEST_PROP(TimeIndex, FindsTheSameAsALinearSearch, (std::vector<uint16_t> times, uint16_t wanted)) {
  TimeIndex index;
  int32_t offset = 0;
  for (const uint16_t time : times) index.Add({time, ++offset});
  const TimeIndex::Entry* floor = nullptr;
  for (const TimeIndex::Entry& entry : index.entries()) {
    if (entry.timestamp_ms <= wanted) floor = &entry;
  }
  const bool holds5 = index.Floor(wanted) == floor;
  RC_ASSERT(holds5);
  const bool holds6 = TimeIndex::Decode(index.Encode(0))->entries() == index.entries();
  RC_ASSERT(holds6);
}

TEST(TimeIndex, IgnoresTimesThatDoNotRise) {
  TimeIndex index;
  index.Add({100, 1});
  index.Add({100, 2});
  index.Add({99, 3});
  index.Add({-1, 4});
  EXPECT_EQ(index.entries().size(), 1u);
}

TEST(LeaderEpochs, AreKafkasTextFile) {
  LeaderEpochs epochs;
  EXPECT_TRUE(epochs.Note(model::LeaderEpoch(0), model::Offset(0)));
  EXPECT_FALSE(epochs.Note(model::LeaderEpoch(0), model::Offset(5)));
  EXPECT_TRUE(epochs.Note(model::LeaderEpoch(3), model::Offset(17)));
  EXPECT_EQ(epochs.Encode(), "0\n2\n0 0\n3 17\n");
  EXPECT_EQ(LeaderEpochs::Decode(epochs.Encode())->entries(), epochs.entries());
  EXPECT_EQ(epochs.At(model::Offset(16)), model::LeaderEpoch(0));
  EXPECT_EQ(epochs.At(model::Offset(17)), model::LeaderEpoch(3));
  epochs.DropFrom(model::Offset(17));
  EXPECT_EQ(epochs.latest(), model::LeaderEpoch(0));
}

TEST(LeaderEpochs, SayWhereEachEnds) {
  using End = LeaderEpochs::End;
  const auto epoch = [](int32_t e) { return model::LeaderEpoch(e); };
  const auto end = [](int32_t e, int64_t at) { return End{model::LeaderEpoch(e), model::Offset(at)}; };
  LeaderEpochs epochs;
  const model::Offset log_end(40);
  EXPECT_EQ(epochs.EndOf(epoch(0), epoch(0), model::Offset(0)), end(0, 0)) << "the leader's own, without records";
  EXPECT_EQ(epochs.EndOf(epoch(0), epoch(2), model::Offset(0)), end(0, 0));
  epochs.Note(epoch(2), model::Offset(10));
  epochs.Note(epoch(5), model::Offset(30));
  EXPECT_EQ(epochs.EndOf(epoch(-1), epoch(5), log_end), End());
  EXPECT_EQ(epochs.EndOf(epoch(6), epoch(5), log_end), End()) << "it has not begun";
  EXPECT_EQ(epochs.EndOf(epoch(5), epoch(5), log_end), end(5, 40));
  EXPECT_EQ(epochs.EndOf(epoch(2), epoch(5), log_end), end(2, 30));
  EXPECT_EQ(epochs.EndOf(epoch(4), epoch(5), log_end), end(2, 30)) << "it wrote nothing here";
  EXPECT_EQ(epochs.EndOf(epoch(1), epoch(5), log_end), end(1, 10)) << "before the first that is known";
  EXPECT_EQ(epochs.EndOf(epoch(5), epoch(7), log_end), end(5, 40)) << "the leader's has no records yet";
  EXPECT_EQ(epochs.EndOf(epoch(6), epoch(7), log_end), end(5, 40));
  EXPECT_EQ(epochs.EndOf(epoch(7), epoch(7), log_end), end(7, 40));
}

TEST(LeaderEpochs, RefuseAFileThatDoesNotRise) {
  for (const char* text : {"", "0\n", "1\n0\n", "0\n1\n", "0\n2\n1 5\n1 6\n", "0\n2\n1 5\n2 5\n", "0\n1\nx 5\n"}) {
    EXPECT_TRUE(absl::IsDataLoss(LeaderEpochs::Decode(text).status())) << text;
  }
}

TEST(OffsetCheckpoint, IsKafkasTextFile) {
  const model::TopicPartition tp{"orders", model::PartitionId(7)};
  EXPECT_EQ(EncodeOffsetCheckpoint(tp, model::Offset(99)), "0\n1\norders 7 99\n");
  EXPECT_EQ(*DecodeOffsetCheckpoint("0\n1\norders 7 99\n", tp), model::Offset(99));
  for (const char* text :
       {"0\n1\norders 8 99\n", "0\n1\norders 7 -1\n", "0\n1\norders 7 9x\n", "0\n0\n", "0\n1\norders 7 99"}) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeOffsetCheckpoint(text, tp).status())) << text;
  }
}

}  // namespace
}  // namespace leat::log
