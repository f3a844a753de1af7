// SyncGroup (14).
#include "wire/messages/sync_group.h"
#include "kafka/group_support.h"
#include "kafka/handlers.h"
#include "kafka/parked_reply.h"

namespace leat::kafka {
namespace {

using wire::SyncGroupRequest;
using wire::SyncGroupResponse;

SyncGroupResponse ToResponse(group::SyncReply reply) {
  SyncGroupResponse response;
  response.error_code = GroupCode(reply.code);
  response.protocol_type = std::move(reply.protocol_type);
  response.protocol_name = std::move(reply.protocol);
  response.assignment = std::move(reply.assignment);
  return response;
}

}  // namespace

void HandleSyncGroup(Call& call, const SyncGroupRequest& request, Reply<SyncGroupResponse> reply) {
  group::SyncRequest sync;
  sync.group = std::string(request.group_id);
  sync.member = std::string(request.member_id);
  sync.instance = Owned(request.group_instance_id);
  sync.generation = request.generation_id;
  sync.protocol_type = Owned(request.protocol_type);
  sync.protocol = Owned(request.protocol_name);
  for (const auto& assignment : request.assignments) {
    sync.assignments.push_back({std::string(assignment.member_id), std::string(assignment.assignment)});
  }
  auto parked = ParkedReply<SyncGroupResponse>::Park(call, std::move(reply),
                                                     ToResponse({.code = model::ErrorCode::kCoordinatorNotAvailable}));
  call.broker.groups().Sync(std::move(sync),
                            [parked](group::SyncReply synced) { parked->Give(ToResponse(std::move(synced))); });
}

}  // namespace leat::kafka
