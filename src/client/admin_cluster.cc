// The part of Admin that is about the cluster: its brokers, leaders, replicas and voters.
#include <utility>

#include "client/connection.h"
#include "leat/client/admin.h"
#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/cluster.grpc.pb.h"

namespace leat::client {
namespace {

template <typename Service, typename Request, typename Response, typename Stub>
absl::StatusOr<Response> AskAt(Connection& connection, Repeat repeat, const Request& request,
                               ::grpc::Status (Stub::*method)(::grpc::ClientContext*, const Request&, Response*)) {
  Response response;
  LEAT_RETURN_IF_ERROR(connection.impl().Invoke(repeat, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return (Service::NewStub(channel).get()->*method)(context, request, &response);
  }));
  return response;
}

// One call of the Cluster service.
template <typename Request, typename Response>
absl::StatusOr<Response> Ask(Connection& connection, Repeat repeat, const Request& request,
                             ::grpc::Status (v1::Cluster::Stub::*method)(::grpc::ClientContext*, const Request&,
                                                                         Response*)) {
  return AskAt<v1::Cluster>(connection, repeat, request, method);
}

using Ids = google::protobuf::RepeatedField<int32_t>;
std::vector<int32_t> ListOf(const Ids& ids) { return {ids.begin(), ids.end()}; }

std::vector<PartitionResult> ResultsOf(const v1::PartitionOutcomes& from) {
  std::vector<PartitionResult> results;
  for (const v1::PartitionOutcome& one : from.partitions()) {
    results.push_back({{one.topic(), one.partition()},
                       FromOutcome(one.outcome(), StrCat("partition ", one.topic(), "-", one.partition()))});
  }
  return results;
}

absl::Status StatusOf(const absl::StatusOr<v1::ClusterOutcome>& answer, std::string_view what) {
  LEAT_RETURN_IF_ERROR(answer.status());
  return FromOutcome(answer->outcome(), what);
}

QuorumMember MemberOf(const v1::DescribeQuorumResponse::Replica& from) {
  QuorumMember member{.id = from.id(),
                      .directory = from.directory(),
                      .log_end_offset = from.log_end_offset(),
                      .last_fetch_ms = from.last_fetch_ms(),
                      .last_caught_up_ms = from.last_caught_up_ms(),
                      .listeners = {}};
  for (const auto& at : from.listeners()) {
    member.listeners.push_back(StrCat(at.name(), "://", at.host(), ":", at.port()));
  }
  return member;
}

BrokerInfo BrokerOf(const v1::DescribeClusterResponse::Node& from) {
  BrokerInfo broker;
  broker.id = from.id();
  broker.grpc = from.grpc();
  broker.kafka = from.kafka();
  broker.admin = from.admin();
  broker.rack = from.rack();
  broker.epoch = from.epoch();
  broker.state = from.state();
  broker.replicas = from.replicas();
  broker.leaders = from.leaders();
  return broker;
}

}  // namespace

absl::StatusOr<ClusterInfo> Admin::DescribeCluster() {
  LEAT_ASSIGN_OR_RETURN(
      const v1::DescribeClusterResponse from,
      AskAt<v1::Admin>(*connection_, Repeat::kSafe, v1::DescribeClusterRequest(), &v1::Admin::Stub::DescribeCluster));
  ClusterInfo cluster;
  cluster.cluster_id = from.cluster_id();
  cluster.version = from.version();
  cluster.controller = from.controller();
  cluster.start_time_ms = from.start_time_ms();
  for (const auto& node : from.nodes()) cluster.brokers.push_back(BrokerOf(node));
  cluster.feature_level = from.feature_level();
  cluster.metadata_offset = from.metadata_offset();
  cluster.topics = from.topics();
  cluster.partitions = from.partitions();
  cluster.leaderless = from.leaderless();
  cluster.under_replicated = from.under_replicated();
  cluster.not_preferred = from.not_preferred();
  cluster.reassigning = from.reassigning();
  return cluster;
}

absl::StatusOr<std::vector<PartitionResult>> Admin::ElectLeaders(Election election,
                                                                 const std::vector<TopicPartition>& partitions) {
  v1::ElectLeadersRequest request;
  request.set_type(election == Election::kUnclean ? v1::ElectLeadersRequest::UNCLEAN
                                                  : v1::ElectLeadersRequest::PREFERRED);
  for (const TopicPartition& partition : partitions) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
  }
  LEAT_ASSIGN_OR_RETURN(const v1::PartitionOutcomes outcomes,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Cluster::Stub::ElectLeaders));
  return ResultsOf(outcomes);
}

