#include <zstd.h>
#include <zstd_errors.h>

#include <bit>
#include <memory>
#include <optional>

#include "model/bounded_output.h"
#include "model/codecs.h"

namespace leat::model::internal {
namespace {

constexpr int kLevel = 3;
// A frame may ask the reader to keep a window of up to 128 MiB, whatever its size. Up to this much is kept.
constexpr size_t kMinWindowLimitBytes = size_t{8} << 20;
constexpr int kMaxWindowLog = 27;
// A size that the frame itself claims is believed, for one allocation, up to here.
constexpr size_t kBelievedBytes = size_t{1} << 20;
constexpr size_t kBelievedRatio = 256;

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status Damaged(size_t at, size_t size, std::string_view what) {
  return DataLoss("zstd: damaged at byte ", at, " of ", size, ": ", what);
}

using Context = std::unique_ptr<ZSTD_DCtx, FreeContext>;

// Making a context takes a good part of the time of decompressing a batch of 16 KiB, so each thread keeps one. It is
// used only to decompress at once, which begins anew every time and leaves no window behind in it. Null: no memory.
ZSTD_DCtx* ContextOfThisThread() {
  thread_local Context context;
  if (context == nullptr) context.reset(ZSTD_createDCtx());
  return context.get();
}

absl::Status NoMemory() { return ResourceExhausted("zstd: no memory for a decompressor"); }

// The whole input at once into `capacity` bytes. Nothing: they do not suffice.
absl::StatusOr<std::optional<std::string>> DecompressInto(std::string_view bytes, size_t capacity) {
  ZSTD_DCtx* context = ContextOfThisThread();
  if (context == nullptr) return NoMemory();
  std::string out(capacity, '\0');
  const size_t result = ZSTD_decompressDCtx(context, out.data(), out.size(), bytes.data(), bytes.size());
  if (!ZSTD_isError(result)) {
    out.resize(result);
    return out;
  }
  if (ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall) return std::nullopt;
  return Damaged(0, bytes.size(), ZSTD_getErrorName(result));
}

// For frames whose window is larger than the whole output may be: decompressing at once needs no window.
absl::StatusOr<std::string> DecompressGrowing(std::string_view bytes, size_t max_output_bytes) {
  size_t capacity = std::min(max_output_bytes, std::max(4 * bytes.size(), kBelievedBytes));
  while (true) {
    LEAT_ASSIGN_OR_RETURN(std::optional<std::string> out, DecompressInto(bytes, capacity));
    if (out.has_value()) return *std::move(out);
    if (capacity == max_output_bytes) return OutputTooLarge("zstd", max_output_bytes);
    capacity = capacity > max_output_bytes / 2 ? max_output_bytes : capacity * 2;
  }
}

absl::StatusOr<std::string> DecompressStreaming(std::string_view bytes, size_t max_output_bytes) {
  const Context context(ZSTD_createDCtx());
  if (context == nullptr) return NoMemory();
  const size_t window = std::max(kMinWindowLimitBytes, max_output_bytes);
  const int window_log = std::min(static_cast<int>(std::bit_width(window - 1)), kMaxWindowLog);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log);
  BoundedOutput out(max_output_bytes, 4 * bytes.size());
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  while (true) {
    const size_t room = out.Room();
    ZSTD_outBuffer output{out.data(), room, 0};
    const size_t result = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(result)) {
      if (ZSTD_getErrorCode(result) != ZSTD_error_frameParameter_windowTooLarge) {
        return Damaged(input.pos, bytes.size(), ZSTD_getErrorName(result));
      }
      return DecompressGrowing(bytes, max_output_bytes);
    }
    out.Advance(output.pos);
    if (out.TooLarge()) return OutputTooLarge("zstd", max_output_bytes);
    if (input.pos == input.size) {
      if (result == 0) return std::move(out).Take();
      if (output.pos < room) return Damaged(input.pos, bytes.size(), "the frame is cut short");
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ZstdCompress(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t written = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(written)) return Internal("zstd: the compressor failed: ", ZSTD_getErrorName(written));
  out.resize(written);
  return out;
}

absl::StatusOr<std::string> ZstdDecompress(std::string_view bytes, size_t max_output_bytes) {
  if (bytes.empty()) return Damaged(0, 0, "expected a frame, got no bytes");
  const unsigned long long claimed = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (claimed == ZSTD_CONTENTSIZE_ERROR) return Damaged(0, bytes.size(), "not a zstd frame");
  if (claimed != ZSTD_CONTENTSIZE_UNKNOWN) {
    if (claimed > max_output_bytes) return OutputTooLarge("zstd", max_output_bytes);
    if (claimed <= std::max(kBelievedBytes, kBelievedRatio * bytes.size())) {
      LEAT_ASSIGN_OR_RETURN(std::optional<std::string> out, DecompressInto(bytes, claimed));
      if (out.has_value()) return *std::move(out);  // else more frames follow the first
    }
  }
  return DecompressStreaming(bytes, max_output_bytes);
}

}  // namespace leat::model::internal
