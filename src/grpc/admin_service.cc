#include <algorithm>
#include <utility>

#include "broker/cluster_admin.h"
#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/admin.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

broker::Configs ConfigsOf(const google::protobuf::Map<std::string, std::string>& from) {
  return {from.begin(), from.end()};
}

using Ids = google::protobuf::RepeatedField<int32_t>;

void FillNodes(const std::vector<model::NodeId>& nodes, Ids* out) {
  for (const model::NodeId node : nodes) out->Add(node.value());
}

std::vector<std::vector<model::NodeId>> AssignmentsOf(const google::protobuf::RepeatedPtrField<v1::ReplicaList>& from) {
  std::vector<std::vector<model::NodeId>> assignments;
  for (const v1::ReplicaList& list : from) {
    auto& nodes = assignments.emplace_back();
    for (const int32_t replica : list.replicas()) nodes.emplace_back(replica);
  }
  return assignments;
}

void FillTopicResults(std::vector<broker::TopicResult> results, v1::TopicResults* response) {
  for (broker::TopicResult& from : results) {
    v1::TopicResult* to = response->add_topics();
    to->set_name(std::move(from.name));
    FillOutcome(from.outcome, to->mutable_outcome());
    to->set_id(from.id.ToString());
    to->set_partitions(from.partitions);
  }
}

void FillTopic(broker::TopicDescription from, v1::TopicDescription* to) {
  to->set_name(std::move(from.name));
  FillOutcome(from.outcome, to->mutable_outcome());
  to->set_id(from.id.ToString());
  to->set_internal(from.internal);
  for (const broker::PartitionDescription& part : from.partitions) {
    v1::PartitionDescription* out = to->add_partitions();
    out->set_partition(part.partition.value());
    out->set_leader(part.leader.value());
    out->set_leader_epoch(part.leader_epoch.value());
    out->set_log_start_offset(part.log_start.value());
    out->set_high_watermark(part.high_watermark.value());
    out->set_size_bytes(part.size_bytes);
    out->set_segments(part.segments);
    FillOutcome(part.outcome, out->mutable_outcome());
    FillNodes(part.replicas, out->mutable_replicas());
    FillNodes(part.isr, out->mutable_isr());
    FillNodes(part.eligible, out->mutable_eligible());
    FillNodes(part.offline, out->mutable_offline());
    FillNodes(part.adding, out->mutable_adding());
    FillNodes(part.removing, out->mutable_removing());
    out->set_elsewhere(part.copy == broker::CopyHere::kElsewhere);
  }
  for (broker::ConfigEntry& config : from.configs) {
    v1::ConfigEntry* out = to->add_configs();
    out->set_name(std::move(config.name));
    out->set_value(std::move(config.value));
    out->set_is_default(config.source != broker::ConfigEntry::Source::kTopic);
  }
}

// 0: the broker's default. What no number of copies can be is refused below, as a number too large.
int16_t FactorOf(int32_t factor) {
  if (factor == 0) return -1;
  return static_cast<int16_t>(std::clamp<int32_t>(factor, -2, INT16_MAX));
}

class AdminService final : public v1::Admin::CallbackService {
 public:
  explicit AdminService(broker::Broker& broker) : broker_(broker) {}

