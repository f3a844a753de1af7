// What cutting a log, and emptying it, do on the disk. Each leaves a folder that recovery understands wherever it
// stops.
//
// A cut: the checkpoints that say more than the log will hold are lowered, the recovery point among them, with a
// snapshot of the producers where it is then, since later ones go; then the segments and snapshots behind the cut are
// removed, the newest first; then the segment in which the log will end is truncated. Recovery scans from the recovery
// point on, so that before the end it finds a log that was cut anywhere at or behind the place. Emptying: a file says
// that it has begun, and where the log begins again. From then on recovery finishes it.
//
// Blocks on the disk; while nothing else changes the folder.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "env/disk.h"
#include "model/ids.h"

namespace leat::log {

struct LogCut {
  std::string folder;
  model::TopicPartition tp;
  model::Offset end;  // of what stays
  // What the checkpoints are to say, at most `end`. Without: that one needs no change.
  std::optional<model::Offset> recovery_point;
  std::string snapshot;  // of the producers, at `end`; empty: there never were any, or the recovery point stays
  std::optional<model::Offset> watermark;
  std::optional<model::Offset> cleaned_to;
  std::string epochs;  // of what stays; empty: the file is current
  // The segment in which the log ends.
  model::Offset base;
  std::shared_ptr<env::File> file;
  uint64_t size = 0;
};
struct CutOutcome {
  absl::Status status;
  bool snapshot_noted = false;
  bool recovery_point_noted = false;  // false: there was no room; the file is gone
  bool watermark_noted = false;       // likewise
  bool epochs_noted = false;  // false: there was no room; the file says too much, which recovery does not believe
};
CutOutcome RunCut(env::Disk& disk, const LogCut& cut);

// Empties the folder; the log begins again at `at`, with an empty segment.
absl::Status RunRestart(env::Disk& disk, const std::string& folder, const model::TopicPartition& tp, model::Offset at);
// Before a folder is recovered: goes on where RunRestart was interrupted. kDataLoss: the file that says so is damaged.
absl::Status FinishRestart(env::Disk& disk, const std::string& folder, const model::TopicPartition& tp);

}  // namespace leat::log
