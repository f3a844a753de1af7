// FindCoordinator (10): the one node coordinates everything.
#include "wire/messages/find_coordinator.h"
#include "kafka/admin_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {
namespace {

using wire::FindCoordinatorRequest;
using wire::FindCoordinatorResponse;

constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;
constexpr int16_t kFirstOfManyKeys = 4;

// Both layouts of the answer have these fields.
template <class Coordinator>
void Fill(const Call& call, int8_t key_type, Coordinator* to) {
  if (key_type != kGroup && key_type != kTransaction) {
    to->error_code = Code(model::ErrorCode::kInvalidRequest);
    to->error_message = StrCat("expected key type 0 (group) or 1 (transaction), got ", +key_type);
    to->node_id = -1;
    to->port = -1;
    return;
  }
  to->node_id = call.broker.node_id().value();
  to->host = call.endpoint.host;
  to->port = call.endpoint.port;
}

}  // namespace

void HandleFindCoordinator(Call& call, const FindCoordinatorRequest& request, Reply<FindCoordinatorResponse> reply) {
  FindCoordinatorResponse response;
  if (call.version < kFirstOfManyKeys) {
    Fill(call, request.key_type, &response);
    return reply(std::move(response));
  }
  for (const std::string_view key : request.coordinator_keys) {
    auto& coordinator = response.coordinators.emplace_back();
    coordinator.key = std::string(key);
    Fill(call, request.key_type, &coordinator);
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
