#include "coordinator/metadata_codec.h"

#include "coordinator/metadata_cluster_codec.h"
#include "coordinator/serialize.h"
#include "leat/internal/metadata.pb.h"

namespace leat::coordinator {
namespace {

void EncodeId(const model::TopicId& id, internal::TopicIdentity* out) {
  out->set_high(id.high);
  out->set_low(id.low);
}
model::TopicId DecodeId(const internal::TopicIdentity& id) { return {id.high(), id.low()}; }

struct Encoder {
  internal::MetadataRecord& out;

  void operator()(const meta::ClusterCreated& r) { out.mutable_cluster_created()->set_cluster_id(r.cluster_id); }
  void operator()(const meta::FeatureLevel& r) { out.mutable_feature_level()->set_level(r.level); }
  void operator()(const meta::TopicCreated& r) {
    auto* topic = out.mutable_topic_created();
    EncodeId(r.id, topic->mutable_id());
    topic->set_name(r.name);
    topic->set_partitions(r.partitions);
    topic->mutable_configs()->insert(r.configs.begin(), r.configs.end());
    for (const meta::Partition& partition : r.assigned) EncodeInto(partition, topic->add_assigned());
  }
  void operator()(const meta::TopicDeleted& r) { EncodeId(r.id, out.mutable_topic_deleted()->mutable_id()); }
  void operator()(const meta::TopicConfigsChanged& r) {
    auto* change = out.mutable_topic_configs_changed();
    EncodeId(r.id, change->mutable_id());
    change->mutable_configs()->insert(r.configs.begin(), r.configs.end());
  }
  void operator()(const meta::PartitionsAdded& r) {
    auto* change = out.mutable_partitions_added();
    EncodeId(r.id, change->mutable_id());
    change->set_total(r.total);
    for (const meta::Partition& partition : r.assigned) EncodeInto(partition, change->add_assigned());
  }
  void operator()(const meta::JobSubmitted& r) {
    auto* job = out.mutable_job_submitted();
    job->set_name(r.name);
    job->set_sql(r.sql);
    job->set_created_ms(r.created_ms);
  }
  void operator()(const meta::JobStateChanged& r) {
    auto* change = out.mutable_job_state_changed();
    change->set_name(r.name);
    change->set_desired(r.desired == meta::DesiredState::kRunning ? internal::JobStateChanged::DESIRED_RUNNING
                                                                  : internal::JobStateChanged::DESIRED_STOPPED);
  }
  void operator()(const meta::JobUpgraded& r) {
    auto* job = out.mutable_job_upgraded();
    job->set_name(r.name);
    job->set_sql(r.sql);
    job->set_revision(r.revision);
    if (r.dropped) job->mutable_dropped()->mutable_operators()->Add(r.dropped->begin(), r.dropped->end());
  }
  void operator()(const meta::JobDeleted& r) { out.mutable_job_deleted()->set_name(r.name); }
  void operator()(const meta::ProducerIdsReserved& r) { out.mutable_producer_ids_reserved()->set_end(r.end); }
  void operator()(const meta::BrokerRegistered& r) { EncodeInto(r, out.mutable_broker_registered()); }
  void operator()(const meta::BrokerUnregistered& r) { Event(r.id, r.epoch, out.mutable_broker_unregistered()); }
  void operator()(const meta::BrokerFenced& r) { Event(r.id, r.epoch, out.mutable_broker_fenced()); }
  void operator()(const meta::BrokerUnfenced& r) { Event(r.id, r.epoch, out.mutable_broker_unfenced()); }
  void operator()(const meta::BrokerInControlledShutdown& r) {
    Event(r.id, r.epoch, out.mutable_broker_in_controlled_shutdown());
  }
  void operator()(const meta::BrokerDraining& r) {
    auto* change = out.mutable_broker_draining();
    change->set_node(r.id.value());
    change->set_draining(r.draining);
  }
  void operator()(const meta::BrokerConfigsChanged& r) { EncodeInto(r, out.mutable_broker_configs_changed()); }
  void operator()(const meta::BrokerEpochsGiven& r) { out.mutable_broker_epochs_given()->set_last(r.last); }
  void operator()(const meta::PartitionChanged& r) {
    EncodeInto(r, out.mutable_partition_changed());
    EncodeId(r.topic, out.mutable_partition_changed()->mutable_topic());
  }
  void operator()(const meta::VotersChanged& r) { EncodeInto(r, out.mutable_voters_changed()); }