  ServerUnaryReactor* CreateTopics(CallbackServerContext* call, const v1::CreateTopicsRequest* request,
                                   v1::TopicResults* response) override {
    std::vector<broker::NewTopic> topics;
    for (const v1::NewTopic& from : request->topics()) {
      topics.push_back({.name = from.name(),
                        .partitions = from.partitions() == 0 ? -1 : from.partitions(),
                        .configs = ConfigsOf(from.configs()),
                        .replication_factor = FactorOf(from.replication_factor()),
                        .assignments = AssignmentsOf(from.assignments())});
      // A list of assignments says how many there are.
      if (from.partitions() == 0 && !from.assignments().empty()) topics.back().partitions = from.assignments_size();
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.CreateTopics(std::move(topics), AnswerTopics(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* DeleteTopics(CallbackServerContext* call, const v1::TopicNames* request,
                                   v1::TopicResults* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DeleteTopics({request->names().begin(), request->names().end()}, AnswerTopics(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* DescribeTopics(CallbackServerContext* call, const v1::TopicNames* request,
                                     v1::DescribeTopicsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DescribeTopics({request->names().begin(), request->names().end()},
                           [this, reactor, response](std::vector<broker::TopicDescription> topics) {
                             for (broker::TopicDescription& topic : topics) {
                               FillTopic(std::move(topic), response->add_topics());
                             }
                             FillBrokers(reactor, response);
                           });
    return reactor;
  }

  ServerUnaryReactor* AlterTopics(CallbackServerContext* call, const v1::AlterTopicsRequest* request,
                                  v1::TopicResults* response) override {
    std::vector<broker::AlterTopic> changes;
    for (const v1::AlterTopic& from : request->topics()) {
      changes.push_back({.name = from.name(),
                         .set = ConfigsOf(from.set()),
                         .remove = {from.remove().begin(), from.remove().end()},
                         .partitions = from.partitions() == 0 ? -1 : from.partitions(),
                         .assignments = AssignmentsOf(from.assignments())});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.AlterTopics(std::move(changes), AnswerTopics(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* CommitOffsets(CallbackServerContext* call, const v1::CommitOffsetsRequest* request,
                                    v1::CommitOffsetsResponse* response) override {
    broker::CommitOffsetsRequest commit{.group = request->group()};
    for (const auto& from : request->offsets()) {
      commit.offsets.push_back({.partition = {from.topic(), model::PartitionId(from.partition())},
                                .offset = model::Offset(from.offset()),
                                .metadata = from.metadata()});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.CommitOffsets(std::move(commit), [reactor, response](std::vector<broker::CommitOffsetResult> results) {
      for (broker::CommitOffsetResult& from : results) {
        auto* to = response->add_results();
        to->set_topic(std::move(from.partition.topic));
        to->set_partition(from.partition.partition.value());
        FillOutcome(from.outcome, to->mutable_outcome());
      }
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* FetchOffsets(CallbackServerContext* call, const v1::FetchOffsetsRequest* request,
                                   v1::FetchOffsetsResponse* response) override {
    std::vector<model::TopicPartition> partitions;
    for (const v1::TopicPartition& from : request->partitions()) {
      partitions.push_back({from.topic(), model::PartitionId(from.partition())});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.FetchOffsets(request->group(), std::move(partitions),
                         [call, reactor, response](absl::StatusOr<std::vector<broker::CommittedOffset>> offsets) {
                           if (!offsets.ok()) return reactor->Finish(Failure(call, offsets.status(), "group"));
                           for (broker::CommittedOffset& from : *offsets) {
                             v1::CommittedOffset* to = response->add_offsets();
                             to->set_topic(std::move(from.partition.topic));
                             to->set_partition(from.partition.partition.value());
                             to->set_offset(from.offset.value());
                             to->set_metadata(std::move(from.metadata));
                             to->set_commit_time_ms(from.commit_time_ms);
                           }
                           reactor->Finish(::grpc::Status::OK);
                         });
    return reactor;
  }

  ServerUnaryReactor* ListGroups(CallbackServerContext* call, const v1::ListGroupsRequest*,
                                 v1::ListGroupsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.ListGroups([reactor, response](std::vector<std::string> groups) {
      for (std::string& group : groups) response->add_groups(std::move(group));
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* DescribeLag(CallbackServerContext* call, const v1::DescribeLagRequest* request,
                                  v1::DescribeLagResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DescribeLag(request->group(), [reactor, response](std::vector<broker::GroupLag> lags) {
      for (broker::GroupLag& from : lags) {
        v1::GroupLag* to = response->add_lags();
        to->set_group(std::move(from.group));
        to->set_topic(std::move(from.partition.topic));
        to->set_partition(from.partition.partition.value());
        to->set_committed(from.committed.value());
        to->set_high_watermark(from.high_watermark.value());
        to->set_lag_records(from.lag_records);
        to->set_lag_seconds(from.lag_seconds);
        to->set_status(std::string(broker::StatusName(from.status)));
      }
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* DescribeCluster(CallbackServerContext* call, const v1::DescribeClusterRequest*,
                                      v1::DescribeClusterResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DescribeCluster([reactor, response](broker::ClusterDescription cluster) {
      response->set_cluster_id(std::move(cluster.cluster_id));
      response->set_controller(cluster.controller.value());
      for (broker::ClusterDescription::Node& from : cluster.nodes) {
        auto* to = response->add_nodes();
        to->set_id(from.id.value());
        to->set_grpc(std::move(from.grpc));
        to->set_kafka(std::move(from.kafka));
        to->set_admin(std::move(from.admin));
        to->set_rack(std::move(from.rack));
        to->set_epoch(from.epoch);
        to->set_state(std::string(broker::StateName(from.state)));
        to->set_replicas(from.replicas);
        to->set_leaders(from.leaders);
      }
      response->set_version(std::move(cluster.version));
      response->set_start_time_ms(cluster.start_time_ms);
      response->set_feature_level(cluster.feature_level);
      response->set_metadata_offset(cluster.metadata_end.value());
      response->set_topics(cluster.topics);
      response->set_partitions(cluster.partitions);
      response->set_leaderless(cluster.leaderless);
      response->set_under_replicated(cluster.under_replicated);
      response->set_not_preferred(cluster.not_preferred);
      response->set_reassigning(cluster.reassigning);
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* FindCoordinator(CallbackServerContext* call, const v1::FindCoordinatorRequest* request,
                                      v1::FindCoordinatorResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    const auto kind = request->kind() == v1::FindCoordinatorRequest::TRANSACTION ? broker::CoordinatorKind::kTransaction
                                                                                 : broker::CoordinatorKind::kGroup;
    broker_.cluster_admin().FindCoordinator(kind, request->name(), [reactor, response](broker::Coordinator found) {
      FillOutcome(found.outcome, response->mutable_outcome());
      response->set_broker(found.id.value());
      response->set_grpc(std::move(found.grpc));
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

 private:
  // Where the leaders are. One broker alone is where the client has come already.
  void FillBrokers(ServerUnaryReactor* reactor, v1::DescribeTopicsResponse* response) {
    broker_.DescribeCluster([reactor, response](const broker::ClusterDescription& cluster) {
      for (const broker::ClusterDescription::Node& node : cluster.nodes) {
        const bool live = node.state != broker::ClusterDescription::State::kFenced;
        if (cluster.nodes.size() > 1 && live) (*response->mutable_brokers())[node.id.value()] = node.grpc;
      }
      reactor->Finish(::grpc::Status::OK);
    });
  }

  static broker::Callback<std::vector<broker::TopicResult>> AnswerTopics(ServerUnaryReactor* reactor,
                                                                         v1::TopicResults* response) {
    return [reactor, response](std::vector<broker::TopicResult> results) {
      FillTopicResults(std::move(results), response);
      reactor->Finish(::grpc::Status::OK);
    };
  }

  broker::Broker& broker_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeAdminService(broker::Broker& broker) {
  return std::make_unique<AdminService>(broker);
}

}  // namespace leat::rpc
