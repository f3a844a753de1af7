#include "broker/shard_state.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "base/murmur2.h"
#include "broker/fetch_op.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"
#include "broker/page_cache.h"
#include "broker/partition_folder.h"
#include "broker/replica_view.h"
#include "log/damage.h"
#include "log/log_directory.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

// How long a full disk is held against the broker's health: if nobody produces, nothing else tells that space is back.
constexpr Duration kProbeInterval = absl::Seconds(1);  // of a full disk
constexpr size_t kProbeBytes = size_t{64} << 10;
// Of partitions that are opened at a start. Between its turns the quorum's messages, the registration, and requests
// are dealt with: a disk may be slow, and a log may have much above its recovery point.
constexpr Duration kOpeningTurn = absl::Milliseconds(2);
// A damaged log is read through from its recovery point on, which may be much, whenever it is tried.
constexpr Duration kDamagedRetry = absl::Seconds(30);

const model::TopicPartition kMetadataPartition{std::string(meta::kMetadataTopic), model::PartitionId(0)};

bool IsCoordinated(std::string_view topic) { return topic == meta::kOffsetsTopic || topic == meta::kTransactionsTopic; }

// Counts down the parts of a change and keeps the first error.
struct Countdown {
  size_t waiting = 1;
  absl::Status status;
  Callback<absl::Status> done;
  void Arrive(const absl::Status& part) {
    if (status.ok()) status = part;
    if (--waiting == 0) done(status);
  }
};

}  // namespace

size_t OwnerOf(const model::TopicPartition& partition, size_t shards) {
  if (IsCoordinated(partition.topic) || partition.topic == meta::kMetadataTopic) return 0;
  return (Murmur2(partition.topic) + static_cast<uint32_t>(partition.partition.value())) % shards;
}

ShardState::ShardState(const Config& config) : config_(config), image_(std::make_shared<const meta::Image>()) {}
ShardState::~ShardState() = default;

absl::Status ShardState::OpenDirectory() {
  const bool whole = LogsInPageCache(*config_.disk, options().data_dir);
  LEAT_ASSIGN_OR_RETURN(directory_,
                        log::OpenLogDirectory(*config_.disk, shard(),
                                              {.path = LogPath(),
                                               .checkpoint_interval = options().checkpoint_interval,
                                               .retention_check_interval = options().retention_check_interval,
                                               .compaction_check_interval = options().compaction_check_interval,
                                               .compaction_memory_bytes = options().compaction_memory_bytes,
                                               .compaction_bytes_per_second = options().compaction_bytes_per_second},
                                              whole ? log::PageCache::kWhole : log::PageCache::kUnknown));
  return absl::OkStatus();
}

absl::StatusOr<log::PartitionLog*> ShardState::OpenMetadataLog() {
  LEAT_ASSIGN_OR_RETURN(metadata_log_, directory_->OpenPartition(kMetadataPartition, InternalLogOptions()));
  return metadata_log_;
}

bool ShardState::Owns(const model::TopicPartition& partition) const {
  return OwnerOf(partition, config_.shards) == config_.index;
}

std::string ShardState::LogPath() const { return env::JoinPath(options().data_dir, "log"); }

const log::LogOptions& ShardState::OptionsOf(const meta::TopicPtr& topic) {
  if (asked_topic_ != topic) {
    asked_options_ = IsCoordinated(topic->name) ? CoordinatedLogOptions(options().log_defaults)
                                                : TopicLogOptions(topic->configs, options().log_defaults);
    asked_topic_ = topic;
  }
  return asked_options_;
}

