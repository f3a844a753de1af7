#include "tests/broker/transaction_simulation.h"

#include <algorithm>

namespace leat::broker {
namespace {

using model::ErrorCode;
using State = SimulatedTransaction::Outcome;

constexpr int32_t kTimeoutMs = 2000;
const std::vector<model::TopicPartition> kPartitions = {Tp("out", 0), Tp("out", 1), Tp("more", 0)};

bool CanRetry(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kThrottlingQuotaExceeded:
      return true;
    default:
      return false;
  }
}

std::string TransactionalBatch(const std::string& value, const ProducerIdentity& producer, int32_t sequence) {
  model::BatchBuilder builder({.producer_id = producer.id,
                               .producer_epoch = producer.epoch,
                               .base_sequence = sequence,
                               .transactional = true});
  builder.Add(1'700'000'000'000, std::nullopt, value);
  return *builder.Finish();
}

}  // namespace

SimulatedProducer::SimulatedProducer(BrokerWorld& world, std::string id, TransactionRules rules,
                                     std::vector<SimulatedTransaction>& all)
    : world_(world), id_(std::move(id)), rules_(rules), all_(all) {}

template <typename Reply>
Callback<Reply> SimulatedProducer::OnReply(void (SimulatedProducer::*handle)(const Reply&)) {
  waiting_ = true;
  return [this, handle, attempt = ++attempt_](const Reply& reply) {
    if (attempt != attempt_) return;
    waiting_ = false;
    (this->*handle)(reply);
  };
}

void SimulatedProducer::Step() {
  switch (phase_) {
    case Phase::kInit:
      return Init();
    case Phase::kBegin:
      return Begin();
    case Phase::kAdd:
      return Add();
    case Phase::kProduce:
      return Produce();
    case Phase::kAddGroup:
      return AddGroup();
    case Phase::kOffsets:
      return Offsets();
    case Phase::kEnd:
      return End();
  }
}

void SimulatedProducer::NodeStarted() {
  ++attempt_;
  waiting_ = false;
}

void SimulatedProducer::Die() {
  ++attempt_;
  waiting_ = false;
  GiveUp();
  producer_id_ = model::ProducerId(-1);
  epoch_ = -1;
}

void SimulatedProducer::GiveUp() {
  if (open_) transaction().outcome = commit_asked_ ? State::kUnknown : State::kAborted;
  open_ = false;
  phase_ = Phase::kInit;
}

bool SimulatedProducer::Passed(const Outcome& outcome) {
  if (outcome.ok()) return true;
  if (CanRetry(outcome.code)) return false;
  // Fenced, timed out or forgotten. Half of the time it says who it was when it begins anew.
  GiveUp();
  if (outcome.code == ErrorCode::kProducerFenced || world_.world.random().OneIn(2)) {
    producer_id_ = model::ProducerId(-1);
    epoch_ = -1;
  }
  return false;
}

void SimulatedProducer::Init() {
  InitProducerIdRequest request;
  request.transactional_id = id_;
  request.timeout_ms = kTimeoutMs;
  request.producer_id = producer_id_;
  request.producer_epoch = epoch_;
  world_.broker->transactions().InitProducerId(request, OnReply(&SimulatedProducer::TakeInit));
}

void SimulatedProducer::TakeInit(const ProducerIdReply& reply) {
  if (!Passed(reply.outcome)) return;
  producer_id_ = reply.producer_id;
  epoch_ = reply.producer_epoch;
  sequences_.clear();
  phase_ = Phase::kBegin;
}

void SimulatedProducer::Begin() {
  Random& random = world_.world.random();
  current_ = all_.size();
  SimulatedTransaction& begun = all_.emplace_back();
  begun.serial = static_cast<int64_t>(all_.size());
  if (random.OneIn(2)) begun.group = StrCat("group-", id_);
  open_ = true;
  commit_asked_ = false;
  added_.clear();
  targets_.clear();
  sent_ = 0;
  end_ = random.OneIn(3) ? model::TransactionEnd::kAbort : model::TransactionEnd::kCommit;
  const uint64_t batches = 1 + random.Below(3);
  for (uint64_t i = 0; i < batches; ++i) targets_.push_back(kPartitions[random.Below(kPartitions.size())]);
  NextBatch();
}

void SimulatedProducer::NextBatch() {
  if (sent_ == targets_.size()) {
    if (transaction().group.empty()) {
      phase_ = Phase::kEnd;
    } else {
      phase_ = rules_ == TransactionRules::kEpochStays ? Phase::kAddGroup : Phase::kOffsets;
    }
    return;
  }
  const model::TopicPartition& target = targets_[sent_];
  const std::string value = StrCat(id_, " ", transaction().serial, " ", sent_);
  transaction().values[target].push_back(value);
  batch_ = TransactionalBatch(value, identity(), sequences_[target]++);
  const bool known = rules_ == TransactionRules::kEpochRises || added_.contains(target);
  phase_ = known ? Phase::kProduce : Phase::kAdd;
}

