#include "coordinator/metadata_cluster_codec.h"

namespace leat::coordinator {
namespace {

using Numbers = google::protobuf::RepeatedField<int32_t>;

void EncodeInto(const meta::NodeList& nodes, Numbers* out) {
  for (const meta::NodeId node : nodes) out->Add(node.value());
}
meta::NodeList Decode(const Numbers& numbers) {
  meta::NodeList nodes;
  for (const int32_t number : numbers) nodes.push_back(meta::NodeId(number));
  return nodes;
}

void EncodeInto(const model::Uuid& id, internal::Uuid* out) {
  out->set_high(id.high);
  out->set_low(id.low);
}
model::Uuid Decode(const internal::Uuid& id) { return {id.high(), id.low()}; }

using Listeners = google::protobuf::RepeatedPtrField<internal::Listener>;
void EncodeInto(const std::vector<meta::Listener>& listeners, Listeners* out) {
  for (const meta::Listener& listener : listeners) {
    internal::Listener* added = out->Add();
    added->set_name(listener.name);
    added->set_host(listener.host);
    added->set_port(listener.port);
  }
}
std::vector<meta::Listener> Decode(const Listeners& in) {
  std::vector<meta::Listener> listeners;
  for (const internal::Listener& listener : in) {
    listeners.push_back({listener.name(), listener.host(), listener.port()});
  }
  return listeners;
}

}  // namespace

void EncodeInto(const meta::Partition& partition, internal::PartitionState* out) {
  EncodeInto(partition.replicas, out->mutable_replicas());
  EncodeInto(partition.isr, out->mutable_isr());
  EncodeInto(partition.elr, out->mutable_elr());
  EncodeInto(partition.last_known_elr, out->mutable_last_known_elr());
  EncodeInto(partition.adding, out->mutable_adding());
  EncodeInto(partition.removing, out->mutable_removing());
  if (partition.leader != meta::kNobody) out->set_leader(partition.leader.value());
  out->set_leader_epoch(partition.leader_epoch.value());
  out->set_partition_epoch(partition.partition_epoch);
}

meta::Partition DecodePartition(const internal::PartitionState& in) {
  meta::Partition partition;
  partition.replicas = Decode(in.replicas());
  partition.isr = Decode(in.isr());
  partition.elr = Decode(in.elr());
  partition.last_known_elr = Decode(in.last_known_elr());
  partition.adding = Decode(in.adding());
  partition.removing = Decode(in.removing());
  partition.leader = in.has_leader() ? meta::NodeId(in.leader()) : meta::kNobody;
  partition.leader_epoch = meta::LeaderEpoch(in.leader_epoch());
  partition.partition_epoch = in.partition_epoch();
  return partition;
}

std::vector<meta::Partition> DecodePartitions(const google::protobuf::RepeatedPtrField<internal::PartitionState>& in) {
  std::vector<meta::Partition> partitions;
  for (const internal::PartitionState& state : in) partitions.push_back(DecodePartition(state));
  return partitions;
}

void EncodeInto(const meta::BrokerRegistered& record, internal::BrokerRegistered* out) {
  out->set_node(record.id.value());
  EncodeInto(record.incarnation, out->mutable_incarnation());
  out->set_epoch(record.epoch);
  EncodeInto(record.listeners, out->mutable_listeners());
  out->set_rack(record.rack);
  out->set_oldest_feature_level(record.oldest_feature_level);
  out->set_newest_feature_level(record.newest_feature_level);
  for (const model::Uuid& id : record.directories) EncodeInto(id, out->add_directories());
}

meta::BrokerRegistered Decode(const internal::BrokerRegistered& in) {
  meta::BrokerRegistered record{.id = meta::NodeId(in.node()),
                                .incarnation = Decode(in.incarnation()),
                                .epoch = in.epoch(),
                                .listeners = Decode(in.listeners()),
                                .rack = in.rack(),
                                .oldest_feature_level = in.oldest_feature_level(),
                                .newest_feature_level = in.newest_feature_level()};
  for (const internal::Uuid& id : in.directories()) record.directories.push_back(Decode(id));
  return record;
}

void EncodeInto(const meta::BrokerConfigsChanged& record, internal::BrokerConfigsChanged* out) {
  if (record.broker != meta::kNobody) out->set_node(record.broker.value());
  out->mutable_configs()->insert(record.configs.begin(), record.configs.end());
}

meta::BrokerConfigsChanged Decode(const internal::BrokerConfigsChanged& in) {
  return {in.has_node() ? meta::NodeId(in.node()) : meta::kNobody,
          meta::Configs(in.configs().begin(), in.configs().end())};
}

void EncodeInto(const meta::PartitionChanged& record, internal::PartitionChanged* out) {
  out->set_partition(record.partition.value());
  EncodeInto(record.state, out->mutable_state());
  out->set_election(static_cast<internal::PartitionChanged::Election>(record.election));
}

absl::StatusOr<meta::PartitionChanged> Decode(const internal::PartitionChanged& in) {
  const int election = in.election();
  if (election < 0 || election > static_cast<int>(meta::Election::kUnclean)) {
    return Unimplemented("metadata: partition ", in.partition(), " has a leader by an election of kind ", election,
                         ", which this program does not know: start a newer version");
  }
  return meta::PartitionChanged{{in.topic().high(), in.topic().low()},
                                meta::PartitionId(in.partition()),
                                DecodePartition(in.state()),
                                static_cast<meta::Election>(election)};
}

void EncodeInto(const meta::VotersChanged& record, internal::VotersChanged* out) {
  for (const meta::Voter& voter : record.voters) {
    internal::Voter* added = out->add_voters();
    added->set_node(voter.id.value());
    EncodeInto(voter.directory, added->mutable_directory());
    EncodeInto(voter.listeners, added->mutable_listeners());
  }
}

meta::VotersChanged Decode(const internal::VotersChanged& in) {
  meta::VotersChanged record;
  for (const internal::Voter& voter : in.voters()) {
    record.voters.push_back({meta::NodeId(voter.node()), Decode(voter.directory()), Decode(voter.listeners())});
  }
  return record;
}

}  // namespace leat::coordinator
