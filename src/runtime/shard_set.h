// The shards of one process and the disk threads they share.
#pragma once

#include <memory>
#include <vector>

#include "runtime/asio_shard.h"
#include "runtime/disk_threads.h"

namespace leat::runtime {

class ShardSet {
 public:
  struct Options {
    size_t shards = 0;  // 0: one for each core that the process may use
    DiskThreads::Options disk_threads;
  };
  explicit ShardSet(const Options& options);
  ~ShardSet();  // as Stop()

  void Start();  // once; starts the threads leat-shard-0 to leat-shard-<n-1>
  // Finishes the work on disk threads (its results still reach the shards), then stops the shards from the last to the
  // first. Call it when every module has closed its gates. A second call does nothing.
  void Stop();

  size_t size() const { return shards_.size(); }
  AsioShard& shard(size_t index) { return *shards_.at(index); }

 private:
  DiskThreads disk_;  // outlives the shards, which refer to it
  std::vector<std::unique_ptr<AsioShard>> shards_;
};

}  // namespace leat::runtime
