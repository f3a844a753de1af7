// The watermark through which an operator has fired, kept over a restart: what is late follows from it, and what is to
// fire next. One task's.
#pragma once

#include "stream/exec/operator.h"

namespace leat::exec {

class FiredWatermark {
 public:
  // Reads what was stored; `table` must outlive this object.
  absl::Status Open(state::StateTable& table);
  int64_t ms() const { return ms_; }
  void Set(int64_t ms) { ms_ = ms; }
  absl::Status Store();  // at a barrier: writes it if it has moved

 private:
  state::StateTable* table_ = nullptr;
  int64_t ms_ = kMinWatermark;
  int64_t stored_ms_ = kMinWatermark;
};

}  // namespace leat::exec
