// run::LogPort over a cluster: every call goes to the broker that leads the partition or coordinates the group, on this
// node or another. Thread-safe; decides on shard 0. See docs/internals/jobs.md.
//
// Calls that may be repeated are, with a pause that grows, while there is nobody to ask, who was asked is not the one
// (any more), or the connection broke; until kPatience is over. The run of the job then fails with the last reason, and
// starts again from its checkpoint.
//
// Appends to one partition keep their order: they wait for each other where they go over the network. One that may have
// been written although its answer is an error, or was lost, is repeated only if the batches carry a producer id and a
// sequence, by which the log knows them again; else it fails, and with it all that wait behind it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker_log_port.h"
#include "broker/coordinators.h"
#include "broker/job_peers.h"
#include "broker/retries.h"

namespace leat::broker {

class ClusterLogPort final : public run::LogPort {
 public:
  // All outlive this; `retries` is of shard 0.
  ClusterLogPort(BrokerImpl& broker, BrokerLogPort& local, JobPeers& peers, Retries& retries)
      : broker_(broker), local_(local), peers_(peers), retries_(retries) {}

  void DescribeTopic(std::string topic,
                     run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) override;
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     run::Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   run::Callback<absl::Status> done) override;
  void Fetch(run::LogFetch fetch, run::Callback<absl::StatusOr<run::LogData>> done) override;
  void Append(run::LogAppend append, run::Callback<absl::StatusOr<model::Offset>> done) override;
  void DeleteTopic(std::string topic, run::Callback<absl::Status> done) override;
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     run::Callback<absl::Status> done) override;
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        run::Callback<absl::StatusOr<std::vector<model::Offset>>> done) override;
  void OpenProducer(std::string transactional_id, Duration timeout,
                    run::Callback<absl::StatusOr<run::TransactionalProducer>> done) override;
  void AddToTransaction(std::string transactional_id, run::TransactionalProducer producer,
                        std::vector<model::TopicPartition> partitions, run::Callback<absl::Status> done) override;
  void EndTransaction(std::string transactional_id, run::TransactionalProducer producer, model::TransactionEnd end,
                      run::Callback<absl::StatusOr<run::TransactionalProducer>> done) override;
  int64_t WallMillis() override { return local_.WallMillis(); }
  Instant Now() override { return local_.Now(); }

 private:
  // Whom to ask, by this node's image: kUnavailable if nobody leads now, kNotFound if there is no such partition.
  absl::StatusOr<model::NodeId> LeaderOf(const model::TopicPartition& partition) const;
  absl::StatusOr<model::NodeId> CoordinatorFor(CoordinatorKind kind, const std::string& name) const;

  // One attempt: asked of the node, or done here if it is this one.
  template <typename Message>
  void AskOne(const absl::StatusOr<model::NodeId>& node, const Message& message, Duration timeout,
              const std::function<void(Message, Callback<absl::StatusOr<typename Message::Reply>>)>& here,
              Callback<absl::StatusOr<typename Message::Reply>> done);
  void DescribeOnce(const std::string& topic, Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done);

  struct Write {
    std::string batches;
    std::string transactional_id;
    run::Callback<absl::StatusOr<model::Offset>> done;
    Instant until;
    Duration pause;
    bool numbered = false;  // a repetition is recognised
  };
  struct Lane {
    std::deque<std::shared_ptr<Write>> waiting;
    size_t under_way = 0;
    bool away = false;    // those under way go to another node
    bool paused = false;  // a timer goes on
  };
  void Pump(const model::TopicPartition& partition);
  void Send(const model::TopicPartition& partition, model::NodeId node, const std::shared_ptr<Write>& write);
  enum class Reached { kNo, kPerhaps };
  void Written(const model::TopicPartition& partition, const std::shared_ptr<Write>& write,
               const absl::StatusOr<model::Offset>& base, Reached reached);
  // The first that waits is tried again, or has waited for too long.
  void PumpLater(const model::TopicPartition& partition, const absl::Status& why);
  void FailLane(const model::TopicPartition& partition, const absl::Status& why);

  BrokerImpl& broker_;
  BrokerLogPort& local_;
  JobPeers& peers_;
  Retries& retries_;
  std::map<model::TopicPartition, Lane> lanes_;
};

}  // namespace leat::broker
