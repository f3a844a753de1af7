// Copies of partitions whose files are damaged: given up and fetched again where another node may have the records,
// refused otherwise.
#include "base/logging.h"
#include "broker/partition_folder.h"
#include "broker/shard_state.h"
#include "log/damage.h"

namespace leat::broker {

void ShardState::NoteDamaged(const meta::PartitionKey& key, const absl::Status& status) const {
  if (config_.note_damage) config_.note_damage(key, status);
}

// The controller must have taken this copy out of everything that may lead before it is emptied, and that must be the
// state since this process was registered: before it the copy may have been in sync.
bool ShardState::MayFetchAgain(const meta::PartitionKey& key) const {
  if (replicas_ == nullptr) return false;
  const model::NodeId self = options().node_id;
  const meta::BrokerPtr broker = image_->FindBroker(self);
  if (broker == nullptr || broker->epoch() < replicas_->self().broker_epoch.value()) return false;
  const meta::Partition* partition = image_->FindPartition(key);
  if (partition == nullptr || partition->leader == self) return false;
  bool others = false;
  for (const meta::NodeList* holders : {&partition->isr, &partition->elr, &partition->last_known_elr}) {
    if (meta::Contains(*holders, self)) return false;
    others |= !holders->empty();
  }
  return others;
}

absl::StatusOr<log::PartitionLog*> ShardState::BeginAnew(const meta::TopicPtr& topic, const model::TopicPartition& name,
                                                         const absl::Status& damage) {
  LEAT_RETURN_IF_ERROR(
      Annotate(SetAsideDamaged(*config_.disk, LogPath(), name), "its damaged copy cannot be set aside"));
  LogWarning("broker", name.ToString(), ": this copy is damaged and is fetched again from the others; until that is ",
             "done it is kept as ", DamagedFolder(LogPath(), name), ": ", Message(damage));
  aside_.insert(name);
  return OpenFolder(topic, name);
}

void ShardState::ReopenDamaged() {
  std::vector<std::pair<meta::TopicPtr, model::PartitionId>> ready;
  for (const auto& [name, key] : damaged_) {
    const meta::TopicPtr topic = image_->FindTopic(key.topic);
    if (topic != nullptr && MayFetchAgain(key)) ready.emplace_back(topic, key.partition);
  }
  for (const auto& [topic, id] : ready) OpenPartition(topic, id);
}

void ShardState::FindSetAside() {
  const absl::StatusOr<std::vector<model::TopicPartition>> kept = ListDamagedFolders(*config_.disk, LogPath());
  if (!kept.ok()) return LogWarning("broker", "which damaged copies are kept is unknown: ", Message(kept.status()));
  for (const model::TopicPartition& name : *kept) {
    if (Owns(name)) aside_.insert(name);
  }
}

void ShardState::DropSetAside(const model::TopicPartition& name) {
  if (aside_.erase(name) == 0) return;
  const std::string path = DamagedFolder(LogPath(), name);
  shard().RunBlocking([disk = config_.disk, path] { return env::RemoveRecursively(*disk, path); },
                      [path](const absl::Status& removed) {
                        if (removed.ok()) {
                          LogInfo("broker", path, " is removed: the copy that was fetched in its place is in sync");
                        } else {
                          LogWarning("broker", path, " is not needed any more and is still there: ", Message(removed));
                        }
                      });
}

// Of what this node should serve, what it does not.
absl::Status ShardState::PartitionHealth() const {
  const model::TopicPartition* worst = nullptr;
  const Partition* why = nullptr;
  size_t count = 0;
  for (const auto& [name, partition] : partitions_) {
    const bool leads = partition.leader.id == options().node_id;
    const bool refuses = leads && partition.replica != nullptr && !partition.replica->alone() &&
                         partition.replica->CheckLeader(model::LeaderEpoch(-1)) != model::ErrorCode::kNone;
    if (partition.error.ok() && !refuses) continue;
    ++count;
    if (worst != nullptr && *worst < name) continue;
    worst = &name;
    why = &partition;
  }
  if (worst == nullptr) return absl::OkStatus();
  const std::string others = count > 1 ? StrCat(" (and ", count - 1, " others)") : "";
  if (!why->error.ok()) {
    return Unavailable("partition ", worst->ToString(), others, " cannot be served: ", Message(why->error));
  }
  return Unavailable("partition ", worst->ToString(), others,
                     " has no leader: it should be this node, whose copy cannot lead; see its log");
}

}  // namespace leat::broker
