// One segment of a partition log: the file of batches, its two indexes and its aborted transactions. Knows its size
// without asking the disk. The file and the indexes of a segment that is not written to are loaded when needed and
// dropped again by the SegmentCache. One shard; file() may be synced on a disk thread meanwhile.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "log/aborted_index.h"
#include "log/segment_indexes.h"
#include "model/ids.h"
#include "model/record_batch.h"

namespace leat::log {

class Segment;

// Keeps at most `capacity` segments loaded: the least recently used one that can be dropped goes first.
class SegmentCache {
 public:
  explicit SegmentCache(size_t capacity) : capacity_(capacity) {}
  void Touch(Segment* segment);
  void Forget(Segment* segment);
  size_t loaded() const { return order_.size(); }

 private:
  size_t capacity_;
  std::list<Segment*> order_;  // most recently used first
};

// What every segment of a partition shares.
struct SegmentHome {
  env::Disk* disk;
  SegmentCache* cache;
  std::string folder;
  int64_t index_interval_bytes;
  // Compaction has been over the log up to here: offsets below may be missing. Noted on disk before it is relied on.
  model::Offset gaps_until{0};
};

// Bytes to put into an index file; executed on a disk thread.
struct IndexWrite {
  // A tail is lost with a power cut and made again by recovery, which begins before it. A file that is replaced may lie
  // below the recovery point, where nobody would notice that it lost its end: it goes from old to new as a whole.
  // kReplaceOrRemove: there is no file without bytes.
  enum class How { kAppend, kReplace, kReplaceOrRemove };
  How how;
  std::string path;
  uint64_t at;  // kAppend: where the file ends
  std::string bytes;
};
absl::Status WriteIndex(env::Disk& disk, const IndexWrite& write);

class Segment {
 public:
  // A segment that is on disk with `size` bytes. `home` must outlive it.
  Segment(const SegmentHome& home, model::Offset base, uint64_t size);
  // Makes the empty file. Its name is durable only after SyncDirectory of the folder.
  static absl::StatusOr<std::unique_ptr<Segment>> Create(const SegmentHome& home, model::Offset base);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  model::Offset base() const { return base_; }
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  model::Offset gaps_until() const { return home_.gaps_until; }
  std::vector<std::string> Files() const;

  // Loads file and indexes if they are not; damaged or missing indexes are built again.
  absl::Status Load();
  // The same for the segment where recovery begins: its indexes keep only what lies below `from`.
  absl::Status LoadForRecovery(model::Offset from);
  // The aborted transactions alone. kDataLoss: the file is damaged; none are known then.
  absl::Status LoadAborted();
  // Builds the indexes from the batch headers, up to the first one that is not as it should be.
  absl::Status RebuildIndexes();
  // Empties the indexes of a segment that recovery walks from its start.
  void ForgetIndexes();
  int rebuilds() const { return rebuilds_; }

  // REQUIRES (all below): loaded.
  const std::shared_ptr<env::File>& file() const { return file_; }
  const OffsetIndex& offsets() const { return indexes_.offsets; }
  const TimeIndex& times() const { return indexes_.times; }
  // Empty if aborted_damaged(): then they are to be found out and given to ReplaceAborted. Until aborted_checked() they
  // are what the file says; the format has no checksum, so that they are to be compared with the log.
  const AbortedIndex& aborted() const { return aborted_; }
  bool aborted_damaged() const { return aborted_damaged_; }
  bool aborted_checked() const { return aborted_checked_; }
  void set_aborted_checked() {
    aborted_checked_ = true;
    NoteLeastAborted();
  }
  // The least first offset of the aborted transactions (INT64_MAX if there are none), once they were checked. Also
  // known while the segment is not loaded.
  std::optional<model::Offset> least_aborted() const { return least_aborted_; }
  // Where to start looking for an offset: a batch boundary at or before its batch.
  uint64_t FloorPosition(model::Offset offset) const;
  // The largest timestamp of the batches seen, and the last offset of the first batch that reached it; -1 if none.
  int64_t max_timestamp_ms() const { return indexes_.max_timestamp_ms; }
  model::Offset offset_of_max_timestamp() const { return base_ + indexes_.offset_of_max; }
  // The base timestamp of the first batch (its largest, where a delete horizon took that place); -1 if there is none.
  absl::StatusOr<int64_t> FirstTimestamp();

