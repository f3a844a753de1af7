// The rebalance: everybody is asked to join again, and when all have, or time is up, the next generation begins.
#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "group/classic_core.h"

namespace leat::group {

using model::ErrorCode;

void ClassicCore::MaybePrepareRebalance(ClassicGroup& group, Now now) {
  switch (group.state()) {
    case GroupState::kStable:
    case GroupState::kCompletingRebalance:
    case GroupState::kEmpty:
      PrepareRebalance(group, now);
      return;
    case GroupState::kPreparingRebalance:
      MaybeCompleteJoin(group, now);
      return;
    case GroupState::kDead:
      return;
  }
}

void ClassicCore::PrepareRebalance(ClassicGroup& group, Now now) {
  if (group.Is(GroupState::kCompletingRebalance)) {
    for (const auto& [id, unused] : group.members()) {
      ClassicMember& member = *group.Find(id);
      member.assignment.clear();
      if (!member.sync) continue;
      AnswerSync(group, member, ErrorCode::kRebalanceInProgress);
      if (!member.joined()) StartSession(group, member, now);
    }
  }
  deadlines_.Cancel({TimerKind::kSync, group.name(), ""});
  group.pending_syncs.clear();
  const bool was_empty = group.Is(GroupState::kEmpty);
  group.Become(GroupState::kPreparingRebalance, now.wall_ms);
  const TimerName timer{TimerKind::kJoin, group.name(), ""};
  if (was_empty && options_.initial_rebalance_delay > absl::ZeroDuration()) {
    const Duration delay = std::min(options_.initial_rebalance_delay, group.RebalanceTimeout());
    group.initial_delay = ClassicGroup::InitialDelay{group.RebalanceTimeout() - delay};
    deadlines_.Set(timer, now.instant + delay);
    return;
  }
  deadlines_.Set(timer, now.instant + group.RebalanceTimeout());
  MaybeCompleteJoin(group, now);
}

void ClassicCore::MaybeCompleteJoin(ClassicGroup& group, Now now) {
  if (!group.Is(GroupState::kPreparingRebalance) || !group.AllJoined()) return;
  // The first members wait for others; when the last of them leaves there is nothing to wait for.
  if (group.initial_delay && !group.members().empty()) return;
  CompleteJoin(group, now);
}

void ClassicCore::OnJoinTimer(ClassicGroup& group, Now now) {
  if (!group.Is(GroupState::kPreparingRebalance)) return;
  if (group.initial_delay && group.initial_delay->member_came &&
      group.initial_delay->remaining > absl::ZeroDuration()) {
    const Duration delay = std::min(options_.initial_rebalance_delay, group.initial_delay->remaining);
    group.initial_delay = ClassicGroup::InitialDelay{group.initial_delay->remaining - delay};
    deadlines_.Set({TimerKind::kJoin, group.name(), ""}, now.instant + delay);
    return;
  }
  std::vector<std::string> late;
  bool any_member_joined = false;
  for (const auto& [id, member] : group.members()) {
    any_member_joined |= member.joined();
    if (!member.joined() && !member.instance) late.push_back(id);
  }
  for (const std::string& id : late) DropMember(group, id);
  if (!any_member_joined && !group.members().empty()) {
    // Static members alone, none of which has come: they keep their places until their sessions end.
    deadlines_.Set({TimerKind::kJoin, group.name(), ""},
                   now.instant + std::max(group.RebalanceTimeout(), absl::Seconds(1)));
    return;
  }
  CompleteJoin(group, now);
}

void ClassicCore::CompleteJoin(ClassicGroup& group, Now now) {
  group.initial_delay.reset();
  deadlines_.Cancel({TimerKind::kJoin, group.name(), ""});
  if (group.members().empty()) return BecomeEmpty(group, now);
  LEAT_CHECK(group.ElectJoinedLeader()) << "a generation without a member that joined";
  group.BeginGeneration();
  group.Become(GroupState::kCompletingRebalance, now.wall_ms);
  LogInfo("group", "group ", group.name(), ": generation ", group.generation(), " of ", group.members().size(),
          " members, protocol ", *group.protocol());
  for (const auto& [id, unused] : group.members()) {
    ClassicMember& member = *group.Find(id);
    member.assignment.clear();
    const std::optional<RequestId> join = group.TakeJoin(member);
    if (!join) continue;  // a static member that has not come: its session decides how long it stays
    group.pending_syncs.insert(id);
    member.is_new = false;
    AnswerCurrent(group, member, *join);
    StartSession(group, member, now);
  }
  deadlines_.Set({TimerKind::kSync, group.name(), ""}, now.instant + group.RebalanceTimeout());
}

void ClassicCore::BecomeEmpty(ClassicGroup& group, Now now) {
  group.initial_delay.reset();
  deadlines_.Cancel({TimerKind::kJoin, group.name(), ""});
  deadlines_.Cancel({TimerKind::kSync, group.name(), ""});
  group.BeginGeneration();
  group.Become(GroupState::kEmpty, now.wall_ms);
  LogInfo("group", "group ", group.name(), ": empty at generation ", group.generation());
  WriteGroup(group, group.Metadata(), EmptyWrite{group.name()});
}

ClassicMember ClassicCore::DropMember(ClassicGroup& group, std::string_view id) {
  StopSession(group, id);
  ClassicGroup::Removed removed = group.Remove(id);
  if (removed.join) AnswerJoin(*removed.join, ErrorCode::kUnknownMemberId);
  if (removed.member.sync) AnswerSync(group, removed.member, ErrorCode::kUnknownMemberId);
  return std::move(removed.member);
}

void ClassicCore::RemoveMember(ClassicGroup& group, std::string_view id, Now now) {
  DropMember(group, id);
  MaybePrepareRebalance(group, now);
}

}  // namespace leat::group
