// One partition's log: a folder `<topic>-<partition>` of segments in Kafka's layout. Lives on one shard; every call is
// made there. Reads and appends touch the page cache only; syncs run on the disk thread (env::Shard::RunBlocking).
//
// Offsets: log_start <= high_watermark <= log_end. With one copy the high watermark is what class F has synced, or what
// class P has written: consumers read below it, and an acknowledged append lies below it.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "env/disk.h"
#include "env/shard.h"
#include "log/options.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace leat::log {

struct AppendResult {
  model::Offset base_offset;
  model::Offset last_offset;
  int64_t log_append_time_ms = -1;  // -1 with CreateTime
};

struct ReadResult {
  // Whole batches; the first one holds the offset asked for (it may begin below it), or is the next one behind it.
  std::string batches;
  model::Offset high_watermark;
  model::Offset log_start;
};

struct TimestampOffset {
  model::Offset offset;
  int64_t timestamp_ms;
};

// What recovery found, for the log line and the metrics.
struct RecoveryReport {
  uint64_t scanned_bytes = 0;
  uint64_t cut_bytes = 0;  // torn tail that was removed
  std::string cut_reason;  // empty if nothing was cut
  int rebuilt_indexes = 0;
};

// What one compaction did.
struct CompactionReport {
  bool ran = false;  // false: nothing was due
  uint64_t read_bytes = 0, written_bytes = 0;
  uint64_t dropped_records = 0;
  Duration took;
};

class LogDirectory;

class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  // Checks the batches (one or more, concatenated), gives them offsets, and writes them. `done` runs on this shard once
  // the append is acknowledged by the durability class, or has failed; acknowledgements come in append order.
  // Failures: kInvalidArgument (malformed: the message says what), kResourceExhausted (disk full: nothing was appended;
  // reads go on), kOutOfRange (batch larger than max_batch_bytes), kUnavailable (log directory offline).
  using AppendDone = absl::AnyInvocable<void(absl::StatusOr<AppendResult>)>;
  virtual void Append(std::string batches, model::LeaderEpoch epoch, AppendDone done) = 0;

  // Up to max_bytes of whole batches from `from`, at least one batch if there is one, none at the end. Never past the
  // high watermark. Where compaction took the records at `from`, the batches that follow. kOutOfRange: from < log_start or > log_end; kDataLoss: the range is damaged and fenced.
  virtual absl::StatusOr<ReadResult> Read(model::Offset from, size_t max_bytes) = 0;

  // Runs `ready` on this shard once, when the high watermark passes `after` (at once if it has) or the log closes.
  // Returns a ticket for CancelWait.
  virtual uint64_t WaitForData(model::Offset after, env::Closure ready) = 0;
  virtual void CancelWait(uint64_t ticket) = 0;

  virtual model::Offset log_start() const = 0;
  virtual model::Offset high_watermark() const = 0;
  virtual model::Offset log_end() const = 0;
  virtual uint64_t size_bytes() const = 0;
  virtual int segment_count() const = 0;
  virtual const RecoveryReport& recovery() const = 0;

  // The first record whose timestamp is >= timestamp_ms, or nullopt. The record with the largest timestamp for
  // MaxTimestamp.
  virtual absl::StatusOr<std::optional<TimestampOffset>> FindTimestamp(int64_t timestamp_ms) = 0;
  virtual absl::StatusOr<std::optional<TimestampOffset>> MaxTimestamp() = 0;

  // Moves log_start up (DeleteRecords) and removes segments wholly below it. `done` once durable.
  virtual void DeleteRecordsBefore(model::Offset offset, absl::AnyInvocable<void(absl::Status)> done) = 0;
  virtual void SetOptions(const LogOptions& options) = 0;
  // Rolls and removes old segments by age and size; called now and then by the owner. wall_ms: the current wall time.
  virtual void EnforceRetention(int64_t wall_ms) = 0;
  // Compacts the log if cleanup.policy says so and enough of it is dirty, or waits too long; called now and then by the
  // owner. Records of older values and tombstones whose time has come go, offsets stay. `done` on this shard, at once if
  // nothing is due. One at a time: kFailedPrecondition. kResourceExhausted, kAborted: nothing is lost, it may work next
  // time; kDataLoss: damage, the log is not compacted any more.
  using CompactDone = absl::AnyInvocable<void(absl::StatusOr<CompactionReport>)>;
  virtual void Compact(int64_t wall_ms, CompactDone done) = 0;
  // Writes everything out, syncs, checkpoints; `done` when closed. Parked appends are answered first.
  virtual void Close(absl::AnyInvocable<void(absl::Status)> done) = 0;
};

// All partition logs below one directory (`data_dir/log`), and what they share: the lock, the recovery checkpoint, the
// online state and the group sync. One shard owns one LogDirectory object; several shards may share a directory path
// with disjoint partitions (see LogDirectoryState in the implementation).
class LogDirectory {
 public:
  struct Options {
    std::string path;
    Duration checkpoint_interval = absl::Seconds(60);
    Duration retention_check_interval = absl::Minutes(5);
    size_t max_loaded_segments = 64;  // old segments whose file and indexes stay open; active ones come on top
    Duration compaction_check_interval = absl::Seconds(15);
    size_t compaction_memory_bytes = size_t{16} << 20;              // for the keys of one cleaning, while it runs
    uint64_t compaction_bytes_per_second = uint64_t{64} << 20;  // read and written; 0 is unlimited
    size_t compaction_slice_bytes = size_t{1} << 20;            // for which one disk thread is held at a time
  };
  static absl::StatusOr<std::unique_ptr<LogDirectory>> Open(env::Disk& disk, env::Shard& shard, const Options& options);
  virtual ~LogDirectory() = default;

  // Opens (recovering) or makes the partition's folder. Offline or damaged: a Status that says what to do.
  virtual absl::StatusOr<PartitionLog*> OpenPartition(const model::TopicPartition& tp, const LogOptions& options) = 0;
  virtual PartitionLog* Find(const model::TopicPartition& tp) = 0;  // nullptr if not open
  // Closes and removes the partition's folder (renamed aside first, so that a crash never leaves half a log).
  virtual void DeletePartition(const model::TopicPartition& tp, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // One partition is compacted at a time, the dirtiest first.
  struct CompactionStats {
    uint64_t runs = 0, failures = 0;
    uint64_t read_bytes = 0, written_bytes = 0, dropped_records = 0;
    Duration time;
    double max_dirty_ratio = 0;  // of the partitions that are compacted, at the last look
    int uncleanable = 0;         // partitions that damage keeps from being compacted
  };
  virtual const CompactionStats& compaction() const = 0;
  virtual bool online() const = 0;
  virtual absl::Status offline_reason() const = 0;  // OK while online
  virtual void Close(absl::AnyInvocable<void(absl::Status)> done) = 0;
};

}  // namespace leat::log
