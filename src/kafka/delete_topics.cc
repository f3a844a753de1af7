// DeleteTopics (20): by name, or from version 6 by name or id.
#include <map>
#include <memory>
#include <vector>

#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/delete_topics.h"

namespace leat::kafka {
namespace {

using wire::DeleteTopicsRequest;
using wire::DeleteTopicsResponse;
using Result = DeleteTopicsResponse::DeletableTopicResult;

// What a place of the request names.
struct Target {
  std::optional<std::string> name;
  model::TopicId id;
};

std::vector<Target> TargetsOf(const DeleteTopicsRequest& request, int16_t version) {
  std::vector<Target> targets;
  if (version < 6) {
    for (const std::string_view name : request.topic_names) targets.push_back({std::string(name), {}});
    return targets;
  }
  for (const auto& topic : request.topics) {
    Target target{std::nullopt, topic.topic_id};
    if (topic.name) target.name = std::string(*topic.name);
    targets.push_back(std::move(target));
  }
  return targets;
}

Result Refused(const Target& target, model::ErrorCode code, std::string message) {
  Result result;
  result.name = target.name;
  result.topic_id = target.id;
  result.error_code = Code(code);
  result.error_message = std::move(message);
  return result;
}

// Finds the names of ids, and refuses what names nothing or comes twice.
struct Plan {
  DeleteTopicsResponse response;
  std::vector<std::string> names;
  std::vector<size_t> places;  // of `names` in the response
};

Plan MakePlan(const std::vector<Target>& targets, const meta::Image& image) {
  Plan plan;
  Repeated<std::string> repeated;
  std::vector<std::optional<std::string>> names;
  for (const Target& target : targets) {
    std::optional<std::string> name = target.name;
    if (!name && target.id != model::TopicId{}) {
      if (const meta::TopicPtr topic = image.FindTopic(target.id)) name = topic->name;
    }
    if (name) repeated.Add(*name);
    names.push_back(std::move(name));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    const bool has_id = target.id != model::TopicId{};
    if (target.name.has_value() == has_id) {
      plan.response.responses.push_back(Refused(target, model::ErrorCode::kInvalidRequest,
                                                "expected either a topic's name or its id, got both or neither"));
    } else if (!names[i]) {
      plan.response.responses.push_back(
          Refused(target, model::ErrorCode::kUnknownTopicId, "no topic has this id: it was deleted, or never was"));
    } else if (repeated(*names[i])) {
      plan.response.responses.push_back(
          Refused(target, model::ErrorCode::kInvalidRequest, "the topic comes twice in this request"));
    } else {
      plan.places.push_back(plan.response.responses.size());
      plan.names.push_back(*names[i]);
      plan.response.responses.push_back(Refused(target, model::ErrorCode::kNone, ""));
    }
  }
  return plan;
}

}  // namespace

void HandleDeleteTopics(Call& call, const DeleteTopicsRequest& request, Reply<DeleteTopicsResponse> reply) {
  auto plan = std::make_shared<Plan>(MakePlan(TargetsOf(request, call.version), *call.broker.ImageOn(call.shard)));
  if (plan->names.empty()) {
    reply(std::move(plan->response));
    return;
  }
  call.broker.DeleteTopics(plan->names,
                           [plan, reply = std::move(reply)](std::vector<broker::TopicResult> results) mutable {
                             for (size_t i = 0; i < results.size(); ++i) {
                               Result& result = plan->response.responses[plan->places[i]];
                               result.name = results[i].name;
                               if (results[i].outcome.ok()) result.topic_id = results[i].id;
                               result.error_code = Code(results[i].outcome.code);
                               result.error_message = ErrorText(results[i].outcome);
                             }
                             reply(std::move(plan->response));
                           });
}

}  // namespace leat::kafka
