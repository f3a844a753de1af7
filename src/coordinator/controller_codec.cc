#include "coordinator/controller_codec.h"

#include "coordinator/command_codec.h"
#include "coordinator/metadata_cluster_codec.h"
#include "coordinator/serialize.h"
#include "leat/internal/controller.pb.h"

namespace leat::coordinator {
namespace {

// The numbers of the wire.
static_assert(static_cast<int>(meta::Heartbeat::Wish::kServe) == internal::BrokerHeartbeatRequest::WISH_SERVE);
static_assert(static_cast<int>(meta::Heartbeat::Wish::kStayFenced) ==
              internal::BrokerHeartbeatRequest::WISH_STAY_FENCED);
static_assert(static_cast<int>(meta::Heartbeat::Wish::kStop) == internal::BrokerHeartbeatRequest::WISH_STOP);

absl::Status Malformed(std::string_view what, int64_t got) {
  return InvalidArgument("controller request: ", what, ", got ", got);
}

struct RequestEncoder {
  internal::ControllerRequest& out;

  void operator()(const RegisterRequest& request) {
    auto* to = out.mutable_register_broker();
    to->set_cluster_id(request.command.cluster_id);
    EncodeInto(request.command.broker, to->mutable_broker());
    for (const model::Uuid& id : request.command.known_incarnations) EncodeInto(id, to->add_known_incarnations());
    to->set_clean_shutdown_epoch(request.command.clean_shutdown_epoch);
    for (const meta::PartitionKey& key : request.command.damaged) EncodeInto(key, to->add_damaged());
  }
  void operator()(const HeartbeatRequest& request) {
    auto* to = out.mutable_heartbeat();
    to->set_broker(request.heartbeat.broker.value());
    to->set_broker_epoch(request.heartbeat.epoch);
    to->set_metadata(request.heartbeat.metadata.value());
    to->set_wish(static_cast<internal::BrokerHeartbeatRequest::Wish>(request.heartbeat.wish));
  }
  void operator()(const AlterPartitionsRequest& request) {
    auto* to = out.mutable_alter_partitions();
    to->set_controller_epoch(request.controller_epoch);
    if (!request.items.empty()) {
      to->set_broker(request.items[0].command.broker.value());
      to->set_broker_epoch(request.items[0].command.broker_epoch);
    }
    for (const AlterPartitionsRequest::Item& item : request.items) {
      auto* added = to->add_items();
      EncodeInto(item.command.key, added->mutable_partition());
      added->set_leader_epoch(item.command.leader_epoch.value());
      added->set_partition_epoch(item.command.partition_epoch);
      for (const meta::AlterPartition::Member& member : item.command.isr) {
        auto* in_sync = added->add_isr();
        in_sync->set_broker(member.broker.value());
        in_sync->set_epoch(member.epoch);
      }
      added->set_attempt(item.attempt);
    }
  }
  void operator()(const ChangeRequest& request) {
    auto* to = out.mutable_change();
    to->set_controller_epoch(request.controller_epoch);
    EncodeInto(request.client, to->mutable_client());
    to->set_sequence(request.sequence);
    to->set_validate_only(request.mode == meta::ChangeMode::kValidate);
    for (const meta::Command& command : request.commands) EncodeInto(command, to->add_commands());
  }
};

absl::StatusOr<ControllerRequest> DecodeRegister(const internal::RegisterBrokerRequest& in) {
  RegisterRequest request;
  request.command.cluster_id = in.cluster_id();
  request.command.broker = Decode(in.broker());
  for (const internal::Uuid& id : in.known_incarnations()) {
    request.command.known_incarnations.push_back(DecodeUuid(id));
  }
  request.command.clean_shutdown_epoch = in.clean_shutdown_epoch();
  for (const internal::PartitionIdentity& key : in.damaged()) request.command.damaged.push_back(Decode(key));
  return request;
}

absl::StatusOr<ControllerRequest> DecodeHeartbeat(const internal::BrokerHeartbeatRequest& in) {
  if (in.wish() < 0 || in.wish() > internal::BrokerHeartbeatRequest::WISH_STOP) {
    return Malformed("expected a wish of 0 to 2", in.wish());
  }
  return HeartbeatRequest{{.broker = meta::NodeId(in.broker()),
                           .epoch = in.broker_epoch(),
                           .metadata = model::Offset(in.metadata()),
                           .wish = static_cast<meta::Heartbeat::Wish>(in.wish())}};
}

absl::StatusOr<ControllerRequest> DecodeAlter(const internal::AlterPartitionsRequest& in) {
  if (static_cast<size_t>(in.items_size()) > kMostAlterPartitions) {
    return Malformed(StrCat("expected at most ", kMostAlterPartitions, " partitions"), in.items_size());
  }
  AlterPartitionsRequest request;
  request.controller_epoch = in.controller_epoch();
  for (const auto& item : in.items()) {
    meta::AlterPartition command{.broker = meta::NodeId(in.broker()),
                                 .broker_epoch = in.broker_epoch(),
                                 .key = Decode(item.partition()),
                                 .leader_epoch = meta::LeaderEpoch(item.leader_epoch()),
                                 .partition_epoch = item.partition_epoch(),
                                 .isr = {}};
    for (const auto& member : item.isr()) command.isr.push_back({meta::NodeId(member.broker()), member.epoch()});
    request.items.push_back({std::move(command), item.attempt()});
  }
  return request;
}

absl::StatusOr<ControllerRequest> DecodeChange(const internal::ChangeMetadataRequest& in) {
  if (static_cast<size_t>(in.commands_size()) > kMostCommands) {
    return Malformed(StrCat("expected at most ", kMostCommands, " commands"), in.commands_size());
  }
  if (in.sequence() < 0) return Malformed("expected a sequence of at least 0", in.sequence());
  ChangeRequest request{.controller_epoch = in.controller_epoch(),
                        .client = DecodeUuid(in.client()),
                        .sequence = in.sequence(),
                        .mode = in.validate_only() ? meta::ChangeMode::kValidate : meta::ChangeMode::kApply,
                        .commands = {}};
  for (const internal::Command& command : in.commands()) {
    LEAT_ASSIGN_OR_RETURN(meta::Command decoded, Decode(command));
    request.commands.push_back(std::move(decoded));
  }
  return request;
}

struct ReplyEncoder {
  internal::ControllerReply& out;

