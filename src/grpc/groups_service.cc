#include <algorithm>
#include <utility>

#include "grpc/failure.h"
#include "grpc/parked_call.h"
#include "grpc/services.h"
#include "leat/v1/groups.grpc.pb.h"
#include "model/consumer_protocol.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

std::optional<std::string> IfAny(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

// What to do about an answer of the group protocol. Clients go by the code; people read this.
std::string_view Advice(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kMemberIdRequired:
      return "join again with the id that came with this answer";
    case model::ErrorCode::kRebalanceInProgress:
      return "the group is rebalancing: join again";
    case model::ErrorCode::kIllegalGeneration:
    case model::ErrorCode::kUnknownMemberId:
      return "the group has gone on without this member: join again";
    case model::ErrorCode::kFencedInstanceId:
      return "another member has taken over this instance id: give each process its own";
    case model::ErrorCode::kInconsistentGroupProtocol:
      return "the other members of the group use another protocol: choose an assignor that all have";
    case model::ErrorCode::kGroupMaxSizeReached:
      return "the group has as many members as it may (groups.max_members)";
    case model::ErrorCode::kInvalidSessionTimeout:
      return "the session timeout is not between groups.min_session_timeout and groups.max_session_timeout";
    case model::ErrorCode::kCoordinatorNotAvailable:
      return "the coordinator cannot answer now: try again";
    default:
      return "the group refused the request";
  }
}

void FillCode(model::ErrorCode code, v1::Outcome* out) {
  if (code != model::ErrorCode::kNone) FillOutcome({code, std::string(Advice(code))}, out);
}

void FillDescription(group::GroupDescription from, v1::GroupDescription* to) {
  to->set_group(std::move(from.group));
  FillOutcome({from.outcome.code, from.outcome.message}, to->mutable_outcome());
  to->set_state(std::string(group::StateName(from.state)));
  const bool readable = from.protocol_type == "consumer";
  to->set_protocol_type(std::move(from.protocol_type));
  to->set_protocol(std::move(from.protocol));
  for (group::DescribedMember& member : from.members) {
    auto* out = to->add_members();
    out->set_member(std::move(member.member));
    out->set_instance(member.instance.value_or(""));
    out->set_client_id(std::move(member.client_id));
    out->set_client_host(std::move(member.client_host));
    const auto partitions = readable ? model::DecodeAssignment(member.assignment) : std::nullopt;
    if (!partitions) continue;
    for (const model::TopicPartition& partition : *partitions) {
      auto* assigned = out->add_assignment();
      assigned->set_topic(partition.topic);
      assigned->set_partition(partition.partition.value());
    }
  }
}

class GroupsService final : public v1::Groups::CallbackService {
 public:
  explicit GroupsService(const ServiceContext& context) : groups_(context.broker.groups()), streams_(context.streams) {}

  ServerUnaryReactor* Join(CallbackServerContext* call, const v1::JoinGroupRequest* request,
                           v1::JoinGroupResponse* response) override {
    group::JoinRequest join;
    join.group = request->group();
    join.member = request->member();
    join.instance = IfAny(request->instance());
    join.client_id = request->client_id();
    join.client_host = call->peer();
    join.protocol_type = request->protocol_type();
    for (const auto& protocol : request->protocols()) join.protocols.push_back({protocol.name(), protocol.metadata()});
    join.session_timeout = absl::Milliseconds(request->session_timeout_ms());
    join.rebalance_timeout = absl::Milliseconds(request->rebalance_timeout_ms());
    join.first_join = group::FirstJoin::kAskForId;
    join.skip_assignment = group::SkipAssignment::kSupported;
    const auto parked = ParkedCall<v1::JoinGroupResponse>::Open(streams_, response);
    groups_.Join(std::move(join), [parked](group::JoinReply reply) {
      parked->Answer([&](v1::JoinGroupResponse* to) { FillJoin(std::move(reply), to); });
    });
    return parked.get();
  }

  ServerUnaryReactor* Sync(CallbackServerContext*, const v1::SyncGroupRequest* request,
                           v1::SyncGroupResponse* response) override {
    group::SyncRequest sync{request->group(),
                            request->member(),
                            IfAny(request->instance()),
                            request->generation(),
                            IfAny(request->protocol_type()),
                            IfAny(request->protocol()),
                            {}};
    for (const auto& one : request->assignments()) sync.assignments.push_back({one.member(), one.assignment()});
    const auto parked = ParkedCall<v1::SyncGroupResponse>::Open(streams_, response);
    groups_.Sync(std::move(sync), [parked](group::SyncReply reply) {
      parked->Answer([&](v1::SyncGroupResponse* to) {
        FillCode(reply.code, to->mutable_outcome());
        to->set_assignment(std::move(reply.assignment));
      });
    });
    return parked.get();
  }

