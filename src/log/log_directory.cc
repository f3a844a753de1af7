#include "log/log_directory.h"

#include <absl/strings/str_format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/logging.h"
#include "log/change_mark.h"
#include "log/file_names.h"
#include "log/partition_log_impl.h"

namespace leat::log {
namespace {

constexpr size_t kLongestName = 255;  // of a file, in bytes

class LogDirectoryImpl : public LogDirectory {
 public:
  LogDirectoryImpl(env::Disk& disk, env::Shard& shard, const Options& options, PageCache page_cache, TailRule rule)
      : options_(options),
        rule_(rule),
        shared_{
            disk,
            shard,
            page_cache,
            SegmentCache(options.max_loaded_segments),
            nullptr,
            {options.compaction_memory_bytes, options.compaction_bytes_per_second, options.compaction_slice_bytes}} {
    shared_.go_offline = [this](const absl::Status& reason) { GoOffline(reason); };
    shared_.sync = std::make_unique<GroupSync>(disk, shard, [this](const absl::Status& reason) { GoOffline(reason); });
  }

  absl::Status Start() {
    LEAT_RETURN_IF_ERROR(shared_.disk.CreateDirectories(options_.path));
    LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, shared_.disk.List(options_.path));
    for (const std::string& name : names) {
      if (!name.ends_with(kDeletedFolderSuffix)) continue;
      // Another shard of the same directory may be removing it too.
      const absl::Status removed = env::RemoveRecursively(shared_.disk, env::JoinPath(options_.path, name));
      if (!removed.ok()) LogWarning("log", "a deleted partition is still there: ", Message(removed));
    }
    ArmCheckpoint();
    ArmRetention();
    ArmCompaction();
    return absl::OkStatus();
  }

  absl::StatusOr<PartitionLog*> OpenPartition(const model::TopicPartition& tp, const LogOptions& options) override {
    if (!shared_.offline.ok()) return shared_.offline;
    if (closing_) return Unavailable("log directory ", options_.path, " is closed");
    if (logs_.contains(tp)) return AlreadyExists("the log of ", tp.ToString(), " is open");
    if (!model::IsValidTopicName(tp.topic) || tp.partition.value() < 0) {
      return InvalidArgument("'", tp.ToString(), "' is not the name of a partition");
    }
    absl::StatusOr<std::unique_ptr<PartitionLogImpl>> log =
        PartitionLogImpl::Open(shared_, Folder(tp), tp, options, rule_);
    if (!log.ok()) {
      // Nobody has looked at all of it: it is not as the rest of the page cache for the next process either.
      MarkChange(shared_.disk, Folder(tp)).IgnoreError();
      if (absl::IsUnavailable(log.status())) GoOffline(log.status());
      return Annotate(log.status(), StrCat("opening the log of ", tp.ToString()));
    }
    return (logs_[tp] = *std::move(log)).get();
  }

  PartitionLog* Find(const model::TopicPartition& tp) override {
    const auto it = logs_.find(tp);
    return it == logs_.end() ? nullptr : it->second.get();
  }

  void DeletePartition(const model::TopicPartition& tp, absl::AnyInvocable<void(absl::Status)> done) override {
    if (!shared_.offline.ok()) return done(shared_.offline);
    const auto it = logs_.find(tp);
    if (it == logs_.end()) return RemoveFolder(tp, std::move(done));
    // Out of the map at once: the partition cannot be found any more. The object lives until its disk work is done.
    std::shared_ptr<PartitionLogImpl> log = std::move(it->second);
    logs_.erase(it);
    log->Abandon(Unavailable("the log of ", tp.ToString(), " is being deleted"),
                 [this, tp, log, done = std::move(done)]() mutable {
                   log.reset();
                   RemoveFolder(tp, std::move(done));
                 });
  }

  const CompactionStats& compaction() const override { return compaction_; }
  bool online() const override { return shared_.offline.ok(); }
  absl::Status offline_reason() const override { return shared_.offline; }

