// What the cores of one partition replica are told: where it stands in the metadata image, and what its log holds.
// Plain values, copied in by the driver.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "model/ids.h"
#include "replication/epoch_ranges.h"

namespace leat::replication {

// A broker process's life: rises with every registration. -1: unknown, or never registered.
using BrokerEpoch = StrongId<struct BrokerEpochTag, int64_t>;
inline constexpr BrokerEpoch kNoBrokerEpoch{-1};
inline constexpr model::NodeId kNoNode{-1};

// When a record counts as held by a replica. kFsync ("F"): on its disk. kPageCache ("P"): in its page cache.
enum class Durability { kFsync, kPageCache };

// Only an active broker may join an in-sync set (KIP-841).
enum class BrokerState { kActive, kFenced, kShuttingDown };

// One replica as the image knows it.
struct ReplicaView {
  model::NodeId node;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;
  BrokerState state = BrokerState::kActive;
  std::string rack;
};

// One partition as the image knows it. Its partition epoch rises with every change that the controller makes; a view
// may come again with the same one when a broker's state has changed.
struct PartitionView {
  model::NodeId leader = kNoNode;
  model::LeaderEpoch epoch{0};
  int32_t partition_epoch = 0;
  std::vector<ReplicaView> replicas;  // the preferred leader first
  std::vector<model::NodeId> isr;
  std::vector<model::NodeId> elr;
  int min_insync = 1;
  Durability durability = Durability::kFsync;

  const ReplicaView* Find(model::NodeId node) const {
    const auto it = std::ranges::find(replicas, node, &ReplicaView::node);
    return it == replicas.end() ? nullptr : &*it;
  }
  // min.insync.replicas, but never more than there are replicas.
  size_t effective_min_insync() const {
    return std::clamp(static_cast<size_t>(std::max(1, min_insync)), size_t{1}, std::max<size_t>(1, replicas.size()));
  }
};

inline bool Contains(const std::vector<model::NodeId>& nodes, model::NodeId node) {
  return std::ranges::find(nodes, node) != nodes.end();
}

// A replica's log. start <= high_watermark <= end, durable_end <= end. The cores keep it up to date as if every effect
// succeeds; the driver hands over a new one when something failed (see PartitionReplica::OnLogFacts).
struct LogFacts {
  model::Offset start{0};
  model::Offset end{0};          // of the next record
  model::Offset durable_end{0};  // everything below is on disk
  model::Offset high_watermark{0};
  EpochRanges epochs;

  void Append(model::LeaderEpoch epoch, model::Offset base, model::Offset new_end) {
    epochs.Note(epoch, base);
    end = new_end;
  }
  // REQUIRES: to >= start.
  void TruncateTo(model::Offset to) {
    end = std::min(end, to);
    durable_end = std::min(durable_end, to);
    high_watermark = std::min(high_watermark, to);
    epochs.TruncateTo(to);
  }
  // Empties the log; the next record is at `at`.
  void RestartAt(model::Offset at) {
    start = end = durable_end = high_watermark = at;
    epochs.Clear();
  }
  // REQUIRES: to <= end.
  void TrimTo(model::Offset to) {
    start = std::max(start, to);
    high_watermark = std::max(high_watermark, start);
    epochs.TrimTo(start);
  }
};

// A half-open range of offsets.
struct OffsetRange {
  model::Offset from;
  model::Offset to;
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

}  // namespace leat::replication
