// DescribeGroups (15) and ListGroups (16).
#include "wire/messages/describe_groups.h"

#include <algorithm>
#include <cctype>

#include "kafka/group_support.h"
#include "kafka/handlers.h"
#include "wire/messages/list_groups.h"

namespace leat::kafka {
namespace {

using wire::DescribeGroupsRequest;
using wire::DescribeGroupsResponse;
using wire::ListGroupsRequest;
using wire::ListGroupsResponse;

constexpr int16_t kFirstThatMisses = 6;  // an unknown group is an error, not a dead group
// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS: all that can be done to a group, as nothing is forbidden.
constexpr int32_t kGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

bool SameWord(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool Passes(const std::vector<std::string_view>& filter, std::string_view value) {
  return filter.empty() ||
         std::any_of(filter.begin(), filter.end(), [&](std::string_view one) { return SameWord(one, value); });
}

DescribeGroupsResponse::DescribedGroup ToGroup(group::GroupDescription description, int16_t version) {
  DescribeGroupsResponse::DescribedGroup out;
  const bool unknown = description.outcome.code == model::ErrorCode::kGroupIdNotFound;
  if (!unknown || version >= kFirstThatMisses) {
    out.error_code = GroupCode(description.outcome.code);
    if (!description.outcome.message.empty()) out.error_message = std::move(description.outcome.message);
  }
  out.group_id = std::move(description.group);
  out.group_state = group::StateName(description.state);
  out.protocol_type = std::move(description.protocol_type);
  out.protocol_data = std::move(description.protocol);
  for (group::DescribedMember& member : description.members) {
    auto& to = out.members.emplace_back();
    to.member_id = std::move(member.member);
    to.group_instance_id = std::move(member.instance);
    to.client_id = std::move(member.client_id);
    to.client_host = std::move(member.client_host);
    to.member_metadata = std::move(member.metadata);
    to.member_assignment = std::move(member.assignment);
  }
  return out;
}

}  // namespace

void HandleDescribeGroups(Call& call, const DescribeGroupsRequest& request, Reply<DescribeGroupsResponse> reply) {
  std::vector<std::string> names(request.groups.begin(), request.groups.end());
  call.broker.groups().Describe(std::move(names),
                                [version = call.version, operations = request.include_authorized_operations,
                                 reply = std::move(reply)](std::vector<group::GroupDescription> groups) mutable {
                                  DescribeGroupsResponse response;
                                  for (group::GroupDescription& description : groups) {
                                    response.groups.push_back(ToGroup(std::move(description), version));
                                    if (operations) response.groups.back().authorized_operations = kGroupOperations;
                                  }
                                  reply(std::move(response));
                                });
}

void HandleListGroups(Call& call, const ListGroupsRequest& request, Reply<ListGroupsResponse> reply) {
  std::vector<std::string> states(request.states_filter.begin(), request.states_filter.end());
  const bool classic = Passes(request.types_filter, "classic");
  call.broker.groups().List([states = std::move(states), classic, reply = std::move(reply)](
                                absl::StatusOr<std::vector<group::GroupListing>> groups) mutable {
    ListGroupsResponse response;
    if (!groups.ok()) {
      response.error_code = GroupCode(model::ErrorCode::kCoordinatorNotAvailable);
      reply(std::move(response));
      return;
    }
    const std::vector<std::string_view> filter(states.begin(), states.end());
    for (group::GroupListing& listing : *groups) {
      const std::string_view state = group::StateName(listing.state);
      if (!classic || !Passes(filter, state)) continue;
      auto& out = response.groups.emplace_back();
      out.group_id = std::move(listing.group);
      out.protocol_type = std::move(listing.protocol_type);
      out.group_state = state;
      out.group_type = "classic";
    }
    reply(std::move(response));
  });
}

}  // namespace leat::kafka
