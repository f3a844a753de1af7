// AlterConfigs (33), which gives the whole set, and IncrementalAlterConfigs (44), which gives the changes.
#include <set>
#include <vector>

#include "base/strings.h"
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
      return {};
    case ResourceType::kBroker:
    case ResourceType::kBrokerLogger:
      return Refuse(model::ErrorCode::kInvalidRequest,
                    "the broker takes its configuration from its YAML file and --set: change it there and restart");
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
    SetOutcome(outcome, &result);
    if (outcome.ok()) changes.Add(std::move(change), response.responses.size() - 1);
  }
  const auto mode = request.validate_only ? broker::ChangeMode::kValidate : broker::ChangeMode::kApply;
  AlterTopics(call, std::move(changes), mode, std::move(response), std::move(reply),
              [](Response& to, size_t place, const broker::TopicResult& result) {
                SetOutcome(result.outcome, &to.responses[place]);
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
