// Snapshots of the quorum's state machine: files `<end>-<term>.checkpoint` beside the log, named as Kafka names them.
// Inside are record batches: the first holds one record, the head, the others the state's records in order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "raft/core.h"

namespace leat::coordinator {

using StateRecords = std::vector<std::string>;

std::string SnapshotName(const raft::LogPoint& point);
std::optional<raft::LogPoint> ParseSnapshotName(std::string_view name);

std::string EncodeSnapshot(const raft::LogPoint& point, const raft::VoterSet& voters, const StateRecords& records);

struct LoadedSnapshot {
  raft::Snapshot snapshot;
  StateRecords records;
};
// kDataLoss: the file is damaged or not whole; kUnimplemented: of a newer program.
absl::StatusOr<LoadedSnapshot> DecodeSnapshot(std::string_view bytes);

// The files in one folder. Every call blocks on the disk; any thread, but one at a time for one file.
class SnapshotFolder {
 public:
  SnapshotFolder(env::Disk& disk, std::string folder) : disk_(&disk), folder_(std::move(folder)) {}

  // Of all that are there, ascending.
  absl::StatusOr<std::vector<raft::LogPoint>> List() const;
  absl::StatusOr<LoadedSnapshot> Load(const raft::LogPoint& point) const;
  // The newest that is whole, with a warning for each that is not; nullopt if there is none.
  absl::StatusOr<std::optional<LoadedSnapshot>> LoadNewest() const;
  // Durable when it returns; returns the size. kResourceExhausted: there is no room, nothing has changed.
  absl::StatusOr<int64_t> Write(const raft::LogPoint& point, const raft::VoterSet& voters,
                                const StateRecords& records) const;
  // The bytes from `position`, fewer than max_bytes only at the end.
  struct Piece {
    std::string bytes;
    bool last = false;
  };
  absl::StatusOr<Piece> Read(const raft::LogPoint& point, int64_t position, int64_t max_bytes) const;

  // One that comes in piece by piece, under a name of its own until it is whole. Position 0 begins anew.
  absl::Status WritePiece(const raft::LogPoint& point, int64_t position, std::string_view bytes) const;
  // The pieces are all: makes the file durable under its name and reads it. A file that has that name already is read.
  absl::StatusOr<LoadedSnapshot> FinishPieces(const raft::LogPoint& point, int64_t bytes) const;

  // Removes all but the `keep` newest of those up to `point`. A newer one may be coming in.
  absl::Status Prune(const raft::LogPoint& point, size_t keep) const;

 private:
  std::string Path(const raft::LogPoint& point) const { return env::JoinPath(folder_, SnapshotName(point)); }

  env::Disk* disk_;
  std::string folder_;
};

}  // namespace leat::coordinator
