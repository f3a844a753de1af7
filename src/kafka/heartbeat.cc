// Heartbeat (12).
#include "wire/messages/heartbeat.h"

#include "kafka/group_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {

using wire::HeartbeatRequest;
using wire::HeartbeatResponse;

void HandleHeartbeat(Call& call, const HeartbeatRequest& request, Reply<HeartbeatResponse> reply) {
  group::HeartbeatRequest heartbeat{std::string(request.group_id), std::string(request.member_id),
                                    Owned(request.group_instance_id), request.generation_id};
  call.broker.groups().Heartbeat(std::move(heartbeat),
                                 [reply = std::move(reply)](const group::HeartbeatReply& beaten) mutable {
                                   HeartbeatResponse response;
                                   response.error_code = GroupCode(beaten.code);
                                   reply(std::move(response));
                                 });
}

}  // namespace leat::kafka
