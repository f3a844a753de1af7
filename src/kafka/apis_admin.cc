// What is served of administration: one line an API, with its versions.
#include "kafka/handlers.h"
#include "kafka/serve.h"
#include "wire/messages/add_raft_voter.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/alter_replica_log_dirs.h"
#include "wire/messages/create_acls.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_acls.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_acls.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_quorum.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/list_config_resources.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/remove_raft_voter.h"
#include "wire/messages/unregister_broker.h"
#include "wire/messages/update_features.h"

namespace leat::kafka {

std::vector<Api> AdminApis() {
  return {
      Serve<&HandleCreateTopics>(2, 7),
      Serve<&HandleDeleteTopics>(1, 6),
      Serve<&HandleDeleteRecords>(0, 2),
      Serve<&HandleDescribeAcls>(1, 3),
      Serve<&HandleCreateAcls>(1, 3),
      Serve<&HandleDeleteAcls>(1, 3),
      Serve<&HandleDescribeConfigs>(1, 4),
      Serve<&HandleAlterConfigs>(0, 2),
      Serve<&HandleAlterReplicaLogDirs>(1, 2),
      Serve<&HandleDescribeLogDirs>(1, 4),
      Serve<&HandleCreatePartitions>(0, 3),
      Serve<&HandleElectLeaders>(0, 2),
      Serve<&HandleIncrementalAlterConfigs>(0, 1),
      Serve<&HandleAlterPartitionReassignments>(0, 1),
      Serve<&HandleListPartitionReassignments>(0, 0),
      Serve<&HandleDescribeQuorum>(0, 2),
      Serve<&HandleUpdateFeatures>(0, 2),
      Serve<&HandleUnregisterBroker>(0, 0),
      Serve<&HandleListConfigResources>(0, 1),
      Serve<&HandleDescribeTopicPartitions>(0, 0),
      Serve<&HandleAddRaftVoter>(0, 1),
      Serve<&HandleRemoveRaftVoter>(0, 0),
  };
}

}  // namespace leat::kafka
