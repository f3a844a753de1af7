// LeaveGroup (13).
#include "wire/messages/leave_group.h"

#include "kafka/group_support.h"
#include "kafka/handlers.h"

namespace leat::kafka {

using wire::LeaveGroupRequest;
using wire::LeaveGroupResponse;

constexpr int16_t kFirstWithMembers = 3;

void HandleLeaveGroup(Call& call, const LeaveGroupRequest& request, Reply<LeaveGroupResponse> reply) {
  group::LeaveRequest leave;
  leave.group = std::string(request.group_id);
  if (call.version < kFirstWithMembers) leave.members.push_back({std::string(request.member_id), std::nullopt});
  for (const auto& member : request.members) {
    leave.members.push_back({std::string(member.member_id), Owned(member.group_instance_id)});
  }
  call.broker.groups().Leave(std::move(leave),
                             [version = call.version, reply = std::move(reply)](group::LeaveReply left) mutable {
                               LeaveGroupResponse response;
                               response.error_code = GroupCode(left.code);
                               const bool one_alone = version < kFirstWithMembers && left.members.size() == 1;
                               if (one_alone && left.code == model::ErrorCode::kNone)
                                 response.error_code = GroupCode(left.members[0].code);
                               for (group::LeaveReply::Member& member : left.members) {
                                 auto& out = response.members.emplace_back();
                                 out.member_id = std::move(member.member);
                                 out.group_instance_id = std::move(member.instance);
                                 out.error_code = GroupCode(member.code);
                               }
                               reply(std::move(response));
                             });
}

}  // namespace leat::kafka
