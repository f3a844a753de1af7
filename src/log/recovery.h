// Brings a partition folder back to a log that can be read and appended to. Reads from the recovery point on only; cuts
// a torn tail, refuses damage (tail_judge.h has the rule), rebuilds indexes and leader epochs that are missing or
// damaged, and the state of the producers. Blocks on the disk; on return what was cut is gone from the disk, and in
// class F everything it found readable is on it. Nothing is synced of a log that was whole, which thousands are.
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
  model::Offset durable_end{0};  // everything below is on disk
  model::Offset decided_to{0};   // every transaction that began below has its marker on disk
  bool names_durable = false;    // of the files, and of the folder
};

// What is known of the bytes that processes before this one have written. kWhole: the kernel is still the one that took
// them, so that all of them are there, in their order; the last write may have been cut short. kUnknown: power may have
// been lost since.
enum class PageCache { kUnknown, kWhole };

struct RecoveryRules {
  TailRule tail = TailRule::kJudge;
  ReplayTimes replay;
  bool fresh = false;  // the folder was made just now: there is nothing to find, and nothing that must not come back
  Durability durability = Durability::kFsync;
  PageCache page_cache = PageCache::kUnknown;
};

// kDataLoss: damage, with file, position, offset and what to do. kUnavailable: a sync failed. `home` must outlive it.
// `names`: of the files in the folder, sorted.
absl::StatusOr<RecoveredLog> RecoverLog(const SegmentHome& home, const model::TopicPartition& tp,
                                        const RecoveryRules& rules, std::vector<std::string> names);

}  // namespace leat::log
