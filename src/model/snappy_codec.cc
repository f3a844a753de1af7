// Snappy has no stream format of its own that Kafka's clients use: the Java client writes the framing of the xerial
// library (a 16 byte header, then blocks, each behind its int32 length), others write one bare block.
#include <snappy.h>

#include <algorithm>

#include "base/bytes.h"
#include "model/bounded_output.h"
#include "model/codecs.h"

namespace leat::model::internal {
namespace {

constexpr std::string_view kXerialMagic("\x82SNAPPY\0", 8);
constexpr size_t kXerialHeaderBytes = 16;  // magic, version i32, oldest compatible version i32
constexpr int32_t kXerialVersion = 1;
constexpr size_t kXerialBlockBytes = size_t{32} << 10;  // what the Java client uses
// A block's densest element is a copy of 64 bytes in 3; a block that claims more is damaged.
constexpr size_t kMaxRatio = 22;

absl::Status Damaged(size_t at, size_t size, std::string_view what) {
  return DataLoss("snappy: damaged at byte ", at, " of ", size, ": ", what);
}

// Appends the content of one bare block, which begins at byte `at` of an input of `input_size` bytes.
absl::Status AppendBlock(std::string_view block, size_t at, size_t input_size, size_t max_output_bytes,
                         std::string* out) {
  size_t length = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &length)) {
    return Damaged(at, input_size, "the length of the block cannot be read");
  }
  if (length > max_output_bytes - out->size()) return OutputTooLarge("snappy", max_output_bytes);
  if (length / kMaxRatio > block.size()) {
    return Damaged(at, input_size, StrCat("a block of ", block.size(), " bytes claims to hold ", length));
  }
  const size_t before = out->size();
  out->resize(before + length);
  if (!snappy::RawUncompress(block.data(), block.size(), out->data() + before)) {
    return Damaged(at, input_size, "the block does not decompress");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SnappyCompress(std::string_view bytes) {
  std::string out;
  const size_t blocks = (bytes.size() + kXerialBlockBytes - 1) / kXerialBlockBytes;
  out.reserve(kXerialHeaderBytes + bytes.size() / 2 + blocks * sizeof(int32_t));
  BytesWriter writer(&out);
  writer.WriteBytes(kXerialMagic);
  writer.Write<int32_t>(kXerialVersion);
  writer.Write<int32_t>(kXerialVersion);
  while (!bytes.empty()) {
    const std::string_view block = bytes.substr(0, kXerialBlockBytes);
    bytes.remove_prefix(block.size());
    const size_t length_at = out.size();
    const size_t block_at = length_at + sizeof(int32_t);
    out.resize(block_at + snappy::MaxCompressedLength(block.size()));
    size_t compressed = 0;
    snappy::RawCompress(block.data(), block.size(), out.data() + block_at, &compressed);
    out.resize(block_at + compressed);
    StoreBigEndian(out.data() + length_at, static_cast<int32_t>(compressed));
  }
  return out;
}

absl::StatusOr<std::string> SnappyDecompress(std::string_view bytes, size_t max_output_bytes) {
  std::string out;
  if (!bytes.starts_with(kXerialMagic)) {
    LEAT_RETURN_IF_ERROR(AppendBlock(bytes, 0, bytes.size(), max_output_bytes, &out));
    return out;
  }
  BytesReader reader(bytes);
  while (reader.remaining() > 0) {
    const size_t at = bytes.size() - reader.remaining();
    if (reader.rest().starts_with(kXerialMagic)) {  // streams may follow one another
      reader.ReadBytes(static_cast<int64_t>(kXerialMagic.size()));
      const auto version = reader.Read<int32_t>();
      reader.Read<int32_t>();
      if (!reader.ok() || version < kXerialVersion) return Damaged(at, bytes.size(), "not a whole xerial header");
      continue;
    }
    const std::string_view block = reader.ReadBytes(reader.Read<int32_t>());
    if (!reader.ok()) return Damaged(at, bytes.size(), "the block is cut short");
    LEAT_RETURN_IF_ERROR(AppendBlock(block, at, bytes.size(), max_output_bytes, &out));
  }
  return out;
}

}  // namespace leat::model::internal
