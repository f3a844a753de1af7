#include "stream/exec/window.h"

namespace leat::exec {

absl::StatusOr<WindowMath> WindowMath::Make(const plan::WindowSpec& spec) {
  if (spec.kind == plan::WindowKind::kAttached) return WindowMath(1, 1, 0, false);
  if (spec.size_ms <= 0 || spec.slide_ms <= 0 || spec.size_ms % spec.slide_ms != 0) {
    return InvalidArgument("window: size ", spec.size_ms, " ms must be a positive multiple of the slide, ",
                           spec.slide_ms, " ms");
  }
  constexpr int64_t kLongest = int64_t{1} << 53;  // far beyond every storable time; keeps sums within int64
  if (spec.size_ms > kLongest) return InvalidArgument("window: size ", spec.size_ms, " ms is over ", kLongest, " ms");
  return WindowMath(spec.size_ms, spec.slide_ms, FloorMod(spec.offset_ms, spec.size_ms),
                    spec.kind == plan::WindowKind::kCumulate);
}

int64_t WindowMath::FirstSliceEnd(int64_t window_end) const {
  if (!cumulates_) return SaturatingAdd(window_end, slide_ - size_);
  if (window_end < kMinWatermark + 2 * size_ || window_end == kMaxWatermark) return window_end;
  return Start(window_end) + slide_;
}

int64_t WindowMath::NextWindowEnd(int64_t watermark_ms) const {
  if (watermark_ms == kMinWatermark) return kMinWatermark;
  if (watermark_ms >= kMaxWatermark - slide_ - 1) return kMaxWatermark;
  if (watermark_ms < kMinWatermark + 2 * slide_ + 1) return kMinWatermark;
  return SliceEnd(watermark_ms + 1);
}

}  // namespace leat::exec
