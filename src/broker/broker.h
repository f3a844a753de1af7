// The broker: one node's handlers behind one thread-safe face. Every method may be called on any thread; it posts to
// the shard that owns what it touches and calls back there, exactly once, also when the broker stops meanwhile (then
// with an error). One file per API implements them (produce.cc, fetch.cc, ..).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/groups.h"
#include "broker/options.h"
#include "env/disk.h"
#include "env/metrics.h"
#include "env/shard.h"
#include "env/transport.h"
#include "meta/image.h"

namespace leat::broker {

class ClusterAdmin;
class Transactions;

class Broker {
 public:
  // Opens everything below options.data_dir: metadata log, partitions, groups, jobs (which start). `shards` and `disk`
  // outlive the broker. `ready` runs on shards[0], with the error if the data cannot be served. `transports`: one a
  // shard, which outlive the broker too; none where the node is alone.
  static std::unique_ptr<Broker> Create(const Options& options, env::Disk& disk, std::vector<env::Shard*> shards,
                                        env::Metrics& metrics, std::vector<env::Transport*> transports = {});
  virtual ~Broker() = default;
  virtual void Start(Callback<absl::Status> ready) = 0;
  // Answers what is parked, stops jobs at a checkpoint, closes the logs.
  virtual void Stop(Callback<absl::Status> done) = 0;
  // OK when it can take writes; otherwise why not (starting, stopping, log directory offline).
  virtual void Health(Callback<absl::Status> done) = 0;

  virtual void Produce(ProduceRequest request, Callback<ProduceReply> done) = 0;
  // The returned ticket ends a long poll early (CancelFetch): it is then answered with what is there.
  virtual uint64_t Fetch(FetchRequest request, Callback<FetchReply> done) = 0;
  virtual void CancelFetch(uint64_t ticket) = 0;
  virtual void ListOffsets(std::vector<ListOffsetsPartition> partitions,
                           Callback<std::vector<ListOffsetsResult>> done) = 0;
  virtual void DescribeProducers(std::vector<DescribeProducersPartition> partitions,
                                 Callback<std::vector<DescribeProducersResult>> done) = 0;
  virtual void DeleteRecords(std::vector<DeleteRecordsPartition> partitions,
                             Callback<std::vector<DeleteRecordsResult>> done) = 0;

  virtual void CreateTopics(std::vector<NewTopic> topics, ChangeMode mode, Callback<std::vector<TopicResult>> done) = 0;
  void CreateTopics(std::vector<NewTopic> topics, Callback<std::vector<TopicResult>> done) {
    CreateTopics(std::move(topics), ChangeMode::kApply, std::move(done));
  }
  virtual void DeleteTopics(std::vector<std::string> names, Callback<std::vector<TopicResult>> done) = 0;
  // Empty names: all topics (internal ones too).
  virtual void DescribeTopics(std::vector<std::string> names, Callback<std::vector<TopicDescription>> done) = 0;
  virtual void AlterTopics(std::vector<AlterTopic> changes, ChangeMode mode,
                           Callback<std::vector<TopicResult>> done) = 0;
  void AlterTopics(std::vector<AlterTopic> changes, Callback<std::vector<TopicResult>> done) {
    AlterTopics(std::move(changes), ChangeMode::kApply, std::move(done));
  }

  virtual void CommitOffsets(CommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) = 0;
  // Empty partitions: all that the group has committed.
  virtual void FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                            Callback<absl::StatusOr<std::vector<CommittedOffset>>> done) = 0;
  // Membership, and offsets with everything that Kafka keeps with them.
  virtual Groups& groups() = 0;
  virtual void ListGroups(Callback<std::vector<std::string>> done) = 0;
  // Empty group: all groups.
  virtual void DescribeLag(std::string group, Callback<std::vector<GroupLag>> done) = 0;

  virtual Transactions& transactions() = 0;

  virtual model::NodeId node_id() const = 0;
  // The metadata as this shard of the broker has it now. Only on that shard. Null before the broker has started.
  virtual meta::ImagePtr ImageOn(const env::Shard& shard) const = 0;
  // The active controller as this shard of the broker knows it now; -1: nobody knows one. Only on that shard.
  virtual model::NodeId ControllerOn(const env::Shard& shard) const = 0;
  virtual void DescribeCluster(Callback<ClusterDescription> done) = 0;
  // Leaders, replicas, brokers and voters.
  virtual ClusterAdmin& cluster_admin() = 0;
  virtual void DescribeBroker(Callback<std::vector<BrokerConfig>> done) = 0;
  virtual void DescribeLogDirectory(Callback<LogDirectoryDescription> done) = 0;

  // kInvalidArgument with the compiler's text, kAlreadyExists; nothing is stored unless the plan is good.
  virtual void SubmitJob(NewJob job, Callback<absl::StatusOr<JobDescription>> done) = 0;
  // kFailedPrecondition says what of the state does not fit; the job then runs on as it did.
  virtual void UpgradeJob(JobUpgrade upgrade, Callback<absl::StatusOr<JobUpgraded>> done) = 0;
  virtual void StartJob(std::string name, Callback<absl::Status> done) = 0;
  virtual void StopJob(std::string name, Callback<absl::Status> done) = 0;    // checkpoints first
  virtual void DeleteJob(std::string name, Callback<absl::Status> done) = 0;  // stops it and removes its state
  virtual void ListJobs(Callback<std::vector<JobDescription>> done) = 0;
  virtual void DescribeJob(std::string name, Callback<absl::StatusOr<JobDescription>> done) = 0;
  virtual void JobLogs(std::string name, Callback<absl::StatusOr<std::vector<JobLogLine>>> done) = 0;
  virtual void ExplainJob(std::string sql, Callback<absl::StatusOr<std::string>> done) = 0;

  // The addresses to advertise, once the listeners are bound: host:port, several parted by commas, those of Kafka's
  // protocol as name://host:port. Empty: it is off. Call before clients are told that the node is ready.
  // `internal`: where the other nodes of the cluster connect.
  virtual void SetAdvertised(std::string grpc, std::string kafka, std::string admin, std::string internal) = 0;
};

}  // namespace leat::broker
