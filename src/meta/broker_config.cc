// The dynamic configs of brokers.
#include <absl/strings/numbers.h>

#include "meta/brokers.h"
#include "meta/settle.h"
#include "meta/topic_config.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

using model::ErrorCode;
using model::WithCode;

enum class Scope { kCluster, kBoth };
struct Definition {
  std::string_view name;
  Scope scope;
  int64_t low, high;  // both 0: a topic config's default, checked as that
};
constexpr Definition kTable[] = {
    {"follower.replication.throttled.rate", Scope::kBoth, 1, INT64_MAX},  // bytes/s
    {"leader.replication.throttled.rate", Scope::kBoth, 1, INT64_MAX},    // bytes/s
    {"min.insync.replicas", Scope::kCluster, 0, 0},
    {"unclean.leader.election.enable", Scope::kCluster, 0, 0},
};

absl::Status CheckBrokerConfig(NodeId broker, const std::string& name, const std::string* value) {
  const Definition* definition = nullptr;
  std::vector<std::string_view> names;
  for (const Definition& d : kTable) {
    names.push_back(d.name);
    if (d.name == name) definition = &d;
  }
  if (definition == nullptr) {
    const std::string_view nearest = Nearest(name, names);
    return InvalidArgument("config ", name, ": no broker config that can change while it runs has this name",
                           nearest.empty() ? "" : "; did you mean ", nearest, nearest.empty() ? "" : "?",
                           "; the others are set in the broker's YAML file or by --set, and need a restart");
  }
  if (definition->scope == Scope::kCluster && broker != kNobody) {
    return InvalidArgument("config ", name, ": holds for the whole cluster, not for broker ", broker,
                           ": set it as the cluster's default");
  }
  if (value == nullptr) return absl::OkStatus();
  if (definition->high == 0) return CheckTopicConfig(name, *value);
  int64_t number = 0;
  if (absl::SimpleAtoi(*value, &number) && number >= definition->low) return absl::OkStatus();
  return InvalidArgument("config ", name, ": expected a whole number of at least ", definition->low, ", got '", *value,
                         "'");
}

}  // namespace

std::vector<std::string_view> BrokerConfigNames() {
  std::vector<std::string_view> names;
  for (const Definition& definition : kTable) names.push_back(definition.name);
  return names;
}

absl::StatusOr<Records> Decide(const Image& image, const AlterBrokerConfigs& command, const Policy& policy) {
  LEAT_RETURN_IF_ERROR(RequireClusterLevel(image));
  if (command.broker != kNobody && image.FindBroker(command.broker) == nullptr) {
    return WithCode(NotFound("broker ", command.broker, " is not registered"), ErrorCode::kBrokerIdNotRegistered);
  }
  const bool keep = command.others == AlterBrokerConfigs::Others::kKeep;
  Configs configs = keep ? image.BrokerConfigs(command.broker) : Configs();
  const auto check = [&](const std::string& name, const std::string* value) {
    return WithCode(CheckBrokerConfig(command.broker, name, value), ErrorCode::kInvalidConfig);
  };
  for (const std::string& name : command.remove) {
    LEAT_RETURN_IF_ERROR(check(name, nullptr));
    configs.erase(name);
  }
  for (const auto& [name, value] : command.set) {
    LEAT_RETURN_IF_ERROR(check(name, &value));
    configs[name] = value;
  }
  if (configs == image.BrokerConfigs(command.broker)) return Records();
  Records records = {BrokerConfigsChanged{command.broker, std::move(configs)}};
  if (command.broker != kNobody) return records;
  Image after = image;
  LEAT_RETURN_IF_ERROR(after.Apply(records.back()).status());
  ResettleEligible(after, std::nullopt, policy, &records);
  return records;
}

}  // namespace leat::meta
