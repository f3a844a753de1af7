// UnregisterBroker (64), AddRaftVoter (80) and RemoveRaftVoter (81): brokers and controllers that come and go.
#include <absl/strings/ascii.h>

#include "broker/cluster_admin.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/add_raft_voter.h"
#include "wire/messages/remove_raft_voter.h"
#include "wire/messages/unregister_broker.h"

namespace leat::kafka {
namespace {

// These three answers have the same fields.
template <class Response>
broker::Callback<broker::Outcome> AnswerWith(Reply<Response> reply) {
  return [reply = std::move(reply)](const broker::Outcome& outcome) mutable {
    Response response;
    response.error_code = Code(outcome.code);
    response.error_message = ErrorText(outcome);
    reply(std::move(response));
  };
}

}  // namespace

void HandleUnregisterBroker(Call& call, const wire::UnregisterBrokerRequest& request,
                            Reply<wire::UnregisterBrokerResponse> reply) {
  call.broker.cluster_admin().UnregisterBroker(model::NodeId(request.broker_id), AnswerWith(std::move(reply)));
}

void HandleAddRaftVoter(Call& call, const wire::AddRaftVoterRequest& request, Reply<wire::AddRaftVoterResponse> reply) {
  broker::NewVoter voter;
  voter.cluster_id = std::string(request.cluster_id.value_or(""));
  voter.id = model::NodeId(request.voter_id);
  voter.directory = {request.voter_directory_id.high, request.voter_directory_id.low};
  for (const auto& from : request.listeners) {
    // Kafka's clients know names in upper case only, and send them so.
    voter.listeners.push_back({absl::AsciiStrToLower(ToAbsl(from.name)), std::string(from.host), from.port});
  }
  call.broker.cluster_admin().AddVoter(std::move(voter), AnswerWith(std::move(reply)));
}

void HandleRemoveRaftVoter(Call& call, const wire::RemoveRaftVoterRequest& request,
                           Reply<wire::RemoveRaftVoterResponse> reply) {
  call.broker.cluster_admin().RemoveVoter(
      {.cluster_id = std::string(request.cluster_id.value_or("")),
       .id = model::NodeId(request.voter_id),
       .directory = {request.voter_directory_id.high, request.voter_directory_id.low}},
      AnswerWith(std::move(reply)));
}

}  // namespace leat::kafka
