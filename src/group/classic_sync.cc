// SyncGroup: the leader hands in the assignments; when they are stored, every member that asks gets its own.
#include "base/check.h"
#include "base/logging.h"
#include "group/classic_core.h"

namespace leat::group {

using model::ErrorCode;

std::optional<SyncReply> ClassicCore::CheckSync(const ClassicGroup& group, const SyncRequest& request) const {
  SyncReply reply;
  size_t bytes = 0;
  for (const SyncRequest::Assignment& assignment : request.assignments) bytes += assignment.bytes.size();
  if (group.Is(GroupState::kDead)) {
    reply.code = ErrorCode::kCoordinatorNotAvailable;
  } else if (const ErrorCode code = group.CheckMember(request.member, request.instance); code != ErrorCode::kNone) {
    reply.code = code;
  } else if (request.generation != group.generation()) {
    reply.code = ErrorCode::kIllegalGeneration;
  } else if ((request.protocol_type && *request.protocol_type != group.protocol_type()) ||
             (request.protocol && request.protocol != group.protocol())) {
    reply.code = ErrorCode::kInconsistentGroupProtocol;
  } else if (bytes > options_.limits.assignment_bytes) {
    reply.code = ErrorCode::kPolicyViolation;
  } else {
    return std::nullopt;
  }
  return reply;
}

void ClassicCore::Sync(RequestId id, const SyncRequest& request, Now now) {
  ClassicGroup* group = FindMutable(request.group);
  if (group == nullptr) {
    const bool named = !request.group.empty() && request.group.size() <= options_.limits.group_id_bytes;
    return outbox_.Answer(id, SyncReply{.code = named ? ErrorCode::kUnknownMemberId : ErrorCode::kInvalidGroupId});
  }
  if (const std::optional<SyncReply> refused = CheckSync(*group, request)) return outbox_.Answer(id, *refused);
  ClassicMember& member = *group->Find(request.member);
  switch (group->state()) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return outbox_.Answer(id, SyncReply{.code = ErrorCode::kUnknownMemberId});
    case GroupState::kPreparingRebalance:
      return outbox_.Answer(id, SyncReply{.code = ErrorCode::kRebalanceInProgress});
    case GroupState::kCompletingRebalance:
      if (member.sync) AnswerSync(*group, member, ErrorCode::kRebalanceInProgress);
      member.sync = id;
      group->pending_syncs.erase(member.id);
      StopSession(*group, member.id);
      if (member.id == group->leader()) TakeAssignments(*group, request, now);
      return;
    case GroupState::kStable:
      group->pending_syncs.erase(member.id);
      if (group->pending_syncs.empty()) deadlines_.Cancel({TimerKind::kSync, group->name(), ""});
      member.sync = id;
      AnswerSync(*group, member, ErrorCode::kNone);
      StartSession(*group, member, now);
      return;
  }
}

void ClassicCore::TakeAssignments(ClassicGroup& group, const SyncRequest& request, Now now) {
  std::map<std::string, std::string, std::less<>> assignments;
  for (const SyncRequest::Assignment& assignment : request.assignments) {
    if (group.Find(assignment.member) != nullptr) assignments[assignment.member] = assignment.bytes;
  }
  GroupMetadata metadata = group.Metadata(assignments);
  metadata.state_time_ms = now.wall_ms;
  WriteGroup(group, metadata, AssignmentWrite{group.name(), group.generation(), std::move(assignments)});
}

void ClassicCore::FinishAssignment(AssignmentWrite& write, const absl::Status& status, Now now) {
  ClassicGroup* group = FindMutable(write.group);
  // The next rebalance may have begun meanwhile; it has answered those that waited.
  if (group == nullptr || !group->Is(GroupState::kCompletingRebalance) || group->generation() != write.generation) {
    return;
  }
  if (!status.ok()) {
    LogWarning("group", "group ", write.group, ": the assignment of generation ", write.generation,
               " was not stored: ", Message(status));
    for (const auto& [id, unused] : group->members()) {
      ClassicMember& member = *group->Find(id);
      if (!member.sync) continue;
      AnswerSync(*group, member, ErrorCode::kCoordinatorNotAvailable);
      StartSession(*group, member, now);
    }
    PrepareRebalance(*group, now);
    return;
  }
  group->Become(GroupState::kStable, now.wall_ms);
  for (const auto& [id, unused] : group->members()) {
    ClassicMember& member = *group->Find(id);
    const auto assignment = write.assignments.find(id);
    member.assignment = assignment == write.assignments.end() ? std::string() : std::move(assignment->second);
    if (!member.sync) continue;
    AnswerSync(*group, member, ErrorCode::kNone);
    StartSession(*group, member, now);
  }
  if (group->pending_syncs.empty()) deadlines_.Cancel({TimerKind::kSync, group->name(), ""});
}

void ClassicCore::AnswerSync(const ClassicGroup& group, ClassicMember& member, ErrorCode code) {
  LEAT_CHECK(member.sync.has_value());
  SyncReply reply;
  reply.code = code;
  if (code == ErrorCode::kNone) {
    reply.protocol_type = group.protocol_type();
    reply.protocol = group.protocol();
    reply.assignment = member.assignment;
  }
  outbox_.Answer(*member.sync, std::move(reply));
  member.sync.reset();
}

}  // namespace leat::group
