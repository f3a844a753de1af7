#include "kafka/admin_support.h"

namespace leat::kafka {

ConfigSource SourceOf(const broker::ConfigEntry& entry) {
  switch (entry.source) {
    case broker::ConfigEntry::Source::kTopic:
      return ConfigSource::kTopic;
    case broker::ConfigEntry::Source::kBroker:
      return ConfigSource::kStaticBroker;
    case broker::ConfigEntry::Source::kDefault:
      return ConfigSource::kDefault;
  }
  return ConfigSource::kDefault;
}

std::vector<model::NodeId> NodesOf(const std::vector<int32_t>& ids) {
  std::vector<model::NodeId> nodes;
  nodes.reserve(ids.size());
  for (const int32_t id : ids) nodes.emplace_back(id);
  return nodes;
}

std::vector<int32_t> IdsOf(const std::vector<model::NodeId>& nodes) {
  std::vector<int32_t> ids;
  ids.reserve(nodes.size());
  for (const model::NodeId node : nodes) ids.push_back(node.value());
  return ids;
}

}  // namespace leat::kafka
