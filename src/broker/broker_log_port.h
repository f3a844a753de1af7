// run::LogPort over the broker: how jobs read and write the log. Thread-safe, as the broker is.
#pragma once

#include "stream/run/log_port.h"

namespace leat::broker {

class BrokerImpl;

class BrokerLogPort final : public run::LogPort {
 public:
  explicit BrokerLogPort(BrokerImpl& broker) : broker_(broker) {}
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
  int64_t WallMillis() override;

 private:
  BrokerImpl& broker_;
};

}  // namespace leat::broker
