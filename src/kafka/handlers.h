// Every handler of the Kafka protocol, by family; each is in a file of its own (or of a few that belong together). What
// is served, and in which versions, is said in the family's table (apis_<family>.cc): a handler that no table names is
// not advertised.
#pragma once

#include "kafka/call.h"

namespace leat::wire {
struct ProduceRequest;
struct ProduceResponse;
struct FetchRequest;
struct FetchResponse;
struct ListOffsetsRequest;
struct ListOffsetsResponse;
struct MetadataRequest;
struct MetadataResponse;
struct FindCoordinatorRequest;
struct FindCoordinatorResponse;
struct ApiVersionsRequest;
struct ApiVersionsResponse;
struct OffsetForLeaderEpochRequest;
struct OffsetForLeaderEpochResponse;
struct DescribeClusterRequest;
struct DescribeClusterResponse;
struct OffsetCommitRequest;
struct OffsetCommitResponse;
struct OffsetFetchRequest;
struct OffsetFetchResponse;
struct JoinGroupRequest;
struct JoinGroupResponse;
struct HeartbeatRequest;
struct HeartbeatResponse;
struct LeaveGroupRequest;
struct LeaveGroupResponse;
struct SyncGroupRequest;
struct SyncGroupResponse;
struct DescribeGroupsRequest;
struct DescribeGroupsResponse;
struct ListGroupsRequest;
struct ListGroupsResponse;
struct DeleteGroupsRequest;
struct DeleteGroupsResponse;
struct OffsetDeleteRequest;
struct OffsetDeleteResponse;
struct InitProducerIdRequest;
struct InitProducerIdResponse;
struct AddPartitionsToTxnRequest;
struct AddPartitionsToTxnResponse;
struct AddOffsetsToTxnRequest;
struct AddOffsetsToTxnResponse;
struct EndTxnRequest;
struct EndTxnResponse;
struct WriteTxnMarkersRequest;
struct WriteTxnMarkersResponse;
struct TxnOffsetCommitRequest;
struct TxnOffsetCommitResponse;
struct DescribeProducersRequest;
struct DescribeProducersResponse;
struct DescribeTransactionsRequest;
struct DescribeTransactionsResponse;
struct ListTransactionsRequest;
struct ListTransactionsResponse;
struct CreateTopicsRequest;
struct CreateTopicsResponse;
struct DeleteTopicsRequest;
struct DeleteTopicsResponse;
struct DeleteRecordsRequest;
struct DeleteRecordsResponse;
struct DescribeAclsRequest;
struct DescribeAclsResponse;
struct CreateAclsRequest;
struct CreateAclsResponse;
struct DeleteAclsRequest;
struct DeleteAclsResponse;
struct DescribeConfigsRequest;
struct DescribeConfigsResponse;
struct AlterConfigsRequest;
struct AlterConfigsResponse;
struct AlterReplicaLogDirsRequest;
struct AlterReplicaLogDirsResponse;
struct DescribeLogDirsRequest;
struct DescribeLogDirsResponse;
struct CreatePartitionsRequest;
struct CreatePartitionsResponse;
struct ElectLeadersRequest;
struct ElectLeadersResponse;
struct IncrementalAlterConfigsRequest;
struct IncrementalAlterConfigsResponse;
struct AlterPartitionReassignmentsRequest;
struct AlterPartitionReassignmentsResponse;
struct ListPartitionReassignmentsRequest;
struct ListPartitionReassignmentsResponse;
struct DescribeQuorumRequest;
struct DescribeQuorumResponse;
struct UpdateFeaturesRequest;
struct UpdateFeaturesResponse;
struct ListConfigResourcesRequest;
struct ListConfigResourcesResponse;
struct DescribeTopicPartitionsRequest;
struct DescribeTopicPartitionsResponse;
struct UnregisterBrokerRequest;
struct UnregisterBrokerResponse;
struct AddRaftVoterRequest;
struct AddRaftVoterResponse;
struct RemoveRaftVoterRequest;
struct RemoveRaftVoterResponse;
}  // namespace leat::wire

namespace leat::kafka {

#define LEAT_KAFKA_HANDLER(Name) \
  void Handle##Name(Call& call, const wire::Name##Request& request, Reply<wire::Name##Response> reply)

// Records, and where they are.
LEAT_KAFKA_HANDLER(Produce);
LEAT_KAFKA_HANDLER(Fetch);
LEAT_KAFKA_HANDLER(ListOffsets);
LEAT_KAFKA_HANDLER(Metadata);
LEAT_KAFKA_HANDLER(FindCoordinator);
LEAT_KAFKA_HANDLER(ApiVersions);
LEAT_KAFKA_HANDLER(OffsetForLeaderEpoch);
LEAT_KAFKA_HANDLER(DescribeCluster);

// Groups.
LEAT_KAFKA_HANDLER(OffsetCommit);
LEAT_KAFKA_HANDLER(OffsetFetch);
LEAT_KAFKA_HANDLER(JoinGroup);
LEAT_KAFKA_HANDLER(Heartbeat);
LEAT_KAFKA_HANDLER(LeaveGroup);
LEAT_KAFKA_HANDLER(SyncGroup);
LEAT_KAFKA_HANDLER(DescribeGroups);
LEAT_KAFKA_HANDLER(ListGroups);
LEAT_KAFKA_HANDLER(DeleteGroups);
LEAT_KAFKA_HANDLER(OffsetDelete);

// Idempotence and transactions.
LEAT_KAFKA_HANDLER(InitProducerId);
LEAT_KAFKA_HANDLER(AddPartitionsToTxn);
LEAT_KAFKA_HANDLER(AddOffsetsToTxn);
LEAT_KAFKA_HANDLER(EndTxn);
LEAT_KAFKA_HANDLER(WriteTxnMarkers);
LEAT_KAFKA_HANDLER(TxnOffsetCommit);
LEAT_KAFKA_HANDLER(DescribeProducers);
LEAT_KAFKA_HANDLER(DescribeTransactions);
LEAT_KAFKA_HANDLER(ListTransactions);

// Administration.
LEAT_KAFKA_HANDLER(CreateTopics);
LEAT_KAFKA_HANDLER(DeleteTopics);
LEAT_KAFKA_HANDLER(DeleteRecords);
LEAT_KAFKA_HANDLER(DescribeAcls);
LEAT_KAFKA_HANDLER(CreateAcls);
LEAT_KAFKA_HANDLER(DeleteAcls);
LEAT_KAFKA_HANDLER(DescribeConfigs);
LEAT_KAFKA_HANDLER(AlterConfigs);
LEAT_KAFKA_HANDLER(AlterReplicaLogDirs);
LEAT_KAFKA_HANDLER(DescribeLogDirs);
LEAT_KAFKA_HANDLER(CreatePartitions);
LEAT_KAFKA_HANDLER(ElectLeaders);
LEAT_KAFKA_HANDLER(IncrementalAlterConfigs);
LEAT_KAFKA_HANDLER(AlterPartitionReassignments);
LEAT_KAFKA_HANDLER(ListPartitionReassignments);
LEAT_KAFKA_HANDLER(DescribeQuorum);
LEAT_KAFKA_HANDLER(UpdateFeatures);
LEAT_KAFKA_HANDLER(ListConfigResources);
LEAT_KAFKA_HANDLER(DescribeTopicPartitions);
LEAT_KAFKA_HANDLER(UnregisterBroker);
LEAT_KAFKA_HANDLER(AddRaftVoter);
LEAT_KAFKA_HANDLER(RemoveRaftVoter);

#undef LEAT_KAFKA_HANDLER

}  // namespace leat::kafka