  void operator()(std::monostate) {}
  void operator()(const RegisterReply& reply) { out.mutable_register_broker()->set_broker_epoch(reply.broker_epoch); }
  void operator()(const HeartbeatReply& reply) {
    auto* to = out.mutable_heartbeat();
    to->set_fenced(reply.answer.is_fenced);
    to->set_caught_up(reply.answer.is_caught_up);
    to->set_may_stop(reply.answer.may_stop);
  }
  void operator()(const AlterPartitionsReply& reply) {
    auto* to = out.mutable_alter_partitions();
    for (const AlterPartitionsReply::Result& result : reply.results) {
      auto* added = to->add_results();
      if (result.status.ok()) {
        EncodeInto(result.state, added->mutable_state());
      } else {
        EncodeInto(result.status, added->mutable_failure());
      }
    }
  }
  void operator()(const ChangeReply& reply) {
    auto* to = out.mutable_change();
    for (const meta::CommandResult& result : reply.results) EncodeInto(result, to->add_results());
  }
};

AlterPartitionsReply DecodeAlterReply(const internal::AlterPartitionsReply& in) {
  AlterPartitionsReply reply;
  for (const auto& result : in.results()) {
    if (result.has_failure()) {
      reply.results.push_back({DecodeFailure(result.failure()), {}});
    } else {
      reply.results.push_back({absl::OkStatus(), DecodePartition(result.state())});
    }
  }
  return reply;
}

absl::StatusOr<ChangeReply> DecodeChangeReply(const internal::ChangeMetadataReply& in) {
  ChangeReply reply;
  for (const internal::CommandResult& result : in.results()) {
    LEAT_ASSIGN_OR_RETURN(meta::CommandResult decoded, Decode(result));
    reply.results.push_back(std::move(decoded));
  }
  return reply;
}

absl::Status DecodeBody(const internal::ControllerReply& in, ControllerReply* reply) {
  using Kind = internal::ControllerReply;
  switch (in.kind_case()) {
    case Kind::kRegisterBroker:
      reply->body = RegisterReply{in.register_broker().broker_epoch()};
      return absl::OkStatus();
    case Kind::kHeartbeat:
      reply->body = HeartbeatReply{{in.heartbeat().fenced(), in.heartbeat().caught_up(), in.heartbeat().may_stop()}};
      return absl::OkStatus();
    case Kind::kAlterPartitions:
      reply->body = DecodeAlterReply(in.alter_partitions());
      return absl::OkStatus();
    case Kind::kChange: {
      LEAT_ASSIGN_OR_RETURN(reply->body, DecodeChangeReply(in.change()));
      return absl::OkStatus();
    }
    case Kind::KIND_NOT_SET:
      break;
  }
  if (!reply->status.ok()) return absl::OkStatus();
  return Unimplemented("controller answer: of a kind that this program does not know: upgrade this node");
}

}  // namespace

std::string EncodeRequest(const ControllerRequest& request) {
  internal::ControllerRequest out;
  std::visit(RequestEncoder{out}, request);
  return Serialize(out);
}

absl::StatusOr<ControllerRequest> DecodeRequest(std::string_view bytes) {
  internal::ControllerRequest in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("controller request: ", bytes.size(), " bytes are not a request");
  }
  switch (in.kind_case()) {
    case internal::ControllerRequest::kRegisterBroker:
      return DecodeRegister(in.register_broker());
    case internal::ControllerRequest::kHeartbeat:
      return DecodeHeartbeat(in.heartbeat());
    case internal::ControllerRequest::kAlterPartitions:
      return DecodeAlter(in.alter_partitions());
    case internal::ControllerRequest::kChange:
      return DecodeChange(in.change());
    case internal::ControllerRequest::KIND_NOT_SET:
      break;
  }
  return Unimplemented("controller request: of a kind that this program does not know: upgrade this node");
}

std::string EncodeReply(const ControllerReply& reply) {
  internal::ControllerReply out;
  if (!reply.status.ok()) EncodeInto(reply.status, out.mutable_failure());
  if (reply.leader != meta::kNobody) out.set_leader(reply.leader.value());
  out.set_controller_epoch(reply.controller_epoch);
  out.set_end(reply.end.value());
  std::visit(ReplyEncoder{out}, reply.body);
  return Serialize(out);
}

absl::StatusOr<ControllerReply> DecodeReply(std::string_view bytes) {
  internal::ControllerReply in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("controller answer: ", bytes.size(), " bytes are not an answer");
  }
  ControllerReply reply{.status = in.has_failure() ? DecodeFailure(in.failure()) : absl::OkStatus(),
                        .leader = in.has_leader() ? meta::NodeId(in.leader()) : meta::kNobody,
                        .controller_epoch = in.controller_epoch(),
                        .end = model::Offset(in.end()),
                        .body = {}};
  LEAT_RETURN_IF_ERROR(DecodeBody(in, &reply));
  return reply;
}

}  // namespace leat::coordinator
