#include "broker/broker_log_port.h"

#include <algorithm>
#include <cstdlib>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/transaction_host.h"

namespace leat::broker {
namespace {

// Of a request of a producer with a transactional id.
absl::Status ToTransactionStatus(const Outcome& outcome) {
  switch (outcome.code) {
    case model::ErrorCode::kProducerFenced:
    case model::ErrorCode::kInvalidProducerEpoch:
    case model::ErrorCode::kInvalidProducerIdMapping:
    case model::ErrorCode::kInvalidTxnState:
      return Aborted(model::ErrorName(outcome.code), ": ", outcome.message);
    case model::ErrorCode::kConcurrentTransactions:
    case model::ErrorCode::kNotEnoughReplicas:
    case model::ErrorCode::kRequestTimedOut:
      return Unavailable(model::ErrorName(outcome.code), ": ", outcome.message);
    default:
      return ToStatus(outcome);
  }
}

absl::StatusOr<run::TransactionalProducer> ToProducer(const ProducerIdReply& reply) {
  if (!reply.outcome.ok()) return ToTransactionStatus(reply.outcome);
  return run::TransactionalProducer{reply.producer_id, reply.producer_epoch};
}

}  // namespace

void BrokerLogPort::DescribeTopic(std::string topic,
                                  run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) {
  broker_.DescribeTopics({std::move(topic)}, [done = std::move(done)](std::vector<TopicDescription> topics) mutable {
    const TopicDescription& found = topics.at(0);
    if (!found.outcome.ok()) {
      done(ToStatus(found.outcome));
      return;
    }
    std::vector<run::PartitionOffsets> partitions;
    size_t max_batch_bytes = run::PartitionOffsets{}.max_batch_bytes;
    for (const ConfigEntry& config : found.configs) {
      if (config.name == "max.message.bytes") max_batch_bytes = std::strtoull(config.value.c_str(), nullptr, 10);
    }
    for (const PartitionDescription& partition : found.partitions) {
      if (!partition.outcome.ok()) {
        done(ToStatus(partition.outcome));
        return;
      }
      partitions.push_back({partition.partition, partition.log_start, partition.high_watermark, max_batch_bytes});
    }
    done(std::move(partitions));
  });
}

void BrokerLogPort::Ends(std::vector<model::TopicPartition> partitions,
                         run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) {
  using Spec = ListOffsetsPartition::Spec;
  std::vector<ListOffsetsPartition> wanted;
  for (model::TopicPartition& partition : partitions) {
    wanted.push_back({partition, Spec::kEarliest});
    wanted.push_back({std::move(partition), Spec::kLatest});
  }
  broker_.ListOffsets(std::move(wanted), [done = std::move(done)](std::vector<ListOffsetsResult> results) mutable {
    std::vector<run::PartitionOffsets> ends;
    for (size_t i = 0; i + 1 < results.size(); i += 2) {
      for (const ListOffsetsResult& result : {results[i], results[i + 1]}) {
        if (!result.outcome.ok()) return done(ToStatus(result.outcome));
      }
      ends.push_back({results[i].partition.partition, results[i].offset, results[i + 1].offset});
    }
    done(std::move(ends));
  });
}

void BrokerLogPort::OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                                  run::Callback<absl::StatusOr<model::Offset>> done) {
  using Spec = ListOffsetsPartition::Spec;
  std::vector<ListOffsetsPartition> wanted;
  wanted.push_back({partition, Spec::kTimestamp, timestamp_ms});
  wanted.push_back({std::move(partition), Spec::kLatest});
  broker_.ListOffsets(std::move(wanted), [done = std::move(done)](std::vector<ListOffsetsResult> results) mutable {
    for (const ListOffsetsResult& result : results) {
      if (result.outcome.ok() && result.offset < model::Offset(0)) continue;  // no such record: the end then
      done(result.outcome.ok() ? absl::StatusOr<model::Offset>(result.offset) : ToStatus(result.outcome));
      return;
    }
    done(Internal("the end of a partition is unknown"));
  });
}

void BrokerLogPort::EnsureTopic(std::string topic, int32_t partitions,
                                std::vector<std::pair<std::string, std::string>> configs,
                                run::Callback<absl::Status> done) {
  NewTopic wanted{std::move(topic), partitions, Configs(configs.begin(), configs.end())};
  broker_.CreateTopicsAs(meta::Origin::kInternal, {std::move(wanted)},
                         [done = std::move(done)](std::vector<TopicResult> results) mutable {
                           const Outcome& outcome = results.at(0).outcome;
                           const bool there = outcome.code == model::ErrorCode::kTopicAlreadyExists;
                           done(there ? absl::OkStatus() : ToStatus(outcome));
                         });
}

void BrokerLogPort::Fetch(run::LogFetch fetch, run::Callback<absl::StatusOr<run::LogData>> done) {
  FetchRequest request;
  request.max_wait = fetch.max_wait;
  request.max_bytes = fetch.max_bytes;
  request.isolation = fetch.isolation;
  request.partitions.push_back({std::move(fetch.partition), fetch.offset, fetch.max_bytes});
  const bool committed = fetch.isolation == model::Isolation::kReadCommitted;
  broker_.Fetch(std::move(request), [committed, done = std::move(done)](FetchReply reply) mutable {
    FetchPartitionResult& result = reply.partitions.at(0);
    if (!result.outcome.ok()) {
      done(ToStatus(result.outcome));
      return;
    }
    done(run::LogData{.batches = std::move(result.batches),
                      .high_watermark = result.high_watermark,
                      .log_start = result.log_start,
                      .end = committed ? result.last_stable_offset : result.high_watermark,
                      .aborted = std::move(result.aborted)});
  });
}