void ShardState::OpenPartition(const meta::TopicPtr& topic, model::PartitionId id) {
  const model::TopicPartition name{topic->name, id};
  const meta::PartitionKey key{topic->id, id};
  if (!Owns(name) || !IsLocal(key)) return;
  Partition& partition = partitions_[name];
  if (partition.log != nullptr) return;
  const bool begins_anew = log::IsDamage(partition.error) && MayFetchAgain(key);
  if (!begins_anew && shard().Now() < partition.retry_at) return;
  absl::StatusOr<log::PartitionLog*> log =
      begins_anew ? BeginAnew(topic, name, partition.error) : OpenFolder(topic, name);
  if (!begins_anew && log::IsDamage(log.status()) && MayFetchAgain(key)) log = BeginAnew(topic, name, log.status());
  const absl::Status before = std::exchange(partition.error, log.status());
  partition.retry_at = Instant();
  if (log.ok()) {
    if (damaged_.erase(name) > 0) NoteDamaged(key, absl::OkStatus());
    partition.log = *log;
    Refresh(*topic, id);
    return;
  }
  if (log::IsDamage(log.status())) {
    // Each time: another controller may have come that has not heard of it.
    damaged_.emplace(name, key);
    NoteDamaged(key, log.status());
    partition.retry_at = shard().Now() + kDamagedRetry;
  }
  if (before != log.status()) {
    LogError("broker", "partition ", name.ToString(), " cannot be served: ", Message(log.status()));
  }
}

absl::StatusOr<log::PartitionLog*> ShardState::OpenFolder(const meta::TopicPtr& topic,
                                                          const model::TopicPartition& name) {
  if (removing_.contains(name)) {
    return Unavailable("the folder of the topic that had the name before is being removed: try again");
  }
  bool claimed = false;
  LEAT_RETURN_IF_ERROR(ClaimFolder(*topic, name, &claimed));
  LEAT_ASSIGN_OR_RETURN(log::PartitionLog * log, directory_->OpenPartition(name, OptionsOf(topic)));
  if (claimed) return log;
  const std::string folder = env::JoinPath(LogPath(), name.ToString());
  if (const absl::Status written = WriteFolderTopic(*config_.disk, folder, topic->id); !written.ok()) {
    LogWarning("broker", folder, " does not say of which topic it is: ", Message(written));
  }
  return log;
}

// A topic may have been deleted, and another one made under its name, while this node was down.
absl::Status ShardState::ClaimFolder(const meta::Topic& topic, const model::TopicPartition& name, bool* claimed) const {
  const std::string folder = env::JoinPath(LogPath(), name.ToString());
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::TopicId> owner, ReadFolderTopic(*config_.disk, folder));
  *claimed = owner == topic.id;
  if (!owner || *claimed) return absl::OkStatus();
  if (const meta::TopicPtr other = image_->FindTopic(*owner)) {
    return FailedPrecondition(folder, " says that it is of topic ", owner->ToString(), ", which is '", other->name,
                              "', not '", topic.name, "': move it to where it belongs, or away");
  }
  LogWarning("broker", "removing ", folder, ": it is of an earlier topic of the name, which was deleted");
  return RemovePartitionFolder(*config_.disk, LogPath(), name.ToString());
}

// A topic that is made under the name meanwhile gets its folder once this one is out of the way.
void ShardState::RemoveFolder(const model::TopicPartition& name, Callback<absl::Status> done) {
  removing_.insert(name);
  directory_->DeletePartition(name, [this, alive = std::weak_ptr<bool>(alive_), name,
                                     done = std::move(done)](const absl::Status& status) mutable {
    // One that could not be opened may have no folder.
    const bool gone = status.ok() || absl::IsNotFound(status);
    if (gone && !alive.expired()) {
      removing_.erase(name);
      const meta::TopicPtr topic = image_->FindTopic(name.topic);
      if (topic != nullptr && name.partition.value() < topic->partitions) OpenPartition(topic, name.partition);
    }
    done(gone ? absl::OkStatus() : status);
  });
}

void ShardState::OpenPartitions(const meta::ImagePtr& image, env::Closure opened) {
  image_ = image;
  opened_ = std::move(opened);
  FindSetAside();
  for (const meta::TopicPtr& topic : image->Topics()) {
    for (int32_t i = 0; i < topic->partitions; ++i) OpenLater(topic, model::PartitionId(i));
  }
  OpenSomeSoon();
}

void ShardState::OpenLater(const meta::TopicPtr& topic, model::PartitionId id) {
  model::TopicPartition name{topic->name, id};
  const meta::PartitionKey key{topic->id, id};
  if (!Owns(name) || !IsLocal(key)) return;
  // Listed from here on, so that its folder goes if the topic does.
  const auto [it, is_new] = partitions_.try_emplace(std::move(name));
  if (is_new) {
    to_open_.push_back(key);
  } else if (!it->second.error.ok()) {
    OpenPartition(topic, id);
  }
}