  void Close(absl::AnyInvocable<void(absl::Status)> done) override {
    closing_ = true;
    checkpoint_timer_.reset();
    retention_timer_.reset();
    compaction_timer_.reset();
    struct Closing {
      size_t open = 1;
      absl::Status first;
      absl::AnyInvocable<void(absl::Status)> done;
    };
    auto closing = std::make_shared<Closing>();
    closing->done = std::move(done);
    const auto one_closed = [closing](const absl::Status& status) {
      if (closing->first.ok()) closing->first = status;
      if (--closing->open == 0) closing->done(closing->first);
    };
    for (const auto& [tp, log] : logs_) {
      if (log->closed()) continue;
      ++closing->open;
      log->Close(one_closed);
    }
    one_closed(absl::OkStatus());
  }

 private:
  std::string Folder(const model::TopicPartition& tp) const { return env::JoinPath(options_.path, tp.ToString()); }

  void GoOffline(const absl::Status& reason) {
    if (!shared_.offline.ok()) return;
    shared_.offline =
        Unavailable("log directory ", options_.path, " is offline because its disk failed (", Message(reason),
                    "): nothing more is written to it; what was committed can be read. "
                    "Check the device and the kernel's log, then restart the machine: after a failed sync its page "
                    "cache may hold what the disk does not");
    LogError("log", Message(shared_.offline));
    for (const auto& [tp, log] : logs_) log->FailParked(shared_.offline);
  }

  void ArmCheckpoint() {
    checkpoint_timer_ = shared_.shard.RunAt(shared_.shard.Now() + options_.checkpoint_interval, [this] {
      if (!std::exchange(checkpointing_, true)) {
        checkpointed_ = model::TopicPartition();
        CheckpointNext();
      }
      ArmCheckpoint();
    });
  }
  // One after the other: thousands at once would keep the disk's threads from those who wait for them, of whom one is
  // the quorum of the controllers.
  void CheckpointNext() {
    for (auto it = logs_.upper_bound(checkpointed_); it != logs_.end(); it = std::next(it)) {
      if (!it->second->wants_checkpoint()) continue;
      checkpointed_ = it->first;
      return it->second->Checkpoint([this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        shared_.shard.Post([this, alive] {
          if (!alive.expired()) CheckpointNext();
        });
      });
    }
    checkpointing_ = false;
  }
  void ArmRetention() {
    retention_timer_ = shared_.shard.RunAt(shared_.shard.Now() + options_.retention_check_interval, [this] {
      const int64_t wall_ms = shared_.shard.WallMillis();
      for (const auto& [tp, log] : logs_) log->EnforceRetention(wall_ms);
      ArmRetention();
    });
  }

  void ArmCompaction() {
    compaction_timer_ = shared_.shard.RunAt(shared_.shard.Now() + options_.compaction_check_interval, [this] {
      tried_.clear();
      CompactDirtiest();
      ArmCompaction();
    });
  }
  // One after the other until none is due.
  void CompactDirtiest() {
    if (compacting_ || closing_ || !shared_.offline.ok()) return;
    const int64_t wall_ms = shared_.shard.WallMillis();
    compaction_.max_dirty_ratio = 0;
    compaction_.uncleanable = 0;
    PartitionLogImpl* dirtiest = nullptr;
    double most = -1;
    for (const auto& [tp, log] : logs_) {
      if (!log->options().compact || log->closed()) continue;
      compaction_.uncleanable += !log->uncleanable().ok();
      const absl::StatusOr<CleanableRange> range = log->AssessCleaning(wall_ms);
      if (!range.ok()) {
        LogWarning("log", tp.ToString(), ": cannot tell whether to compact: ", Message(range.status()));
        continue;
      }
      compaction_.max_dirty_ratio = std::max(compaction_.max_dirty_ratio, range->dirty_ratio());
      if (!range->due(log->options()) || tried_.contains(tp) || range->dirty_ratio() <= most) continue;
      most = range->dirty_ratio();
      dirtiest = log.get();
      compacting_tp_ = tp;
    }
    if (dirtiest == nullptr) return;
    compacting_ = true;
    tried_.insert(compacting_tp_);
    dirtiest->Compact(wall_ms, [this](const absl::StatusOr<CompactionReport>& report) {
      compacting_ = false;
      NoteCompaction(report);
      // From the start of a turn: the log that has just ended may be about to go.
      shared_.shard.Post([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) CompactDirtiest();
      });
    });
  }
  void NoteCompaction(const absl::StatusOr<CompactionReport>& report) {
    if (!report.ok()) {
      ++compaction_.failures;
      if (!absl::IsUnavailable(report.status())) {
        LogWarning("log", compacting_tp_.ToString(), " was not compacted: ", Message(report.status()));
      }
      return;
    }
    if (!report->ran) return;
    // What did not fit into memory goes on at once.
    tried_.erase(compacting_tp_);
    ++compaction_.runs;
    compaction_.read_bytes += report->read_bytes;
    compaction_.written_bytes += report->written_bytes;
    compaction_.dropped_records += report->dropped_records;
    compaction_.segments += report->segments;
    compaction_.last_run_wall_ms = shared_.shard.WallMillis();
    compaction_.time += report->took;
  }

