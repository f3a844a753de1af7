// The state of one task: its tables, the overlay above the committed store, and the epoch's changes. Lives on the
// task's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "stream/state/committed_store.h"
#include "stream/state/state_table.h"

namespace leat::state {

class StateBackend {
 public:
  struct Options {
    size_t memory_bytes = size_t{256} << 20;  // overlay and cache; clean entries are evicted above it
  };
  // `store` must outlive the backend. Existing committed entries are found at once.
  static std::unique_ptr<StateBackend> Create(CommittedStore& store, const Options& options);
  virtual ~StateBackend() = default;

  // The table with this id (the operator's node id and a number within it); the same id gives the same table.
  virtual StateTable& Table(int node_id, int index) = 0;

  // At a barrier: every entry changed since the last call, with its new value, once each, in key order. The entries
  // stay readable; they may be evicted only after OnApplied(epoch).
  virtual std::vector<Change> TakeChanges(int64_t epoch) = 0;
  // The driver has committed and applied this epoch (and all before it) to the committed store.
  virtual void OnApplied(int64_t epoch) = 0;

  // Changed entries cannot be evicted: kResourceExhausted from Mutate once they alone pass the budget. The driver takes
  // an earlier barrier when this nears the budget.
  virtual size_t DirtyBytes() const = 0;
  virtual size_t MemoryBytes() const = 0;
};

std::unique_ptr<CommittedStore> MakeMemoryStore();

}  // namespace leat::state
