// Topics, groups, jobs and the cluster.
#pragma once

#include "leat/client/client.h"

namespace leat::client {

struct TopicSpec {
  std::string name;
  int32_t partitions = 0;                      // 0: the broker's default
  std::map<std::string, std::string> configs;  // Kafka's names; leat.durability = fsync | page-cache
};
struct PartitionInfo {
  int32_t partition = 0;
  int32_t leader = -1;
  int64_t begin_offset = 0;
  int64_t end_offset = 0;
  uint64_t size_bytes = 0;
  int32_t segments = 0;
  std::string error;  // empty if healthy
};
struct ConfigValue {
  std::string value;
  bool is_default = true;
};
struct TopicInfo {
  std::string name;
  std::string id;
  bool internal = false;
  std::vector<PartitionInfo> partitions;
  std::map<std::string, ConfigValue> configs;
};
struct CommittedOffset {
  TopicPartition partition;
  int64_t offset = -1;
  std::string metadata;
};
struct GroupMemberInfo {
  std::string member;
  std::string instance;  // empty: a dynamic member
  std::string client_id;
  std::string client_host;
  std::vector<TopicPartition> partitions;  // of a stable group of consumers
};
struct GroupInfo {
  std::string name;
  std::string state;          // Empty, PreparingRebalance, CompletingRebalance, Stable, Dead
  std::string protocol_type;  // "consumer", "connect", ..; empty: the group has offsets alone
  std::string protocol;       // the assignor, while it is stable
  std::vector<GroupMemberInfo> members;
};
struct GroupLag {
  std::string group;
  TopicPartition partition;
  int64_t committed = -1;
  int64_t end_offset = -1;
  int64_t lag_records = 0;
  double lag_seconds = 0;
};
struct JobInput {
  TopicPartition partition;
  int64_t offset = -1;
  int64_t end_offset = -1;
  std::optional<int64_t> watermark_ms;
};
struct JobInfo {
  std::string name, state, error, sql, plan;
  int64_t created_ms = 0;
  int restarts = 0;
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;
  int64_t checkpoint_age_ms = -1;
  double checkpoint_duration_seconds = 0;
  uint64_t checkpoints = 0;
  uint64_t state_bytes = 0;
  std::vector<JobInput> inputs;
};
struct JobLogLine {
  int64_t time_ms = 0;
  std::string text;
};
struct BrokerInfo {
  int32_t id = 0;
  std::string grpc, kafka, admin;
};
struct ClusterInfo {
  std::string cluster_id;
  std::string version;
  int32_t controller = -1;
  int64_t start_time_ms = 0;
  std::vector<BrokerInfo> brokers;
};

class Admin {
 public:
  explicit Admin(std::shared_ptr<Connection> connection);
  ~Admin();

  absl::Status CreateTopic(const TopicSpec& topic);  // kAlreadyExists
  absl::Status DeleteTopic(const std::string& name);
  absl::StatusOr<std::vector<TopicInfo>> ListTopics();
  absl::StatusOr<TopicInfo> DescribeTopic(const std::string& name);
  absl::Status AlterTopic(const std::string& name, const std::map<std::string, std::string>& set,
                          const std::vector<std::string>& remove, int32_t partitions = 0);
  absl::StatusOr<int64_t> DeleteRecords(const TopicPartition& partition, int64_t before_offset);  // the new begin

  absl::StatusOr<std::vector<std::string>> ListGroups();
  absl::StatusOr<std::vector<GroupInfo>> DescribeGroups();            // all of them
  absl::StatusOr<GroupInfo> DescribeGroup(const std::string& group);  // kNotFound
  absl::Status DeleteGroup(const std::string& group);                 // kNotFound; kFailedPrecondition: it has members
  absl::StatusOr<std::vector<CommittedOffset>> GroupOffsets(const std::string& group);
  absl::Status CommitGroupOffset(const std::string& group, const TopicPartition& partition, int64_t offset);
  absl::StatusOr<std::vector<GroupLag>> Lag(const std::string& group);  // empty: all groups

  absl::StatusOr<JobInfo> SubmitJob(const std::string& name, const std::string& sql);
  absl::Status StartJob(const std::string& name);
  absl::Status StopJob(const std::string& name);
  absl::Status DeleteJob(const std::string& name);
  absl::StatusOr<std::vector<JobInfo>> ListJobs();
  absl::StatusOr<JobInfo> DescribeJob(const std::string& name);
  absl::StatusOr<std::vector<JobLogLine>> JobLogs(const std::string& name);
  absl::StatusOr<std::string> Explain(const std::string& sql);

  absl::StatusOr<ClusterInfo> DescribeCluster();

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace leat::client
