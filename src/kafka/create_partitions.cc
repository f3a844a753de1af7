// CreatePartitions (37).
#include <vector>

#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/alter_topics.h"
#include "kafka/handlers.h"
#include "wire/messages/create_partitions.h"

namespace leat::kafka {
namespace {

using wire::CreatePartitionsRequest;
using wire::CreatePartitionsResponse;
using Result = CreatePartitionsResponse::CreatePartitionsTopicResult;

Result ResultOf(std::string_view name, const broker::Outcome& outcome) {
  Result result;
  result.name = std::string(name);
  result.error_code = Code(outcome.code);
  result.error_message = ErrorText(outcome);
  return result;
}

}  // namespace

void HandleCreatePartitions(Call& call, const CreatePartitionsRequest& request, Reply<CreatePartitionsResponse> reply) {
  Repeated<std::string_view> repeated;
  for (const auto& topic : request.topics) repeated.Add(topic.name);
  CreatePartitionsResponse response;
  TopicChanges changes;
  for (const auto& topic : request.topics) {
    broker::Outcome outcome;
    if (repeated(topic.name)) outcome = {model::ErrorCode::kInvalidRequest, "the topic comes twice in this request"};
    if (topic.count < 1) {
      outcome = {model::ErrorCode::kInvalidPartitions, StrCat("expected at least 1 partition, got ", topic.count)};
    }
    if (outcome.ok()) {
      broker::AlterTopic change;
      change.name = std::string(topic.name);
      change.partitions = topic.count;
      change.must_grow = true;
      if (topic.assignments) {
        change.added_partitions = static_cast<int32_t>(topic.assignments->size());
        for (const auto& assignment : *topic.assignments) change.assignments.push_back(NodesOf(assignment.broker_ids));
      }
      changes.Add(std::move(change), response.results.size());
    }
    response.results.push_back(ResultOf(topic.name, outcome));
  }
  const auto mode = request.validate_only ? broker::ChangeMode::kValidate : broker::ChangeMode::kApply;
  AlterTopics(call, std::move(changes), mode, std::move(response), std::move(reply),
              [](CreatePartitionsResponse& to, size_t place, const broker::TopicResult& result) {
                to.results[place] = ResultOf(result.name, result.outcome);
              });
}

}  // namespace leat::kafka
