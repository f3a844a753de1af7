// Heartbeats and what happens without them.
#include "group/classic_core.h"

namespace leat::group {

using model::ErrorCode;

HeartbeatReply ClassicCore::Heartbeat(const HeartbeatRequest& request, Now now) {
  const ClassicGroup* group = Find(request.group);
  if (group == nullptr) {
    const bool named = !request.group.empty() && request.group.size() <= options_.limits.group_id_bytes;
    return {named ? ErrorCode::kUnknownMemberId : ErrorCode::kInvalidGroupId};
  }
  if (group->Is(GroupState::kDead)) return {ErrorCode::kCoordinatorNotAvailable};
  if (const ErrorCode code = group->CheckMember(request.member, request.instance); code != ErrorCode::kNone) {
    return {code};
  }
  if (request.generation != group->generation()) return {ErrorCode::kIllegalGeneration};
  const ClassicMember& member = *group->Find(request.member);
  // While it waits for an answer no session runs; the answer starts it.
  if (!member.joined() && !member.sync) StartSession(*group, member, now);
  return {group->Is(GroupState::kPreparingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone};
}

void ClassicCore::StartSession(const ClassicGroup& group, const ClassicMember& member, Now now) {
  deadlines_.Set({TimerKind::kSession, group.name(), member.id}, now.instant + member.session_timeout);
}

void ClassicCore::StopSession(const ClassicGroup& group, std::string_view member) {
  deadlines_.Cancel({TimerKind::kSession, group.name(), std::string(member)});
}

// A client that waits for its first answer cannot be told from one that has gone, so that it may not wait for ever.
void ClassicCore::LimitFirstWait(const ClassicGroup& group, const ClassicMember& member, Now now) {
  deadlines_.Set({TimerKind::kSession, group.name(), member.id}, now.instant + options_.new_member_timeout);
}

void ClassicCore::Tick(Now now) {
  while (const std::optional<TimerName> timer = deadlines_.TakeDue(now.instant)) OnTimer(*timer, now);
}

void ClassicCore::OnTimer(const TimerName& timer, Now now) {
  ClassicGroup* group = FindMutable(timer.group);
  if (group == nullptr) return;
  switch (timer.kind) {
    case TimerKind::kSession:
      if (group->Find(timer.member) != nullptr) RemoveMember(*group, timer.member, now);
      return;
    case TimerKind::kPendingId:
      group->pending_ids.erase(timer.member);
      MaybeCompleteJoin(*group, now);
      return;
    case TimerKind::kJoin:
      OnJoinTimer(*group, now);
      return;
    case TimerKind::kSync:
      OnSyncTimer(*group, now);
      return;
  }
}

// Members of the generation that never asked for their assignment hold partitions that nobody reads.
void ClassicCore::OnSyncTimer(ClassicGroup& group, Now now) {
  if (!group.Is(GroupState::kCompletingRebalance) && !group.Is(GroupState::kStable)) return;
  if (group.pending_syncs.empty()) return;
  const auto late = group.pending_syncs;
  for (const std::string& id : late) DropMember(group, id);
  MaybePrepareRebalance(group, now);
}

}  // namespace leat::group
