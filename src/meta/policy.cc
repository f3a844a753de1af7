#include "meta/policy.h"

#include <absl/strings/numbers.h>

#include "base/check.h"
#include "meta/topic_config.h"

namespace leat::meta {

std::string_view TopicConfigInForce(const Image& image, const Topic& topic, const Policy& policy,
                                    std::string_view name) {
  const ConfigDefinition* definition = FindTopicConfig(name);
  LEAT_CHECK(definition != nullptr) << name;
  const std::string key(name);
  if (const auto it = topic.configs.find(key); it != topic.configs.end()) return it->second;
  return ConfigInForce(*definition, image.BrokerConfigs(kNobody), policy.topic_defaults);
}

int32_t MinInsync(const Image& image, const Topic& topic, const Policy& policy) {
  int32_t wanted = 1;
  LEAT_CHECK(absl::SimpleAtoi(ToAbsl(TopicConfigInForce(image, topic, policy, "min.insync.replicas")), &wanted));
  return wanted;
}

bool UncleanElectionAllowed(const Image& image, const Topic& topic, const Policy& policy) {
  return TopicConfigInForce(image, topic, policy, "unclean.leader.election.enable") == "true";
}

bool IsSynced(const Image& image, const Topic& topic, const Policy& policy) {
  return TopicConfigInForce(image, topic, policy, "leat.durability") == "fsync" ||
         TopicConfigInForce(image, topic, policy, "flush.messages") == "1";
}

absl::Status RequireClusterLevel(const Image& image) {
  if (image.feature_level() >= kClusterFeatureLevel) return absl::OkStatus();
  return FailedPrecondition("brokers need the cluster's feature level ", kClusterFeatureLevel, ", it is at ",
                            image.feature_level(), ": upgrade all nodes and raise the level");
}

}  // namespace leat::meta
