// One cleaning of one partition, as work for a disk thread in small slices: first it reads the dirty part and notes the
// last offset of every key, then it writes the segments again, a group at a time, as `.cleaned` files. Putting those in
// place is the partition's work between slices (segment_swap.h), because readers must learn of it.
//
// Memory: the offset map, one batch and its decompressed copy, and a write buffer. Reads files by name: it must be the
// only one that renames or rewrites segments of the folder; segments that are removed meanwhile end it.
//
// The records of aborted transactions go, whatever their keys: so a segment whose marker was cleaned needs no list of
// aborted transactions, and new segments have none.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "log/batch_scanner.h"
#include "log/cleaned_transactions.h"
#include "log/compaction.h"
#include "log/producer_state.h"
#include "log/segment_indexes.h"

namespace leat::log {

class CleaningRun {
 public:
  struct Plan {
    std::string folder;
    std::vector<SegmentFacts> segments;  // from the log's first one to the end of what can be cleaned; not empty
    model::Offset first_dirty;
    model::Offset gaps_until;
    LogOptions options;
    size_t map_bytes = 0;
    HashSeed seed;
    int64_t wall_ms = 0;
    // Those with records below the end of `segments` whose marker is at or behind first_dirty.
    std::vector<AbortedEntry> aborted;
    ProducerState::LastBatchMap producers;  // as they were at the recovery point
  };
  // A group that waits to be put in place.
  struct Group {
    std::vector<SegmentFacts> from;
    uint64_t bytes = 0;  // of the new segment
  };
  enum class State { kWorking, kGroupReady, kDone };
  // What a failed slice means: nothing was changed, and it may work next time (a full disk, a read error, a segment
  // that is gone); the log is damaged, so that it cannot be cleaned; the disk failed a write or a sync.
  enum class Failure { kNone, kTryAgain, kDamaged, kDisk };
  struct Stats {
    uint64_t read_bytes = 0, written_bytes = 0;  // of batches
    uint64_t dropped_records = 0;
    uint64_t segments = 0;  // that were replaced by new ones
  };

  explicit CleaningRun(Plan plan);
  // Works on about `bytes` of batches, at least on one. After a failure, do not call again. Disk thread.
  absl::Status RunSlice(env::Disk& disk, size_t bytes);
  // The rest is for the shard, while no slice runs.
  State state() const { return state_; }
  Failure failure() const { return failure_; }
  const Group& group() const { return group_; }  // REQUIRES: kGroupReady
  void GroupIsInPlace();                         // REQUIRES: kGroupReady
  // Everything below has been cleaned once the state is kDone.
  model::Offset cleaned_to() const { return map_end_; }
  // The end of the last segment that is written again.
  model::Offset rewritten_to() const;
  const Stats& stats() const { return stats_; }
  const Plan& plan() const { return plan_; }
  // The base of the group whose `.cleaned` files may be there.
  std::optional<model::Offset> begun() const;

 private:
  absl::Status Step(env::Disk& disk);
  // Opens the segment if none is open. True: a batch; false: the segment is over.
  absl::StatusOr<bool> NextBatch(env::Disk& disk, const SegmentFacts& segment, ScannedBatch* batch);
  absl::Status StepMap(env::Disk& disk);
  absl::Status NoteKeys(const ScannedBatch& batch);
  void EndMap(model::Offset end);
  absl::Status StepClean(env::Disk& disk);
  absl::Status BeginGroup(env::Disk& disk);
  absl::Status CleanOne(const ScannedBatch& batch);
  BatchVerdict Judge(const ScannedBatch& batch);
  absl::Status EndGroup(env::Disk& disk);
  absl::Status Flush();
  absl::Status Fail(Failure failure, absl::Status status);

  const Plan plan_;
  State state_ = State::kWorking;
  Failure failure_ = Failure::kNone;
  Stats stats_;
  OffsetMap map_;
  model::Offset map_end_;
  CleanedTransactions map_transactions_;  // while the keys are noted
  CleanedTransactions transactions_;
  bool mapping_ = true;
  size_t segment_ = 0;  // the one that is read
  std::unique_ptr<env::File> file_;
  std::unique_ptr<BatchScanner> scanner_;
  std::vector<SegmentGroup> groups_;
  size_t next_group_ = 0;
  Group group_;
  std::unique_ptr<env::File> out_;
  std::string buffer_;
  uint64_t unsynced_bytes_ = 0;
  bool changed_ = false;
  SegmentIndexes indexes_;
};

}  // namespace leat::log
