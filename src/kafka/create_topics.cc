// CreateTopics (19).
#include <memory>
#include <vector>

#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/create_topics.h"

namespace leat::kafka {
namespace {

using wire::CreateTopicsRequest;
using wire::CreateTopicsResponse;

broker::Outcome Refuse(model::ErrorCode code, std::string message) { return {code, std::move(message)}; }

// An assignment by hand gives each partition its brokers, in any order of the partitions.
broker::Outcome TakeAssignments(const CreateTopicsRequest::CreatableTopic& topic, broker::NewTopic* out) {
  if (topic.num_partitions != -1 || topic.replication_factor != -1) {
    return Refuse(model::ErrorCode::kInvalidRequest,
                  "expected either partitions and replication factor, or assignments; got both");
  }
  std::vector<bool> seen(topic.assignments.size());
  out->partitions = static_cast<int32_t>(topic.assignments.size());
  out->assignments.resize(topic.assignments.size());
  for (const CreateTopicsRequest::CreatableReplicaAssignment& assignment : topic.assignments) {
    const auto index = static_cast<size_t>(assignment.partition_index);
    if (assignment.partition_index < 0 || index >= seen.size() || seen[index]) {
      return Refuse(
          model::ErrorCode::kInvalidReplicaAssignment,
          StrCat("expected the partitions 0 to ", seen.size() - 1, " once each, got ", assignment.partition_index));
    }
    seen[index] = true;
    out->assignments[index] = NodesOf(assignment.broker_ids);
  }
  return {};
}

broker::Outcome Translate(const CreateTopicsRequest::CreatableTopic& topic, broker::NewTopic* out) {
  out->name = std::string(topic.name);
  out->partitions = topic.num_partitions;
  out->replication_factor = topic.replication_factor;
  if (!topic.assignments.empty()) {
    broker::Outcome outcome = TakeAssignments(topic, out);
    if (!outcome.ok()) return outcome;
  }
  for (const CreateTopicsRequest::CreatableTopicConfig& config : topic.configs) {
    if (!config.value) {
      return Refuse(model::ErrorCode::kInvalidConfig, StrCat("config ", config.name, ": expected a value, got null"));
    }
    out->configs[std::string(config.name)] = std::string(*config.value);
  }
  return {};
}

CreateTopicsResponse::CreatableTopicResult ResultOf(const broker::TopicResult& result) {
  CreateTopicsResponse::CreatableTopicResult out;
  out.name = result.name;
  out.error_code = Code(result.outcome.code);
  out.error_message = ErrorText(result.outcome);
  if (!result.outcome.ok()) return out;
  out.topic_id = result.id;
  out.num_partitions = result.partitions;
  out.replication_factor = result.replication_factor;
  out.configs.emplace();
  for (const broker::ConfigEntry& entry : result.configs) {
    CreateTopicsResponse::CreatableTopicConfigs config;
    config.name = entry.name;
    config.value = entry.value;
    config.config_source = static_cast<int8_t>(SourceOf(entry));
    out.configs->push_back(std::move(config));
  }
  return out;
}

}  // namespace

void HandleCreateTopics(Call& call, const CreateTopicsRequest& request, Reply<CreateTopicsResponse> reply) {
  Repeated<std::string_view> repeated;
  for (const auto& topic : request.topics) repeated.Add(topic.name);
  auto response = std::make_shared<CreateTopicsResponse>();
  std::vector<broker::NewTopic> topics;
  std::vector<size_t> places;  // of the topics in the response
  for (const auto& topic : request.topics) {
    broker::NewTopic translated;
    broker::Outcome outcome = repeated(topic.name)
                                  ? Refuse(model::ErrorCode::kInvalidRequest, "the topic comes twice in this request")
                                  : Translate(topic, &translated);
    broker::TopicResult refused{.name = std::string(topic.name), .outcome = std::move(outcome)};
    if (refused.outcome.ok()) {
      topics.push_back(std::move(translated));
      places.push_back(response->topics.size());
    }
    response->topics.push_back(ResultOf(refused));
  }
  if (topics.empty()) {
    reply(std::move(*response));
    return;
  }
  const auto mode = request.validate_only ? broker::ChangeMode::kValidate : broker::ChangeMode::kApply;
  call.broker.CreateTopics(std::move(topics), mode,
                           [response, places = std::move(places),
                            reply = std::move(reply)](std::vector<broker::TopicResult> results) mutable {
                             for (size_t i = 0; i < results.size(); ++i) {
                               response->topics[places[i]] = ResultOf(results[i]);
                             }
                             reply(std::move(*response));
                           });
}

}  // namespace leat::kafka
