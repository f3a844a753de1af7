// DeleteRecords: moves the start of a log up.
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

// The records are gone when the other copies have deleted them too: any of them may lead next.
void AwaitCopies(Replica& replica, model::Offset before, Instant deadline, DeleteRecordsResult result,
                 Callback<DeleteRecordsResult> done) {
  replica.AwaitLogStart(before, deadline,
                        [result = std::move(result), done = std::move(done)](model::ErrorCode error) mutable {
                          if (error != model::ErrorCode::kNone) {
                            result.outcome = Failed(error, StrCat(result.partition.ToString(),
                                                                  ": deleted here, not known of every other copy"));
                          }
                          done(std::move(result));
                        });
}

void DeleteHere(ShardState& shard, DeleteRecordsPartition item, Callback<DeleteRecordsResult> done) {
  DeleteRecordsResult result;
  const ShardState::Found found = shard.FindLed(item.partition);
  result.partition = item.partition;
  result.outcome = found.outcome;
  if (found.log == nullptr) {
    done(std::move(result));
    return;
  }
  if (meta::IsReservedTopic(item.partition.topic)) {
    result.outcome = Failed(model::ErrorCode::kPolicyViolation,
                            StrCat("topic '", item.partition.topic, "' is kept by the broker itself"));
    done(std::move(result));
    return;
  }
  if (!found.log->options().delete_old) {
    result.outcome = Failed(model::ErrorCode::kPolicyViolation,
                            StrCat("topic '", item.partition.topic,
                                   "' keeps the last record of each key: write tombstones, or add delete to its "
                                   "cleanup.policy"));
    done(std::move(result));
    return;
  }
  const model::Offset end = found.log->high_watermark();
  const model::Offset before = item.before == model::Offset(-1) ? end : item.before;
  if (before < model::Offset(0) || before > end) {
    result.outcome =
        Failed(model::ErrorCode::kOffsetOutOfRange,
               StrCat("expected an offset of 0 to ", end, " (the high watermark) or -1, got ", item.before));
    done(std::move(result));
    return;
  }
  found.log->DeleteRecordsBefore(before, [&shard, before, deadline = shard.shard().Now() + item.timeout,
                                          result = std::move(result),
                                          done = std::move(done)](const absl::Status& status) mutable {
    result.outcome = ReadOutcome(status);
    const ShardState::Found now = shard.Find(result.partition);
    if (now.log != nullptr) result.log_start = now.log->log_start();
    if (!status.ok() || now.replica == nullptr || now.replica->alone()) {
      done(std::move(result));
      return;
    }
    AwaitCopies(*now.replica, before, deadline, std::move(result), std::move(done));
  });
}

}  // namespace

void BrokerImpl::DeleteRecords(std::vector<DeleteRecordsPartition> partitions,
                               Callback<std::vector<DeleteRecordsResult>> done) {
  home().Post([this, partitions = std::move(partitions), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      std::vector<DeleteRecordsResult> refused;
      for (DeleteRecordsPartition& part : partitions) {
        refused.push_back({.partition = std::move(part.partition), .outcome = shards_[0]->Refusal()});
      }
      done(std::move(refused));
      return;
    }
    Scatter<DeleteRecordsPartition, DeleteRecordsResult>(shards_, 0, std::move(partitions), DeleteHere,
                                                         std::move(done));
  });
}

}  // namespace leat::broker
