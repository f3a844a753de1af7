// Producer ids and transactions, as the front doors ask for them. Thread-safe: every method may be called on any thread
// and answers on a shard's, exactly once, also while the broker stops. Outcomes carry Kafka's newest error codes; a
// listener that serves older versions of a request maps those that came later (PRODUCER_FENCED, TRANSACTION_ABORTABLE).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "model/transaction.h"

namespace leat::broker {

// What a producer says of itself with every request. Id and epoch are -1 before they are known.
struct ProducerIdentity {
  std::string transactional_id;
  model::ProducerId id{-1};
  int16_t epoch = -1;
};

struct InitProducerIdRequest {
  std::optional<std::string> transactional_id;  // none: a producer that is idempotent only
  int32_t timeout_ms = 60'000;
  model::ProducerId producer_id{-1};  // of a producer that asks for its next epoch (KIP-360)
  int16_t producer_epoch = -1;
};
struct ProducerIdReply {
  Outcome outcome;
  model::ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
};

struct AddPartitionsRequest {
  enum class Mode { kAdd, kVerify };  // kVerify: changes nothing, TRANSACTION_ABORTABLE for a partition that is missing
  ProducerIdentity producer;
  std::vector<model::TopicPartition> partitions;
  Mode mode = Mode::kAdd;
};
struct AddGroupRequest {
  ProducerIdentity producer;
  std::string group;
};
struct EndTransactionRequest {
  ProducerIdentity producer;
  model::TransactionEnd end = model::TransactionEnd::kCommit;
  TransactionRules rules = TransactionRules::kEpochRises;
};

// Offsets of a consumer group that become current when the transaction is committed.
struct TxnCommitOffsetsRequest {
  ProducerIdentity producer;
  // kEpochRises: the group becomes a part of the transaction by itself; else AddGroup comes first.
  TransactionRules rules = TransactionRules::kEpochRises;
  std::string group;
  int32_t generation = -1;  // with `member`: refused if the group has moved on
  std::string member;
  std::optional<std::string> instance;
  std::vector<CommitOffset> offsets;
};

struct ListTransactionsRequest {
  std::vector<std::string> states;  // Kafka's names; empty: all
  std::vector<int64_t> producer_ids;
  int64_t min_duration_ms = -1;
  std::string id_pattern;  // a regular expression that the whole transactional id matches; empty: all
};
struct TransactionListing {
  std::string transactional_id;
  model::ProducerId producer_id{-1};
  std::string state;
};
struct ListTransactionsReply {
  Outcome outcome;  // INVALID_REGULAR_EXPRESSION
  std::vector<std::string> unknown_states;
  std::vector<TransactionListing> transactions;
};
struct TransactionDescription {
  Outcome outcome;  // TRANSACTIONAL_ID_NOT_FOUND
  std::string transactional_id;
  std::string state;
  int32_t timeout_ms = 0;
  int64_t start_ms = -1;  // -1: none is open
  model::ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  std::vector<model::TopicPartition> partitions;
};

// The end of a transaction that the coordinator does not know, written by an operator.
struct WriteMarkerRequest {
  model::TopicPartition partition;
  model::ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  int32_t coordinator_epoch = 0;
  model::TransactionEnd end = model::TransactionEnd::kAbort;
  TransactionRules rules = TransactionRules::kEpochStays;
};

class Transactions {
 public:
  virtual ~Transactions() = default;

  virtual void InitProducerId(InitProducerIdRequest request, Callback<ProducerIdReply> done) = 0;
  // An outcome for each partition; if one does not exist, none is added (OPERATION_NOT_ATTEMPTED for the others).
  virtual void AddPartitions(AddPartitionsRequest request, Callback<std::vector<Outcome>> done) = 0;
  virtual void AddGroup(AddGroupRequest request, Callback<Outcome> done) = 0;
  // Answered once the outcome is durable: it happens then, whatever fails afterwards.
  virtual void End(EndTransactionRequest request, Callback<ProducerIdReply> done) = 0;
  virtual void CommitOffsets(TxnCommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) = 0;

  virtual void List(ListTransactionsRequest request, Callback<ListTransactionsReply> done) = 0;
  virtual void Describe(std::vector<std::string> transactional_ids,
                        Callback<std::vector<TransactionDescription>> done) = 0;
  virtual void WriteMarkers(std::vector<WriteMarkerRequest> markers, Callback<std::vector<Outcome>> done) = 0;
};

}  // namespace leat::broker
