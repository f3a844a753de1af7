// Gathers the rows of fired windows into batches of the usual size.
#pragma once

#include "stream/exec/accumulator.h"
#include "stream/exec/keyed_block.h"
#include "stream/exec/operator.h"
#include "stream/exec/window_zone.h"

namespace leat::exec {

// The value of a window's column.
int64_t WindowBoundMicros(plan::Node::WindowColumn column, int64_t window_end_ms, const WindowMath& window,
                          const WindowZone& zone);

class WindowOutput {
 public:
  // Everything must outlive this object.
  WindowOutput(const plan::Node& node, const WindowMath& window, const WindowZone& zone,
               const AccumulatorLayout& layout, Output& output);
  // One row for each entry, in the order of the keys' bytes.
  absl::Status Add(int64_t window_end_ms, const KeyedBlock& groups);
  absl::Status Flush();

 private:
  void Start();

  const plan::Node& node_;
  const WindowMath& window_;
  const WindowZone& zone_;
  const AccumulatorLayout& layout_;
  Output& output_;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<data::Column*> keys_;
  std::vector<std::pair<uint64_t, uint32_t>> order_;  // the key's first bytes, the entry
  size_t rows_ = 0;
};

}  // namespace leat::exec