  // One write at the end. After a failure the size is unchanged and the bytes behind it are unknown.
  absl::Status Write(std::span<const std::string_view> pieces);
  absl::Status TruncateTo(uint64_t size);
  // Forgets the batches from `position` on, where the one of offset `to` begins or would: this becomes the segment that
  // is appended to. The file keeps them until its owner cuts it. On failure nothing has changed.
  absl::Status CutTo(uint64_t position, model::Offset to);
  // Tells the indexes of the batch at `position`. Every batch exactly once, in order.
  void NoteBatch(const model::BatchHeader& header, uint64_t position);
  // Tells of a transaction whose abort marker lies here, in the order of the markers.
  void NoteAborted(const AbortedEntry& entry);
  bool DropAbortedFrom(model::Offset offset);  // true if there were any
  void ReplaceAborted(AbortedIndex aborted);
  // The last time index entry of a segment that is complete. What was reserved for it is given back.
  void Seal();
  // The same when it is closed. REQUIRES: no write that failed is to be undone.
  void GiveRoomBack();
  // While pinned (written to, or with unsynced bytes) it is not dropped from memory.
  void set_pinned(bool pinned);

  // What the index files lack.
  std::vector<IndexWrite> PendingIndexWrites() const;
  struct IndexMark {
    uint64_t generation;
    size_t offsets, times;
    uint64_t aborted_generation;
    size_t aborted;
  };
  IndexMark index_mark() const;
  void MarkIndexWritten(const IndexMark& mark);

 private:
  friend class SegmentCache;
  // Room is asked for once a file has shown that it grows: as much again as it has, within these limits.
  static constexpr uint64_t kReserveFrom = uint64_t{1} << 20;
  static constexpr uint64_t kMostReserved = uint64_t{16} << 20;
  bool index_files_current() const;
  bool aborted_file_current() const { return !aborted_file_longer_ && written_aborted_ == aborted_.entries().size(); }
  bool droppable() const { return index_files_current(); }
  void Drop();
  absl::Status OpenFile();
  absl::Status ReadIndexes();
  absl::StatusOr<SegmentIndexes> IndexesUpTo(uint64_t position, model::Offset to);
  void NoteLeastAborted();
  void ClearIndexes();
  void ReserveAhead(uint64_t bytes);

  const SegmentHome& home_;
  const model::Offset base_;
  const std::string path_;
  uint64_t size_;
  uint64_t reserve_at_ = kReserveFrom;  // the size at which more room is asked for
  bool reserved_ = false;
  std::shared_ptr<env::File> file_;
  bool loaded_ = false;
  bool pinned_ = false;
  bool sealed_ = true;
  int rebuilds_ = 0;
  SegmentIndexes indexes_;
  std::optional<int64_t> first_timestamp_ms_;
  // How much of the indexes is in their files.
  size_t written_offsets_ = 0;
  size_t written_times_ = 0;
  bool files_longer_ = false;  // the files hold more than that, which must go
  uint64_t generation_ = 0;    // of the in-memory indexes; a rebuild begins a new one
  AbortedIndex aborted_;
  bool aborted_damaged_ = false;
  bool aborted_checked_ = false;
  std::optional<model::Offset> least_aborted_;
  size_t written_aborted_ = 0;
  bool aborted_file_longer_ = false;
  uint64_t aborted_generation_ = 0;
  std::list<Segment*>::iterator place_;
  bool cached_ = false;
};

}  // namespace leat::log
