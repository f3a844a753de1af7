// Window arithmetic, in milliseconds. A slice is the time between two neighbouring window ends: each row belongs to one
// slice, named by its end, and a window is a run of slices. Times are int64 microseconds divided down, so sums with a
// window size cannot overflow; only watermarks can be extreme, and those saturate. Pure.
#pragma once

#include <cstdint>

#include "stream/exec/calendar.h"
#include "stream/exec/operator.h"

namespace leat::exec {

class WindowMath {
 public:
  // Of TUMBLE, HOP and CUMULATE; an attached window is a slice of its own, 1 ms wide.
  // kInvalidArgument: sizes that are not positive, or a size that is no multiple of the slide.
  static absl::StatusOr<WindowMath> Make(const plan::WindowSpec& spec);

  int64_t size() const { return size_; }
  int64_t slide() const { return slide_; }
  static int64_t MillisOf(int64_t micros) { return FloorDiv(micros, data::kMicrosPerMilli); }
  static int64_t MicrosOf(int64_t ms) { return SaturatingMultiply(ms, data::kMicrosPerMilli); }

  // The end of the slice of a time.
  int64_t SliceEnd(int64_t ms) const { return ms - FloorMod(ms - offset_, slide_) + slide_; }
  // The end of the last window that a slice belongs to.
  int64_t LastWindowEnd(int64_t slice_end) const {
    return cumulates_ ? Start(slice_end) + size_ : slice_end + size_ - slide_;
  }
  // The start of the window that ends at window_end.
  int64_t Start(int64_t window_end) const {
    return cumulates_ ? window_end - 1 - FloorMod(window_end - 1 - offset_, size_) : window_end - size_;
  }
  // The end of the first slice of the window that ends at window_end.
  int64_t FirstSliceEnd(int64_t window_end) const;
  // The smallest window end that a watermark has not fired: the smallest with end - 1 > watermark. kMinWatermark and
  // kMaxWatermark stay what they are.
  int64_t NextWindowEnd(int64_t watermark_ms) const;

 private:
  WindowMath(int64_t size, int64_t slide, int64_t offset, bool cumulates)
      : size_(size), slide_(slide), offset_(offset), cumulates_(cumulates) {}
  int64_t size_;
  int64_t slide_;
  int64_t offset_;
  bool cumulates_;  // windows of one start grow by the slide up to the size
};

}  // namespace leat::exec
