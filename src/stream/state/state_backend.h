// The state of one task: its tables, the overlay above the committed store, and the epoch's changes. Lives on the
// task's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/state/change_visitor.h"
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

  // At a barrier: visits every entry changed since the last call, with its new value, once each, in key order: what the
  // changelog is told. `prefix` goes before each key.
  virtual void TakeChanges(int64_t epoch, std::string_view prefix, ChangeVisitor visit) = 0;
  // Right after TakeChanges, as often as the driver likes: what the committed store lacks of all that was taken so far,
  // in key order. The store may lag behind the changelog by many epochs: entries changed in several of them come once,
  // those that came and went meanwhile not at all.
  virtual std::vector<Change> TakeUnapplied(std::string_view prefix) = 0;
  // What TakeUnapplied gave behind this epoch's TakeChanges is committed and applied. Until then the entries stay
  // readable and are not evicted.
  virtual void OnApplied(int64_t epoch) = 0;

  // Entries ahead of the store cannot be evicted: kResourceExhausted from Mutate once they alone pass the budget. The
  // driver applies them when this nears the budget.
  virtual size_t DirtyBytes() const = 0;
  virtual size_t MemoryBytes() const = 0;
  // Of the entries of one operator's tables that are in memory.
  virtual size_t MemoryBytesOf(int node_id) const = 0;
};

std::unique_ptr<CommittedStore> MakeMemoryStore();

}  // namespace leat::state
