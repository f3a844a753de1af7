// ListOffsets: the ends of a log, or the first record at or after a time.
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

using Spec = ListOffsetsPartition::Spec;

// A new leader does not know at first what the one before has told: OFFSET_NOT_AVAILABLE (KIP-207).
void FindLatest(const ShardState::Found& found, const ListOffsetsPartition& item, ListOffsetsResult* result) {
  if (found.replica != nullptr && !found.replica->alone()) {
    const replication::OffsetVerdict latest = found.replica->LatestOffset(item.current_epoch);
    if (latest.error != model::ErrorCode::kNone) {
      result->outcome = Failed(latest.error, StrCat(result->partition.ToString(),
                                                    ": the leader is new and does not know its end yet: try again"));
      return;
    }
  }
  const bool committed = item.isolation == model::Isolation::kReadCommitted;
  result->offset = committed ? found.log->last_stable_offset() : found.log->high_watermark();
}

void ListHere(ShardState& shard, ListOffsetsPartition item, Callback<ListOffsetsResult> done) {
  ListOffsetsResult result;
  const ShardState::Found found = shard.FindLed(item.partition, item.current_epoch);
  result.partition = std::move(item.partition);
  result.outcome = found.outcome;
  if (!result.outcome.ok()) {
    done(std::move(result));
    return;
  }
  const model::LeaderEpoch epoch = found.leader.epoch;
  if (item.spec == Spec::kEarliest) {
    result.offset = found.log->log_start();
  } else if (item.spec == Spec::kLatest) {
    FindLatest(found, item, &result);
  } else if (item.spec == Spec::kEndOfEpoch) {
    const log::LeaderEpochs::End end = found.log->epochs().EndOf(item.epoch, epoch, found.log->log_end());
    result.offset = end.end;
    result.leader_epoch = end.epoch;
    done(std::move(result));
    return;
  } else {
    const absl::StatusOr<std::optional<log::TimestampOffset>> at =
        item.spec == Spec::kTimestamp ? found.log->FindTimestamp(item.timestamp_ms, item.isolation)
                                      : found.log->MaxTimestamp(item.isolation);
    result.outcome = ReadOutcome(at.status());
    if (at.ok() && *at) {
      result.offset = (*at)->offset;
      result.timestamp_ms = (*at)->timestamp_ms;
    }
  }
  if (result.offset.value() >= 0) {
    const model::LeaderEpoch written = found.log->epochs().At(result.offset);
    result.leader_epoch = written.value() < 0 || item.spec == Spec::kLatest ? epoch : written;
  }
  done(std::move(result));
}

}  // namespace

void BrokerImpl::ListOffsets(std::vector<ListOffsetsPartition> partitions,
                             Callback<std::vector<ListOffsetsResult>> done) {
  home().Post([this, partitions = std::move(partitions), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      std::vector<ListOffsetsResult> refused;
      for (ListOffsetsPartition& part : partitions) {
        refused.push_back({.partition = std::move(part.partition), .outcome = shards_[0]->Refusal()});
      }
      done(std::move(refused));
      return;
    }
    Scatter<ListOffsetsPartition, ListOffsetsResult>(shards_, 0, std::move(partitions), ListHere, std::move(done));
  });
}

}  // namespace leat::broker
