// What other clients write and we do not: the variants of each codec's framing, made with the libraries themselves or
// by hand.
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "model/compression.h"

namespace leat::model {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMiB = size_t{1} << 20;

std::string Repeated(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) StrAppend(&out, text, i);
  return out;
}

TEST(Gzip, ReadsTheZlibFraming) {
  const std::string text = Repeated("zlib ", 100);
  std::string compressed(compressBound(text.size()), '\0');
  uLongf size = compressed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(compressed.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
                     text.size()),
            Z_OK);
  compressed.resize(size);
  EXPECT_EQ(Decompress(Compression::kGzip, compressed, kMiB).value(), text);
}

TEST(Gzip, WritesTheGzipFraming) {
  EXPECT_TRUE(Compress(Compression::kGzip, "text").value().starts_with("\x1f\x8b\x08"));
}

TEST(Gzip, ReadsMembersOneBehindTheOther) {
  const std::string first = Compress(Compression::kGzip, "first ").value();
  const std::string second = Compress(Compression::kGzip, "second").value();
  EXPECT_EQ(Decompress(Compression::kGzip, first + second, kMiB).value(), "first second");
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kGzip, first + second, 11).status()));
}

TEST(Gzip, CallsBytesBehindTheEndDamage) {
  const std::string compressed = Compress(Compression::kGzip, "text").value() + "tail";
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kGzip, compressed, kMiB).status()));
}

TEST(Snappy, ReadsABareBlock) {
  const std::string text = Repeated("bare ", 20'000);
  std::string compressed(snappy::MaxCompressedLength(text.size()), '\0');
  size_t size = 0;
  snappy::RawCompress(text.data(), text.size(), compressed.data(), &size);
  compressed.resize(size);
  EXPECT_EQ(Decompress(Compression::kSnappy, compressed, kMiB).value(), text);
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kSnappy, compressed, text.size() - 1).status()));
}

TEST(Snappy, WritesTheXerialFraming) {
  // A literal of 4 bytes has the tag (4 - 1) << 2 behind the length of the block.
  EXPECT_EQ(Compress(Compression::kSnappy, "text").value(),
            "\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"
            "\0\0\0\x06\x04\x0ctext"sv);
}

TEST(Snappy, ReadsXerialStreamsOneBehindTheOther) {
  const std::string first = Compress(Compression::kSnappy, "first ").value();
  const std::string second = Compress(Compression::kSnappy, "second").value();
  EXPECT_EQ(Decompress(Compression::kSnappy, first + second, kMiB).value(), "first second");
}

TEST(Snappy, RefusesBlocksThatLieAboutTheirLength) {
  const std::string_view header = "\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"sv;
  const auto read = [&](std::string_view blocks) {
    return Decompress(Compression::kSnappy, StrCat(header, blocks), kMiB).status();
  };
  EXPECT_TRUE(absl::IsDataLoss(read("\xff\xff\xff\xff\x04\x0ctext"sv)));  // -1
  EXPECT_TRUE(absl::IsDataLoss(read("\x80\0\0\0\x04\x0ctext"sv)));        // the least int32
  EXPECT_TRUE(absl::IsDataLoss(read("\0\0\0\x07\x04\x0ctext"sv)));        // one more than there are
  EXPECT_TRUE(absl::IsDataLoss(read("\0\0\0\x06\x05\x0ctext"sv)));        // claims 5 bytes, holds 4
  // Claims 512 KiB in 8 bytes: denser than snappy can be.
  EXPECT_TRUE(absl::IsDataLoss(read("\0\0\0\x08\x80\x80\x20\x0ctext"sv)));
  EXPECT_TRUE(absl::IsResourceExhausted(read("\0\0\0\x0a\xff\xff\xff\xff\x0f\x0ctext"sv)));  // claims 4 GiB
}

std::string Lz4Frame(std::string_view text, LZ4F_preferences_t preferences) {
  std::string out(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences));
  return out;
}

