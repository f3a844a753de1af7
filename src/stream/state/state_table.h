// Keyed state as operators see it: a map from (namespace, key) to bytes, where the namespace is a number that orders
// the state in time (the end of a window slice in ms; 0 for state without time). One table belongs to one operator of
// one task; not thread-safe. Values are mutated in place, so an accumulator is plain bytes with no encoding step.
//
// Writes go to the overlay of the running epoch. At a barrier the task takes the epoch's changes (StateBackend::
// TakeChanges), the driver commits them to the log, and then applies them to the committed store: that store never
// holds uncommitted data. A bigger state than memory lives in the committed store; the overlay keeps hot entries as a
// cache.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::state {

using Namespace = int64_t;

class StateTable {
 public:
  virtual ~StateTable() = default;
  // nullptr if absent. Valid until the next call on this table.
  virtual absl::StatusOr<const std::string*> Find(Namespace ns, std::string_view key) = 0;
  // The value to change in place; empty and *inserted = true if it was absent. Marks it changed in this epoch. Valid
  // until the next call on this table.
  virtual absl::StatusOr<std::string*> Mutate(Namespace ns, std::string_view key, bool* inserted) = 0;
  virtual absl::Status Erase(Namespace ns, std::string_view key) = 0;
  virtual absl::Status EraseNamespace(Namespace ns) = 0;
  // Every entry of the namespace, in no particular order. The table must not be changed meanwhile.
  virtual absl::Status Scan(Namespace ns,
                            absl::FunctionRef<void(std::string_view key, std::string_view value)> visit) = 0;
  // The smallest namespace >= from that holds an entry; nullopt if none.
  virtual absl::StatusOr<std::optional<Namespace>> NextNamespace(Namespace from) = 0;
};

}  // namespace leat::state
