// The node's transaction coordinators behind the thread-safe face of transactions.h, one for each partition of the
// transactions topic that this node leads, and what they need of the rest: producer ids come from the metadata, markers
// go to the leaders of the partitions, on this node or another. Partitions that this node leads ask the coordinators of
// their producers, wherever those are. Lives on shard 0; the public methods of Transactions and TransactionGate post
// there.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "broker/producer_ids.h"
#include "broker/transaction_gate.h"
#include "broker/transaction_partition.h"
#include "broker/transactions.h"
#include "coordinator/broker_messages.h"
#include "env/transport.h"

namespace leat::broker {

class BrokerImpl;

class TransactionHost final : public Transactions, public TransactionGate {
 public:
  explicit TransactionHost(BrokerImpl& broker);
  ~TransactionHost() override;

  // On shard 0, after every change of who leads: replays the partitions that this node leads now; see LedCoordinators.
  absl::Status Follow() { return led_.Follow(); }
  // Goes on with what was unfinished, now and whenever a partition comes; answers other nodes.
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

  // OK once the producer's last transaction, if its end is decided, has its markers everywhere: readers see all of it.
  // Any thread.
  void Settle(ProducerIdentity producer, Callback<Outcome> done);

  void Check(env::Shard& from, Question question, Callback<Outcome> done) override;

  // Brings the gauges up to date. On shard 0.
  void UpdateGauges();

  // For TransactionPartition, on shard 0.
  using Marker = log::ProducerState::Marker;
  ProducerIds& producer_ids() { return producer_ids_; }
  // Has the leader of the partition append the marker. OK also if there is nothing that it could be written to any
  // more.
  void EndIn(const Marker& marker, const model::TopicPartition& partition, absl::AnyInvocable<void(absl::Status)> done);
  void OnEnded(txn::Result result, Duration markers_took);
  void OnTimedOut();

 private:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // A look at a coordinator on behalf of a group's offsets: a marker that comes meanwhile makes it worthless.
  struct Look {
    model::TopicPartition partition;
    model::ProducerId producer;
    bool overtaken = false;
  };
  absl::StatusOr<std::unique_ptr<TransactionPartition>> Load(const LedPartition& partition);
  struct Served {
    coordinator::TxnCoordinator* coordinator = nullptr;  // null: `refusal` says why
    Outcome refusal;
  };
  Served Of(std::string_view transactional_id) const;

  // Runs on shard 0, with OK if requests are served, else with the reason why not.
  void OnHome(absl::AnyInvocable<void(const Outcome&)> run);
  // The same for what is about one transactional id: with its coordinator, or with the reason why there is none.
  void OnHome(std::string transactional_id, absl::AnyInvocable<void(Served)> run);
  void AddPartitionsHere(coordinator::TxnCoordinator& at, AddPartitionsRequest request,
                         Callback<std::vector<Outcome>> done);
  // Asks the coordinator of the producer, here or on another node.
  void Ask(Question question, Callback<Outcome> done);
  void AskHere(Question question, Callback<Outcome> done);
  void CommitOffsetsHere(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done);
  void StoreOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done);
  // The partition of the offsets topic that a group's offsets go to.
  model::TopicPartition OffsetsPartition(std::string_view group) const;
  // transaction_port.cc. Both answer on shard 0: appends a marker through the partition's leader; as the leader.
  void AppendMarker(const Marker& marker, const model::TopicPartition& partition, Done done);
  void AppendMarkerHere(const Marker& marker, const model::TopicPartition& partition, Done done);
  void NoteMarker(const Marker& marker, const model::TopicPartition& partition);

  // transaction_peers.cc
  void ServePeers();
  void StopServingPeers();
  void Serve(const OwnedBytes& bytes, Callback<coordinator::BrokerAnswer> done);
  // kUnavailable: it cannot be said whether the other node acted.
  void Call(model::NodeId node, const coordinator::BrokerMessage& message,
            Callback<absl::StatusOr<coordinator::BrokerAnswer>> done);

  BrokerImpl& broker_;
  std::list<Look> looks_;
  bool started_ = false;
  LedCoordinators<TransactionPartition> led_;
  ProducerIds producer_ids_;  // goes first: who waits for ids holds a coordinator
};

}  // namespace leat::broker
