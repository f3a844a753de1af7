// How a coordinator's records get into a partition of its topic: appended by the partition's leader in its epoch, and
// answered once they are committed, that is, held by every copy in sync. Called and answered on the partition's shard.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "base/owned_bytes.h"
#include "log/partition_log.h"

namespace leat::coordinator {

using AppendTo =
    std::function<void(model::PartitionId, OwnedBytes, log::Origin origin, log::PartitionLog::AppendDone done)>;

// For logs that are the only copies of their partitions, and stay in the epoch that they are in. They outlive it.
inline AppendTo ToOnlyCopies(std::vector<log::PartitionLog*> logs) {
  return [logs = std::move(logs)](model::PartitionId partition, OwnedBytes bytes, log::Origin origin,
                                  log::PartitionLog::AppendDone done) {
    log::PartitionLog& log = *logs[static_cast<size_t>(partition.value())];
    const model::LeaderEpoch epoch = std::max(model::LeaderEpoch(0), log.epochs().latest());
    log.Append(std::move(bytes), {.epoch = epoch, .origin = origin}, std::move(done));
  };
}

}  // namespace leat::coordinator
