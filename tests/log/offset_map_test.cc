#include "log/offset_map.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace leat::log {
namespace {

TEST(HashKey, IsSipHash128) {
  // From the reference implementation's vectors: key 00..0f, messages of no byte and of one zero byte
  const HashSeed seed = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  EXPECT_EQ(HashKey(seed, ""), (KeyHash{0xe6a825ba047f81a3ULL, 0x930255c71472f66dULL}));
  EXPECT_EQ(HashKey(seed, std::string_view("\0", 1)), (KeyHash{0x44af996bd8c187daULL, 0x45fc229b11597634ULL}));
}

TEST(HashKey, DependsOnEveryByteOnTheLengthAndOnTheSeed) {
  const std::string key(40, 'k');
  const KeyHash hash = HashKey({1, 2}, key);
  for (size_t i = 0; i < key.size(); ++i) {
    std::string other = key;
    other[i] = 'j';
    EXPECT_NE(HashKey({1, 2}, other), hash) << i;
  }
  EXPECT_NE(HashKey({1, 2}, key + std::string(1, '\0')), hash);
  EXPECT_NE(HashKey({1, 3}, key), hash);
}

TEST(OffsetMap, KeepsTheLargestOffsetOfEachKey) {
  OffsetMap map(1 << 12, {1, 2});
  EXPECT_EQ(map.Last("a"), model::Offset(-1));
  EXPECT_EQ(map.Note("a", model::Offset(5)), OffsetMap::Put::kDone);
  EXPECT_EQ(map.Note("b", model::Offset(6)), OffsetMap::Put::kDone);
  EXPECT_EQ(map.Note("a", model::Offset(9)), OffsetMap::Put::kDone);
  EXPECT_EQ(map.Note("", model::Offset(10)), OffsetMap::Put::kDone);
  EXPECT_EQ(map.Last("a"), model::Offset(9));
  EXPECT_EQ(map.Last("b"), model::Offset(6));
  EXPECT_EQ(map.Last(""), model::Offset(10));
  EXPECT_EQ(map.Last("c"), model::Offset(-1));
  EXPECT_EQ(map.keys(), 3u);
}

TEST(OffsetMap, HoldsAsManyKeysAsWereAskedForAndRefusesMore) {
  for (const uint64_t keys : {1u, 2u, 10u, 1000u}) {
    const size_t bytes = OffsetMap::BytesFor(keys);
    OffsetMap map(bytes, {1, 2});
    EXPECT_LE(map.bytes(), bytes);
    for (uint64_t i = 0; i < keys; ++i) {
      ASSERT_EQ(map.Note(StrCat("key", i), model::Offset(static_cast<int64_t>(i))), OffsetMap::Put::kDone);
    }
    uint64_t more = keys;
    while (map.Note(StrCat("key", more), model::Offset(9999)) == OffsetMap::Put::kDone) ++more;
    EXPECT_LE(more, keys + 3);
    EXPECT_EQ(map.Last(StrCat("key", more)), model::Offset(-1));
    // A key that is there still takes a newer offset.
    EXPECT_EQ(map.Note("key0", model::Offset(10'000)), OffsetMap::Put::kDone);
    EXPECT_EQ(map.Last("key0"), model::Offset(10'000));
    for (uint64_t i = 1; i < keys; ++i) {
      EXPECT_EQ(map.Last(StrCat("key", i)), model::Offset(static_cast<int64_t>(i)));
    }
  }
}

}  // namespace
}  // namespace leat::log
