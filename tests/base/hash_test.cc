// CRC-32C and murmur2 against published values: both are read by other programs.
#include <rapidcheck/gtest.h>

#include "base/crc32c.h"
#include "base/murmur2.h"

namespace leat {
namespace {

// From the definition: the reflected polynomial, a bit at a time.
uint32_t SlowCrc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

// The check value of the algorithm, and the vectors of RFC 3720, B.4.
TEST(Crc32c, HasTheKnownValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising(32, '\0');
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<char>(i);
  EXPECT_EQ(Crc32c(rising), 0x46dd794eu);
}

RC_GTEST_PROP(Crc32c, AgreesWithItsDefinition, (const std::string& bytes)) {
  RC_ASSERT(Crc32c(bytes) == SlowCrc32c(bytes));
}

// Long enough for every width at which the library folds, and at every alignment.
TEST(Crc32c, AgreesWithItsDefinitionOnLongRuns) {
  std::string bytes(5000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 3);
  for (size_t from = 0; from < 17; ++from) {
    const std::string_view run = std::string_view(bytes).substr(from);
    EXPECT_EQ(Crc32c(run), SlowCrc32c(run)) << from;
  }
}

RC_GTEST_PROP(Crc32c, ExtendsOverConcatenation, (const std::string& a, const std::string& b)) {
  RC_ASSERT(ExtendCrc32c(Crc32c(a), b) == Crc32c(a + b));
}

// The values that Kafka's own unit test of its partitioner hash has.
TEST(Murmur2, HasKafkasValues) {
  const auto hash = [](std::string_view key) { return static_cast<int32_t>(Murmur2(key)); };
  EXPECT_EQ(hash("21"), -973932308);
  EXPECT_EQ(hash("foobar"), -790332482);
  EXPECT_EQ(hash("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(hash("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(hash("abc"), 479470107);
}

TEST(PartitionForKey, TakesTheHashWithoutItsSignBit) {
  EXPECT_EQ(PartitionForKey("abc", 7), 479470107 % 7);
  EXPECT_EQ(PartitionForKey("21", 7), (-973932308 & 0x7fffffff) % 7);
  EXPECT_EQ(PartitionForKey("foobar", 1), 0);
}

RC_GTEST_PROP(PartitionForKey, StaysWithinThePartitions, (const std::string& key)) {
  const int32_t count = *rc::gen::inRange<int32_t>(1, INT32_MAX);
  const int32_t partition = PartitionForKey(key, count);
  RC_ASSERT(partition >= 0 && partition < count);
}

TEST(PartitionForKeyDeathTest, DiesWithoutPartitions) {
  EXPECT_DEATH(PartitionForKey("key", 0), "broken invariant: partition_count > 0");
}

}  // namespace
}  // namespace leat