  ServerUnaryReactor* Heartbeat(CallbackServerContext* call, const v1::GroupHeartbeatRequest* request,
                                v1::GroupHeartbeatResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    groups_.Heartbeat({request->group(), request->member(), IfAny(request->instance()), request->generation()},
                      [reactor, response](const group::HeartbeatReply& reply) {
                        FillCode(reply.code, response->mutable_outcome());
                        reactor->Finish(::grpc::Status::OK);
                      });
    return reactor;
  }

  ServerUnaryReactor* Leave(CallbackServerContext* call, const v1::LeaveGroupRequest* request,
                            v1::LeaveGroupResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    groups_.Leave({request->group(), {{request->member(), IfAny(request->instance())}}},
                  [reactor, response](const group::LeaveReply& reply) {
                    const bool whole = reply.code != model::ErrorCode::kNone || reply.members.empty();
                    FillCode(whole ? reply.code : reply.members[0].code, response->mutable_outcome());
                    reactor->Finish(::grpc::Status::OK);
                  });
    return reactor;
  }

  ServerUnaryReactor* Commit(CallbackServerContext* call, const v1::CommitGroupOffsetsRequest* request,
                             v1::CommitGroupOffsetsResponse* response) override {
    group::CommitCommand command;
    command.group = request->group();
    command.member = request->member();
    command.instance = IfAny(request->instance());
    command.generation = request->generation();
    for (const auto& offset : request->offsets()) {
      command.items.push_back({{offset.topic(), model::PartitionId(offset.partition())},
                               model::Offset(offset.offset()),
                               offset.metadata()});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    groups_.Commit(std::move(command), [reactor, response](const std::vector<broker::Outcome>& outcomes) {
      for (const broker::Outcome& outcome : outcomes) FillOutcome(outcome, response->add_outcomes());
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Describe(CallbackServerContext* call, const v1::DescribeGroupsRequest* request,
                               v1::DescribeGroupsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    const auto answer = [reactor, response](std::vector<group::GroupDescription> groups) {
      for (group::GroupDescription& description : groups)
        FillDescription(std::move(description), response->add_groups());
      reactor->Finish(::grpc::Status::OK);
    };
    if (request->groups_size() > 0) {
      groups_.Describe({request->groups().begin(), request->groups().end()}, answer);
      return reactor;
    }
    groups_.List([this, call, reactor, answer](absl::StatusOr<std::vector<group::GroupListing>> listings) {
      if (!listings.ok()) return reactor->Finish(Failure(call, listings.status(), ""));
      std::vector<std::string> names;
      for (group::GroupListing& listing : *listings) names.push_back(std::move(listing.group));
      groups_.Describe(std::move(names), answer);
    });
    return reactor;
  }

  ServerUnaryReactor* Delete(CallbackServerContext* call, const v1::DeleteGroupsRequest* request,
                             v1::DeleteGroupsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    groups_.Delete({request->groups().begin(), request->groups().end()},
                   [reactor, response](const std::vector<broker::Outcome>& outcomes) {
                     for (const broker::Outcome& outcome : outcomes) FillOutcome(outcome, response->add_outcomes());
                     reactor->Finish(::grpc::Status::OK);
                   });
    return reactor;
  }

 private:
  static void FillJoin(group::JoinReply from, v1::JoinGroupResponse* to) {
    FillCode(from.code, to->mutable_outcome());
    to->set_member(std::move(from.member));
    to->set_generation(from.generation);
    to->set_protocol(from.protocol.value_or(""));
    to->set_leader(std::move(from.leader));
    to->set_keep_assignment(from.skip_assignment == group::SkipAssignment::kSupported);
    for (group::JoinedMember& member : from.members) {
      auto* out = to->add_members();
      out->set_member(std::move(member.member));
      out->set_instance(member.instance.value_or(""));
      out->set_metadata(std::move(member.metadata));
    }
  }

  broker::Groups& groups_;
  StreamRegistry& streams_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeGroupsService(const ServiceContext& context) {
  return std::make_unique<GroupsService>(context);
}

}  // namespace leat::rpc
