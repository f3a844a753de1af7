// The adapters of the compression libraries, one file each. Private to this module: call compression.h.
// Pure; any thread. Input is at most kMaxCodecInputBytes, which the caller has checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::model::internal {

inline constexpr size_t kMaxCodecInputBytes = INT32_MAX;  // a batch cannot be longer than its int32 length says

absl::StatusOr<std::string> GzipCompress(std::string_view bytes);
absl::StatusOr<std::string> SnappyCompress(std::string_view bytes);
absl::StatusOr<std::string> Lz4Compress(std::string_view bytes);
absl::StatusOr<std::string> ZstdCompress(std::string_view bytes);

// Errors as Decompress.
absl::StatusOr<std::string> GzipDecompress(std::string_view bytes, size_t max_output_bytes);
absl::StatusOr<std::string> SnappyDecompress(std::string_view bytes, size_t max_output_bytes);
absl::StatusOr<std::string> Lz4Decompress(std::string_view bytes, size_t max_output_bytes);
absl::StatusOr<std::string> ZstdDecompress(std::string_view bytes, size_t max_output_bytes);

}  // namespace leat::model::internal
