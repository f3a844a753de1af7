#include "broker/broker_log_port.h"

#include <cstdlib>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {

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
  request.partitions.push_back({std::move(fetch.partition), fetch.offset, fetch.max_bytes});
  broker_.Fetch(std::move(request), [done = std::move(done)](FetchReply reply) mutable {
    FetchPartitionResult& result = reply.partitions.at(0);
    if (!result.outcome.ok()) {
      done(ToStatus(result.outcome));
      return;
    }
    done(run::LogData{std::move(result.batches), result.high_watermark, result.log_start});
  });
}

void BrokerLogPort::Append(model::TopicPartition partition, std::string batches,
                           run::Callback<absl::StatusOr<model::Offset>> done) {
  ProduceRequest request;
  request.partitions.push_back({std::move(partition), std::move(batches)});
  broker_.ProduceAs(meta::Origin::kInternal, std::move(request), [done = std::move(done)](ProduceReply reply) mutable {
    const ProducePartitionResult& result = reply.partitions.at(0);
    done(result.outcome.ok() ? absl::StatusOr<model::Offset>(result.base_offset) : ToStatus(result.outcome));
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

int64_t BrokerLogPort::WallMillis() { return broker_.home().WallMillis(); }

}  // namespace leat::broker
