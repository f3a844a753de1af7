// JoinGroup (11).
#include "wire/messages/join_group.h"
#include "kafka/group_support.h"
#include "kafka/handlers.h"
#include "kafka/parked_reply.h"

namespace leat::kafka {
namespace {

using wire::JoinGroupRequest;
using wire::JoinGroupResponse;

constexpr int16_t kFirstThatAsksForId = 4;
constexpr int16_t kFirstWithNullProtocol = 7;
constexpr int16_t kFirstThatSkips = 9;

group::JoinRequest ToRequest(const Call& call, const JoinGroupRequest& request) {
  group::JoinRequest join;
  join.group = std::string(request.group_id);
  join.member = std::string(request.member_id);
  join.instance = Owned(request.group_instance_id);
  join.client_id = call.client_id.substr(0, 255);  // as much of it as is kept
  join.client_host = "/" + call.client_host;       // as Kafka's tools know it
  join.protocol_type = std::string(request.protocol_type);
  for (const auto& protocol : request.protocols) {
    join.protocols.push_back({std::string(protocol.name), std::string(protocol.metadata)});
  }
  join.session_timeout = absl::Milliseconds(request.session_timeout_ms);
  join.rebalance_timeout =
      absl::Milliseconds(call.version >= 1 ? request.rebalance_timeout_ms : request.session_timeout_ms);
  if (call.version >= kFirstThatAsksForId) join.first_join = group::FirstJoin::kAskForId;
  if (call.version >= kFirstThatSkips) join.skip_assignment = group::SkipAssignment::kSupported;
  return join;
}

JoinGroupResponse ToResponse(group::JoinReply reply, int16_t version) {
  JoinGroupResponse response;
  response.error_code = GroupCode(reply.code);
  response.generation_id = reply.generation;
  response.protocol_type = std::move(reply.protocol_type);
  response.protocol_name = std::move(reply.protocol);
  if (version < kFirstWithNullProtocol && !response.protocol_name) response.protocol_name = "";
  response.leader = std::move(reply.leader);
  response.skip_assignment = reply.skip_assignment == group::SkipAssignment::kSupported;
  response.member_id = std::move(reply.member);
  for (group::JoinedMember& member : reply.members) {
    auto& out = response.members.emplace_back();
    out.member_id = std::move(member.member);
    out.group_instance_id = std::move(member.instance);
    out.metadata = std::move(member.metadata);
  }
  return response;
}

}  // namespace

void HandleJoinGroup(Call& call, const JoinGroupRequest& request, Reply<JoinGroupResponse> reply) {
  const int16_t version = call.version;
  group::JoinReply gone;
  gone.code = model::ErrorCode::kCoordinatorNotAvailable;
  gone.member = std::string(request.member_id);
  auto parked = ParkedReply<JoinGroupResponse>::Park(call, std::move(reply), ToResponse(std::move(gone), version));
  call.broker.groups().Join(ToRequest(call, request), [parked, version](group::JoinReply joined) {
    parked->Give(ToResponse(std::move(joined), version));
  });
}

}  // namespace leat::kafka
