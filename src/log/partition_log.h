// One partition's log: a folder `<topic>-<partition>` of segments in Kafka's layout. Lives on one shard; every call is
// made there. Reads and appends touch the page cache only; syncs run on the disk thread (env::Shard::RunBlocking).
//
// Offsets: log_start <= high_watermark <= log_end. Consumers read below the high watermark. With one copy it is what
// class F has synced, or what class P has written, and an acknowledged append lies below it; of several copies the
// owner says what it is (WatermarkBy). The last stable offset is the first offset of the oldest transaction that is
// open or whose marker the high watermark has not passed, or the high watermark if there is none; it lies at or above
// log_start and never goes back, unless the log is cut below it.
#pragma once

#include <absl/functional/any_invocable.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "env/disk.h"
#include "env/shard.h"
#include "log/leader_epochs.h"
#include "log/options.h"
#include "log/producer_state.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "model/transaction.h"

namespace leat::log {

struct AppendResult {
  model::Offset base_offset;
  model::Offset last_offset;
  int64_t log_append_time_ms = -1;  // -1 with CreateTime
};

// Stands for a look at the coordinator that is under way; see StartVerification.
enum class VerificationTicket : uint64_t { kNone = 0 };

// kAtOnce: written before Append returns, unless it fails. kThisTurn: written before this shard's next turn, together
// with what else comes for the log until then.
enum class WriteTime { kAtOnce, kThisTurn };

struct AppendOptions {
  model::LeaderEpoch epoch{0};
  Origin origin = Origin::kClient;
  FirstSequence first_sequence = FirstSequence::kAny;
  // Needed for a client's batch that would begin a transaction in this log; where given, it must still be good.
  VerificationTicket verification = VerificationTicket::kNone;
  WriteTime when = WriteTime::kAtOnce;
};

struct ReadResult {
  // Whole batches; the first one holds the offset asked for (it may begin below it), or is the next one behind it.
  std::string batches;
  model::Offset high_watermark;
  model::Offset log_start;
  model::Offset last_stable_offset;
  // kReadCommitted: the aborted transactions with records in `batches`, and perhaps others.
  std::vector<model::AbortedTransaction> aborted;
};

struct TimestampOffset {
  model::Offset offset;
  int64_t timestamp_ms;
};

// Who moves the high watermark. kLog: the log, as its durability class says: it is the only copy. kOwner: only
// SetHighWatermark does; an append is acknowledged when this copy fulfils its class.
enum class WatermarkBy : uint8_t { kLog, kOwner };

struct OffsetRange {
  model::Offset from;
  model::Offset to;  // the first one behind it
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
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
  uint64_t segments = 0;  // that were replaced by new ones
  uint64_t dropped_records = 0;
  Duration took;
};

class LogDirectory;

class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  // Checks the batches (one or more, concatenated), gives them offsets, and writes them. `done` runs on this shard once
  // the append is acknowledged by the durability class, or has failed; acknowledgements come in append order.
  // A producer's batch that is in the log already is not appended again: it is answered as the first one was, once that
  // one is durable.
  // Failures: kInvalidArgument (malformed: the message says what), kResourceExhausted (disk full: nothing was appended;
  // reads go on), kOutOfRange (batch larger than max_batch_bytes), kUnavailable (log directory offline), and those of
  // ProducerState::Check, with model::CodeOf; INVALID_TXN_STATE also if a verification is missing.
  using AppendDone = absl::AnyInvocable<void(absl::StatusOr<AppendResult>)>;
  virtual void Append(OwnedBytes batches, const AppendOptions& options, AppendDone done) = 0;

  // Ends the producer's transaction in this log, if it has one; the marker is written in any case, with the wall time.
  // Only the transaction coordinator calls this. Failures: those of Append and of ProducerState::CheckMarker.
  virtual void AppendMarker(const ProducerState::Marker& marker, model::LeaderEpoch epoch, AppendDone done) = 0;