  // `<topic>-<partition>.<unique>-delete`, shortened in front if the topic's name is long.
  std::string DeletedName(const model::TopicPartition& tp) {
    const std::string suffix = StrCat(".", absl::StrFormat("%016x", static_cast<uint64_t>(shared_.shard.WallMillis())),
                                      ++deleted_, kDeletedFolderSuffix);
    return StrCat(tp.ToString().substr(0, kLongestName - suffix.size()), suffix);
  }

  void RemoveFolder(const model::TopicPartition& tp, absl::AnyInvocable<void(absl::Status)> done) {
    std::string aside = DeletedName(tp);
    shared_.shard.RunBlocking(
        [&disk = shared_.disk, path = options_.path, from = Folder(tp), name = std::move(aside)]() -> absl::Status {
          LEAT_ASSIGN_OR_RETURN(const bool there, disk.Exists(from));
          if (!there) return NotFound("there is no folder ", from);
          const std::string to = env::JoinPath(path, name);
          LEAT_RETURN_IF_ERROR(disk.Rename(from, to));
          LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(path)));
          return env::RemoveRecursively(disk, to);
        },
        [this, alive = std::weak_ptr<int>(alive_), done = std::move(done)](const absl::Status& status) mutable {
          // Whether the new name is on disk cannot be known any more.
          if (absl::IsDataLoss(status) && !alive.expired()) GoOffline(status);
          done(status);
        });
  }

  const Options options_;
  const TailRule rule_;
  LogShared shared_;
  std::map<model::TopicPartition, std::unique_ptr<PartitionLogImpl>> logs_;
  std::unique_ptr<env::Timer> checkpoint_timer_;
  std::unique_ptr<env::Timer> retention_timer_;
  std::unique_ptr<env::Timer> compaction_timer_;
  CompactionStats compaction_;
  bool compacting_ = false;
  model::TopicPartition compacting_tp_;
  std::set<model::TopicPartition> tried_;  // since the last tick of the timer, without success
  bool checkpointing_ = false;
  model::TopicPartition checkpointed_;  // the last one that was, while they are
  uint64_t deleted_ = 0;
  bool closing_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace

absl::StatusOr<std::unique_ptr<LogDirectory>> OpenLogDirectory(env::Disk& disk, env::Shard& shard,
                                                               const LogDirectory::Options& options,
                                                               PageCache page_cache, TailRule rule) {
  auto directory = std::make_unique<LogDirectoryImpl>(disk, shard, options, page_cache, rule);
  LEAT_RETURN_IF_ERROR(directory->Start());
  return directory;
}

absl::StatusOr<std::unique_ptr<LogDirectory>> LogDirectory::Open(env::Disk& disk, env::Shard& shard,
                                                                 const Options& options) {
  return OpenLogDirectory(disk, shard, options, PageCache::kUnknown);
}

}  // namespace leat::log