void ShardState::OpenSomeSoon() {
  if (options().opening_rest > absl::ZeroDuration()) {
    opening_timer_ = shard().RunAt(shard().Now() + options().opening_rest, [this] { OpenSome(); });
    return;
  }
  shard().Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) OpenSome();
  });
}

void ShardState::OpenSome() {
  if (phase == Phase::kStopping || phase == Phase::kStopped) return;
  const Instant enough = shard().Now() + kOpeningTurn;
  for (size_t n = 0; n < options().opened_in_one_turn && !to_open_.empty() && shard().Now() < enough; ++n) {
    const meta::PartitionKey key = to_open_.front();
    to_open_.pop_front();
    const meta::TopicPtr topic = image_->FindTopic(key.topic);
    if (topic != nullptr) OpenPartition(topic, key.partition);
  }
  WakeMoved();
  if (!to_open_.empty()) return OpenSomeSoon();
  wanted_.clear();
  if (opened_) std::exchange(opened_, nullptr)();
}

void ShardState::Install(const meta::ImagePtr& image, const meta::Delta& delta, Callback<absl::Status> done) {
  image_ = image;
  auto countdown = std::make_shared<Countdown>();
  countdown->done = std::move(done);
  const auto remove = [this, countdown](const model::TopicPartition& name) {
    ++countdown->waiting;
    RemoveFolder(name, [countdown](const absl::Status& status) { countdown->Arrive(status); });
  };
  for (const meta::Delta::TopicChange& change : delta.topics) {
    if (change.after == nullptr) {
      for (int32_t i = 0; i < change.before->partitions; ++i) {
        const model::TopicPartition name{change.before->name, model::PartitionId(i)};
        if (!partitions_.contains(name)) continue;
        Forget(name, {change.before->id, name.partition});
        remove(name);
      }
      continue;
    }
    // A topic that was made and deleted in one delta must not come up again.
    const meta::TopicPtr now = image->FindTopic(change.after->name);
    if (now == nullptr || now->id != change.after->id) continue;
    for (int32_t i = 0; i < now->partitions; ++i) {
      const model::PartitionId id(i);
      OpenPartition(now, id);
      const auto it = partitions_.find({now->name, id});
      if (it != partitions_.end() && it->second.log != nullptr) it->second.log->SetOptions(OptionsOf(now));
    }
    RefreshAll(*now);
  }
  DropMoved(delta, remove);
  RefreshChanged(delta);
  ReopenDamaged();
  WakeMoved();
  countdown->Arrive(absl::OkStatus());
}

ShardState::Found ShardState::FindLed(const model::TopicPartition& name, model::LeaderEpoch known) {
  Found found = Find(name);
  if (found.log == nullptr) return found;
  if (found.leader.id != options().node_id) {
    found.outcome = NotLeader(name, found.leader);
  } else if (known.value() >= 0 && known != found.leader.epoch) {
    found.outcome = EpochOutcome(known, found.leader.epoch);
  }
  // The core may not lead although the image says so: it knows what this copy lacks.
  if (found.outcome.ok() && found.replica != nullptr && !found.replica->alone() &&
      found.replica->CheckLeader(found.leader.epoch) != model::ErrorCode::kNone) {
    found.outcome = NotLeader(name, {model::NodeId(-1), found.leader.epoch});
  }
  if (!found.outcome.ok()) found.log = nullptr;
  if (found.log != nullptr && found.replica != nullptr && !to_open_.empty()) WantCopies(name);
  return found;
}

