#include <utility>

#include "broker/cluster_admin.h"
#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/cluster.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

using Ids = google::protobuf::RepeatedField<int32_t>;

void FillNodes(const std::vector<model::NodeId>& nodes, Ids* out) {
  for (const model::NodeId node : nodes) out->Add(node.value());
}

void FillReplica(const broker::QuorumDescription::Replica& from, v1::DescribeQuorumResponse::Replica* to) {
  to->set_id(from.id.value());
  to->set_directory(from.directory.is_zero() ? "" : from.directory.ToString());
  to->set_log_end_offset(from.log_end.value());
  to->set_last_fetch_ms(from.last_fetch_ms);
  to->set_last_caught_up_ms(from.last_caught_up_ms);
  for (const broker::ListenerAddress& at : from.listeners) {
    auto* listener = to->add_listeners();
    listener->set_name(at.name);
    listener->set_host(at.host);
    listener->set_port(at.port);
  }
}

absl::StatusOr<model::Uuid> DirectoryOf(const std::string& text) {
  return text.empty() ? model::Uuid{} : model::Uuid::Parse(text);
}

class ClusterService final : public v1::Cluster::CallbackService {
 public:
  explicit ClusterService(broker::Broker& broker) : broker_(broker) {}

  ServerUnaryReactor* ElectLeaders(CallbackServerContext* call, const v1::ElectLeadersRequest* request,
                                   v1::PartitionOutcomes* response) override {
    broker::ElectLeadersRequest wanted;
    wanted.type = request->type() == v1::ElectLeadersRequest::UNCLEAN ? broker::ElectionType::kUnclean
                                                                      : broker::ElectionType::kPreferred;
    if (!request->partitions().empty()) wanted.partitions.emplace();
    for (const v1::TopicPartition& from : request->partitions()) {
      wanted.partitions->push_back({from.topic(), model::PartitionId(from.partition())});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().ElectLeaders(std::move(wanted), AnswerPartitions(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* Reassign(CallbackServerContext* call, const v1::ReassignRequest* request,
                               v1::PartitionOutcomes* response) override {
    broker::ReassignRequest wanted;
    wanted.count = request->keep_replica_count() ? broker::ReplicaCount::kMustStay : broker::ReplicaCount::kMayChange;
    for (const auto& from : request->partitions()) {
      broker::Reassignment& item = wanted.partitions.emplace_back();
      item.partition = {from.topic(), model::PartitionId(from.partition())};
      if (from.replicas().empty()) continue;
      item.replicas.emplace();
      for (const int32_t replica : from.replicas()) item.replicas->emplace_back(replica);
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().Reassign(std::move(wanted), AnswerPartitions(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* ListReassignments(CallbackServerContext* call, const v1::ListReassignmentsRequest*,
                                        v1::ListReassignmentsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().ListReassignments([reactor, response](std::vector<broker::OngoingReassignment> list) {
      for (broker::OngoingReassignment& from : list) {
        auto* to = response->add_partitions();
        to->set_topic(std::move(from.partition.topic));
        to->set_partition(from.partition.partition.value());
        FillNodes(from.replicas, to->mutable_replicas());
        FillNodes(from.adding, to->mutable_adding());
        FillNodes(from.removing, to->mutable_removing());
      }
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* RebalanceLeaders(CallbackServerContext* call, const v1::RebalanceLeadersRequest*,
                                       v1::RebalanceLeadersResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().RebalanceLeaders([reactor, response](const broker::RebalanceReply& reply) {
      FillOutcome(reply.outcome, response->mutable_outcome());
      response->set_moved(reply.moved);
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* DrainBroker(CallbackServerContext* call, const v1::DrainBrokerRequest* request,
                                  v1::DrainBrokerResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().Drain(model::NodeId(request->id()), request->cancel() ? broker::Draining::kStop : broker::Draining::kStart,
                  [reactor, response](const broker::DrainReply& reply) {
                    FillOutcome(reply.outcome, response->mutable_outcome());
                    response->set_held(reply.held);
                    reactor->Finish(::grpc::Status::OK);
                  });
    return reactor;
  }

  ServerUnaryReactor* UnregisterBroker(CallbackServerContext* call, const v1::UnregisterBrokerRequest* request,
                                       v1::ClusterOutcome* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().UnregisterBroker(model::NodeId(request->id()), AnswerOutcome(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* DescribeQuorum(CallbackServerContext* call, const v1::DescribeQuorumRequest*,
                                     v1::DescribeQuorumResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    admin().DescribeQuorum([reactor, response](const broker::QuorumDescription& quorum) {
      response->set_leader(quorum.leader.value());
      response->set_epoch(quorum.epoch);
      response->set_high_watermark(quorum.high_watermark.value());
      for (const auto& from : quorum.voters) FillReplica(from, response->add_voters());
      for (const auto& from : quorum.observers) FillReplica(from, response->add_observers());
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* AddVoter(CallbackServerContext* call, const v1::AddVoterRequest* request,
                               v1::ClusterOutcome* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    const absl::StatusOr<model::Uuid> directory = DirectoryOf(request->directory());
    if (!directory.ok()) {
      reactor->Finish(Failure(call, directory.status(), "directory"));
      return reactor;
    }
    broker::NewVoter voter{request->cluster_id(), model::NodeId(request->id()), *directory, {}};
    for (const auto& from : request->listeners()) voter.listeners.push_back({from.name(), from.host(), from.port()});
    admin().AddVoter(std::move(voter), AnswerOutcome(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* RemoveVoter(CallbackServerContext* call, const v1::RemoveVoterRequest* request,
                                  v1::ClusterOutcome* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    const absl::StatusOr<model::Uuid> directory = DirectoryOf(request->directory());
    if (!directory.ok()) {
      reactor->Finish(Failure(call, directory.status(), "directory"));
      return reactor;
    }
    admin().RemoveVoter({request->cluster_id(), model::NodeId(request->id()), *directory},
                        AnswerOutcome(reactor, response));
    return reactor;
  }

 private:
  static broker::Callback<std::vector<broker::PartitionOutcome>> AnswerPartitions(ServerUnaryReactor* reactor,
                                                                                  v1::PartitionOutcomes* response) {
    return [reactor, response](std::vector<broker::PartitionOutcome> outcomes) {
      for (broker::PartitionOutcome& from : outcomes) {
        v1::PartitionOutcome* to = response->add_partitions();
        to->set_topic(std::move(from.partition.topic));
        to->set_partition(from.partition.partition.value());
        FillOutcome(from.outcome, to->mutable_outcome());
      }
      reactor->Finish(::grpc::Status::OK);
    };
  }
  static broker::Callback<broker::Outcome> AnswerOutcome(ServerUnaryReactor* reactor, v1::ClusterOutcome* response) {
    return [reactor, response](const broker::Outcome& outcome) {
      FillOutcome(outcome, response->mutable_outcome());
      reactor->Finish(::grpc::Status::OK);
    };
  }
  broker::ClusterAdmin& admin() { return broker_.cluster_admin(); }

  broker::Broker& broker_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeClusterService(broker::Broker& broker) {
  return std::make_unique<ClusterService>(broker);
}

}  // namespace leat::rpc