absl::StatusOr<std::vector<PartitionResult>> Admin::Reassign(
    const std::map<TopicPartition, std::vector<int32_t>>& replicas) {
  v1::ReassignRequest request;
  for (const auto& [partition, nodes] : replicas) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    to->mutable_replicas()->Add(nodes.begin(), nodes.end());
  }
  LEAT_ASSIGN_OR_RETURN(const v1::PartitionOutcomes outcomes,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Cluster::Stub::Reassign));
  return ResultsOf(outcomes);
}

absl::StatusOr<std::vector<OngoingReassignment>> Admin::ListReassignments() {
  LEAT_ASSIGN_OR_RETURN(
      const v1::ListReassignmentsResponse response,
      Ask(*connection_, Repeat::kSafe, v1::ListReassignmentsRequest(), &v1::Cluster::Stub::ListReassignments));
  std::vector<OngoingReassignment> list;
  for (const auto& from : response.partitions()) {
    list.push_back(
        {{from.topic(), from.partition()}, ListOf(from.replicas()), ListOf(from.adding()), ListOf(from.removing())});
  }
  return list;
}

absl::StatusOr<uint64_t> Admin::RebalanceLeaders() {
  LEAT_ASSIGN_OR_RETURN(
      const v1::RebalanceLeadersResponse response,
      Ask(*connection_, Repeat::kSafe, v1::RebalanceLeadersRequest(), &v1::Cluster::Stub::RebalanceLeaders));
  LEAT_RETURN_IF_ERROR(FromOutcome(response.outcome(), "rebalance of the leaders"));
  return response.moved();
}

absl::StatusOr<uint64_t> Admin::DrainBroker(int32_t id) {
  v1::DrainBrokerRequest request;
  request.set_id(id);
  LEAT_ASSIGN_OR_RETURN(const v1::DrainBrokerResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Cluster::Stub::DrainBroker));
  LEAT_RETURN_IF_ERROR(FromOutcome(response.outcome(), StrCat("decommission of broker ", id)));
  return response.held();
}

absl::Status Admin::CancelDrain(int32_t id) {
  v1::DrainBrokerRequest request;
  request.set_id(id);
  request.set_cancel(true);
  LEAT_ASSIGN_OR_RETURN(const v1::DrainBrokerResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Cluster::Stub::DrainBroker));
  return FromOutcome(response.outcome(), StrCat("decommission of broker ", id));
}

absl::Status Admin::UnregisterBroker(int32_t id) {
  v1::UnregisterBrokerRequest request;
  request.set_id(id);
  return StatusOf(Ask(*connection_, Repeat::kUnsafe, request, &v1::Cluster::Stub::UnregisterBroker),
                  StrCat("broker ", id));
}

absl::StatusOr<QuorumInfo> Admin::DescribeQuorum() {
  LEAT_ASSIGN_OR_RETURN(
      const v1::DescribeQuorumResponse response,
      Ask(*connection_, Repeat::kSafe, v1::DescribeQuorumRequest(), &v1::Cluster::Stub::DescribeQuorum));
  QuorumInfo quorum;
  quorum.leader = response.leader();
  quorum.epoch = response.epoch();
  quorum.high_watermark = response.high_watermark();
  for (const auto& voter : response.voters()) quorum.voters.push_back(MemberOf(voter));
  for (const auto& observer : response.observers()) quorum.observers.push_back(MemberOf(observer));
  return quorum;
}

absl::Status Admin::AddVoter(const VoterSpec& voter) {
  v1::AddVoterRequest request;
  request.set_cluster_id(voter.cluster_id);
  request.set_id(voter.id);
  request.set_directory(voter.directory);
  if (!voter.host.empty()) {
    auto* at = request.add_listeners();
    at->set_name("internal");
    at->set_host(voter.host);
    at->set_port(voter.port);
  }
  return StatusOf(Ask(*connection_, Repeat::kUnsafe, request, &v1::Cluster::Stub::AddVoter),
                  StrCat("voter ", voter.id));
}

absl::Status Admin::RemoveVoter(int32_t id, const std::string& directory) {
  v1::RemoveVoterRequest request;
  request.set_id(id);
  request.set_directory(directory);
  return StatusOf(Ask(*connection_, Repeat::kUnsafe, request, &v1::Cluster::Stub::RemoveVoter), StrCat("voter ", id));
}

}  // namespace leat::client
