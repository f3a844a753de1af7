#include "coordinator/command_codec.h"

#include "base/check.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

using Map = google::protobuf::RepeatedPtrField<internal::NamedValue>;
using Lists = google::protobuf::RepeatedPtrField<internal::ReplicaList>;

void EncodeMap(const meta::Configs& configs, Map* out) {
  for (const auto& [name, value] : configs) {
    internal::NamedValue* added = out->Add();
    added->set_name(name);
    added->set_value(value);
  }
}
meta::Configs DecodeMap(const Map& in) {
  meta::Configs configs;
  for (const internal::NamedValue& each : in) configs[each.name()] = each.value();
  return configs;
}

void EncodeLists(const std::vector<meta::NodeList>& lists, Lists* out) {
  for (const meta::NodeList& list : lists) {
    internal::ReplicaList* added = out->Add();
    for (const meta::NodeId node : list) added->add_nodes(node.value());
  }
}
meta::NodeList DecodeList(const internal::ReplicaList& in) {
  meta::NodeList nodes;
  for (const int32_t node : in.nodes()) nodes.push_back(meta::NodeId(node));
  return nodes;
}
std::vector<meta::NodeList> DecodeLists(const Lists& in) {
  std::vector<meta::NodeList> lists;
  for (const internal::ReplicaList& list : in) lists.push_back(DecodeList(list));
  return lists;
}

meta::Origin OriginOf(bool internal) { return internal ? meta::Origin::kInternal : meta::Origin::kClient; }
bool IsInternal(meta::Origin origin) { return origin == meta::Origin::kInternal; }

// Counts are -1 for "not said"; what is below has no meaning, and arithmetic on it none either.
absl::Status CheckCount(std::string_view what, int64_t count) {
  if (count >= -1) return absl::OkStatus();
  return InvalidArgument("controller request: expected ", what, " of at least -1, got ", count);
}

struct Encoder {
  internal::Command& out;

  void operator()(const meta::CreateTopic& c) {
    auto* to = out.mutable_create_topic();
    to->set_name(c.name);
    to->set_partitions(c.partitions);
    EncodeMap(c.configs, to->mutable_configs());
    to->set_internal(IsInternal(c.origin));
    to->set_replication_factor(c.replication_factor);
    EncodeLists(c.assignments, to->mutable_assignments());
  }
  void operator()(const meta::DeleteTopic& c) {
    out.mutable_delete_topic()->set_name(c.name);
    out.mutable_delete_topic()->set_internal(IsInternal(c.origin));
  }
  void operator()(const meta::AlterTopic& c) {
    auto* to = out.mutable_alter_topic();
    to->set_name(c.name);
    EncodeMap(c.set, to->mutable_set());
    for (const std::string& name : c.remove) to->add_remove(name);
    to->set_partitions(c.partitions);
    to->set_internal(IsInternal(c.origin));
    to->set_must_grow(c.must_grow);
    to->set_added_partitions(c.added_partitions);
    EncodeMap(c.append, to->mutable_append());
    EncodeMap(c.subtract, to->mutable_subtract());
    to->set_replace_all(c.replace_all);
    EncodeLists(c.assignments, to->mutable_assignments());
  }
  void operator()(const meta::SubmitJob& c) {
    auto* to = out.mutable_submit_job();
    to->set_name(c.name);
    to->set_sql(c.sql);
    to->set_now_ms(c.now_ms);
  }
  void operator()(const meta::UpgradeJob& c) {
    auto* to = out.mutable_upgrade_job();
    to->set_name(c.name);
    to->set_sql(c.sql);
    to->set_revision(c.revision);
    for (const std::string& name : c.dropped) to->add_dropped(name);
  }
  void operator()(const meta::SetJobDesired& c) {
    out.mutable_set_job_desired()->set_name(c.name);
    out.mutable_set_job_desired()->set_running(c.desired == meta::DesiredState::kRunning);
  }
  void operator()(const meta::DeleteJobCommand& c) { out.mutable_delete_job()->set_name(c.name); }
  void operator()(const meta::ReserveIds& c) { out.mutable_reserve_ids()->set_count(c.count); }
  void operator()(const meta::ElectLeader& c) {
    EncodeInto(c.key, out.mutable_elect_leader()->mutable_partition());
    out.mutable_elect_leader()->set_unclean(c.wish == meta::ElectionWish::kUnclean);
  }
  void operator()(const meta::Reassign& c) {
    auto* to = out.mutable_reassign();
    EncodeInto(c.key, to->mutable_partition());
    if (c.target) {
      to->mutable_target();
      for (const meta::NodeId node : *c.target) to->mutable_target()->add_nodes(node.value());
    }
    to->set_keep_factor(c.factor == meta::Reassign::Factor::kMustStay);
  }
  void operator()(const meta::AlterBrokerConfigs& c) {
    auto* to = out.mutable_alter_broker_configs();
    if (c.broker != meta::kNobody) to->set_broker(c.broker.value());
    EncodeMap(c.set, to->mutable_set());
    for (const std::string& name : c.remove) to->add_remove(name);
    to->set_remove_others(c.others == meta::AlterBrokerConfigs::Others::kRemove);
  }
  void operator()(const meta::Unregister& c) { out.mutable_unregister()->set_broker(c.broker.value()); }
  void operator()(const meta::Drain& c) {
    out.mutable_drain()->set_broker(c.broker.value());
    out.mutable_drain()->set_stop(c.wish == meta::Drain::Wish::kStop);
  }
  void operator()(const meta::GiveUpLeadership& c) {
    auto* to = out.mutable_give_up_leadership();
    to->set_broker(c.broker.value());
    to->set_broker_epoch(c.broker_epoch);
    EncodeInto(c.key, to->mutable_partition());
    to->set_leader_epoch(c.leader_epoch.value());
  }
  void operator()(const meta::RaiseLevel& c) { out.mutable_raise_level()->set_level(c.level); }
};

