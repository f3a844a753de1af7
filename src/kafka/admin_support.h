// What the handlers of the administrative APIs share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api.h"
#include "model/error_code.h"

namespace leat::kafka {

inline int16_t Code(model::ErrorCode code) { return static_cast<int16_t>(code); }
inline std::optional<std::string> ErrorText(const broker::Outcome& outcome) {
  return outcome.ok() ? std::nullopt : std::optional<std::string>(outcome.message);
}

// Numbers of the protocol. Resource types (org.apache.kafka.common.config.ConfigResource.Type) and where the value of a
// config comes from (ConfigEntry.ConfigSource).
enum class ResourceType : int8_t { kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32 };
enum class ConfigSource : int8_t {
  kTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefault = 3,
  kStaticBroker = 4,
  kDefault = 5
};
ConfigSource SourceOf(const broker::ConfigEntry& entry);

std::vector<model::NodeId> NodesOf(const std::vector<int32_t>& ids);
std::vector<int32_t> IdsOf(const std::vector<model::NodeId>& nodes);

// Every operation that a client may do on a topic: all of them, as nothing is forbidden here.
inline constexpr int32_t kTopicOperations = 0xDF8;

// How many times each key comes, to refuse those that come twice.
template <class Key>
class Repeated {
 public:
  void Add(Key key) { ++counts_[std::move(key)]; }
  bool operator()(const Key& key) const {
    const auto it = counts_.find(key);
    return it != counts_.end() && it->second > 1;
  }

 private:
  std::map<Key, int> counts_;
};

}  // namespace leat::kafka
