#include "model/compression.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace leat::model {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMiB = size_t{1} << 20;
constexpr Compression kCodecs[] = {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd};

// Text that compresses, longer than one block of every codec.
std::string Text(size_t bytes) {
  std::string text;
  Random random(bytes);
  while (text.size() < bytes)
    StrAppend(&text, "user-", random.Below(500), " clicked on item ", random.Below(5000), "; ");
  text.resize(bytes);
  return text;
}

// Bytes that do not compress.
std::string Noise(size_t bytes) {
  Random random(bytes);
  std::string noise(bytes, '\0');
  for (char& c : noise) c = static_cast<char>(random.Next());
  return noise;
}

RC_GTEST_PROP(Compress, RoundTripsThroughEveryCodec, (const std::string& bytes)) {
  for (const Compression codec : kCodecs) {
    const auto compressed = Compress(codec, bytes);
    RC_ASSERT(compressed.ok());
    const auto back = Decompress(codec, *compressed, bytes.size());
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == bytes);
  }
}

class EveryCodec : public testing::TestWithParam<Compression> {};
INSTANTIATE_TEST_SUITE_P(Codecs, EveryCodec, testing::ValuesIn(kCodecs),
                         [](const auto& codec) { return std::string(CompressionName(codec.param)); });

TEST_P(EveryCodec, RoundTripsLongInput) {
  for (const std::string& bytes : {Text(3 * kMiB + 7), Noise(300'001), std::string(kMiB, '\0')}) {
    const auto compressed = Compress(GetParam(), bytes);
    ASSERT_TRUE(compressed.ok()) << compressed.status();
    const auto back = Decompress(GetParam(), *compressed, bytes.size());
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, bytes);
  }
}

TEST_P(EveryCodec, MakesTextSmaller) {
  const std::string text = Text(100'000);
  EXPECT_LT(Compress(GetParam(), text).value().size(), text.size() / 2);
}

TEST_P(EveryCodec, AllowsExactlyTheLimitAndNotAByteMore) {
  for (const size_t size : {size_t{1}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{65536}, size_t{200'000}}) {
    const std::string compressed = Compress(GetParam(), Text(size)).value();
    EXPECT_EQ(Decompress(GetParam(), compressed, size).value().size(), size);
    EXPECT_TRUE(absl::IsResourceExhausted(Decompress(GetParam(), compressed, size - 1).status())) << size;
  }
}

TEST_P(EveryCodec, TakesTheLargestLimit) {
  const std::string compressed = Compress(GetParam(), "text").value();
  EXPECT_EQ(Decompress(GetParam(), compressed, SIZE_MAX).value(), "text");
}

TEST_P(EveryCodec, AllowsNothingOutOfNothing) {
  const std::string compressed = Compress(GetParam(), "").value();
  EXPECT_EQ(Decompress(GetParam(), compressed, 0).value(), "");
}

TEST_P(EveryCodec, StopsABombAtTheLimit) {
  const std::string bomb = Compress(GetParam(), std::string(64 * kMiB, '\0')).value();
  const absl::Status status = Decompress(GetParam(), bomb, kMiB).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(Message(status)), HasSubstr("1048576 bytes"));
}

TEST_P(EveryCodec, CallsInputThatIsCutShortDamaged) {
  const std::string whole = Compress(GetParam(), Text(500)).value();
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto back = Decompress(GetParam(), std::string_view(whole).substr(0, length), kMiB);
    // The header of the xerial framing alone is a stream of no blocks.
    if (GetParam() == Compression::kSnappy && length == 16) continue;
    EXPECT_TRUE(absl::IsDataLoss(back.status())) << length << ": " << back.status();
  }
}

TEST_P(EveryCodec, CallsInputOfAnotherKindDamaged) {
  for (const std::string& input : {std::string(""), std::string("\xff"), std::string(100, '\xff'), Noise(5000)}) {
    const auto back = Decompress(GetParam(), input, kMiB);
    EXPECT_TRUE(absl::IsDataLoss(back.status())) << input.size() << ": " << back.status();
  }
}

TEST_P(EveryCodec, SurvivesAnyChangedByte) {
  const std::string text = Text(2000);
  const std::string whole = Compress(GetParam(), text).value();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const auto back = Decompress(GetParam(), damaged, 4096);
      if (back.ok()) {
        EXPECT_LE(back->size(), 4096u);
      } else {
        EXPECT_TRUE(absl::IsDataLoss(back.status()) || absl::IsResourceExhausted(back.status())) << back.status();
      }
    }
  }
}

TEST(Decompress, RefusesCompressionsThatDoNotExist) {
  for (int bits = 5; bits <= 7; ++bits) {
    EXPECT_TRUE(absl::IsDataLoss(Decompress(static_cast<Compression>(bits), "x", kMiB).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(Compress(static_cast<Compression>(bits), "x").status()));
  }
}

TEST(Decompress, LimitsWhatIsNotCompressedToo) {
  EXPECT_EQ(Decompress(Compression::kNone, "abc", 3).value(), "abc");
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kNone, "abc", 2).status()));
}

TEST(ParseCompression, ReadsEveryNameThatIsPrinted) {
  for (int value = 0; value <= 4; ++value) {
    const auto compression = static_cast<Compression>(value);
    EXPECT_EQ(ParseCompression(CompressionName(compression)).value(), compression);
  }
}

TEST(ParseCompression, NamesTheKnownOnesWhenItIsNone) {
  const absl::Status status = ParseCompression("brotli").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(Message(status), "expected a compression of none, gzip, snappy, lz4 or zstd, got \"brotli\"");
}

}  // namespace
}  // namespace leat::model