TEST(Lz4, ReadsEveryKindOfFrame) {
  const std::string text = Repeated("frame ", 100'000);
  for (const auto block : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max4MB}) {
    for (const auto mode : {LZ4F_blockLinked, LZ4F_blockIndependent}) {
      for (const auto checksum : {LZ4F_noContentChecksum, LZ4F_contentChecksumEnabled}) {
        LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
        preferences.frameInfo.blockSizeID = block;
        preferences.frameInfo.blockMode = mode;
        preferences.frameInfo.contentChecksumFlag = checksum;
        const auto back = Decompress(Compression::kLz4, Lz4Frame(text, preferences), 2 * kMiB);
        ASSERT_TRUE(back.ok()) << back.status();
        EXPECT_EQ(*back, text);
      }
    }
  }
}

TEST(Lz4, WritesIndependentBlocksOf64KiB) {
  const std::string compressed = Compress(Compression::kLz4, Repeated("frame ", 100'000)).value();
  ASSERT_TRUE(compressed.starts_with("\x04\x22\x4d\x18"));
  EXPECT_EQ(compressed[4] & 0xe0, 0x60);      // version 1, independent blocks
  EXPECT_EQ((compressed[5] & 0x70) >> 4, 4);  // blocks of at most 64 KiB
}

TEST(Lz4, ReadsFramesOneBehindTheOther) {
  const std::string first = Compress(Compression::kLz4, "first ").value();
  const std::string second = Compress(Compression::kLz4, "second").value();
  EXPECT_EQ(Decompress(Compression::kLz4, first + second, kMiB).value(), "first second");
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kLz4, first + "tail", kMiB).status()));
}

// As a streaming client writes it: the size of the content is not in the frame.
std::string ZstdStream(std::string_view text, int level, int window_log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  ZSTD_compressStream2(context, &output, &input, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  out.resize(output.pos);
  return out;
}

TEST(Zstd, ReadsFramesThatDoNotSayTheirSize) {
  const std::string text = Repeated("stream ", 50'000);
  const std::string compressed = ZstdStream(text, 3, 0);
  ASSERT_EQ(ZSTD_getFrameContentSize(compressed.data(), compressed.size()), ZSTD_CONTENTSIZE_UNKNOWN);
  EXPECT_EQ(Decompress(Compression::kZstd, compressed, text.size()).value(), text);
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kZstd, compressed, text.size() - 1).status()));
}

TEST(Zstd, ReadsFramesWithAWindowLargerThanTheLimit) {
  const std::string text = Repeated("window ", 300'000);
  const std::string compressed = ZstdStream(text, 1, 25);
  EXPECT_EQ(Decompress(Compression::kZstd, compressed, text.size()).value(), text);
  EXPECT_EQ(Decompress(Compression::kZstd, compressed, 3 * text.size()).value(), text);
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kZstd, compressed, text.size() - 1).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kZstd, compressed, 0).status()));
  const std::string_view half = std::string_view(compressed).substr(0, compressed.size() / 2);
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kZstd, half, 3 * text.size()).status()));
}

TEST(Zstd, ReadsFramesOneBehindTheOther) {
  const std::string first = Compress(Compression::kZstd, "first ").value();
  const std::string second = Compress(Compression::kZstd, "second").value();
  EXPECT_EQ(Decompress(Compression::kZstd, first + second, kMiB).value(), "first second");
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kZstd, first + "tail", kMiB).status()));
}

TEST(Zstd, DoesNotBelieveAFrameThatClaimsTooMuch) {
  // Magic; a single segment with an 8 byte content size; then the size, and one empty last block.
  const auto frame = [](int64_t size) {
    std::string out = "\x28\xb5\x2f\xfd\xe0";
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(size >> (8 * i)));
    return out + std::string("\x01\0\0", 3);
  };
  EXPECT_EQ(Decompress(Compression::kZstd, frame(0), kMiB).value(), "");
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kZstd, frame(1000), kMiB).status()));
  EXPECT_TRUE(absl::IsDataLoss(Decompress(Compression::kZstd, frame(int64_t{1} << 40), size_t{1} << 50).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kZstd, frame(int64_t{1} << 40), kMiB).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(Decompress(Compression::kZstd, frame(-3), kMiB).status()));
}

}  // namespace
}  // namespace leat::model
