#include "broker/transaction_partition.h"

#include "broker/replica_append.h"
#include "broker/transaction_host.h"

namespace leat::broker {
namespace {

using Marker = log::ProducerState::Marker;

Marker MarkerOf(const txn::Markers& markers, model::LeaderEpoch coordinator_epoch) {
  return {.producer_id = markers.producer_id,
          .producer_epoch = markers.producer_epoch,
          .marker = {markers.result == txn::Result::kCommit ? model::TransactionEnd::kCommit
                                                            : model::TransactionEnd::kAbort,
                     coordinator_epoch.value()},
          .expects = txn::EpochRises(markers.version) ? Marker::Epoch::kNewer : Marker::Epoch::kSameOrNewer};
}

}  // namespace

absl::StatusOr<std::unique_ptr<TransactionPartition>> TransactionPartition::Open(
    TransactionHost& host, ShardState& shard, const LedPartition& partition,
    coordinator::TxnCoordinator::Options options) {
  std::unique_ptr<TransactionPartition> opened(new TransactionPartition(host, partition));
  options.append = AppendsTo(shard, partition.name, partition.replicated ? partition.epoch : model::LeaderEpoch(-1));
  options.producer_id_block = 1;  // the host has a block for all of them
  LEAT_ASSIGN_OR_RETURN(opened->coordinator_,
                        coordinator::TxnCoordinator::Open({partition.log}, shard.shard(), *opened, options));
  return opened;
}

void TransactionPartition::ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) {
  host_.producer_ids().Take(count, std::move(done));
}

void TransactionPartition::WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                                       absl::AnyInvocable<void(absl::Status)> done) {
  host_.EndIn(MarkerOf(markers, epoch_), partition, std::move(done));
}

void TransactionPartition::OnEnded(txn::Result result, Duration markers_took) { host_.OnEnded(result, markers_took); }

void TransactionPartition::OnTimedOut() { host_.OnTimedOut(); }

}  // namespace leat::broker
