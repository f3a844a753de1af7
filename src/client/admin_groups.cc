#include <utility>

#include "client/connection.h"
#include "client/routing.h"
#include "leat/client/admin.h"
#include "leat/v1/groups.grpc.pb.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

GroupInfo InfoOf(const v1::GroupDescription& from) {
  GroupInfo info{
      .name = from.group(), .state = from.state(), .protocol_type = from.protocol_type(), .protocol = from.protocol()};
  for (const auto& member : from.members()) {
    GroupMemberInfo& to = info.members.emplace_back();
    to.member = member.member();
    to.instance = member.instance();
    to.client_id = member.client_id();
    to.client_host = member.client_host();
    for (const auto& partition : member.assignment())
      to.partitions.push_back({partition.topic(), partition.partition()});
  }
  return info;
}

absl::StatusOr<v1::DescribeGroupsResponse> Describe(Connection& connection, const std::vector<std::string>& groups) {
  v1::DescribeGroupsRequest request;
  for (const std::string& group : groups) request.add_groups(group);
  v1::DescribeGroupsResponse response;
  LEAT_RETURN_IF_ERROR(
      connection.impl().Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
        response.Clear();
        return v1::Groups::NewStub(channel)->Describe(context, request, &response);
      }));
  return response;
}

absl::Status StatusOf(const v1::Outcome& outcome, const std::string& group) {
  switch (static_cast<model::ErrorCode>(outcome.code())) {
    case model::ErrorCode::kGroupIdNotFound:
      return NotFound("group ", group, ": ", outcome.message());
    case model::ErrorCode::kNonEmptyGroup:
      return FailedPrecondition("group ", group, ": ", outcome.message());
    default:
      return FromOutcome(outcome, StrCat("group ", group));
  }
}

// The outcome if another broker has to be asked; otherwise it is the caller's to look at.
v1::Outcome WrongBrokerIn(const v1::Outcome& outcome) {
  return AskedTheWrongBroker(static_cast<model::ErrorCode>(outcome.code())) ? outcome : v1::Outcome();
}

}  // namespace

absl::StatusOr<std::vector<GroupInfo>> Admin::DescribeGroups() {
  LEAT_ASSIGN_OR_RETURN(const v1::DescribeGroupsResponse response, Describe(*connection_, {}));
  std::vector<GroupInfo> groups;
  for (const v1::GroupDescription& group : response.groups()) groups.push_back(InfoOf(group));
  return groups;
}

absl::StatusOr<GroupInfo> Admin::DescribeGroup(const std::string& group) {
  // No name at all would mean every group to the broker.
  if (group.empty()) return InvalidArgument("group: expected a name, got none");
  v1::DescribeGroupsRequest request;
  request.add_groups(group);
  v1::DescribeGroupsResponse response;
  const auto ask = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
    LEAT_RETURN_IF_ERROR(connection_->impl().InvokeAt(
        address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
          response.Clear();
          return v1::Groups::NewStub(channel)->Describe(context, request, &response);
        }));
    if (response.groups_size() != 1) {
      return Internal("group ", group, ": expected one answer from the broker, got ", response.groups_size());
    }
    return WrongBrokerIn(response.groups(0).outcome());
  };
  LEAT_RETURN_IF_ERROR(AskCoordinator(connection_->impl(), {.name = group}, ask, StrCat("group ", group)));
  LEAT_RETURN_IF_ERROR(StatusOf(response.groups(0).outcome(), group));
  return InfoOf(response.groups(0));
}

absl::Status Admin::DeleteGroup(const std::string& group) {
  v1::DeleteGroupsRequest request;
  request.add_groups(group);
  v1::DeleteGroupsResponse response;
  const auto ask = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
    LEAT_RETURN_IF_ERROR(connection_->impl().InvokeAt(
        address, Repeat::kUnsafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
          response.Clear();
          return v1::Groups::NewStub(channel)->Delete(context, request, &response);
        }));
    if (response.outcomes_size() != 1) {
      return Internal("group ", group, ": expected one answer from the broker, got ", response.outcomes_size());
    }
    return WrongBrokerIn(response.outcomes(0));
  };
  LEAT_RETURN_IF_ERROR(
      AskCoordinator(connection_->impl(), {.name = group, .repeat = Repeat::kUnsafe}, ask, StrCat("group ", group)));
  return StatusOf(response.outcomes(0), group);
}

}  // namespace leat::client