void SimulatedProducer::Add() {
  world_.broker->transactions().AddPartitions({.producer = identity(), .partitions = {targets_[sent_]}},
                                              OnReply(&SimulatedProducer::TakeAdd));
}

void SimulatedProducer::TakeAdd(const std::vector<Outcome>& outcomes) {
  if (!Passed(outcomes[0])) return;
  added_.insert(targets_[sent_]);
  phase_ = Phase::kProduce;
}

void SimulatedProducer::Produce() {
  ProduceRequest request;
  request.transactional_id = id_;
  request.rules = rules_;
  request.partitions.push_back({targets_[sent_], batch_});
  copy_ = [this, request] { world_.broker->Produce(request, [](const ProduceReply&) {}); };
  world_.broker->Produce(std::move(request), OnReply(&SimulatedProducer::TakeProduce));
}

void SimulatedProducer::TakeProduce(const ProduceReply& reply) {
  if (!Passed(reply.partitions[0].outcome)) return;
  ++sent_;
  NextBatch();
}

void SimulatedProducer::AddGroup() {
  world_.broker->transactions().AddGroup({identity(), transaction().group}, OnReply(&SimulatedProducer::TakeAddGroup));
}

void SimulatedProducer::TakeAddGroup(const Outcome& outcome) {
  if (Passed(outcome)) phase_ = Phase::kOffsets;
}

void SimulatedProducer::Offsets() {
  TxnCommitOffsetsRequest request;
  request.producer = identity();
  request.rules = rules_;
  request.group = transaction().group;
  request.offsets.push_back({.partition = Tp("in"), .offset = model::Offset(transaction().serial)});
  copy_ = [this, request] {
    world_.broker->transactions().CommitOffsets(request, [](const std::vector<CommitOffsetResult>&) {});
  };
  world_.broker->transactions().CommitOffsets(std::move(request), OnReply(&SimulatedProducer::TakeOffsets));
}

void SimulatedProducer::TakeOffsets(const std::vector<CommitOffsetResult>& results) {
  if (Passed(results[0].outcome)) phase_ = Phase::kEnd;
}

void SimulatedProducer::End() {
  const EndTransactionRequest request{.producer = identity(), .end = end_, .rules = rules_};
  copy_ = [this, request] { world_.broker->transactions().End(request, [](const ProducerIdReply&) {}); };
  if (end_ == model::TransactionEnd::kCommit) commit_asked_ = true;
  world_.broker->transactions().End(request, OnReply(&SimulatedProducer::TakeEnd));
}

void SimulatedProducer::TakeEnd(const ProducerIdReply& reply) {
  if (!Passed(reply.outcome)) return;
  transaction().outcome = end_ == model::TransactionEnd::kCommit ? State::kCommitted : State::kAborted;
  open_ = false;
  phase_ = Phase::kBegin;
  if (rules_ == TransactionRules::kEpochStays) return;
  producer_id_ = reply.producer_id;
  epoch_ = reply.producer_epoch;
  sequences_.clear();
}

