// The output of a decompressor: grows as bytes arrive, never by what the input claims, and stops at a limit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/status.h"

namespace leat::model::internal {

inline absl::Status OutputTooLarge(std::string_view codec, size_t max_output_bytes) {
  return ResourceExhausted(codec, ": the data decompresses to more than the allowed ", max_output_bytes, " bytes");
}

// Usage: while the codec wants to write, ask for Room, let it write there, and tell with Advance how much it wrote.
// Room goes one byte beyond the limit, so that output of exactly the limit can be told from more.
class BoundedOutput {
 public:
  // `step_bytes`: how much room to make at a time; the likely size of the output, if that is known and small.
  BoundedOutput(size_t max_output_bytes, size_t step_bytes)
      : max_(max_output_bytes), step_(std::clamp(step_bytes, kMinStepBytes, kMaxStepBytes)) {}

  char* data() { return bytes_.data() + size_; }
  // At least one byte at data(), unless TooLarge().
  size_t Room() {
    if (size_ == bytes_.size()) {
      const size_t limit = max_ == SIZE_MAX ? max_ : max_ + 1;
      bytes_.resize(size_ + std::min(step_, limit - std::min(size_, limit)));
    }
    return bytes_.size() - size_;
  }
  void Advance(size_t written) { size_ += written; }
  bool TooLarge() const { return size_ > max_; }
  std::string Take() && {
    bytes_.resize(size_);
    return std::move(bytes_);
  }

 private:
  static constexpr size_t kMinStepBytes = size_t{4} << 10;
  static constexpr size_t kMaxStepBytes = size_t{64} << 10;

  const size_t max_;
  const size_t step_;
  std::string bytes_;
  size_t size_ = 0;
};

}  // namespace leat::model::internal
