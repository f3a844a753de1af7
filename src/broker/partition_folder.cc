#include "broker/partition_folder.h"

#include <absl/strings/str_split.h>

#include "base/logging.h"
#include "meta/commands.h"
#include "model/uuid.h"

namespace leat::broker {
namespace {

constexpr std::string_view kTopicFile = "partition.metadata";
constexpr std::string_view kTopicLine = "topic_id: ";
constexpr std::string_view kDamagedSuffix = "-damaged";
// Removed when the directory is opened, should the removal not end.
constexpr std::string_view kRemovedSuffix = "-delete";

struct Folder {
  model::TopicPartition partition;
  std::string name;
};

std::optional<model::TopicPartition> ParseFolder(std::string_view name) {
  if (name.ends_with(kDamagedSuffix)) name.remove_suffix(kDamagedSuffix.size());
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == name.size() || name.size() - dash > 10) return std::nullopt;
  int32_t number = 0;
  for (const char c : name.substr(dash + 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  if (!model::IsValidTopicName(name.substr(0, dash))) return std::nullopt;
  return model::TopicPartition{std::string(name.substr(0, dash)), model::PartitionId(number)};
}

// Why this node is not to have the folder; empty: it is. A folder of a topic that there is, and of which this node has
// a copy, is looked at when it is opened.
absl::StatusOr<std::string> WhyStray(env::Disk& disk, const std::string& directory, const Folder& folder,
                                     const meta::Image& image, model::NodeId self) {
  const meta::TopicPtr topic = image.FindTopic(folder.partition.topic);
  const bool exists = topic != nullptr && folder.partition.partition.value() < topic->partitions;
  const meta::Partition* partition = exists ? image.FindPartition({topic->id, folder.partition.partition}) : nullptr;
  const bool elsewhere = partition != nullptr && !meta::Contains(partition->replicas, self);
  if (exists && !elsewhere && !folder.name.ends_with(kDamagedSuffix)) return "";
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::TopicId> owner,
                        ReadFolderTopic(disk, env::JoinPath(directory, folder.name)));
  if (owner && (topic == nullptr || *owner != topic->id)) {
    const meta::TopicPtr other = image.FindTopic(*owner);
    if (other == nullptr) return "its topic was deleted";
    LogError("broker", directory, "/", folder.name, " says that it is of topic ", owner->ToString(), ", which is '",
             other->name, "': it was renamed or copied; it stays, and is not served");
    return "";
  }
  if (!exists) return "its topic was deleted";
  return elsewhere ? StrCat("the nodes ", meta::ToString(partition->replicas), " have the partition now") : "";
}

}  // namespace

absl::StatusOr<std::optional<model::TopicId>> ReadFolderTopic(env::Disk& disk, const std::string& folder) {
  const absl::StatusOr<std::string> text = env::ReadWholeFile(disk, env::JoinPath(folder, kTopicFile));
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  for (const absl::string_view line : absl::StrSplit(ToAbsl(*text), '\n')) {
    if (!ToStd(line).starts_with(kTopicLine)) continue;
    const absl::StatusOr<model::Uuid> id = model::Uuid::Parse(ToStd(line).substr(kTopicLine.size()));
    if (id.ok()) return model::TopicId{id->high, id->low};
  }
  return std::nullopt;
}

absl::Status WriteFolderTopic(env::Disk& disk, const std::string& folder, const model::TopicId& topic) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file,
                        disk.Open(env::JoinPath(folder, kTopicFile), env::OpenMode::kCreate));
  return file->WriteAt(0, StrCat("version: 0\n", kTopicLine, topic.ToString(), "\n"));
}

absl::Status RemovePartitionFolder(env::Disk& disk, const std::string& directory, const std::string& name) {
  const std::string path = env::JoinPath(directory, name);
  const std::string aside = StrCat(path, kRemovedSuffix);
  LEAT_ASSIGN_OR_RETURN(const bool left, disk.Exists(aside));
  if (left) LEAT_RETURN_IF_ERROR(env::RemoveRecursively(disk, aside));
  LEAT_RETURN_IF_ERROR(disk.Rename(path, aside));
  LEAT_RETURN_IF_ERROR(disk.SyncDirectory(directory));
  return env::RemoveRecursively(disk, aside);
}

absl::Status RemoveStrayFolders(env::Disk& disk, const std::string& directory, const meta::Image& image,
                                model::NodeId self) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  for (const std::string& name : names) {
    const std::optional<model::TopicPartition> partition = ParseFolder(name);
    if (!partition || partition->topic == meta::kMetadataTopic) continue;
    LEAT_ASSIGN_OR_RETURN(const std::string why, WhyStray(disk, directory, {*partition, name}, image, self));
    if (why.empty()) continue;
    if (image.cluster_id().empty()) {
      return DataLoss(directory, ": holds ", name, ", but the metadata log is empty: it was lost or removed; restore ",
                      meta::kMetadataTopic, "-0 from a backup, or move the other folders away to begin anew");
    }
    LogWarning("broker", "removing ", directory, "/", name, ": ", why);
    LEAT_RETURN_IF_ERROR(RemovePartitionFolder(disk, directory, name));
  }
  return absl::OkStatus();
}

std::string DamagedFolder(const std::string& directory, const model::TopicPartition& name) {
  return StrCat(env::JoinPath(directory, name.ToString()), kDamagedSuffix);
}

absl::StatusOr<std::vector<model::TopicPartition>> ListDamagedFolders(env::Disk& disk, const std::string& directory) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  std::vector<model::TopicPartition> kept;
  for (const std::string& name : names) {
    if (!name.ends_with(kDamagedSuffix)) continue;
    if (std::optional<model::TopicPartition> partition = ParseFolder(name)) kept.push_back(*std::move(partition));
  }
  return kept;
}

absl::Status SetAsideDamaged(env::Disk& disk, const std::string& directory, const model::TopicPartition& name) {
  const std::string kept = DamagedFolder(directory, name);
  LEAT_ASSIGN_OR_RETURN(const bool older, disk.Exists(kept));
  if (older) return RemovePartitionFolder(disk, directory, name.ToString());
  LEAT_RETURN_IF_ERROR(disk.Rename(env::JoinPath(directory, name.ToString()), kept));
  return disk.SyncDirectory(directory);
}

}  // namespace leat::broker