absl::StatusOr<meta::Command> DecodeCreate(const internal::CreateTopicCommand& in) {
  LEAT_RETURN_IF_ERROR(CheckCount("a number of partitions", in.partitions()));
  LEAT_RETURN_IF_ERROR(CheckCount("a replication factor", in.replication_factor()));
  return meta::CreateTopic{in.name(),
                           in.partitions(),
                           DecodeMap(in.configs()),
                           OriginOf(in.internal()),
                           in.replication_factor(),
                           DecodeLists(in.assignments())};
}

absl::StatusOr<meta::Command> DecodeAlter(const internal::AlterTopicCommand& in) {
  LEAT_RETURN_IF_ERROR(CheckCount("a number of partitions", in.partitions()));
  LEAT_RETURN_IF_ERROR(CheckCount("a number of new partitions", in.added_partitions()));
  return meta::AlterTopic{.name = in.name(),
                          .set = DecodeMap(in.set()),
                          .remove = {in.remove().begin(), in.remove().end()},
                          .partitions = in.partitions(),
                          .origin = OriginOf(in.internal()),
                          .must_grow = in.must_grow(),
                          .added_partitions = in.added_partitions(),
                          .append = DecodeMap(in.append()),
                          .subtract = DecodeMap(in.subtract()),
                          .replace_all = in.replace_all(),
                          .assignments = DecodeLists(in.assignments())};
}

meta::Command DecodeUpgrade(const internal::UpgradeJobCommand& in) {
  return meta::UpgradeJob{in.name(), in.sql(), in.revision(), {in.dropped().begin(), in.dropped().end()}};
}

meta::Command DecodeReassign(const internal::ReassignCommand& in) {
  meta::Reassign command{.key = Decode(in.partition()), .target = std::nullopt};
  if (in.has_target()) command.target = DecodeList(in.target());
  if (in.keep_factor()) command.factor = meta::Reassign::Factor::kMustStay;
  return command;
}

meta::Command DecodeBrokerConfigs(const internal::AlterBrokerConfigsCommand& in) {
  using Others = meta::AlterBrokerConfigs::Others;
  return meta::AlterBrokerConfigs{.broker = in.has_broker() ? meta::NodeId(in.broker()) : meta::kNobody,
                                  .set = DecodeMap(in.set()),
                                  .remove = {in.remove().begin(), in.remove().end()},
                                  .others = in.remove_others() ? Others::kRemove : Others::kKeep};
}

}  // namespace

void EncodeInto(const model::Uuid& id, internal::Uuid* out) {
  out->set_high(id.high);
  out->set_low(id.low);
}
model::Uuid DecodeUuid(const internal::Uuid& in) { return {in.high(), in.low()}; }

void EncodeInto(const meta::PartitionKey& key, internal::PartitionIdentity* out) {
  out->mutable_topic()->set_high(key.topic.high);
  out->mutable_topic()->set_low(key.topic.low);
  out->set_partition(key.partition.value());
}
meta::PartitionKey Decode(const internal::PartitionIdentity& in) {
  return {{in.topic().high(), in.topic().low()}, meta::PartitionId(in.partition())};
}

void EncodeInto(const absl::Status& status, internal::Failure* out) {
  LEAT_CHECK(!status.ok());
  out->set_status(static_cast<int32_t>(status.code()));
  if (const std::optional<model::ErrorCode> code = model::CodeOf(status)) out->set_code(static_cast<int32_t>(*code));
  out->set_text(std::string(Message(status)));
}

