// The folders of partitions in the log directory: `<topic>-<partition>`, and beside it `<topic>-<partition>-damaged`,
// a damaged copy that is kept while another one is fetched. In each lies `partition.metadata`, as Kafka writes it: the
// id of the topic, since a name may be given again. Everything here blocks on the disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "meta/image.h"
#include "model/ids.h"

namespace leat::broker {

// The topic that a folder is of. nullopt: there is no such file, or what a crash left of one.
absl::StatusOr<std::optional<model::TopicId>> ReadFolderTopic(env::Disk& disk, const std::string& folder);
// Not synced: a folder without it is taken for the topic's that has its name.
absl::Status WriteFolderTopic(env::Disk& disk, const std::string& folder, const model::TopicId& topic);

// Moved aside under a name that the next start removes, then removed.
absl::Status RemovePartitionFolder(env::Disk& disk, const std::string& directory, const std::string& name);

// Removes the folders that this node is not to have by an image that is not empty: of topics that were deleted (also if
// another one has the name now) and of partitions that other nodes have now. One whose file names a topic that the
// image knows under another name stays, and is told of.
absl::Status RemoveStrayFolders(env::Disk& disk, const std::string& directory, const meta::Image& image,
                                model::NodeId self);

std::string DamagedFolder(const std::string& directory, const model::TopicPartition& name);
// Of which partitions `directory` keeps a damaged copy.
absl::StatusOr<std::vector<model::TopicPartition>> ListDamagedFolders(env::Disk& disk, const std::string& directory);
// Moves the partition's folder aside. If an older copy is kept already, which was fuller, the folder is removed.
// REQUIRES: the log is not open.
absl::Status SetAsideDamaged(env::Disk& disk, const std::string& directory, const model::TopicPartition& name);

}  // namespace leat::broker