ShardState::Found ShardState::Find(const model::TopicPartition& name) {
  if (phase == Phase::kStopped) return {nullptr, Refusal(), {}, nullptr};
  const auto it = partitions_.find(name);
  if (it != partitions_.end() && it->second.log != nullptr) {
    return {it->second.log, {}, it->second.leader, it->second.replica};
  }
  const meta::TopicPtr topic = image_->FindTopic(name.topic);
  if (topic == nullptr) {
    return {nullptr,
            Failed(model::ErrorCode::kUnknownTopicOrPartition,
                   StrCat("topic '", name.topic.substr(0, 300), "' does not exist: create it first")),
            {},
            nullptr};
  }
  if (name.partition.value() < 0 || name.partition.value() >= topic->partitions) {
    return {nullptr,
            Failed(model::ErrorCode::kUnknownTopicOrPartition,
                   StrCat("topic '", name.topic, "' has the partitions 0 to ", topic->partitions - 1, ", there is no ",
                          name.partition)),
            {},
            nullptr};
  }
  const meta::PartitionKey key{topic->id, name.partition};
  const CurrentLeader leader = LeaderOf(key);
  if (!IsLocal(key)) return {nullptr, NotLeader(name, leader), leader, nullptr};
  OpenPartition(topic, name.partition);
  const Partition& partition = partitions_[name];
  if (partition.log != nullptr) return {partition.log, {}, partition.leader, partition.replica};
  return {nullptr, Failed(model::ErrorCode::kKafkaStorageError, std::string(Message(partition.error))), leader,
          nullptr};
}

ShardState::Open ShardState::Peek(const model::TopicPartition& name) const {
  const auto it = partitions_.find(name);
  return it == partitions_.end() ? Open{} : Open{it->second.log, it->second.replica};
}

void ShardState::NoteAppend(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    if (disk_full_.ok())
      LogError("broker", "the disk is full, nothing is appended until space is free: ", Message(status));
    disk_full_ = status;
    if (probe_timer_ == nullptr) ProbeLater();
  } else if (status.ok() && !disk_full_.ok()) {
    LogInfo("broker", "the disk takes appends again");
    disk_full_ = absl::OkStatus();
    probe_timer_.reset();
  }
}

void ShardState::ProbeLater() {
  probe_timer_ = shard().RunAt(shard().Now() + kProbeInterval, [this] { Probe(); });
}

// Writes and removes a file of a size that a small append needs.
void ShardState::Probe() {
  if (phase != Phase::kServing) return;
  shard().RunBlocking(
      [disk = config_.disk, path = env::JoinPath(options().data_dir, StrCat("space-probe-", index()))] {
        absl::Status status;
        {
          LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk->Open(path, env::OpenMode::kCreate));
          status = file->WriteAt(0, std::string(kProbeBytes, '\0'));
          if (status.ok()) status = file->Sync();
        }
        status.Update(disk->Remove(path));
        return status;
      },
      [this, alive = std::weak_ptr<bool>(alive_)](const absl::Status& status) {
        if (alive.expired() || phase != Phase::kServing || disk_full_.ok()) return;
        if (status.ok()) {
          NoteAppend(status);
        } else {
          ProbeLater();
        }
      });
}

absl::Status ShardState::DiskHealth() const {
  if (directory_ == nullptr || directory_->online()) return absl::OkStatus();
  return directory_->offline_reason();
}

absl::Status ShardState::Health() const {
  switch (phase) {
    case Phase::kStarting:
      return Unavailable("the broker is starting: its logs are being recovered");
    case Phase::kStopping:
    case Phase::kStopped:
      return Unavailable("the broker is stopping");
    case Phase::kServing:
      break;
  }
  if (!directory_->online()) {
    return Unavailable("the log directory is offline: ", Message(directory_->offline_reason()),
                       ": look after the disk, then restart the broker");
  }
  if (!disk_full_.ok()) {
    return ResourceExhausted("the disk is full: free space; appends go on by themselves then: ", Message(disk_full_));
  }
  return PartitionHealth();
}

size_t ShardState::producer_count() const {
  size_t count = 0;
  for (const auto& [name, partition] : partitions_) {
    if (partition.log != nullptr) count += partition.log->producer_count();
  }
  return count;
}

std::map<std::string, uint64_t> ShardState::BytesByTopic() const {
  std::map<std::string, uint64_t> bytes;
  for (const auto& [name, partition] : partitions_) {
    if (partition.log != nullptr) bytes[name.topic] += partition.log->size_bytes();
  }
  return bytes;
}

