// JoinGroup: who may join, under which id, and what that does to the group.
#include <algorithm>

#include "base/check.h"
#include "group/classic_core.h"

namespace leat::group {
namespace {

using model::ErrorCode;

// 8-4-4-4-12 hexadecimal digits of random bits, as a UUID is written.
std::string Uuid(Random& random) {
  static constexpr char kDigits[] = "0123456789abcdef";
  uint64_t bits[2] = {random.Next(), random.Next()};
  bits[0] = (bits[0] & ~uint64_t{0xf000}) | 0x4000;
  bits[1] = (bits[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  std::string text;
  for (size_t i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += kDigits[(bits[i / 16] >> (60 - 4 * (i % 16))) & 0xf];
  }
  return text;
}

}  // namespace

void ClassicCore::AnswerJoin(RequestId id, ErrorCode code, std::string member) {
  JoinReply reply;
  reply.code = code;
  reply.member = std::move(member);
  outbox_.Answer(id, std::move(reply));
}

std::string ClassicCore::NewMemberId(const JoinRequest& request) {
  return StrCat(request.instance ? *request.instance : request.client_id, "-", Uuid(random_));
}

// What is wrong with the request itself, whatever the group.
std::optional<JoinReply> ClassicCore::CheckJoin(const JoinRequest& request) const {
  const Limits& limits = options_.limits;
  JoinReply reply;
  reply.member = request.member;
  size_t bytes = 0;
  bool names_fit = request.client_id.size() <= limits.name_bytes && request.client_host.size() <= limits.name_bytes &&
                   request.protocol_type.size() <= limits.name_bytes && request.member.size() <= INT16_MAX &&
                   (!request.instance || (!request.instance->empty() && request.instance->size() <= limits.name_bytes));
  for (const Protocol& protocol : request.protocols) {
    bytes += protocol.metadata.size();
    names_fit &= protocol.name.size() <= limits.name_bytes;
  }
  if (request.group.empty() || request.group.size() > limits.group_id_bytes) {
    reply.code = ErrorCode::kInvalidGroupId;
  } else if (request.session_timeout < options_.min_session_timeout ||
             request.session_timeout > options_.max_session_timeout) {
    reply.code = ErrorCode::kInvalidSessionTimeout;
  } else if (!names_fit || request.rebalance_timeout < absl::ZeroDuration()) {
    reply.code = ErrorCode::kInvalidRequest;
  } else if (bytes > limits.subscription_bytes || request.protocols.size() > limits.protocols) {
    reply.code = ErrorCode::kPolicyViolation;
  } else {
    return std::nullopt;
  }
  return reply;
}

bool ClassicCore::HasRoomFor(const ClassicGroup& group, const JoinRequest& request) const {
  if (group.Find(request.member) != nullptr || group.pending_ids.contains(request.member)) return true;
  if (request.instance && group.FindInstance(*request.instance) != nullptr) return true;
  return group.members().size() + group.pending_ids.size() < options_.limits.members;
}

void ClassicCore::Join(RequestId id, JoinRequest request, Now now) {
  if (std::optional<JoinReply> refused = CheckJoin(request)) {
    outbox_.Answer(id, *std::move(refused));
    return;
  }
  ClassicGroup* group = FindMutable(request.group);
  if (group == nullptr) {
    if (!request.member.empty()) return AnswerJoin(id, ErrorCode::kUnknownMemberId, request.member);
    if (groups_.size() >= options_.limits.groups) return AnswerJoin(id, ErrorCode::kPolicyViolation);
    group = &groups_.try_emplace(request.group, request.group).first->second;
    group->Become(GroupState::kEmpty, now.wall_ms);
  }
  if (group->Is(GroupState::kDead)) return AnswerJoin(id, ErrorCode::kCoordinatorNotAvailable, request.member);
  if (!HasRoomFor(*group, request)) return AnswerJoin(id, ErrorCode::kGroupMaxSizeReached, request.member);
  if (!group->Supports(request.protocol_type, request.protocols)) {
    return AnswerJoin(id, ErrorCode::kInconsistentGroupProtocol, request.member);
  }
  if (request.member.empty()) {
    JoinUnknown(*group, id, std::move(request), now);
  } else {
    JoinKnown(*group, id, std::move(request), now);
  }
}

void ClassicCore::JoinUnknown(ClassicGroup& group, RequestId id, JoinRequest request, Now now) {
  if (request.instance && group.FindInstance(*request.instance) != nullptr) {
    return JoinStaticAgain(group, id, std::move(request), now);
  }
  std::string member_id = NewMemberId(request);
  if (request.instance || request.first_join == FirstJoin::kAddAtOnce) {
    return AddMember(group, id, std::move(member_id), std::move(request), now);
  }
  group.pending_ids.insert(member_id);
  deadlines_.Set({TimerKind::kPendingId, group.name(), member_id}, now.instant + request.session_timeout);
  AnswerJoin(id, ErrorCode::kMemberIdRequired, std::move(member_id));
}

void ClassicCore::JoinKnown(ClassicGroup& group, RequestId id, JoinRequest request, Now now) {
  if (group.pending_ids.contains(request.member)) {
    if (request.instance) return AnswerJoin(id, ErrorCode::kUnknownMemberId, request.member);
    std::string member_id = request.member;
    return AddMember(group, id, std::move(member_id), std::move(request), now);
  }
  if (const ErrorCode code = group.CheckMember(request.member, request.instance); code != ErrorCode::kNone) {
    return AnswerJoin(id, code, request.member);
  }
  ClassicMember& member = *group.Find(request.member);
  const bool same = member.protocols == request.protocols;
  switch (group.state()) {
    case GroupState::kPreparingRebalance:
      return Rejoin(group, member, id, std::move(request), now);
    case GroupState::kCompletingRebalance:
      // The same join again: its answer was lost.
      if (same) return AnswerCurrent(group, member, id);
      return Rejoin(group, member, id, std::move(request), now);
    case GroupState::kStable:
      // A leader joins again to have the assignment made anew.
      if (same && member.id != group.leader()) return AnswerCurrent(group, member, id);
      return Rejoin(group, member, id, std::move(request), now);
    case GroupState::kEmpty:
    case GroupState::kDead:
      return AnswerJoin(id, ErrorCode::kUnknownMemberId, request.member);
  }
}

void ClassicCore::AddMember(ClassicGroup& group, RequestId id, std::string member_id, JoinRequest request, Now now) {
  deadlines_.Cancel({TimerKind::kPendingId, group.name(), member_id});
  if (group.members().empty()) group.SetProtocolType(request.protocol_type);
  ClassicMember member;
  member.id = member_id;
  member.instance = std::move(request.instance);
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  member.session_timeout = request.session_timeout;
  member.rebalance_timeout = request.rebalance_timeout;
  member.protocols = std::move(request.protocols);
  member.is_new = true;
  group.Add(std::move(member));
  group.Park(*group.Find(member_id), id);
  if (group.initial_delay && group.generation() == 0) group.initial_delay->member_came = true;
  LimitFirstWait(group, *group.Find(member_id), now);
  MaybePrepareRebalance(group, now);
}

void ClassicCore::Rejoin(ClassicGroup& group, ClassicMember& member, RequestId id, JoinRequest request, Now now) {
  // The client has given up the older request; an answer of its own keeps every request answered once.
  if (const auto older = group.TakeJoin(member)) AnswerJoin(*older, ErrorCode::kRebalanceInProgress, member.id);
  group.SetProtocols(member.id, std::move(request.protocols));
  member.session_timeout = request.session_timeout;
  member.rebalance_timeout = request.rebalance_timeout;
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  group.Park(member, id);
  if (!member.is_new) StopSession(group, member.id);
  MaybePrepareRebalance(group, now);
}

void ClassicCore::AnswerCurrent(const ClassicGroup& group, const ClassicMember& member, RequestId id) {
  JoinReply reply;
  reply.member = member.id;
  reply.generation = group.generation();
  reply.protocol_type = group.protocol_type();
  reply.protocol = group.protocol();
  reply.leader = group.leader();
  if (member.id == group.leader()) reply.members = group.JoinedMembers();
  outbox_.Answer(id, std::move(reply));
}

}  // namespace leat::group
