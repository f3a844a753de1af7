// run::LogPort over this one broker, with what it leads and coordinates: how jobs read and write the log of a node that
// is alone, and what the brokers of a cluster answer each other. Thread-safe, as the broker is.
#pragma once

#include <memory>

#include "broker/api.h"
#include "stream/run/log_port.h"

namespace leat::broker {

class BrokerImpl;

class BrokerLogPort final : public run::LogPort {
 public:
  explicit BrokerLogPort(BrokerImpl& broker) : broker_(broker) {}
  void DescribeTopic(std::string topic,
                     run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) override;
  // Where partitions that this node leads begin and end. kUnavailable also while a new leader does not know its end
  // yet.
  void Ends(std::vector<model::TopicPartition> partitions,
            run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done);
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     run::Callback<absl::StatusOr<model::Offset>> done) override;
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   run::Callback<absl::Status> done) override;
  void Fetch(run::LogFetch fetch, run::Callback<absl::StatusOr<run::LogData>> done) override;
  void Append(run::LogAppend append, run::Callback<absl::StatusOr<model::Offset>> done) override;
  // The same, refused when the leadership is over; the other copies may take `timeout`.
  void AppendFenced(run::LogAppend append, std::shared_ptr<const LeadershipFence> fence, Duration timeout,
                    run::Callback<absl::StatusOr<model::Offset>> done);
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
  int64_t WallMillis() override;
  Instant Now() override;

 private:
  BrokerImpl& broker_;
};

}  // namespace leat::broker
