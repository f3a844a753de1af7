// LeaveGroup, by members themselves or by an administrator who names instances.
#include "group/classic_core.h"

namespace leat::group {

using model::ErrorCode;

LeaveReply ClassicCore::Leave(const LeaveRequest& request, Now now) {
  LeaveReply reply;
  if (request.group.empty() || request.group.size() > options_.limits.group_id_bytes) {
    reply.code = ErrorCode::kInvalidGroupId;
    return reply;
  }
  ClassicGroup* group = FindMutable(request.group);
  if (group != nullptr && group->Is(GroupState::kDead)) {
    reply.code = ErrorCode::kCoordinatorNotAvailable;
    return reply;
  }
  for (const LeavingMember& leaving : request.members) {
    const ErrorCode code = group == nullptr ? ErrorCode::kUnknownMemberId : LeaveOne(*group, leaving, now);
    reply.members.push_back({leaving.member, leaving.instance, code});
  }
  return reply;
}

ErrorCode ClassicCore::LeaveOne(ClassicGroup& group, const LeavingMember& leaving, Now now) {
  if (group.pending_ids.erase(leaving.member) > 0) {
    deadlines_.Cancel({TimerKind::kPendingId, group.name(), leaving.member});
    MaybeCompleteJoin(group, now);
    return ErrorCode::kNone;
  }
  std::string id = leaving.member;
  if (id.empty() && leaving.instance) {
    const std::string* current = group.FindInstance(*leaving.instance);
    if (current == nullptr) return ErrorCode::kUnknownMemberId;
    id = *current;
  }
  if (const ErrorCode code = group.CheckMember(id, leaving.instance); code != ErrorCode::kNone) return code;
  RemoveMember(group, id, now);
  return ErrorCode::kNone;
}

}  // namespace leat::group
