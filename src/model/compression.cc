#include "model/compression.h"

#include "base/strings.h"
#include "model/codecs.h"

namespace leat::model {
namespace {

constexpr Compression kAll[] = {Compression::kNone, Compression::kGzip, Compression::kSnappy, Compression::kLz4,
                                Compression::kZstd};

}  // namespace

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kSnappy:
      return "snappy";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";  // attribute bits of a batch can hold 5 to 7
}

absl::StatusOr<Compression> ParseCompression(std::string_view name) {
  for (const Compression compression : kAll) {
    if (name == CompressionName(compression)) return compression;
  }
  return InvalidArgument("expected a compression of none, gzip, snappy, lz4 or zstd, got \"", name, "\"");
}

absl::StatusOr<std::string> Compress(Compression compression, std::string_view bytes) {
  if (bytes.size() > internal::kMaxCodecInputBytes) {
    return InvalidArgument(CompressionName(compression), ": expected at most ", internal::kMaxCodecInputBytes,
                           " bytes to compress, got ", bytes.size());
  }
  switch (compression) {
    case Compression::kNone:
      return std::string(bytes);
    case Compression::kGzip:
      return internal::GzipCompress(bytes);
    case Compression::kSnappy:
      return internal::SnappyCompress(bytes);
    case Compression::kLz4:
      return internal::Lz4Compress(bytes);
    case Compression::kZstd:
      return internal::ZstdCompress(bytes);
  }
  return InvalidArgument("expected a compression of 0 to 4, got ", static_cast<int>(compression));
}

absl::StatusOr<std::string> Decompress(Compression compression, std::string_view bytes, size_t max_output_bytes) {
  if (bytes.size() > internal::kMaxCodecInputBytes) {
    return DataLoss(CompressionName(compression), ": expected at most ", internal::kMaxCodecInputBytes,
                    " bytes to decompress, got ", bytes.size());
  }
  switch (compression) {
    case Compression::kNone:
      if (bytes.size() > max_output_bytes) {
        return ResourceExhausted("none: ", bytes.size(), " bytes are more than the allowed ", max_output_bytes);
      }
      return std::string(bytes);
    case Compression::kGzip:
      return internal::GzipDecompress(bytes, max_output_bytes);
    case Compression::kSnappy:
      return internal::SnappyDecompress(bytes, max_output_bytes);
    case Compression::kLz4:
      return internal::Lz4Decompress(bytes, max_output_bytes);
    case Compression::kZstd:
      return internal::ZstdDecompress(bytes, max_output_bytes);
  }
  return DataLoss("expected a compression of 0 to 4, got ", static_cast<int>(compression));
}

}  // namespace leat::model