TransactionSimulation::TransactionSimulation(uint64_t seed, const TransactionBugs& bugs)
    : bugs_(bugs), w_(seed, 1 + seed % 3) {
  w_.disk.faults().lie = bugs.lie;
  transactions_.reserve(10'000);
  for (int i = 0; i < 3; ++i) {
    const auto rules = w_.world.random().OneIn(3) ? TransactionRules::kEpochStays : TransactionRules::kEpochRises;
    producers_.push_back(std::make_unique<SimulatedProducer>(w_, StrCat("p", i), rules, transactions_));
  }
}

std::string TransactionSimulation::Run() {
  for (int life = 0; life < 3 && violation_.empty(); ++life) {
    if (const absl::Status started = w_.Start(); !started.ok()) return StrCat("no start: ", Message(started));
    w_.Create("out", 2);
    w_.Create("more", 1);
    w_.Create("in", 1);
    for (const auto& producer : producers_) producer->NodeStarted();
    Live();
    w_.PowerCut();
  }
  if (!violation_.empty()) return violation_;
  return Settle();
}

void TransactionSimulation::Live() {
  const int64_t steps = w_.world.random().Between(20, 80);
  for (int64_t i = 0; i < steps && violation_.empty(); ++i) {
    Act();
    for (size_t k = 0; k < late_.size();) {
      if (late_[k].due > w_.world.Now()) {
        ++k;
        continue;
      }
      late_[k].send();
      late_.erase(late_.begin() + static_cast<ptrdiff_t>(k));
    }
    w_.world.RunFor(absl::Microseconds(w_.world.random().Between(0, 4000)));
  }
}

void TransactionSimulation::Act() {
  Random& random = w_.world.random();
  SimulatedProducer& producer = *producers_[random.Below(producers_.size())];
  const bool may_be_late = producer.rules() == TransactionRules::kEpochRises || bugs_.late_requests_of_old_rules;
  const uint64_t dice = random.Below(100);
  if (dice < 2) {
    w_.world.RunFor(absl::Milliseconds(random.Between(1, 2 * kTimeoutMs)));
  } else if (dice < 5) {
    producer.Die();
  } else if (dice < 15 && may_be_late && producer.LateCopy() != nullptr) {
    late_.push_back({w_.world.Now() + absl::Milliseconds(random.Between(0, random.OneIn(4) ? 3000 : 30)),
                     producer.LateCopy()});
  } else if (dice < 30) {
    Read(kPartitions[random.Below(kPartitions.size())]);
  } else if (!producer.waiting()) {
    producer.Step();
  }
}

void TransactionSimulation::Read(const model::TopicPartition& partition) {
  const model::Offset from = positions_[partition];
  FetchRequest request;
  request.max_wait = absl::ZeroDuration();
  request.isolation = model::Isolation::kReadCommitted;
  request.partitions.push_back({.partition = partition, .offset = from});
  const FetchPartitionResult result = w_.Fetch(std::move(request)).partitions[0];
  if (!result.outcome.ok()) {
    violation_ = StrCat("a read of ", partition.ToString(), " failed: ", result.outcome.message);
    return;
  }
  ReadRecords read = TakeCommitted(result, from, bugs_.aborted_records);
  positions_[partition] = read.next;
  for (std::string& value : read.values) seen_[partition].push_back(std::move(value));
}

std::vector<std::string> TransactionSimulation::ReadAll(const model::TopicPartition& partition) {
  positions_[partition] = model::Offset(0);
  seen_[partition].clear();
  model::Offset before{-1};
  while (violation_.empty() && positions_[partition] != before) {
    before = positions_[partition];
    Read(partition);
  }
  return seen_[partition];
}

// Everything that is open must come to an end by itself.
std::string TransactionSimulation::Settle() {
  if (const absl::Status started = w_.Start(); !started.ok()) return StrCat("no start: ", Message(started));
  for (const auto& producer : producers_) producer->Die();
  w_.world.RunFor(absl::Milliseconds(kTimeoutMs) + absl::Seconds(10));
  for (const model::TopicPartition& partition : kPartitions) {
    const FetchPartitionResult end = w_.FetchOne(partition, 0);
    if (end.last_stable_offset != end.high_watermark) {
      return StrCat(partition.ToString(), " is stable up to ", end.last_stable_offset, " of ", end.high_watermark,
                    " long after every timeout");
    }
    const std::vector<std::string> before = seen_[partition];
    const std::vector<std::string> all = ReadAll(partition);
    if (!violation_.empty()) return violation_;
    if (before.size() > all.size() || !std::equal(before.begin(), before.end(), all.begin())) {
      return StrCat("a consumer of ", partition.ToString(), " was shown what a later one is not");
    }
  }
  if (std::string wrong = CheckRecords(); !wrong.empty()) return wrong;
  for (const SimulatedTransaction& transaction : transactions_) {
    if (std::string wrong = CheckTransaction(transaction); !wrong.empty()) return wrong;
  }
  return CheckOffsets();
}

std::string TransactionSimulation::CheckRecords() const {
  for (const auto& [partition, values] : seen_) {
    const std::set<std::string> once(values.begin(), values.end());
    if (once.size() != values.size()) return StrCat("a record came twice in ", partition.ToString());
  }
  return "";
}

std::string TransactionSimulation::CheckTransaction(const SimulatedTransaction& transaction) const {
  size_t there = 0;
  size_t all = 0;
  for (const auto& [partition, values] : transaction.values) {
    const auto seen = seen_.find(partition);
    for (const std::string& value : values) {
      ++all;
      if (seen != seen_.end() && std::count(seen->second.begin(), seen->second.end(), value) > 0) ++there;
    }
  }
  if (transaction.outcome == State::kCommitted && there < all) {
    return StrCat("transaction ", transaction.serial, " was committed, ", there, " of its ", all, " records are there");
  }
  if (transaction.outcome == State::kAborted && there > 0) {
    return StrCat("transaction ", transaction.serial, " was aborted, ", there, " of its records are there");
  }
  if (there != 0 && there != all) {
    return StrCat("transaction ", transaction.serial, " is torn: ", there, " of its ", all, " records are there");
  }
  return "";
}

// A group's offset is that of the last transaction of its producer that took place.
std::string TransactionSimulation::CheckOffsets() {
  std::map<std::string, int64_t> expected;
  for (const SimulatedTransaction& transaction : transactions_) {
    if (transaction.group.empty() || transaction.values.empty()) continue;
    expected.emplace(transaction.group, -1);
    const auto& [partition, values] = *transaction.values.begin();
    const std::vector<std::string>& seen = seen_[partition];
    if (std::count(seen.begin(), seen.end(), values[0]) > 0) expected[transaction.group] = transaction.serial;
  }
  for (const auto& [group, serial] : expected) {
    const int64_t stored = w_.Committed(group, Tp("in"));
    if (stored != serial) return StrCat(group, " is at ", stored, ", its last transaction is ", serial);
  }
  return "";
}

}  // namespace leat::broker
