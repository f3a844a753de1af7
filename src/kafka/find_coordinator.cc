// FindCoordinator (10): the leader of the partition that a group or a transactional id falls on.
#include "wire/messages/find_coordinator.h"

#include "broker/coordinators.h"
#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
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
void Refuse(model::ErrorCode code, std::string message, Coordinator* to) {
  to->error_code = Code(code);
  to->error_message = std::move(message);
  to->node_id = -1;
  to->port = -1;
}

template <class Coordinator>
void Fill(const Call& call, const ClusterView& view, int8_t key_type, std::string_view key, Coordinator* to) {
  if (key_type != kGroup && key_type != kTransaction) {
    return Refuse(model::ErrorCode::kInvalidRequest,
                  StrCat("expected key type 0 (group) or 1 (transaction), got ", +key_type), to);
  }
  const auto kind = key_type == kGroup ? broker::CoordinatorKind::kGroup : broker::CoordinatorKind::kTransaction;
  const model::NodeId node = broker::CoordinatorOf(view.image(), kind, key, call.broker.node_id());
  const ClusterView::Node* at = view.Find(node);
  if (at == nullptr) {
    return Refuse(model::ErrorCode::kCoordinatorNotAvailable,
                  "the partition of this name has no leader that can be reached: try again", to);
  }
  to->node_id = at->id;
  to->host = at->host;
  to->port = at->port;
}

}  // namespace

void HandleFindCoordinator(Call& call, const FindCoordinatorRequest& request, Reply<FindCoordinatorResponse> reply) {
  FindCoordinatorResponse response;
  const ClusterView view(call, call.broker.ImageOn(call.shard));
  if (call.version < kFirstOfManyKeys) {
    Fill(call, view, request.key_type, request.key, &response);
    return reply(std::move(response));
  }
  for (const std::string_view key : request.coordinator_keys) {
    auto& coordinator = response.coordinators.emplace_back();
    coordinator.key = std::string(key);
    Fill(call, view, request.key_type, key, &coordinator);
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
