// The transactions of one partition of the transactions topic that this node leads, and what their coordinator needs of
// the rest: the epoch in which it coordinates is in every marker, so that partitions refuse those of a former leader.
// Lives on shard 0.
#pragma once

#include <memory>
#include <string_view>

#include "broker/led_coordinators.h"
#include "coordinator/txn_coordinator.h"

namespace leat::broker {

class TransactionHost;

class TransactionPartition final : private coordinator::TxnPort {
 public:
  // Replays the partition. `host` outlives this.
  static absl::StatusOr<std::unique_ptr<TransactionPartition>> Open(TransactionHost& host, ShardState& shard,
                                                                    const LedPartition& partition,
                                                                    coordinator::TxnCoordinator::Options options);

  coordinator::TxnCoordinator& coordinator() const { return *coordinator_; }
  void Close(env::Closure closed, model::ErrorCode why) { coordinator_->Close(std::move(closed), why); }

 private:
  TransactionPartition(TransactionHost& host, const LedPartition& partition)
      : host_(host), name_(partition.name), epoch_(partition.epoch) {}

  // coordinator::TxnPort
  void ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) override;
  void WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                   absl::AnyInvocable<void(absl::Status)> done) override;
  void OnEnded(txn::Result result, Duration markers_took) override;
  void OnTimedOut() override;

  TransactionHost& host_;
  const model::TopicPartition name_;
  const model::LeaderEpoch epoch_;
  std::unique_ptr<coordinator::TxnCoordinator> coordinator_;
};

}  // namespace leat::broker
