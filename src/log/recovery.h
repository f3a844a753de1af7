// Brings a partition folder back to a log that can be read and appended to. Reads from the recovery point on only; cuts
// a torn tail, refuses damage (tail_judge.h has the rule), rebuilds indexes and leader epochs that are missing or
// damaged, and the state of the producers. Blocks on the disk; on return everything it found readable is on disk, in
// both durability classes.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "log/leader_epochs.h"
#include "log/options.h"
#include "log/partition_log.h"
#include "log/producer_recovery.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "model/ids.h"

namespace leat::log {

enum class TailRule { kJudge, kAlwaysCut };  // kAlwaysCut loses data on damage; it exists to show that a test notices

struct RecoveredLog {
  std::vector<std::unique_ptr<Segment>> segments;  // at least one; the last one is open for appends
  model::Offset log_start{0};
  model::Offset log_end{0};
  model::Offset recovery_point{0};
  LeaderEpochs epochs;
  bool epochs_changed = false;  // the file is behind
  ProducerState producers;
  std::set<model::Offset> snapshots;                                   // of producers, that are on disk
  std::vector<std::pair<model::Offset, std::string>> fresh_snapshots;  // to be written
  RecoveryReport report;
};

struct RecoveryRules {
  TailRule tail = TailRule::kJudge;
  ReplayTimes replay;
  bool fresh = false;  // the folder was made just now: there is nothing to find, and nothing that must not come back
};

// kDataLoss: damage, with file, position, offset and what to do. kUnavailable: a sync failed. `home` must outlive it.
absl::StatusOr<RecoveredLog> RecoverLog(const SegmentHome& home, const model::TopicPartition& tp,
                                        const RecoveryRules& rules);

}  // namespace leat::log
