// A static member that comes back without its id: it takes its old place under a new one, and whoever still uses the
// old id is fenced.
#include "base/check.h"
#include "base/logging.h"
#include "group/classic_core.h"

namespace leat::group {

using model::ErrorCode;

void ClassicCore::JoinStaticAgain(ClassicGroup& group, RequestId id, JoinRequest request, Now now) {
  const std::string old_id = *group.FindInstance(*request.instance);
  const std::string old_leader = group.leader();
  const std::string new_id = NewMemberId(request);
  ClassicMember& member = *group.Find(old_id);
  if (const auto join = group.TakeJoin(member)) AnswerJoin(*join, ErrorCode::kFencedInstanceId, old_id);
  if (member.sync) AnswerSync(group, member, ErrorCode::kFencedInstanceId);
  StopSession(group, old_id);
  group.ReplaceId(*request.instance, new_id);
  group.SetProtocols(new_id, std::move(request.protocols));
  member.session_timeout = request.session_timeout;
  member.rebalance_timeout = request.rebalance_timeout;
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  if (group.Is(GroupState::kStable) && group.ChooseProtocol() == group.protocol()) {
    StartSession(group, member, now);
    AnswerStatic(group, member, old_leader, id, request.skip_assignment);
    return;
  }
  group.Park(member, id);
  if (member.is_new) LimitFirstWait(group, member, now);
  MaybePrepareRebalance(group, now);
}

// The group goes on as it is. The answer waits for the record that has the new id.
void ClassicCore::AnswerStatic(const ClassicGroup& group, const ClassicMember& member, const std::string& old_leader,
                               RequestId id, SkipAssignment skip) {
  JoinReply reply;
  reply.member = member.id;
  reply.generation = group.generation();
  reply.protocol_type = group.protocol_type();
  reply.protocol = group.protocol();
  if (skip == SkipAssignment::kSupported) {
    reply.leader = group.leader();
    if (member.id == group.leader()) {
      reply.skip_assignment = SkipAssignment::kSupported;
      reply.members = group.JoinedMembers();
    }
  } else {
    // A leader that cannot be told to leave the assignment alone is not told that it leads.
    reply.leader = old_leader;
  }
  WriteGroup(group, group.Metadata(), StaticWrite{group.name(), *member.instance, id, std::move(reply)});
}

void ClassicCore::FinishStatic(StaticWrite& write, const absl::Status& status, Now now) {
  if (status.ok()) {
    ClassicGroup* group = FindMutable(write.group);
    const bool current = group != nullptr && group->Find(write.reply.member) != nullptr;
    if (current && group->generation() == write.reply.generation && group->Is(GroupState::kStable)) {
      outbox_.Answer(write.join, std::move(write.reply));
      return;
    }
    // What it joined is over: it joins again, under the id that it has if it still has it.
    const std::string* holder = group == nullptr ? nullptr : group->FindInstance(write.instance);
    const bool fenced = holder != nullptr && *holder != write.reply.member;
    AnswerJoin(write.join,
               fenced    ? ErrorCode::kFencedInstanceId
               : current ? ErrorCode::kRebalanceInProgress
                         : ErrorCode::kUnknownMemberId,
               write.reply.member);
    return;
  }
  LogWarning("group", "group ", write.group, ": the new id of the static member ", write.instance,
             " was not stored: ", Message(status));
  AnswerJoin(write.join, ErrorCode::kCoordinatorNotAvailable, write.reply.member);
  if (ClassicGroup* group = FindMutable(write.group); group != nullptr && group->Find(write.reply.member) != nullptr) {
    // The record names an id that nobody has: the next generation's record mends it.
    MaybePrepareRebalance(*group, now);
  }
}

}  // namespace leat::group
