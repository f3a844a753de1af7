// The node's transaction coordinator behind the thread-safe face of transactions.h, and what it needs of the node: its
// producer ids come from the metadata, its markers go to the shards that own the partitions. Lives on shard 0; the
// public methods of Transactions and TransactionGate post there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/transaction_gate.h"
#include "broker/transactions.h"
#include "coordinator/txn_coordinator.h"

namespace leat::broker {

class BrokerImpl;

class TransactionHost final : public Transactions, public TransactionGate, private coordinator::TxnPort {
 public:
  explicit TransactionHost(BrokerImpl& broker);
  ~TransactionHost() override;

  // On shard 0: replays `logs`, goes on with what was unfinished, and ends.
  absl::Status Open(std::vector<log::PartitionLog*> logs);
  void Start();
  void Close(env::Closure closed);

  void InitProducerId(InitProducerIdRequest request, Callback<ProducerIdReply> done) override;
  void AddPartitions(AddPartitionsRequest request, Callback<std::vector<Outcome>> done) override;
  void AddGroup(AddGroupRequest request, Callback<Outcome> done) override;
  void End(EndTransactionRequest request, Callback<ProducerIdReply> done) override;
  void CommitOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) override;
  void List(ListTransactionsRequest request, Callback<ListTransactionsReply> done) override;
  void Describe(std::vector<std::string> transactional_ids,
                Callback<std::vector<TransactionDescription>> done) override;
  void WriteMarkers(std::vector<WriteMarkerRequest> markers, Callback<std::vector<Outcome>> done) override;

  void Check(env::Shard& from, Question question, Callback<Outcome> done) override;

  // Brings the gauges up to date. On shard 0.
  void UpdateGauges();

 private:
  // coordinator::TxnPort
  void ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) override;
  void WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                   absl::AnyInvocable<void(absl::Status)> done) override;
  void OnEnded(txn::Result result, Duration markers_took) override;
  void OnTimedOut() override;

  // Runs on shard 0, with OK if requests are served, else with the reason why not.
  void OnHome(absl::AnyInvocable<void(const Outcome&)> run);
  void AddPartitionsHere(AddPartitionsRequest request, Callback<std::vector<Outcome>> done);
  void Ask(Question question, Callback<Outcome> done);
  void CommitOffsetsHere(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done);
  void StoreOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done);
  // The partition of the offsets topic that a group's offsets go to.
  model::TopicPartition OffsetsPartition(std::string_view group) const;
  // Appends a marker where the partition lives; answers on shard 0.
  void AppendMarker(const log::ProducerState::Marker& marker, const model::TopicPartition& partition,
                    absl::AnyInvocable<void(absl::Status)> done);

  BrokerImpl& broker_;
  std::unique_ptr<coordinator::TxnCoordinator> coordinator_;  // null until Open
};

}  // namespace leat::broker
