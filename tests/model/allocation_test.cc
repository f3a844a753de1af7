// What the hot paths allocate. Counts every operator new of this program; the tests are single-threaded.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/model/batch_test_util.h"

namespace {

struct Allocations {
  size_t count = 0;
  size_t bytes = 0;
};
Allocations g_allocations;

}  // namespace

// Not inlined: where gcc inlines one of them alone, it takes new and free, or malloc and delete, for a mistake.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++g_allocations.count;
  g_allocations.bytes += bytes;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace leat::model {
namespace {

std::vector<OwnedRecord> ManyRecords() {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 1000; ++i) {
    records.push_back({.timestamp_ms = i, .key = StrCat("key-", i), .value = std::string(100, 'v')});
    records.back().headers = {{"trace", "0123456789abcdef0123456789abcdef"}, {"tenant", "blue"}};
  }
  return records;
}

TEST(Allocations, AreNotMadePerRecordByTheIterator) {
  const std::string batch = Build(ManyRecords());
  RecordView record;
  record.headers.reserve(2);
  const size_t before = g_allocations.count;
  auto iterator = RecordIterator::Open(batch, kTestLimit);
  int read = 0;
  while (iterator->Next(&record).value()) ++read;
  EXPECT_EQ(g_allocations.count - before, 0u);
  EXPECT_EQ(read, 1000);
}

TEST(Allocations, AreNotMadeByValidationOfAnUncompressedBatch) {
  const std::string batch = Build(ManyRecords());
  const size_t before = g_allocations.count;
  const bool ok = ValidateBatch(batch, RecordCheck::kEveryRecord, kTestLimit).ok();
  EXPECT_EQ(g_allocations.count - before, 0u);
  EXPECT_TRUE(ok);
}

TEST(Allocations, AreMadeByTheBuilderOnlyToGrow) {
  BatchBuilder builder({});
  const size_t before = g_allocations.count;
  for (int i = 0; i < 1000; ++i) builder.Add(i, "key", "value");
  EXPECT_LT(g_allocations.count - before, 16u);
  EXPECT_EQ(builder.record_count(), 1000);
}

TEST(Allocations, OfADecompressorStayNearItsLimitWhateverABombHolds) {
  constexpr size_t kLimit = size_t{256} << 10;
  for (const Compression compression : kEveryCompression) {
    if (compression == Compression::kNone) continue;
    const std::string bomb = Compress(compression, std::string(size_t{64} << 20, '\0')).value();
    const size_t before = g_allocations.bytes;
    const absl::Status status = Decompress(compression, bomb, kLimit).status();
    EXPECT_LT(g_allocations.bytes - before, 8 * kLimit) << CompressionName(compression);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  }
}

TEST(Allocations, OfADecompressorFollowWhatItsInputHoldsRatherThanWhatItClaims) {
  using namespace std::string_view_literals;
  const auto allocated = [](Compression compression, std::string_view input) {
    const size_t before = g_allocations.bytes;
    EXPECT_TRUE(absl::IsDataLoss(Decompress(compression, input, size_t{1} << 30).status()));
    return g_allocations.bytes - before;
  };
  EXPECT_LT(allocated(Compression::kSnappy, "\xff\xff\xff\xff\x01\x0ctext"sv), size_t{1} << 16);          // 512 MiB
  EXPECT_LT(allocated(Compression::kZstd, "\x28\xb5\x2f\xfd\xa0\0\0\0\x20\x01\0\0"sv), size_t{1} << 21);  // 512 MiB
}

}  // namespace
}  // namespace leat::model
