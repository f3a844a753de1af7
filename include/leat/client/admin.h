// Topics, groups, jobs and the cluster.
#pragma once

#include "leat/client/client.h"

namespace leat::client {

struct TopicSpec {
  std::string name;
  int32_t partitions = 0;                      // 0: the broker's default
  std::map<std::string, std::string> configs;  // Kafka's names; leat.durability = fsync | page-cache
  int32_t replication_factor = 0;              // 0: the broker's default
  // The brokers of each partition's replicas, the preferred leader first; empty: the cluster chooses.
  std::vector<std::vector<int32_t>> assignments{};
};
struct PartitionInfo {
  int32_t partition = 0;
  int32_t leader = -1;
  int64_t begin_offset = 0;  // -1, as is end_offset: the broker that was asked has no copy
  int64_t end_offset = 0;
  uint64_t size_bytes = 0;  // of the copy of the broker that was asked
  int32_t segments = 0;
  std::string error;  // empty if healthy
  int32_t leader_epoch = -1;
  std::vector<int32_t> replicas;          // the first is the preferred leader
  std::vector<int32_t> isr;               // in sync
  std::vector<int32_t> eligible;          // out of sync, but missing nothing that was acknowledged
  std::vector<int32_t> offline;           // replicas on brokers that are not live
  std::vector<int32_t> adding, removing;  // of a reassignment under way
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
  std::string status;  // of who reads it: ok, slow, stalled, stopped; empty: the broker is too old to say
};
struct JobInput {
  TopicPartition partition;
  int64_t offset = -1;
  int64_t end_offset = -1;
  std::optional<int64_t> watermark_ms;
};
// One operator of a job's plan, over all its workers, since the job runs on its node.
struct JobOperator {
  int32_t id = 0;    // as the plan shows it
  std::string name;  // "WindowAggregate#3", "Source payments#1"
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;
  uint64_t state_bytes = 0;  // in memory
  std::optional<int64_t> watermark_ms;
  bool input_ended = false;          // all of its bounded input is read
  double watermark_lag_seconds = 0;  // behind the clock of the job's node; 0 without a watermark
  double busy_seconds = 0;           // all workers together
  double backpressured_seconds = 0;  // of a source: rows were there, and the log or other workers did not keep up
};
// From a record's timestamp to the commit of its checkpoint, over the last one to two minutes.
struct JobLatency {
  uint64_t records = 0;  // 0: no figures
  double p50_seconds = 0, p95_seconds = 0, p99_seconds = 0;
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
  int32_t node = -1;     // that it runs on, or would; -1: none can now
  int64_t revision = 1;  // of its SQL: one more with each upgrade
  std::vector<JobInput> inputs;
  // Of DescribeJob alone, while the job runs.
  std::vector<JobOperator> operators;  // inputs before their consumers
  JobLatency latency;
  int32_t workers = 0;
  double seconds = 0;              // that it has run on its node: what busy_seconds of each worker is a part of
  uint64_t checkpoint_bytes = 0;   // that the last checkpoint added to the changelog
  double cpu_seconds = 0;          // of the job's threads
  double cpu_limited_seconds = 0;  // that workers waited because of the limit of CPU, all together
  double cpu_limit = 0;            // cores, leat.cpu.limit; 0: none
};
// kCheck: nothing changes.
enum class UpgradeMode { kApply, kCheck };
struct UpgradeResult {
  JobInfo job;
  std::vector<std::string> changes;  // what becomes of each operator's state, a sentence each
};
struct JobLogLine {
  int64_t time_ms = 0;
  std::string text;
};
struct BrokerInfo {
  int32_t id = 0;
  std::string grpc, kafka, admin;  // host:port; several are parted by commas
  std::string rack;
  int64_t epoch = -1;                  // of its registration
  std::string state = "live";          // live, fenced (not heard of), stopping, draining
  uint64_t replicas = 0, leaders = 0;  // partitions that it has a copy of, and that it leads
};
struct ClusterInfo {
  std::string cluster_id;
  std::string version;
  int32_t controller = -1;
  int64_t start_time_ms = 0;
  std::vector<BrokerInfo> brokers;
  int32_t feature_level = 0;
  int64_t metadata_offset = -1;
  uint64_t topics = 0, partitions = 0;
  // Of the partitions: without a leader; with replicas out of sync; led by another one than the preferred replica; on
  // their way to other brokers.
  uint64_t leaderless = 0, under_replicated = 0, not_preferred = 0, reassigning = 0;
};
struct QuorumMember {
  int32_t id = 0;
  std::string directory;  // of its log; empty: not known
  int64_t log_end_offset = -1;
  int64_t last_fetch_ms = -1;
  int64_t last_caught_up_ms = -1;
  std::vector<std::string> listeners;  // name://host:port
};
struct QuorumInfo {
  int32_t leader = -1;
  int32_t epoch = 0;
  int64_t high_watermark = -1;
  std::vector<QuorumMember> voters, observers;
};
struct VoterSpec {
  int32_t id = 0;
  std::string directory;  // empty: not checked
  std::string host;       // of its internal listener
  int32_t port = 0;
  std::string cluster_id;  // empty: not checked
};
struct PartitionResult {
  TopicPartition partition;
  absl::Status status;
};
struct OngoingReassignment {
  TopicPartition partition;
  std::vector<int32_t> replicas, adding, removing;  // `replicas`: all that it has meanwhile
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
  // Other SQL for a job, which goes on with its state where the two fit. kFailedPrecondition says what does not, and
  // the job runs on as it did. `drop_state`: operators whose state may be lost, as that error names them, or "all".
  absl::StatusOr<UpgradeResult> UpgradeJob(const std::string& name, const std::string& sql,
                                           const std::vector<std::string>& drop_state = {},
                                           UpgradeMode mode = UpgradeMode::kApply);
  absl::Status StartJob(const std::string& name);
  absl::Status StopJob(const std::string& name);
  absl::Status DeleteJob(const std::string& name);
  absl::StatusOr<std::vector<JobInfo>> ListJobs();
  absl::StatusOr<JobInfo> DescribeJob(const std::string& name);
  absl::StatusOr<std::vector<JobLogLine>> JobLogs(const std::string& name);
  absl::StatusOr<std::string> Explain(const std::string& sql);

  absl::StatusOr<ClusterInfo> DescribeCluster();

  // kPreferred: the first replica leads again, if it is in sync. kUnclean: where nobody leads, any live replica does,
  // though records may be lost. Without partitions: all that such an election would change.
  enum class Election { kPreferred, kUnclean };
  absl::StatusOr<std::vector<PartitionResult>> ElectLeaders(Election election,
                                                            const std::vector<TopicPartition>& partitions = {});
  // Other replicas; an empty list cancels the reassignment under way.
  absl::StatusOr<std::vector<PartitionResult>> Reassign(const std::map<TopicPartition, std::vector<int32_t>>& replicas);
  absl::StatusOr<std::vector<OngoingReassignment>> ListReassignments();
  absl::StatusOr<uint64_t> RebalanceLeaders();  // how many moved; more may be left
  // Moves a broker's replicas to others, some at each call: call it until the result, how many it has left, is 0. It
  // gets none until CancelDrain.
  absl::StatusOr<uint64_t> DrainBroker(int32_t id);
  absl::Status CancelDrain(int32_t id);
  absl::Status UnregisterBroker(int32_t id);  // it has stopped, and holds nothing
  absl::StatusOr<QuorumInfo> DescribeQuorum();
  absl::Status AddVoter(const VoterSpec& voter);
  absl::Status RemoveVoter(int32_t id, const std::string& directory = "");

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace leat::client