  // To be called before a client's transactional batch is appended. kNone: the producer's transaction is open here in
  // this epoch, go ahead. Otherwise ask the coordinator whether the partition belongs to the producer's ongoing
  // transaction, and pass the ticket on to Append. A marker of the producer that is written meanwhile makes the ticket
  // void, so that a batch that was delayed never begins a transaction that nobody will end (KIP-890).
  virtual VerificationTicket StartVerification(model::ProducerId producer, int16_t epoch) = 0;

  // Up to max_bytes of whole batches from `from`, at least one batch if there is one, none at the end. Never past the
  // high watermark, with kReadCommitted never past the last stable offset. Where compaction took the records at `from`,
  // the batches that follow. kOutOfRange: from < log_start or > log_end; kDataLoss: the range is damaged and fenced.
  virtual absl::StatusOr<ReadResult> Read(model::Offset from, size_t max_bytes,
                                          model::Isolation isolation = model::Isolation::kReadUncommitted) = 0;

  // Runs `ready` on this shard once, when the end that Read stops at (the high watermark or the last stable offset)
  // passes `after` (at once if it has) or the log closes. Returns a ticket for CancelWait.
  virtual uint64_t WaitForData(model::Offset after, env::Closure ready,
                               model::Isolation isolation = model::Isolation::kReadUncommitted) = 0;
  virtual void CancelWait(uint64_t ticket) = 0;

  virtual model::Offset log_start() const = 0;
  virtual model::Offset high_watermark() const = 0;
  virtual model::Offset last_stable_offset() const = 0;
  virtual model::Offset log_end() const = 0;
  virtual uint64_t size_bytes() const = 0;
  virtual int segment_count() const = 0;
  virtual const LeaderEpochs& epochs() const = 0;  // of the log's batches
  virtual const RecoveryReport& recovery() const = 0;

  virtual size_t producer_count() const = 0;
  // The producers that the log remembers, by id.
  virtual std::vector<ProducerDescription> DescribeProducers() const = 0;

  // The first record whose timestamp is >= timestamp_ms, or nullopt. The record with the largest timestamp for
  // MaxTimestamp. Only records that Read would give to a reader of this isolation count.
  virtual absl::StatusOr<std::optional<TimestampOffset>> FindTimestamp(
      int64_t timestamp_ms, model::Isolation isolation = model::Isolation::kReadUncommitted) = 0;
  virtual absl::StatusOr<std::optional<TimestampOffset>> MaxTimestamp(
      model::Isolation isolation = model::Isolation::kReadUncommitted) = 0;

  // Moves log_start up (DeleteRecords) and removes segments wholly below it. `done` once durable. At most to the high
  // watermark; with kOwner to log_end(), as a follower does when its leader's log start is there: the high watermark is
  // moved up with it. kAborted: the log was cut or emptied meanwhile.
  virtual void DeleteRecordsBefore(model::Offset offset, absl::AnyInvocable<void(absl::Status)> done) = 0;
  virtual void SetOptions(const LogOptions& options) = 0;
  virtual const LogOptions& options() const = 0;
  // Rolls and removes old segments by age and size; called now and then by the owner. wall_ms: the current wall time.
  virtual void EnforceRetention(int64_t wall_ms) = 0;
  // Compacts the log if cleanup.policy says so and enough of it is dirty, or waits too long; called now and then by the
  // owner. Records of older values and tombstones whose time has come go, offsets stay. `done` on this shard, at once
  // if nothing is due. One at a time: kFailedPrecondition. kResourceExhausted, kAborted: nothing is lost, it may work
  // next time; kDataLoss: damage, the log is not compacted any more.
  using CompactDone = absl::AnyInvocable<void(absl::StatusOr<CompactionReport>)>;
  virtual void Compact(int64_t wall_ms, CompactDone done) = 0;
  // --- One copy of several ---

