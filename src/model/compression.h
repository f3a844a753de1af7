// The codecs of record batches. Decompression never makes more than the caller allows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::model {

enum class Compression : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };  // the attribute bits

std::string_view CompressionName(Compression compression);            // none, gzip, snappy, lz4, zstd
absl::StatusOr<Compression> ParseCompression(std::string_view name);  // kInvalidArgument names the known ones

// Snappy is written in the xerial framing of the Java client and read in both framings; lz4 is the frame format.
absl::StatusOr<std::string> Compress(Compression compression, std::string_view bytes);
// kResourceExhausted if the output would pass max_output_bytes; kDataLoss if the input is damaged.
absl::StatusOr<std::string> Decompress(Compression compression, std::string_view bytes, size_t max_output_bytes);

}  // namespace leat::model