  static void Event(meta::NodeId node, int64_t epoch, internal::BrokerEpoch* event) {
    event->set_node(node.value());
    event->set_epoch(epoch);
  }
};

template <typename Map>
meta::Configs DecodeConfigs(const Map& configs) {
  return meta::Configs(configs.begin(), configs.end());
}

absl::StatusOr<meta::Record> DecodeJobState(const internal::JobStateChanged& change) {
  switch (change.desired()) {
    case internal::JobStateChanged::DESIRED_RUNNING:
      return meta::JobStateChanged{change.name(), meta::DesiredState::kRunning};
    case internal::JobStateChanged::DESIRED_STOPPED:
      return meta::JobStateChanged{change.name(), meta::DesiredState::kStopped};
    default:
      return Unimplemented("metadata: job '", change.name(), "' is to be in state number ",
                           static_cast<int>(change.desired()), ", which this program does not know");
  }
}

meta::Record DecodeJobUpgraded(const internal::JobUpgraded& in) {
  meta::JobUpgraded record{in.name(), in.sql(), in.revision()};
  if (in.has_dropped()) record.dropped.emplace(in.dropped().operators().begin(), in.dropped().operators().end());
  return record;
}

template <typename Event>
meta::Record DecodeEvent(const internal::BrokerEpoch& event) {
  return Event{meta::NodeId(event.node()), event.epoch()};
}

// The kinds since feature level 2.
absl::StatusOr<meta::Record> DecodeClusterRecord(const internal::MetadataRecord& in) {
  switch (in.kind_case()) {
    case internal::MetadataRecord::kBrokerRegistered:
      return Decode(in.broker_registered());
    case internal::MetadataRecord::kBrokerUnregistered:
      return DecodeEvent<meta::BrokerUnregistered>(in.broker_unregistered());
    case internal::MetadataRecord::kBrokerFenced:
      return DecodeEvent<meta::BrokerFenced>(in.broker_fenced());
    case internal::MetadataRecord::kBrokerUnfenced:
      return DecodeEvent<meta::BrokerUnfenced>(in.broker_unfenced());
    case internal::MetadataRecord::kBrokerInControlledShutdown:
      return DecodeEvent<meta::BrokerInControlledShutdown>(in.broker_in_controlled_shutdown());
    case internal::MetadataRecord::kBrokerDraining:
      return meta::BrokerDraining{meta::NodeId(in.broker_draining().node()), in.broker_draining().draining()};
    case internal::MetadataRecord::kBrokerConfigsChanged:
      return Decode(in.broker_configs_changed());
    case internal::MetadataRecord::kBrokerEpochsGiven:
      return meta::BrokerEpochsGiven{in.broker_epochs_given().last()};
    case internal::MetadataRecord::kPartitionChanged:
      return Decode(in.partition_changed());
    case internal::MetadataRecord::kVotersChanged:
      return Decode(in.voters_changed());
    default:
      return Unimplemented("metadata: a record of a kind that this program does not know: start a newer version");
  }
}

}  // namespace

std::string EncodeMetadata(const meta::Record& record) {
  internal::MetadataRecord out;
  std::visit(Encoder{out}, record);
  return Serialize(out);
}

absl::StatusOr<meta::Record> DecodeMetadata(std::string_view bytes) {
  internal::MetadataRecord in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("metadata: ", bytes.size(), " bytes are not a metadata record");
  }
  switch (in.kind_case()) {
    case internal::MetadataRecord::kClusterCreated:
      return meta::ClusterCreated{in.cluster_created().cluster_id()};
    case internal::MetadataRecord::kFeatureLevel:
      return meta::FeatureLevel{in.feature_level().level()};
    case internal::MetadataRecord::kTopicCreated: {
      const auto& topic = in.topic_created();
      return meta::TopicCreated{DecodeId(topic.id()), topic.name(), topic.partitions(), DecodeConfigs(topic.configs()),
                                DecodePartitions(topic.assigned())};
    }
    case internal::MetadataRecord::kTopicDeleted:
      return meta::TopicDeleted{DecodeId(in.topic_deleted().id())};
    case internal::MetadataRecord::kTopicConfigsChanged: {
      const auto& change = in.topic_configs_changed();
      return meta::TopicConfigsChanged{DecodeId(change.id()), DecodeConfigs(change.configs())};
    }
    case internal::MetadataRecord::kPartitionsAdded:
      return meta::PartitionsAdded{DecodeId(in.partitions_added().id()), in.partitions_added().total(),
                                   DecodePartitions(in.partitions_added().assigned())};
    case internal::MetadataRecord::kJobSubmitted: {
      const auto& job = in.job_submitted();
      return meta::JobSubmitted{job.name(), job.sql(), job.created_ms()};
    }
    case internal::MetadataRecord::kJobStateChanged:
      return DecodeJobState(in.job_state_changed());
    case internal::MetadataRecord::kJobUpgraded:
      return DecodeJobUpgraded(in.job_upgraded());
    case internal::MetadataRecord::kJobDeleted:
      return meta::JobDeleted{in.job_deleted().name()};
    case internal::MetadataRecord::kProducerIdsReserved:
      return meta::ProducerIdsReserved{in.producer_ids_reserved().end()};
    default:
      return DecodeClusterRecord(in);
  }
}

}  // namespace leat::coordinator
