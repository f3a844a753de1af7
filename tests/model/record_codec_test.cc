#include "model/record_codec.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace leat::model::internal {
namespace {

std::string RandomRecord(Random& random, int32_t index) {
  const auto text = [&] { return std::string(random.Below(random.OneIn(10) ? 3000 : 80), 'x'); };
  const std::string key = text();
  const std::string value = text();
  std::vector<Header> headers(random.OneIn(4) ? random.Below(3) : 0);
  for (Header& header : headers) header.key = "h";
  std::string out;
  EncodeRecord({.timestamp_delta = static_cast<int64_t>(random.Below(random.OneIn(5) ? UINT64_MAX : 100)),
                .offset_delta = index,
                .key = random.OneIn(2) ? std::optional<std::string_view>(key) : std::nullopt,
                .value = random.OneIn(8) ? std::nullopt : std::optional<std::string_view>(value)},
               headers, &out);
  return out;
}

// The short way takes nothing that the long one would not take, and takes as much of it.
TEST(SkipPlainRecord, AgreesWithDecodeRecordOnSoundAndOnDamagedRecords) {
  Random random(7);
  int taken = 0;
  for (int round = 0; round < 200'000; ++round) {
    const auto index = static_cast<int32_t>(random.Below(random.OneIn(3) ? 100'000 : 70));
    std::string bytes = RandomRecord(random, index) + "rest";
    const bool damaged = random.OneIn(2);
    if (damaged) bytes[random.Below(std::min<size_t>(bytes.size(), 24))] = static_cast<char>(random.Below(256));
    if (random.OneIn(4)) bytes.resize(random.Below(bytes.size() + 1));
    const KeyRule keys = random.OneIn(2) ? KeyRule::kNeeded : KeyRule::kAny;
    std::string_view skipped = bytes;
    if (!SkipPlainRecord(&skipped, index, keys)) {
      EXPECT_EQ(skipped.size(), bytes.size());
      continue;
    }
    ++taken;
    std::string_view decoded = bytes;
    DecodedRecord record;
    std::vector<Header> headers;
    ASSERT_EQ(DecodeRecord(&decoded, &record, &headers), nullptr);
    EXPECT_EQ(skipped.size(), decoded.size());
    EXPECT_EQ(record.offset_delta, index);
    EXPECT_TRUE(headers.empty());
    EXPECT_TRUE(keys == KeyRule::kAny || record.key.has_value());
  }
  EXPECT_GT(taken, 30'000);
}

TEST(SkipPlainRecord, TakesWhatProducersSend) {
  for (const size_t size : {0, 1, 63, 64, 100, 8191, 8192, 1'000'000}) {
    std::string bytes;
    EncodeRecord({.timestamp_delta = 5000, .offset_delta = 999, .key = std::nullopt, .value = std::string(size, 'x')},
                 {}, &bytes);
    std::string_view rest = bytes;
    EXPECT_TRUE(SkipPlainRecord(&rest, 999, KeyRule::kAny)) << size;
    EXPECT_TRUE(rest.empty());
    rest = bytes;
    EXPECT_FALSE(SkipPlainRecord(&rest, 998, KeyRule::kAny));
    EXPECT_FALSE(SkipPlainRecord(&rest, 999, KeyRule::kNeeded));
  }
}

}  // namespace
}  // namespace leat::model::internal
