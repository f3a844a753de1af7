#include "log/tail_judge.h"

#include <gmock/gmock.h>

#include <functional>

#include "base/bytes.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using testing::HasSubstr;
using Kind = TailVerdict::Kind;

// A batch of offset `base` that is exactly `size` bytes long and has no zero among its records but the last byte, which
// is the number of headers; with `end` a header's value ends it.
std::string BatchOfSize(size_t size, int64_t base = 5, std::string_view end = "") {
  std::string batch;
  for (size_t n = size / 2; batch.size() < size; ++n) {
    model::BatchBuilder builder({.base_offset = model::Offset(base)});
    std::vector<model::Header> headers;
    if (!end.empty()) headers.push_back({"h", end});
    builder.Add(1000, std::nullopt, std::string(n, 'v'), headers);
    batch = builder.Finish().value();
  }
  EXPECT_EQ(batch.size(), size);
  return batch;
}

std::string Zeroed(std::string bytes, size_t begin, size_t end) {
  std::fill(bytes.begin() + static_cast<int64_t>(begin), bytes.begin() + static_cast<int64_t>(end), '\0');
  return bytes;
}
std::string Flipped(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  return bytes;
}
std::string WithLength(std::string bytes, size_t total) {
  StoreBigEndian(bytes.data() + 8, static_cast<int32_t>(total - model::kBatchLogOverheadBytes));
  return bytes;
}

// The tail begins at `position`, where offset 5 should begin.
struct Case {
  const char* name;
  uint64_t position;
  std::string tail;
  Kind kind;
  const char* reason;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class TailJudgeTest : public testing::TestWithParam<Case> {};

TEST_P(TailJudgeTest, Decides) {
  const Case& c = GetParam();
  sim::SimDisk disk(1);
  const auto file = disk.Open("segment", env::OpenMode::kCreate).value();
  ASSERT_TRUE(file->WriteAt(0, std::string(c.position, 'p') + c.tail).ok());
  const auto verdict = JudgeTail(*file, c.position, c.position + c.tail.size(), model::Offset(5));
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->kind == Kind::kTorn ? "torn" : "damaged", std::string(c.kind == Kind::kTorn ? "torn" : "damaged"))
      << verdict->reason;
  EXPECT_THAT(verdict->reason, HasSubstr(c.reason));
}

const std::string kBatch = BatchOfSize(2000);
const std::string kNext = BatchOfSize(300, 6);

INSTANTIATE_TEST_SUITE_P(
    What, TailJudgeTest,
    testing::Values(
        // What a power cut leaves.
        Case{"FileEndsInHeader", 0, kBatch.substr(0, 40), Kind::kTorn, "ends inside a batch header"},
        Case{"FileEndsInBatch", 0, kBatch.substr(0, 700), Kind::kTorn, "ends inside the batch"},
        Case{"FileEndsInBatchAtASector", 0, kBatch.substr(0, 1024), Kind::kTorn, "ends inside the batch"},
        Case{"FirstSectorLost", 0, Zeroed(kBatch, 0, 512), Kind::kTorn, "of a batch header was lost"},
        Case{"HeaderLostFromTheSectorOn", 500, Zeroed(kBatch, 12, 524), Kind::kTorn, "of a batch header was lost"},
        Case{"MiddleSectorLost", 0, Zeroed(kBatch, 512, 1024), Kind::kTorn, "a sector of the batch was lost"},
        Case{"MiddleSectorLostOfAnUnalignedBatch", 300, Zeroed(kBatch, 212, 724), Kind::kTorn, "sector of the batch"},
        Case{"EndLost", 0, Zeroed(kBatch, 1536, 2000), Kind::kTorn, "a sector of the batch was lost"},
        Case{"EverythingLost", 0, std::string(3000, '\0'), Kind::kTorn, "of a batch header was lost"},
        Case{"MiddleSectorLostBeforeAGoodBatch", 0, Zeroed(kBatch, 512, 1024) + kNext, Kind::kTorn, "was lost"},
        Case{"SectorLostAndFileShort", 0, Zeroed(kBatch, 512, 1024).substr(0, 1500), Kind::kTorn, "was lost"},
        Case{"LastByteLostThatWasNotZero", 0, Zeroed(BatchOfSize(513, 5, "x"), 512, 513), Kind::kTorn, "was lost"},
        // What it cannot leave.
        Case{"BitFlipped", 0, Flipped(kBatch, 1000), Kind::kDamaged, "all there"},
        Case{"ChecksumFlipped", 0, Flipped(kBatch, 18), Kind::kDamaged, "all there"},
        Case{"PartOfASectorZeroed", 0, Zeroed(kBatch, 600, 1023), Kind::kDamaged, "all there"},
        Case{"BeginOfASectorZeroed", 0, Zeroed(kBatch, 512, 1023), Kind::kDamaged, "all there"},
        Case{"NotFromTheSectorsBeginning", 0, Zeroed(kBatch, 513, 1024), Kind::kDamaged, "all there"},
        Case{"MagicFlipped", 0, Flipped(kBatch, 16), Kind::kDamaged, "header"},
        Case{"OffsetFlipped", 0, Flipped(kBatch, 7), Kind::kDamaged, "expected a batch of offset 5"},
        Case{"AnotherOffset", 0, BatchOfSize(300, 9), Kind::kDamaged, "expected a batch of offset 5"},
        Case{"LengthPastTheFile", 0, WithLength(kBatch, 2500), Kind::kDamaged, "length field"},
        Case{"LengthOverAGoodBatch", 0, WithLength(kBatch, 2500) + kNext, Kind::kDamaged, "length field"},
        Case{"LengthIntoAnUnfinishedBatch", 0, WithLength(kBatch, 2500) + kNext.substr(0, 50), Kind::kDamaged,
             "length field"},
        Case{"LengthTooShort", 0, WithLength(kBatch, 1000), Kind::kDamaged, "all there"},
        // Zeros that belong where they are explain nothing.
        Case{"NaturalZeroAloneInTheLastSector", 0, Flipped(BatchOfSize(513), 100), Kind::kDamaged, "all there"},
        Case{"NaturalZerosAloneInTheFirstSector", 508, Flipped(kBatch, 1000), Kind::kDamaged, "all there"}),
    [](const auto& c) { return std::string(c.param.name); });

}  // namespace
}  // namespace leat::log
