// Committed state in a RocksDB folder. RocksDB's own log is off: the changelog is the log, and the store is only ever
// at one position of it. What survives a crash is the position of the last flush (or a later one that RocksDB wrote by
// itself) with exactly the state of that position; the driver replays the changelog from there.
//
// The position lies under the empty key, which no state key is, in the same write batch as the changes: the two cannot
// come apart. Many changes in the order of their keys are written as a file, durable at once, that RocksDB takes in as
// a whole, the position with it. Thread-safe as CommittedStore asks: one reader's thread beside one that applies and
// flushes.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "stream/state/committed_store.h"

namespace leat::rocks {

struct RocksOptions {
  size_t write_buffer_bytes = size_t{8} << 20;  // one memtable; at most two are held
  size_t max_write_buffers = 2;
  int max_background_jobs = 1;
  int max_open_files = 256;
};

// A block cache that any number of stores share; memtables are charged to it too.
class SharedCache {
 public:
  static constexpr size_t kDefaultBytes = size_t{16} << 20;
  static std::shared_ptr<SharedCache> Create(size_t bytes = kDefaultBytes);
  virtual ~SharedCache() = default;
  virtual size_t UsedBytes() const = 0;
};

// Opens the store in `folder`, or creates it (parents included). position() is then what the folder holds: -1 if new.
// kDataLoss: the folder is damaged; it says what and what to do. kUnavailable: another process has it open, or the disk
// failed.
absl::StatusOr<std::unique_ptr<state::CommittedStore>> OpenRocksStore(const std::string& folder,
                                                                      const RocksOptions& options,
                                                                      std::shared_ptr<SharedCache> cache);

}  // namespace leat::rocks
