// Histories of transactional producers and of consumers that read committed records, over power cuts of the node,
// producers that die and come back, requests that arrive late, and pauses beyond the transaction timeout. One seed is
// one run; what it finds wrong is a sentence.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/transactions.h"
#include "tests/broker/broker_fixture.h"
#include "tests/broker/read_committed.h"

namespace leat::broker {

struct SimulatedTransaction {
  // kUnknown: the producer died, or was refused, after it had asked for the commit.
  enum class Outcome { kOpen, kCommitted, kAborted, kUnknown };
  int64_t serial = 0;
  std::string group;  // empty: no offsets
  std::map<model::TopicPartition, std::vector<std::string>> values;
  Outcome outcome = Outcome::kOpen;
};

struct TransactionBugs {
  sim::DiskFaults::Lie lie = sim::DiskFaults::Lie::kNone;
  // Late requests also from producers whose epoch stays: what KIP-890 is about.
  bool late_requests_of_old_rules = false;
  AbortedRecords aborted_records = AbortedRecords::kSkipped;
};

// A producer with one transactional id, and those that had the id before it.
class SimulatedProducer {
 public:
  SimulatedProducer(BrokerWorld& world, std::string id, TransactionRules rules, std::vector<SimulatedTransaction>& all);

  bool waiting() const { return waiting_; }
  TransactionRules rules() const { return rules_; }
  void Step();            // sends the next request; REQUIRES: !waiting()
  void NodeStarted();     // whatever was asked before gets no answer any more: it is asked again
  void Die();             // another process takes over the transactional id
  // The last request that was sent, once more; null if there is none.
  std::function<void()> LateCopy() const { return copy_; }

 private:
  enum class Phase { kInit, kBegin, kAdd, kProduce, kAddGroup, kOffsets, kEnd };
  SimulatedTransaction& transaction() { return all_[current_]; }
  ProducerIdentity identity() const { return {id_, producer_id_, epoch_}; }
  void Init();
  void Begin();
  void Add();
  void Produce();
  void AddGroup();
  void Offsets();
  void End();
  // Counts attempts, so that an answer to an earlier one is passed over.
  template <typename Reply>
  Callback<Reply> OnReply(void (SimulatedProducer::*handle)(const Reply&));
  void TakeInit(const ProducerIdReply& reply);
  void TakeAdd(const std::vector<Outcome>& outcomes);
  void TakeProduce(const ProduceReply& reply);
  void TakeAddGroup(const Outcome& outcome);
  void TakeOffsets(const std::vector<CommitOffsetResult>& results);
  void TakeEnd(const ProducerIdReply& reply);
  // True if the request went well; else it is tried again, or the transaction is given up.
  bool Passed(const Outcome& outcome);
  void GiveUp();
  void NextBatch();

  BrokerWorld& world_;
  const std::string id_;
  const TransactionRules rules_;
  std::vector<SimulatedTransaction>& all_;
  size_t current_ = 0;
  bool open_ = false;
  Phase phase_ = Phase::kInit;
  bool waiting_ = false;
  uint64_t attempt_ = 0;
  model::ProducerId producer_id_{-1};
  int16_t epoch_ = -1;
  std::map<model::TopicPartition, int32_t> sequences_;
  std::set<model::TopicPartition> added_;
  std::vector<model::TopicPartition> targets_;
  size_t sent_ = 0;
  std::string batch_;
  model::TransactionEnd end_ = model::TransactionEnd::kCommit;
  bool commit_asked_ = false;
  std::function<void()> copy_;
};

class TransactionSimulation {
 public:
  TransactionSimulation(uint64_t seed, const TransactionBugs& bugs);
  // What is wrong; empty if nothing is.
  std::string Run();
  const std::vector<SimulatedTransaction>& transactions() const { return transactions_; }

 private:
  struct Late {
    Instant due;
    std::function<void()> send;
  };
  void Live();
  void Act();
  void Read(const model::TopicPartition& partition);
  std::string Settle();
  std::string CheckRecords() const;
  std::string CheckTransaction(const SimulatedTransaction& transaction) const;
  std::string CheckOffsets();
  std::vector<std::string> ReadAll(const model::TopicPartition& partition);

  const TransactionBugs bugs_;
  BrokerWorld w_;
  std::vector<SimulatedTransaction> transactions_;
  std::vector<std::unique_ptr<SimulatedProducer>> producers_;
  std::vector<Late> late_;
  std::map<model::TopicPartition, model::Offset> positions_;
  std::map<model::TopicPartition, std::vector<std::string>> seen_;
  std::string violation_;
};

}  // namespace leat::broker
