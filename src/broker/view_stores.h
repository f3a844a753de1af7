// Where the tables of views are kept: behind one small interface, so that views can be tested without a real disk.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "stream/state/committed_store.h"

namespace leat::broker {

class ViewStores {
 public:
  virtual ~ViewStores() = default;
  // Both block; any thread.
  virtual absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& folder) = 0;
  // Fine if there is no such folder. REQUIRES: nothing in it is open.
  virtual absl::Status Remove(const std::string& folder) = 0;
};

// RocksDB. `cache_bytes` are shared by all tables; beside them each has memtables of at most twice
// `write_buffer_bytes`.
std::unique_ptr<ViewStores> MakeRocksViewStores(size_t cache_bytes, size_t write_buffer_bytes);
// For tests: an opened store is empty and ends with its owner.
std::unique_ptr<ViewStores> MakeMemoryViewStores();

}  // namespace leat::broker
