#include <lz4frame.h>

#include <memory>

#include "model/bounded_output.h"
#include "model/codecs.h"

namespace leat::model::internal {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

absl::Status Damaged(size_t at, size_t size, std::string_view what) {
  return DataLoss("lz4: damaged at byte ", at, " of ", size, ": ", what);
}

}  // namespace

absl::StatusOr<std::string> Lz4Compress(std::string_view bytes) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // the Java client reads no other
  preferences.frameInfo.contentSize = bytes.size();
  std::string out(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t written = LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  if (LZ4F_isError(written)) return Internal("lz4: the compressor failed: ", LZ4F_getErrorName(written));
  out.resize(written);
  return out;
}

absl::StatusOr<std::string> Lz4Decompress(std::string_view bytes, size_t max_output_bytes) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) {
    return ResourceExhausted("lz4: no memory for a decompressor");
  }
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(raw);
  BoundedOutput out(max_output_bytes, 4 * bytes.size());
  size_t read = 0;
  while (true) {
    const size_t room = out.Room();
    size_t written = room;
    size_t consumed = bytes.size() - read;
    const size_t result = LZ4F_decompress(context.get(), out.data(), &written, bytes.data() + read, &consumed, nullptr);
    if (LZ4F_isError(result)) return Damaged(read, bytes.size(), LZ4F_getErrorName(result));
    read += consumed;
    out.Advance(written);
    if (out.TooLarge()) return OutputTooLarge("lz4", max_output_bytes);
    if (read == bytes.size()) {
      if (result == 0 && !bytes.empty()) return std::move(out).Take();
      if (written < room) return Damaged(read, bytes.size(), "the frame is cut short");
    }
  }
}

}  // namespace leat::model::internal
