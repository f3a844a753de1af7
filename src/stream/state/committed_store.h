// Committed state: an ordered byte map at one position of the changelog. RocksDB (src/rocks) or memory (tests,
// TestDriver). One per task. Readers on the task's thread; Apply and Flush may run on another thread at the same time.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::state {

// One entry of a changelog: the entry's whole new value, or nullopt for a removal.
struct Change {
  std::string key;
  std::optional<std::string> value;
};

class CommittedStore {
 public:
  virtual ~CommittedStore() = default;
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  // Entries with begin <= key < end in order, until visit returns false.
  virtual absl::Status Scan(std::string_view begin, std::string_view end,
                            absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) = 0;
  // Applies the changes and moves the position, atomically. Positions only rise.
  virtual absl::Status Apply(const std::vector<Change>& changes, int64_t position) = 0;
  // What Apply was last told, as of this run; -1 if never.
  virtual int64_t position() const = 0;
  // Makes everything applied so far durable and returns its position: what a restart will find at least.
  virtual absl::StatusOr<int64_t> Flush() = 0;
  virtual size_t MemoryBytes() const = 0;
};

}  // namespace leat::state