absl::Status DecodeFailure(const internal::Failure& in) {
  const bool known = in.status() >= 1 && in.status() <= static_cast<int32_t>(absl::StatusCode::kUnauthenticated);
  const absl::Status status(known ? static_cast<absl::StatusCode>(in.status()) : absl::StatusCode::kUnknown, in.text());
  if (!in.has_code()) return status;
  const bool fits = in.code() >= INT16_MIN && in.code() <= INT16_MAX;
  return model::WithCode(status,
                         fits ? static_cast<model::ErrorCode>(in.code()) : model::ErrorCode::kUnknownServerError);
}

void EncodeInto(const meta::Command& command, internal::Command* out) { std::visit(Encoder{*out}, command); }

absl::StatusOr<meta::Command> Decode(const internal::Command& in) {
  using Kind = internal::Command;
  switch (in.kind_case()) {
    case Kind::kCreateTopic:
      return DecodeCreate(in.create_topic());
    case Kind::kDeleteTopic:
      return meta::DeleteTopic{in.delete_topic().name(), OriginOf(in.delete_topic().internal())};
    case Kind::kAlterTopic:
      return DecodeAlter(in.alter_topic());
    case Kind::kSubmitJob:
      return meta::SubmitJob{in.submit_job().name(), in.submit_job().sql(), in.submit_job().now_ms()};
    case Kind::kUpgradeJob:
      return DecodeUpgrade(in.upgrade_job());
    case Kind::kSetJobDesired:
      return meta::SetJobDesired{in.set_job_desired().name(), in.set_job_desired().running()
                                                                  ? meta::DesiredState::kRunning
                                                                  : meta::DesiredState::kStopped};
    case Kind::kDeleteJob:
      return meta::DeleteJobCommand{in.delete_job().name()};
    case Kind::kReserveIds:
      return meta::ReserveIds{in.reserve_ids().count()};
    case Kind::kElectLeader:
      return meta::ElectLeader{Decode(in.elect_leader().partition()), in.elect_leader().unclean()
                                                                          ? meta::ElectionWish::kUnclean
                                                                          : meta::ElectionWish::kPreferred};
    case Kind::kReassign:
      return DecodeReassign(in.reassign());
    case Kind::kAlterBrokerConfigs:
      return DecodeBrokerConfigs(in.alter_broker_configs());
    case Kind::kUnregister:
      return meta::Unregister{meta::NodeId(in.unregister().broker())};
    case Kind::kDrain:
      return meta::Drain{meta::NodeId(in.drain().broker()),
                         in.drain().stop() ? meta::Drain::Wish::kStop : meta::Drain::Wish::kStart};
    case Kind::kRaiseLevel:
      return meta::RaiseLevel{in.raise_level().level()};
    case Kind::kGiveUpLeadership: {
      const internal::GiveUpLeadershipCommand& from = in.give_up_leadership();
      return meta::GiveUpLeadership{meta::NodeId(from.broker()), from.broker_epoch(), Decode(from.partition()),
                                    meta::LeaderEpoch(from.leader_epoch())};
    }
    case Kind::KIND_NOT_SET:
      break;
  }
  return Unimplemented("controller request: a command of a kind that this program does not know: upgrade this node");
}

void EncodeInto(const meta::CommandResult& result, internal::CommandResult* out) {
  if (!result.status.ok()) EncodeInto(result.status, out->mutable_failure());
  out->mutable_topic()->set_high(result.topic.high);
  out->mutable_topic()->set_low(result.topic.low);
  out->set_partitions(result.partitions);
  out->set_replication_factor(result.replication_factor);
  EncodeMap(result.configs, out->mutable_configs());
  if (result.producer_ids_begin >= 0) out->set_producer_ids_begin(result.producer_ids_begin);
}

absl::StatusOr<meta::CommandResult> Decode(const internal::CommandResult& in) {
  if (in.partitions() < 0 || in.replication_factor() < 0 || in.producer_ids_begin() < 0) {
    return InvalidArgument("controller answer: a result has ", in.partitions(), " partitions, ",
                           in.replication_factor(), " replicas, producer ids from ", in.producer_ids_begin());
  }
  return meta::CommandResult{.status = in.has_failure() ? DecodeFailure(in.failure()) : absl::OkStatus(),
                             .topic = {in.topic().high(), in.topic().low()},
                             .partitions = in.partitions(),
                             .replication_factor = in.replication_factor(),
                             .configs = DecodeMap(in.configs()),
                             .producer_ids_begin = in.has_producer_ids_begin() ? in.producer_ids_begin() : -1};
}

}  // namespace leat::coordinator