log::LogDirectory::CompactionStats ShardState::ReportCompaction() {
  if (directory_ == nullptr) return {};
  const log::LogDirectory::CompactionStats now = directory_->compaction();
  const log::LogDirectory::CompactionStats before = std::exchange(reported_compaction_, now);
  metrics().compaction_runs.Add(static_cast<double>(now.runs - before.runs));
  metrics().compaction_failures.Add(static_cast<double>(now.failures - before.failures));
  metrics().compaction_read_bytes.Add(static_cast<double>(now.read_bytes - before.read_bytes));
  metrics().compaction_written_bytes.Add(static_cast<double>(now.written_bytes - before.written_bytes));
  metrics().compaction_dropped_records.Add(static_cast<double>(now.dropped_records - before.dropped_records));
  metrics().compaction_segments.Add(static_cast<double>(now.segments - before.segments));
  metrics().compaction_seconds.Add(Seconds(now.time - before.time));
  return now;
}

Outcome ShardState::Refusal() const {
  LEAT_CHECK(phase != Phase::kServing);
  if (phase == Phase::kStarting) {
    return Failed(model::ErrorCode::kLeaderNotAvailable, "the broker is starting: try again shortly");
  }
  return Failed(model::ErrorCode::kLeaderNotAvailable, "the broker is stopping: try again when it is back");
}

void ShardState::WaitForData(uint64_t fetch, const model::TopicPartition& name, Until until, env::Closure wake) {
  const auto it = partitions_.find(name);
  if (it == partitions_.end() || it->second.log == nullptr || it->second.leader != until.leader) {
    wake();
    return;
  }
  const uint64_t id = next_wait_++;
  auto shared = std::make_shared<env::Closure>(std::move(wake));
  // Listed before the log is asked, because the log may answer at once.
  waits_[fetch].push_back({name, id, 0, shared});
  const uint64_t ticket = it->second.log->WaitForData(
      until.after,
      [this, fetch, id, shared] {
        if (const auto found = waits_.find(fetch); found != waits_.end()) {
          std::erase_if(found->second, [id](const Wait& wait) { return wait.id == id; });
          if (found->second.empty()) waits_.erase(found);
        }
        (*shared)();
      },
      until.isolation);
  if (const auto found = waits_.find(fetch); found != waits_.end()) {
    for (Wait& wait : found->second) {
      if (wait.id == id) wait.ticket = ticket;
    }
  }
}

void ShardState::WakeMoved() {
  if (moved_.empty()) return;
  std::map<uint64_t, std::shared_ptr<env::Closure>> wakes;  // in the order in which they came
  for (const auto& [fetch, waits] : waits_) {
    const auto moved = std::ranges::find_if(waits, [&](const Wait& wait) { return moved_.contains(wait.partition); });
    if (moved != waits.end()) wakes.emplace(moved->id, moved->wake);
  }
  moved_.clear();
  for (const auto& [id, wake] : wakes) (*wake)();
}

void ShardState::CancelWaits(uint64_t fetch) {
  const auto found = waits_.find(fetch);
  if (found == waits_.end()) return;
  const std::vector<Wait> waits = std::move(found->second);
  waits_.erase(found);
  for (const Wait& wait : waits) {
    const auto it = partitions_.find(wait.partition);
    if (it != partitions_.end() && it->second.log != nullptr) it->second.log->CancelWait(wait.ticket);
  }
}

void ShardState::MaybeDrained() {
  if (produces == 0 && fetches.empty() && drained) std::exchange(drained, nullptr)();
}

void ShardState::Abandon() {
  probe_timer_.reset();
  opening_timer_.reset();
  alive_.reset();
  replica_server_.reset();
  directory_.reset();
  replicas_.reset();
  partitions_.clear();
  fetches.clear();
}

void ShardState::Close(Callback<absl::Status> done) {
  phase = Phase::kStopped;
  probe_timer_.reset();
  opening_timer_.reset();
  opened_ = nullptr;
  if (replica_server_ != nullptr) replica_server_->Stop();
  if (replicas_ != nullptr) replicas_->Stop();
  partitions_.clear();
  if (directory_ == nullptr) {
    done(absl::OkStatus());
    return;
  }
  directory_->Close(std::move(done));
}

}  // namespace leat::broker