  // A log opens with kLog. May change at any time; from kOwner to kLog the high watermark moves up at once if it may,
  // from kLog to kOwner it stays. But the first call after the log was opened, if it says kOwner and nothing was
  // appended yet, sets it to what `replication-offset-checkpoint` says (log_start if there is no such file), within
  // [log_start, log_end]: to be made before anybody reads. Whoever knows that the log is the only copy says kLog.
  virtual void SetWatermarkBy(WatermarkBy by) = 0;
  // REQUIRES: kOwner. At most log_end(); where that is lower than the high watermark nothing changes. Runs what waits
  // for data before it returns.
  virtual void SetHighWatermark(model::Offset to) = 0;
  // Everything below is on disk, in both classes. Lower than before only after TruncateTo and RestartAt.
  virtual model::Offset durable_end() const = 0;
  // Called on the shard whenever durable_end() has risen (in class P too, when a checkpoint has synced), behind the
  // answers to the appends that it covers. One watcher; a second call replaces it, an empty one takes it away.
  virtual void OnDurable(std::function<void(model::Offset)> watcher) = 0;
  // Batches as the leader has them: their offsets and leader epochs stay, nothing is checked of producers' sequences
  // and sizes, their state follows. The first begins at log_end() or, where the leader's compaction left a gap, above.
  // kInvalidArgument: not whole batches with good CRCs, or offsets or epochs that fall. `done` as with Append, with the
  // offsets of the first and last record; when it fails, log_end() says how many of the batches were taken, and the
  // next call begins there. Waits for a cut that is under way (as Append does then), so that log_end() may not have
  // moved when it returns.
  virtual void AppendReplicated(OwnedBytes batches, AppendDone done) = 0;
  // As Read, up to log_end().
  virtual absl::StatusOr<ReadResult> ReadReplicated(model::Offset from, size_t max_bytes) = 0;
  // As WaitForData, until log_end() passes `after`. These and those of WaitForData also end when the log was cut below
  // what they wait for.
  virtual uint64_t WaitForEnd(model::Offset after, env::Closure ready) = 0;
  // Cuts off what lies at or behind `to`, and what is known from it: epochs, producers, aborted transactions, times,
  // snapshots, damaged ranges. REQUIRES: to >= log_start(), and a batch begins or ends there, as where an epoch ends;
  // otherwise the batch that holds `to` goes too, and where compaction left a gap before `to` the log ends before that:
  // log_end() tells. The shard sees the cut log when the call returns. Appends behind the cut that are not answered
  // fail with kAborted, so do all that wait. `done` when the cut is on disk; what is appended behind it meanwhile
  // waits, so that nothing of it is on disk before. A crash before `done` leaves the log cut there or anywhere behind.
  // At or above log_end() nothing is cut. Lowers high_watermark() and durable_end() to log_end(). A failure of the disk
  // takes the log directory offline; kDataLoss and others before that: nothing was cut.
  virtual void TruncateTo(model::Offset to, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // Removes everything: the log is empty, and start, high watermark and end are `at`. The rest as with TruncateTo, but
  // a crash before `done` leaves all of the log or nothing of it.
  virtual void RestartAt(model::Offset at, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // The ranges that reads found damaged and that cannot be read, rising. What lies between two is good as far as known.
  virtual std::vector<OffsetRange> damaged() const = 0;
  // Writes a peer's copy of one of damaged() in its place: the batches that hold [from, to), all of them. `done` when
  // it is on disk and can be read. kInvalidArgument: not such batches; kNotFound: no such range is damaged (any more);
  // kFailedPrecondition: the copy has another size, because one of both was compacted: only RestartAt helps.
  virtual void Mend(model::Offset from, model::Offset to, OwnedBytes batches,
                    absl::AnyInvocable<void(absl::Status)> done) = 0;

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
    size_t compaction_memory_bytes = size_t{16} << 20;          // for the keys of one cleaning, while it runs
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
    uint64_t read_bytes = 0, written_bytes = 0, dropped_records = 0, segments = 0;
    Duration time;
    int64_t last_run_wall_ms = 0;  // when one ended well; 0: not since the directory was opened
    double max_dirty_ratio = 0;    // of the partitions that are compacted, at the last look
    int uncleanable = 0;           // partitions that damage keeps from being compacted
  };
  virtual const CompactionStats& compaction() const = 0;
  virtual bool online() const = 0;
  virtual absl::Status offline_reason() const = 0;  // OK while online
  virtual void Close(absl::AnyInvocable<void(absl::Status)> done) = 0;
};

}  // namespace leat::log
