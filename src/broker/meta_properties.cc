#include "broker/meta_properties.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

namespace leat::broker {

Properties ParseProperties(const std::string& text) {
  Properties properties;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(line, absl::MaxSplits('=', 1));
    properties[std::string(absl::StripAsciiWhitespace(pair.first))] =
        std::string(absl::StripAsciiWhitespace(pair.second));
  }
  return properties;
}

namespace {

absl::StatusOr<MetaProperties> Parse(const std::string& path, const std::string& text, model::NodeId node) {
  Properties properties = ParseProperties(text);
  if (properties["version"] != "1") {
    return FailedPrecondition(path, ": expected version=1, got version=", properties["version"],
                              ": this directory was written by another version of the broker");
  }
  MetaProperties result;
  result.cluster_id = properties["cluster.id"];
  int32_t id = -1;
  if (result.cluster_id.empty() || !absl::SimpleAtoi(properties["node.id"], &id)) {
    return DataLoss(path, ": expected the lines cluster.id=.. and node.id=.., got '", text.substr(0, 200),
                    "': restore the file from a backup");
  }
  result.node_id = model::NodeId(id);
  if (result.node_id != node) {
    return FailedPrecondition(path, ": this directory holds the data of node ", id, ", but this broker is node ", node,
                              ": set node_id to ", id, ", or data_dir to another directory");
  }
  return result;
}

}  // namespace

std::string NewClusterId(Random& random) { return model::TopicId{random.Next(), random.Next()}.ToString(); }

absl::StatusOr<MetaProperties> LoadOrCreateMetaProperties(env::Disk& disk, const std::string& data_dir,
                                                          model::NodeId node, const std::string& new_cluster_id) {
  const std::string path = env::JoinPath(data_dir, "meta.properties");
  LEAT_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (exists) {
    LEAT_ASSIGN_OR_RETURN(const std::string text, env::ReadWholeFile(disk, path));
    return Parse(path, text, node);
  }
  const MetaProperties fresh{new_cluster_id, node};
  const std::string text = StrCat("version=1\ncluster.id=", fresh.cluster_id, "\nnode.id=", node, "\n");
  LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, path, text));
  return fresh;
}

}  // namespace leat::broker