void BrokerLogPort::Append(run::LogAppend append, run::Callback<absl::StatusOr<model::Offset>> done) {
  AppendFenced(std::move(append), nullptr, ProduceRequest{}.timeout, std::move(done));
}

void BrokerLogPort::AppendFenced(run::LogAppend append, std::shared_ptr<const LeadershipFence> fence, Duration timeout,
                                 run::Callback<absl::StatusOr<model::Offset>> done) {
  ProduceRequest request;
  request.timeout = timeout;
  const bool transactional = !append.transactional_id.empty();
  request.transactional_id = std::move(append.transactional_id);
  request.rules = TransactionRules::kEpochRises;
  request.partitions.push_back({std::move(append.partition), std::move(append.batches), std::move(fence)});
  broker_.ProduceAs(meta::Origin::kInternal, std::move(request),
                    [transactional, done = std::move(done)](ProduceReply reply) mutable {
                      const ProducePartitionResult& result = reply.partitions.at(0);
                      if (result.outcome.ok()) return done(result.base_offset);
                      done(transactional ? ToTransactionStatus(result.outcome) : ToStatus(result.outcome));
                    });
}

void BrokerLogPort::DeleteTopic(std::string topic, run::Callback<absl::Status> done) {
  broker_.DeleteTopicsAs(
      meta::Origin::kInternal, {std::move(topic)},
      [done = std::move(done)](std::vector<TopicResult> results) mutable { done(ToStatus(results.at(0).outcome)); });
}

void BrokerLogPort::CommitOffsets(std::string group,
                                  std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                                  run::Callback<absl::Status> done) {
  CommitOffsetsRequest request;
  request.group = std::move(group);
  const std::string name = request.group;
  for (auto& [partition, offset] : offsets) request.offsets.push_back({std::move(partition), offset, ""});
  broker_.CommitOffsets(
      std::move(request), [name, done = std::move(done)](std::vector<CommitOffsetResult> results) mutable {
        absl::Status status;
        for (const CommitOffsetResult& result : results) {
          // A job goes on from its checkpoint: who joins a group of its name takes its row of the lag, not the job.
          if (result.outcome.code == model::ErrorCode::kUnknownMemberId) {
            LogWarning("broker", "the offsets of job group ", name, " are not shown: ", result.outcome.message);
            break;
          }
          status.Update(ToStatus(result.outcome));
        }
        done(status);
      });
}

void BrokerLogPort::CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                                     run::Callback<absl::StatusOr<std::vector<model::Offset>>> done) {
  if (partitions.empty()) {
    done(std::vector<model::Offset>());
    return;
  }
  broker_.FetchOffsets(std::move(group), std::move(partitions),
                       [done = std::move(done)](absl::StatusOr<std::vector<CommittedOffset>> stored) mutable {
                         if (!stored.ok()) {
                           done(stored.status());
                           return;
                         }
                         std::vector<model::Offset> offsets;
                         for (const CommittedOffset& offset : *stored) offsets.push_back(offset.offset);
                         done(std::move(offsets));
                       });
}

void BrokerLogPort::OpenProducer(std::string transactional_id, Duration timeout,
                                 run::Callback<absl::StatusOr<run::TransactionalProducer>> done) {
  InitProducerIdRequest request;
  request.transactional_id = std::move(transactional_id);
  request.timeout_ms = static_cast<int32_t>(std::min<int64_t>(absl::ToInt64Milliseconds(timeout), INT32_MAX));
  broker_.transactions().InitProducerId(
      std::move(request), [done = std::move(done)](const ProducerIdReply& reply) mutable { done(ToProducer(reply)); });
}

void BrokerLogPort::AddToTransaction(std::string transactional_id, run::TransactionalProducer producer,
                                     std::vector<model::TopicPartition> partitions, run::Callback<absl::Status> done) {
  ProducerIdentity identity{std::move(transactional_id), producer.id, producer.epoch};
  if (partitions.empty()) {
    broker_.transaction_host().Settle(std::move(identity), [done = std::move(done)](const Outcome& outcome) mutable {
      done(ToTransactionStatus(outcome));
    });
    return;
  }
  broker_.transactions().AddPartitions({std::move(identity), std::move(partitions)},
                                       [done = std::move(done)](const std::vector<Outcome>& outcomes) mutable {
                                         for (const Outcome& outcome : outcomes) {
                                           // The one that says why the others were not tried.
                                           if (outcome.code == model::ErrorCode::kOperationNotAttempted) continue;
                                           if (!outcome.ok()) return done(ToTransactionStatus(outcome));
                                         }
                                         done(absl::OkStatus());
                                       });
}

void BrokerLogPort::EndTransaction(std::string transactional_id, run::TransactionalProducer producer,
                                   model::TransactionEnd end,
                                   run::Callback<absl::StatusOr<run::TransactionalProducer>> done) {
  EndTransactionRequest request{{std::move(transactional_id), producer.id, producer.epoch}, end};
  broker_.transactions().End(
      std::move(request), [done = std::move(done)](const ProducerIdReply& reply) mutable { done(ToProducer(reply)); });
}

int64_t BrokerLogPort::WallMillis() { return broker_.home().WallMillis(); }
Instant BrokerLogPort::Now() { return broker_.home().Now(); }

}  // namespace leat::broker
