// DescribeConfigs (32): of topics and of this broker.
#include <absl/strings/numbers.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/strings.h"
#include "broker/cluster_admin.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "meta/topic_config.h"
#include "wire/messages/describe_configs.h"

namespace leat::kafka {
namespace {

using wire::DescribeConfigsRequest;
using wire::DescribeConfigsResponse;
using Resource = DescribeConfigsRequest::DescribeConfigsResource;
using Result = DescribeConfigsResponse::DescribeConfigsResult;
using Entry = DescribeConfigsResponse::DescribeConfigsResourceResult;

// org.apache.kafka.common.config.ConfigDef.Type, as the protocol numbers it.
enum class WireType : int8_t { kUnknown = 0, kBoolean = 1, kString = 2, kInt = 3, kLong = 5, kDouble = 6, kList = 7 };

WireType TypeOf(const meta::ConfigDefinition& definition) {
  switch (definition.type) {
    case meta::ConfigType::kLong:
      return definition.high <= 2147483647.0 ? WireType::kInt : WireType::kLong;
    case meta::ConfigType::kDouble:
      return WireType::kDouble;
    case meta::ConfigType::kBoolean:
      return WireType::kBoolean;
    case meta::ConfigType::kChoice:
      return WireType::kString;
    case meta::ConfigType::kChoices:
      return WireType::kList;
  }
  return WireType::kUnknown;
}

struct Wanted {
  bool synonyms;
  bool documentation;
};

bool Asked(const Resource& resource, std::string_view name) {
  if (!resource.configuration_keys) return true;
  const auto& keys = *resource.configuration_keys;
  return std::find(keys.begin(), keys.end(), name) != keys.end();
}

DescribeConfigsResponse::DescribeConfigsSynonym Synonym(std::string name, std::string value, ConfigSource source) {
  DescribeConfigsResponse::DescribeConfigsSynonym synonym;
  synonym.name = std::move(name);
  synonym.value = std::move(value);
  synonym.source = static_cast<int8_t>(source);
  return synonym;
}

Entry TopicEntry(const broker::ConfigEntry& config, const Wanted& wanted) {
  Entry entry;
  entry.name = config.name;
  entry.value = config.value;
  entry.config_source = static_cast<int8_t>(SourceOf(config));
  const meta::ConfigDefinition* definition = meta::FindTopicConfig(config.name);
  if (definition == nullptr) return entry;
  entry.config_type = static_cast<int8_t>(TypeOf(*definition));
  if (wanted.documentation) entry.documentation = std::string(definition->help);
  if (wanted.synonyms) {
    const ConfigSource source = SourceOf(config);
    if (source != ConfigSource::kDefault) entry.synonyms.push_back(Synonym(config.name, config.value, source));
    entry.synonyms.push_back(Synonym(config.name, std::string(definition->default_value), ConfigSource::kDefault));
  }
  return entry;
}

Entry BrokerEntry(const broker::BrokerConfig& config, const Wanted& wanted) {
  Entry entry;
  entry.name = config.name;
  entry.value = config.value;
  entry.read_only = true;
  entry.config_source = static_cast<int8_t>(ConfigSource::kStaticBroker);
  entry.config_type = static_cast<int8_t>(WireType::kString);
  if (wanted.synonyms) entry.synonyms.push_back(Synonym(config.name, config.value, ConfigSource::kStaticBroker));
  if (wanted.documentation) entry.documentation = config.help;
  return entry;
}

// What was set of it while it ran, over what it began with.
Entry DynamicEntry(const broker::DynamicConfig& config, const Wanted& wanted) {
  const ConfigSource source = config.source == broker::DynamicConfig::Source::kNode ? ConfigSource::kDynamicBroker
                                                                                    : ConfigSource::kDynamicDefault;
  Entry entry;
  entry.name = config.name;
  entry.value = config.value;
  entry.config_source = static_cast<int8_t>(source);
  entry.config_type = static_cast<int8_t>(WireType::kString);
  if (wanted.synonyms) entry.synonyms.push_back(Synonym(config.name, config.value, source));
  if (wanted.documentation) entry.documentation = "Set while the broker ran.";
  return entry;
}

void Refuse(Result& result, model::ErrorCode code, std::string message) {
  result.error_code = Code(code);
  result.error_message = std::move(message);
}

// One request under way. `request` outlives it: it lives until the reply.
struct Describing {
  const DescribeConfigsRequest& request;
  Wanted wanted;
  DescribeConfigsResponse response;
  Reply<DescribeConfigsResponse> reply;
  std::vector<size_t> topics, brokers;  // places of the resources of each kind that the broker must be asked for
  std::vector<std::pair<size_t, std::optional<model::NodeId>>> dynamic;  // places of brokers, or of the default of all
};
using DescribingPtr = std::shared_ptr<Describing>;

// One resource after the other; answers after the last.
void FillDynamic(broker::Broker& broker, const DescribingPtr& describing, size_t next) {
  if (next == describing->dynamic.size()) return describing->reply(std::move(describing->response));
  const auto [place, node] = describing->dynamic[next];
  broker.cluster_admin().DescribeBrokerConfigs(
      node, [&broker, describing, next, place = place](const std::vector<broker::DynamicConfig>& configs) {
        auto& entries = describing->response.results[place].configs;
        for (const broker::DynamicConfig& config : configs) {
          if (!Asked(describing->request.resources[place], config.name)) continue;
          Entry entry = DynamicEntry(config, describing->wanted);
          const auto fixed = std::find_if(entries.begin(), entries.end(),
                                          [&](const Entry& other) { return other.name == entry.name; });
          if (fixed == entries.end()) {
            entries.push_back(std::move(entry));
          } else {
            for (auto& synonym : fixed->synonyms) entry.synonyms.push_back(std::move(synonym));
            *fixed = std::move(entry);
          }
        }
        FillDynamic(broker, describing, next + 1);
      });
}

void FillBrokers(broker::Broker& broker, const DescribingPtr& describing,
                 const std::vector<broker::BrokerConfig>& configs) {
  for (const size_t place : describing->brokers) {
    for (const broker::BrokerConfig& config : configs) {
      if (!Asked(describing->request.resources[place], config.name)) continue;
      describing->response.results[place].configs.push_back(BrokerEntry(config, describing->wanted));
    }
  }
  FillDynamic(broker, describing, 0);
}

void FillTopics(const DescribingPtr& describing, const std::vector<broker::TopicDescription>& topics) {
  for (size_t i = 0; i < topics.size(); ++i) {
    const size_t place = describing->topics[i];
    Result& result = describing->response.results[place];
    if (!topics[i].outcome.ok()) {
      Refuse(result, topics[i].outcome.code, topics[i].outcome.message);
      continue;
    }
    for (const broker::ConfigEntry& config : topics[i].configs) {
      if (Asked(describing->request.resources[place], config.name)) {
        result.configs.push_back(TopicEntry(config, describing->wanted));
      }
    }
  }
}

// Sorts the resources by who knows them; answers those that nobody has to be asked for.
void Sort(Describing& describing, model::NodeId node) {
  for (size_t i = 0; i < describing.request.resources.size(); ++i) {
    const Resource& resource = describing.request.resources[i];
    Result& result = describing.response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = std::string(resource.resource_name);
    int32_t id = 0;
    switch (static_cast<ResourceType>(resource.resource_type)) {
      case ResourceType::kTopic:
        describing.topics.push_back(i);
        break;
      case ResourceType::kBroker:
        if (resource.resource_name.empty()) {
          describing.dynamic.emplace_back(i, std::nullopt);
        } else if (absl::SimpleAtoi(ToAbsl(resource.resource_name), &id) && id == node.value()) {
          describing.brokers.push_back(i);
          describing.dynamic.emplace_back(i, node);
        } else {
          Refuse(result, model::ErrorCode::kInvalidRequest,
                 StrCat("expected the broker ", node.value(), ", which this is, got '", resource.resource_name, "'"));
        }
        break;
      case ResourceType::kClientMetrics:
      case ResourceType::kGroup:
        break;  // nothing can be set on them
      case ResourceType::kBrokerLogger:
        Refuse(result, model::ErrorCode::kInvalidRequest,
               "log levels are not set over the protocol: set logging.level in the broker's configuration");
        break;
      default:
        Refuse(result, model::ErrorCode::kInvalidRequest, StrCat("unknown resource type ", resource.resource_type));
    }
  }
}

}  // namespace

void HandleDescribeConfigs(Call& call, const DescribeConfigsRequest& request, Reply<DescribeConfigsResponse> reply) {
  auto describing = std::make_shared<Describing>(
      Describing{request, {request.include_synonyms, request.include_documentation}, {}, std::move(reply), {}, {}, {}});
  Sort(*describing, call.broker.node_id());
  const auto brokers = [describing, &broker = call.broker] {
    broker.DescribeBroker([describing, &broker](const std::vector<broker::BrokerConfig>& configs) {
      FillBrokers(broker, describing, configs);
    });
  };
  if (describing->topics.empty()) return brokers();
  std::vector<std::string> names;
  for (const size_t place : describing->topics) names.push_back(describing->response.results[place].resource_name);
  call.broker.DescribeTopics(std::move(names),
                             [describing, brokers](const std::vector<broker::TopicDescription>& topics) {
                               FillTopics(describing, topics);
                               brokers();
                             });
}

}  // namespace leat::kafka
