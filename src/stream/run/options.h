// What the job runner can be told; filled from the configuration. A job's SET keys override the first three.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace leat::run {

struct Options {
  Duration checkpoint_interval = absl::Milliseconds(100);  // execution.checkpointing.interval
  int parallelism = 0;                                     // parallelism.default; 0: one task a core
  Duration idle_timeout =
      absl::ZeroDuration();  // table.exec.source.idle-timeout; 0: the broker knows which partitions are at their end
  size_t memory_limit_bytes = size_t{512} << 20;       // per job: queues, overlay, caches
  int max_restarts = 10;                               // in a row without a checkpoint between; then the job is parked
  Duration restart_backoff = absl::Milliseconds(100);  // doubles each time, up to the maximum
  Duration restart_backoff_max = absl::Seconds(30);
  std::string state_dir;                        // RocksDB folders, one a job and task
  std::vector<std::string> filesystem_folders;  // in which tables with the connector 'filesystem' may lie
};

}  // namespace leat::run
