// AlterConfigs (33), which gives the whole set, and IncrementalAlterConfigs (44), which gives the changes.
#include <absl/strings/numbers.h>

#include <set>
#include <vector>

#include "base/strings.h"
#include "broker/cluster_admin.h"
#include "kafka/admin_support.h"
#include "kafka/alter_topics.h"
#include "kafka/handlers.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/incremental_alter_configs.h"

namespace leat::kafka {
namespace {

using wire::AlterConfigsRequest;
using wire::AlterConfigsResponse;
using wire::IncrementalAlterConfigsRequest;
using wire::IncrementalAlterConfigsResponse;

enum class Operation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

broker::Outcome Refuse(model::ErrorCode code, std::string message) { return {code, std::move(message)}; }

broker::Outcome CheckType(int8_t type) {
  switch (static_cast<ResourceType>(type)) {
    case ResourceType::kTopic:
    case ResourceType::kBroker:
      return {};
    case ResourceType::kBrokerLogger:
      return Refuse(model::ErrorCode::kInvalidRequest,
                    "log levels are not set over the protocol: set logging.level in the broker's configuration");
    case ResourceType::kClientMetrics:
    case ResourceType::kGroup:
      return Refuse(model::ErrorCode::kInvalidRequest, "nothing can be set on client metrics and on groups");
  }
  return Refuse(model::ErrorCode::kInvalidRequest, StrCat("unknown resource type ", type));
}

broker::Outcome Translate(const AlterConfigsRequest::AlterConfigsResource& resource, broker::AlterTopic* out) {
  out->replace_all = true;
  for (const auto& config : resource.configs) {
    if (!config.value) {
      return Refuse(model::ErrorCode::kInvalidConfig, StrCat("config ", config.name, ": expected a value, got null"));
    }
    if (!out->set.emplace(config.name, *config.value).second) {
      return Refuse(model::ErrorCode::kInvalidRequest, StrCat("config ", config.name, " comes twice"));
    }
  }
  return {};
}

broker::Outcome Translate(const IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                          broker::AlterTopic* out) {
  std::set<std::string_view> names;
  for (const auto& config : resource.configs) {
    const std::string name(config.name);
    if (!names.insert(config.name).second) {
      return Refuse(model::ErrorCode::kInvalidRequest, StrCat("config ", name, " comes twice"));
    }
    const auto operation = static_cast<Operation>(config.config_operation);
    if (operation != Operation::kDelete && !config.value) {
      return Refuse(model::ErrorCode::kInvalidRequest, StrCat("config ", name, ": expected a value, got null"));
    }
    switch (operation) {
      case Operation::kSet:
        out->set[name] = std::string(*config.value);
        break;
      case Operation::kDelete:
        out->remove.push_back(name);
        break;
      case Operation::kAppend:
        out->append[name] = std::string(*config.value);
        break;
      case Operation::kSubtract:
        out->subtract[name] = std::string(*config.value);
        break;
      default:
        return Refuse(model::ErrorCode::kInvalidRequest,
                      StrCat("config ", name, ": expected the operation 0 (set), 1 ",
                             "(delete), 2 (append) or 3 (subtract), got ", config.config_operation));
    }
  }
  return {};
}

// The name of a broker is its id, and of the defaults of all brokers empty.
broker::Outcome ToBrokerChange(broker::AlterTopic change, broker::BrokerConfigChange* out) {
  int32_t id = 0;
  if (!change.name.empty()) {
    if (!absl::SimpleAtoi(change.name, &id) || id < 0) {
      return Refuse(model::ErrorCode::kInvalidRequest,
                    StrCat("expected the id of a broker, or '' for the defaults of all, got '", change.name, "'"));
    }
    out->node = model::NodeId(id);
  }
  if (!change.append.empty() || !change.subtract.empty()) {
    const std::string& name = change.append.empty() ? change.subtract.begin()->first : change.append.begin()->first;
    return Refuse(model::ErrorCode::kInvalidConfig, StrCat("config ", name, " is no list: it can be set and deleted"));
  }
  out->set = std::move(change.set);
  out->remove = std::move(change.remove);
  out->replace_all = change.replace_all;
  return {};
}

template <class Result>
void SetOutcome(const broker::Outcome& outcome, Result* result) {
  result->error_code = Code(outcome.code);
  result->error_message = ErrorText(outcome);
}

// Both APIs have messages of the same shape.
template <class Request, class Response>
void Alter(Call& call, const Request& request, Reply<Response> reply) {
  using Result = typename Response::AlterConfigsResourceResponse;
  Repeated<std::pair<int8_t, std::string_view>> repeated;
  for (const auto& resource : request.resources) repeated.Add({resource.resource_type, resource.resource_name});
  Response response;
  TopicChanges changes;
  std::vector<broker::BrokerConfigChange> brokers;
  std::vector<size_t> places;  // of the brokers in the response
  for (const auto& resource : request.resources) {
    broker::AlterTopic change;
    change.name = std::string(resource.resource_name);
    broker::Outcome outcome = CheckType(resource.resource_type);
    if (repeated({resource.resource_type, resource.resource_name})) {
      outcome = Refuse(model::ErrorCode::kInvalidRequest, "the resource comes twice in this request");
    }
    if (outcome.ok()) outcome = Translate(resource, &change);
    Result& result = response.responses.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = change.name;
    const bool of_broker = static_cast<ResourceType>(resource.resource_type) == ResourceType::kBroker;
    if (broker::BrokerConfigChange to; of_broker && outcome.ok()) {
      outcome = ToBrokerChange(std::move(change), &to);
      if (outcome.ok()) {
        brokers.push_back(std::move(to));
        places.push_back(response.responses.size() - 1);
      }
    } else if (outcome.ok()) {
      changes.Add(std::move(change), response.responses.size() - 1);
    }
    SetOutcome(outcome, &result);
  }
  const auto mode = request.validate_only ? broker::ChangeMode::kValidate : broker::ChangeMode::kApply;
  auto topics = [&call, mode, changes = std::move(changes), reply = std::move(reply)](Response so_far) mutable {
    AlterTopics(call, std::move(changes), mode, std::move(so_far), std::move(reply),
                [](Response& to, size_t place, const broker::TopicResult& result) {
                  SetOutcome(result.outcome, &to.responses[place]);
                });
  };
  if (brokers.empty()) return topics(std::move(response));
  call.broker.cluster_admin().AlterBrokerConfigs(
      std::move(brokers), mode,
      [topics = std::move(topics), places = std::move(places),
       response = std::move(response)](const std::vector<broker::Outcome>& outcomes) mutable {
        for (size_t i = 0; i < outcomes.size(); ++i) SetOutcome(outcomes[i], &response.responses[places[i]]);
        topics(std::move(response));
      });
}

}  // namespace

void HandleAlterConfigs(Call& call, const AlterConfigsRequest& request, Reply<AlterConfigsResponse> reply) {
  Alter(call, request, std::move(reply));
}

void HandleIncrementalAlterConfigs(Call& call, const IncrementalAlterConfigsRequest& request,
                                   Reply<IncrementalAlterConfigsResponse> reply) {
  Alter(call, request, std::move(reply));
}

}  // namespace leat::kafka
