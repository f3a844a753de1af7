#include "tests/sim/transactor.h"

#include <utility>

#include "base/strings.h"

namespace leat::nodes {

using broker::BrokerImpl;
using model::ErrorCode;

namespace {
constexpr int32_t kTimeoutMs = 6000;
}

Transactor::Transactor(Stage& stage, int number, std::vector<model::TopicPartition> partitions)
    : stage_(stage),
      number_(number),
      id_(StrCat("transactor-", number)),
      partitions_(std::move(partitions)),
      random_(stage.plan.Chance(4000 + static_cast<uint64_t>(number))) {
  self_.transactional_id = id_;
}

Transactor::~Transactor() { stage_.world.DropEvents(this); }

void Transactor::Later(Step step, Duration mean) {
  stage_.Later(this, mean * (2 * random_.Unit()), [this, step] { (this->*step)(); });
}

int Transactor::Coordinator() {
  return stage_.cluster.CoordinatorOf(broker::CoordinatorKind::kTransaction, id_, random_);
}

template <typename Reply, typename Send>
void Transactor::Ask(int node, Step again, Send send, std::function<ErrorCode(const Reply&)> take, Step next) {
  stage_.link.Call<Reply>(node, absl::Milliseconds(1500), std::move(send),
                          [this, again, take = std::move(take), next](const std::optional<Reply>& reply) {
                            last_ = reply ? take(*reply) : ErrorCode::kNetworkException;
                            if (last_ == ErrorCode::kNone) return (this->*next)();
                            if (MayBeTriedAgain(last_)) return Later(again, absl::Milliseconds(100));
                            // Fenced, timed out or forgotten: it begins anew.
                            stage_.trace(StrCat(id_, " was refused with code ", static_cast<int>(last_)));
                            GiveUp();
                          });
}

void Transactor::GiveUp() {
  if (transaction_ >= 0) {
    stage_.history.End(transaction_, commit_asked_ ? History::Outcome::kUnknown : History::Outcome::kAborted);
  }
  transaction_ = -1;
  commit_asked_ = false;
  self_.id = model::ProducerId(-1);
  self_.epoch = -1;
  Later(&Transactor::Init, absl::Milliseconds(50));
}

void Transactor::Init() {
  broker::InitProducerIdRequest request;
  request.transactional_id = id_;
  request.timeout_ms = kTimeoutMs;
  Ask<broker::ProducerIdReply>(
      Coordinator(), &Transactor::Init,
      [request](BrokerImpl& broker, broker::Callback<broker::ProducerIdReply> done) {
        broker.transactions().InitProducerId(request, std::move(done));
      },
      [this](const broker::ProducerIdReply& reply) {
        self_.id = reply.producer_id;
        self_.epoch = reply.producer_epoch;
        sequences_.clear();
        return reply.outcome.code;
      },
      &Transactor::Begin);
}

void Transactor::Begin() {
  rests_ = !stage_.working;
  if (rests_) return;
  transaction_ = stage_.history.Begin();
  commit_asked_ = false;
  end_ = random_.OneIn(4) ? model::TransactionEnd::kAbort : model::TransactionEnd::kCommit;
  left_ = static_cast<int>(random_.Between(1, 4));
  Produced();
}

void Transactor::Produced() {
  if (left_-- == 0) {
    // Some producers die here, and their next life finds what they left.
    if (random_.OneIn(12)) return GiveUp();
    return random_.OneIn(2) ? Offsets() : End();
  }
  target_ = partitions_[random_.Below(partitions_.size())];
  int32_t& sequence = sequences_[target_];
  model::BatchBuilder builder(
      {.producer_id = self_.id, .producer_epoch = self_.epoch, .base_sequence = sequence++, .transactional = true});
  const std::string value = StrCat("t", number_, ".", serial_++);
  stage_.history.Sent(target_, -number_, value, transaction_);
  builder.Add(stage_.world.WallMillis(), std::nullopt, value);
  batch_ = *builder.Finish();
  Later(&Transactor::Produce, absl::Milliseconds(20));
}

void Transactor::Produce() {
  broker::ProduceRequest request;
  request.transactional_id = id_;
  request.rules = broker::TransactionRules::kEpochRises;
  request.timeout = absl::Seconds(1);
  request.partitions.push_back({target_, std::string(batch_)});
  Ask<broker::ProduceReply>(
      stage_.cluster.LeaderOf(target_, random_), &Transactor::Produce,
      [request = std::move(request)](BrokerImpl& broker, broker::Callback<broker::ProduceReply> done) mutable {
        broker.Produce(std::move(request), std::move(done));
      },
      [](const broker::ProduceReply& reply) {
        const ErrorCode code = reply.partitions.at(0).outcome.code;
        return code == ErrorCode::kDuplicateSequenceNumber ? ErrorCode::kNone : code;
      },
      &Transactor::Produced);
}

void Transactor::Offsets() {
  broker::TxnCommitOffsetsRequest request;
  request.producer = self_;
  request.group = StrCat("group-of-", id_);
  // Rises with every transaction that takes place.
  stage_.history.OffsetAsked(request.group, partitions_[0], transaction_);
  request.offsets.push_back({.partition = partitions_[0], .offset = model::Offset(transaction_), .metadata = ""});
  Ask<std::vector<broker::CommitOffsetResult>>(
      stage_.cluster.CoordinatorOf(broker::CoordinatorKind::kGroup, request.group, random_), &Transactor::Offsets,
      [request](BrokerImpl& broker, broker::Callback<std::vector<broker::CommitOffsetResult>> done) {
        broker.transactions().CommitOffsets(request, std::move(done));
      },
      [](const std::vector<broker::CommitOffsetResult>& reply) { return reply.at(0).outcome.code; }, &Transactor::End);
}

void Transactor::End() {
  const broker::EndTransactionRequest request{
      .producer = self_, .end = end_, .rules = broker::TransactionRules::kEpochRises};
  if (end_ == model::TransactionEnd::kCommit) commit_asked_ = true;
  Ask<broker::ProducerIdReply>(
      Coordinator(), &Transactor::End,
      [request](BrokerImpl& broker, broker::Callback<broker::ProducerIdReply> done) {
        broker.transactions().End(request, std::move(done));
      },
      [this](const broker::ProducerIdReply& reply) {
        reply_ = reply;
        return reply.outcome.code;
      },
      &Transactor::Ended);
}

void Transactor::Ended() {
  const bool commit = end_ == model::TransactionEnd::kCommit;
  stage_.history.End(transaction_, commit ? History::Outcome::kCommitted : History::Outcome::kAborted);
  stage_.trace(StrCat(id_, commit ? " committed " : " aborted ", transaction_));
  if (commit) ++committed_;
  transaction_ = -1;
  commit_asked_ = false;
  self_.id = reply_.producer_id;
  self_.epoch = reply_.producer_epoch;
  sequences_.clear();
  Later(&Transactor::Begin, absl::Milliseconds(100));
}

std::string Transactor::WhyNotWorking() const {
  if (committed_ > marked_) return "";
  return StrCat(id_, " commits nothing, the last answer was code ", static_cast<int>(last_));
}

}  // namespace leat::nodes
