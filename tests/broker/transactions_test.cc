// What a producer with transactions is answered, request by request.
#include "broker/transactions.h"

#include "tests/broker/broker_fixture.h"
#include "tests/broker/read_committed.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Rules = TransactionRules;

class TransactionsTest : public ::testing::Test {
 protected:
  TransactionsTest() {
    EXPECT_TRUE(w_.Start().ok());
    w_.Create("out", 2);
    w_.Create("in", 1);
  }
  Transactions& face() { return w_.broker->transactions(); }

  ProducerIdReply Init(const std::string& id, model::ProducerId known = model::ProducerId(-1), int16_t epoch = -1,
                       int32_t timeout_ms = 2000) {
    InitProducerIdRequest request{.timeout_ms = timeout_ms, .producer_id = known, .producer_epoch = epoch};
    request.transactional_id = id;
    return w_.Await<ProducerIdReply>([&](auto done) { face().InitProducerId(request, std::move(done)); });
  }
  ProducerIdentity Producer(const std::string& id) {
    const ProducerIdReply reply = Init(id);
    EXPECT_TRUE(reply.outcome.ok()) << reply.outcome.message;
    return {id, reply.producer_id, reply.producer_epoch};
  }
  ErrorCode Add(const ProducerIdentity& producer, const model::TopicPartition& partition,
                AddPartitionsRequest::Mode mode = AddPartitionsRequest::Mode::kAdd) {
    return w_
        .Await<std::vector<Outcome>>([&](auto done) {
          face().AddPartitions({producer, {partition}, mode}, std::move(done));
        })[0]
        .code;
  }
  ErrorCode Produce(const ProducerIdentity& producer, const model::TopicPartition& partition, const std::string& value,
                    Rules rules = Rules::kEpochRises, int32_t sequence = 0) {
    model::BatchBuilder builder({.producer_id = producer.id,
                                 .producer_epoch = producer.epoch,
                                 .base_sequence = sequence,
                                 .transactional = true});
    builder.Add(1, std::nullopt, value);
    ProduceRequest request;
    request.transactional_id = producer.transactional_id;
    request.rules = rules;
    request.partitions.push_back({partition, *builder.Finish()});
    return w_.Await<ProduceReply>([&](auto done) { w_.broker->Produce(std::move(request), std::move(done)); })
        .partitions[0]
        .outcome.code;
  }
  ProducerIdReply End(const ProducerIdentity& producer, model::TransactionEnd end, Rules rules = Rules::kEpochRises) {
    return w_.Await<ProducerIdReply>([&](auto done) { face().End({producer, end, rules}, std::move(done)); });
  }
  ProducerIdReply Commit(const ProducerIdentity& producer, Rules rules = Rules::kEpochRises) {
    return End(producer, model::TransactionEnd::kCommit, rules);
  }
  ErrorCode CommitOffset(const ProducerIdentity& producer, int64_t offset, Rules rules = Rules::kEpochRises,
                         const std::string& topic = "in") {
    TxnCommitOffsetsRequest request{.producer = producer, .rules = rules, .group = "g"};
    request.offsets.push_back({.partition = Tp(topic), .offset = model::Offset(offset)});
    return w_
        .Await<std::vector<CommitOffsetResult>>([&](auto done) { face().CommitOffsets(request, std::move(done)); })[0]
        .outcome.code;
  }
  std::vector<std::string> Committed(const model::TopicPartition& partition) {
    w_.world.RunFor(absl::Milliseconds(50));
    FetchRequest request;
    request.max_wait = absl::ZeroDuration();
    request.isolation = model::Isolation::kReadCommitted;
    request.partitions.push_back({.partition = partition, .offset = model::Offset(0)});
    return TakeCommitted(w_.Fetch(std::move(request)).partitions[0], model::Offset(0)).values;
  }

  BrokerWorld w_{7, 3};
};

TEST_F(TransactionsTest, CommittedRecordsAreSeenAndAbortedOnesAreNot) {
  ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out", 0), "yes"), ErrorCode::kNone);
  EXPECT_EQ(Produce(producer, Tp("out", 1), "yes"), ErrorCode::kNone);
  EXPECT_THAT(Committed(Tp("out", 0)), IsEmpty());
  const ProducerIdReply ended = Commit(producer);
  EXPECT_TRUE(ended.outcome.ok());
  EXPECT_EQ(ended.producer_epoch, producer.epoch + 1);
  EXPECT_THAT(Committed(Tp("out", 0)), ElementsAre("yes"));
  EXPECT_THAT(Committed(Tp("out", 1)), ElementsAre("yes"));
  producer.epoch = ended.producer_epoch;
  EXPECT_EQ(Produce(producer, Tp("out", 0), "no"), ErrorCode::kNone);
  EXPECT_TRUE(End(producer, model::TransactionEnd::kAbort).outcome.ok());
  EXPECT_THAT(Committed(Tp("out", 0)), ElementsAre("yes"));
}

TEST_F(TransactionsTest, OldRulesNeedThePartitionAdded) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out"), "x", Rules::kEpochStays), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(Add(producer, Tp("out"), AddPartitionsRequest::Mode::kVerify), ErrorCode::kTransactionAbortable);
  EXPECT_EQ(Add(producer, Tp("out")), ErrorCode::kNone);
  EXPECT_EQ(Add(producer, Tp("out"), AddPartitionsRequest::Mode::kVerify), ErrorCode::kNone);
  EXPECT_EQ(Produce(producer, Tp("out"), "x", Rules::kEpochStays), ErrorCode::kNone);
  const ProducerIdReply ended = Commit(producer, Rules::kEpochStays);
  EXPECT_EQ(ended.producer_epoch, producer.epoch);
  EXPECT_TRUE(Commit(producer, Rules::kEpochStays).outcome.ok()) << "a repeat";
  EXPECT_THAT(Committed(Tp("out")), ElementsAre("x"));
  EXPECT_EQ(Produce(producer, Tp("out"), "y", Rules::kEpochStays, 1), ErrorCode::kInvalidTxnState);
}

TEST_F(TransactionsTest, RefusesWhatALaterProducerHasFenced) {
  const ProducerIdentity old = Producer("a");
  EXPECT_EQ(Produce(old, Tp("out"), "old"), ErrorCode::kNone);
  const ProducerIdentity now = Producer("a");
  EXPECT_EQ(now.id, old.id);
  EXPECT_EQ(Produce(old, Tp("out"), "late", Rules::kEpochRises, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(Commit(old).outcome.code, ErrorCode::kProducerFenced);
  EXPECT_EQ(Add(old, Tp("out")), ErrorCode::kProducerFenced);
  EXPECT_EQ(CommitOffset(old, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(Init("a", old.id, old.epoch).outcome.code, ErrorCode::kProducerFenced);
  EXPECT_THAT(Committed(Tp("out")), IsEmpty());
}

TEST_F(TransactionsTest, TellsStrangersFromProducers) {
  const ProducerIdentity stranger{"nobody", model::ProducerId(4711), 0};
  EXPECT_EQ(Produce(stranger, Tp("out"), "x"), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(Commit(stranger).outcome.code, ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(Produce({"", model::ProducerId(4711), 0}, Tp("out"), "x"), ErrorCode::kTransactionalIdAuthorizationFailed);
  EXPECT_EQ(Init("a", model::ProducerId(-1), -1, 0).outcome.code, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(Init("").outcome.code, ErrorCode::kInvalidRequest);
}

TEST_F(TransactionsTest, AddsNothingWhenOnePartitionDoesNotExist) {
  const ProducerIdentity producer = Producer("a");
  const auto outcomes = w_.Await<std::vector<Outcome>>([&](auto done) {
    face().AddPartitions({producer, {Tp("out"), Tp("missing")}}, std::move(done));
  });
  EXPECT_EQ(outcomes[0].code, ErrorCode::kOperationNotAttempted);
  EXPECT_EQ(outcomes[1].code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(Add(producer, Tp("out"), AddPartitionsRequest::Mode::kVerify), ErrorCode::kTransactionAbortable);
}

TEST_F(TransactionsTest, OffsetsMoveWithTheTransaction) {
  ProducerIdentity producer = Producer("a");
  EXPECT_EQ(CommitOffset(producer, 5), ErrorCode::kNone);
  EXPECT_EQ(CommitOffset(producer, 5, Rules::kEpochRises, "missing"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(w_.Committed("g", Tp("in")), -1);
  producer.epoch = Commit(producer).producer_epoch;
  w_.world.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(w_.Committed("g", Tp("in")), 5);
  EXPECT_EQ(CommitOffset(producer, 9), ErrorCode::kNone);
  EXPECT_TRUE(End(producer, model::TransactionEnd::kAbort).outcome.ok());
  w_.PowerCut();
  ASSERT_TRUE(w_.Start().ok());
  w_.world.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(w_.Committed("g", Tp("in")), 5);
}

// More than one batch holds: they are one append.
TEST_F(TransactionsTest, ManyOffsetsMoveWithTheTransactionTogether) {
  constexpr int32_t kPartitions = 150;
  w_.Create("wide", kPartitions);
  const ProducerIdentity producer = Producer("a");
  const auto commit = [&](int64_t offset) {
    TxnCommitOffsetsRequest request{.producer = producer, .rules = Rules::kEpochRises, .group = "g"};
    for (int32_t i = 0; i < kPartitions; ++i) {
      request.offsets.push_back({.partition = Tp("wide", i), .offset = model::Offset(offset + i)});
      request.offsets.back().metadata = std::string(4000, 'm');
    }
    return w_.Await<std::vector<CommitOffsetResult>>([&](auto done) { face().CommitOffsets(request, std::move(done)); });
  };
  for (const CommitOffsetResult& result : commit(1000)) ASSERT_TRUE(result.outcome.ok()) << result.outcome.message;
  EXPECT_EQ(w_.Committed("g", Tp("wide", 0)), -1);
  ASSERT_TRUE(Commit(producer).outcome.ok());
  w_.world.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(w_.Committed("g", Tp("wide", 0)), 1000);
  EXPECT_EQ(w_.Committed("g", Tp("wide", kPartitions - 1)), 1000 + kPartitions - 1);
  w_.PowerCut();
  ASSERT_TRUE(w_.Start().ok());
  EXPECT_EQ(w_.Committed("g", Tp("wide", 0)), 1000);
  EXPECT_EQ(w_.Committed("g", Tp("wide", kPartitions - 1)), 1000 + kPartitions - 1);
}

TEST_F(TransactionsTest, OldRulesNeedTheGroupAdded) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(CommitOffset(producer, 5, Rules::kEpochStays), ErrorCode::kTransactionAbortable);
  EXPECT_TRUE(w_.Await<Outcome>([&](auto done) { face().AddGroup({producer, "g"}, std::move(done)); }).ok());
  EXPECT_EQ(CommitOffset(producer, 5, Rules::kEpochStays), ErrorCode::kNone);
  EXPECT_TRUE(Commit(producer, Rules::kEpochStays).outcome.ok());
  w_.world.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(w_.Committed("g", Tp("in")), 5);
}

TEST_F(TransactionsTest, WhatIsDecidedSurvivesAPowerCutBeforeTheMarkers) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out", 0), "x"), ErrorCode::kNone);
  EXPECT_EQ(Produce(producer, Tp("out", 1), "x"), ErrorCode::kNone);
  const ProducerIdReply ended = Commit(producer);
  ASSERT_TRUE(ended.outcome.ok());
  w_.PowerCut();
  ASSERT_TRUE(w_.Start().ok());
  EXPECT_THAT(Committed(Tp("out", 0)), ElementsAre("x"));
  EXPECT_THAT(Committed(Tp("out", 1)), ElementsAre("x"));
  const ProducerIdReply again = Commit(producer);
  EXPECT_TRUE(again.outcome.ok());
  EXPECT_EQ(again.producer_epoch, ended.producer_epoch);
}

TEST_F(TransactionsTest, EndsATransactionThatTakesTooLong) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out"), "x"), ErrorCode::kNone);
  w_.world.RunFor(absl::Milliseconds(2500));
  const FetchPartitionResult end = w_.FetchOne(Tp("out"));
  EXPECT_EQ(end.last_stable_offset, end.high_watermark);
  EXPECT_EQ(Produce(producer, Tp("out"), "y", Rules::kEpochRises, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(Commit(producer).outcome.code, ErrorCode::kProducerFenced);
  EXPECT_THAT(Committed(Tp("out")), IsEmpty());
}

TEST_F(TransactionsTest, ADeletedTopicDoesNotHoldATransactionBack) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out"), "x"), ErrorCode::kNone);
  EXPECT_EQ(Produce(producer, Tp("in"), "x"), ErrorCode::kNone);
  w_.Delete("out");
  EXPECT_TRUE(Commit(producer).outcome.ok());
  EXPECT_THAT(Committed(Tp("in")), ElementsAre("x"));
  const auto described =
      w_.Await<std::vector<TransactionDescription>>([&](auto done) { face().Describe({"a"}, std::move(done)); });
  EXPECT_EQ(described[0].state, "CompleteCommit");
}

TEST_F(TransactionsTest, ListsAndDescribes) {
  const ProducerIdentity producer = Producer("job-1");
  Producer("other");
  EXPECT_EQ(Produce(producer, Tp("out"), "x"), ErrorCode::kNone);
  const auto list = [&](ListTransactionsRequest request) {
    std::vector<std::string> ids;
    const auto reply =
        w_.Await<ListTransactionsReply>([&](auto done) { face().List(std::move(request), std::move(done)); });
    EXPECT_TRUE(reply.outcome.ok());
    for (const TransactionListing& one : reply.transactions) ids.push_back(one.transactional_id);
    for (const std::string& state : reply.unknown_states) ids.push_back("? " + state);
    return ids;
  };
  EXPECT_THAT(list({}), ElementsAre("job-1", "other"));
  EXPECT_THAT(list({.states = {"Ongoing"}}), ElementsAre("job-1"));
  EXPECT_THAT(list({.states = {"Empty", "Odd"}}), ElementsAre("other", "? Odd"));
  EXPECT_THAT(list({.producer_ids = {producer.id.value()}}), ElementsAre("job-1"));
  EXPECT_THAT(list({.id_pattern = "job-.*"}), ElementsAre("job-1"));
  EXPECT_THAT(list({.id_pattern = "job"}), IsEmpty()) << "the whole id has to match";
  EXPECT_THAT(list({.min_duration_ms = 1000}), IsEmpty());
  w_.world.RunFor(absl::Milliseconds(1500));
  EXPECT_THAT(list({.min_duration_ms = 1000}), ElementsAre("job-1"));
  const auto bad =
      w_.Await<ListTransactionsReply>([&](auto done) { face().List({.id_pattern = "("}, std::move(done)); });
  EXPECT_EQ(bad.outcome.code, ErrorCode::kInvalidRegularExpression);
  const auto described = w_.Await<std::vector<TransactionDescription>>([&](auto done) {
    face().Describe({"job-1", "none"}, std::move(done));
  });
  EXPECT_EQ(described[0].state, "Ongoing");
  EXPECT_EQ(described[0].producer_id, producer.id);
  EXPECT_EQ(described[0].timeout_ms, 2000);
  EXPECT_GT(described[0].start_ms, 0);
  EXPECT_THAT(described[0].partitions, ElementsAre(Tp("out")));
  EXPECT_EQ(described[1].outcome.code, ErrorCode::kTransactionalIdNotFound);
}

TEST_F(TransactionsTest, AnOperatorEndsAHangingTransaction) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out"), "x"), ErrorCode::kNone);
  const auto outcomes = w_.Await<std::vector<Outcome>>([&](auto done) {
    face().WriteMarkers({{.partition = Tp("out"), .producer_id = producer.id, .producer_epoch = producer.epoch},
                         {.partition = Tp("missing"), .producer_id = producer.id}},
                        std::move(done));
  });
  EXPECT_TRUE(outcomes[0].ok()) << outcomes[0].message;
  EXPECT_EQ(outcomes[1].code, ErrorCode::kUnknownTopicOrPartition);
  const FetchPartitionResult end = w_.FetchOne(Tp("out"));
  EXPECT_EQ(end.last_stable_offset, end.high_watermark);
}

TEST_F(TransactionsTest, KeepsToTheLimitsThatTheBrokerWasTold) {
  ASSERT_TRUE(w_.Stop().ok());
  w_.options.max_transaction_timeout = absl::Seconds(5);
  w_.options.transactional_id_expiration = absl::Hours(2);
  w_.options.transactional_ids = 1;
  w_.options.transactional_id_bytes = 3;
  w_.options.partitions_per_transaction = 1;
  ASSERT_TRUE(w_.Start().ok());
  EXPECT_EQ(Init("a", model::ProducerId(-1), -1, 5001).outcome.code, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(Init("long").outcome.code, ErrorCode::kInvalidRequest);
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Init("b").outcome.code, ErrorCode::kPolicyViolation);
  EXPECT_EQ(Produce(producer, Tp("out", 0), "x"), ErrorCode::kNone);
  EXPECT_EQ(Add(producer, Tp("out", 1)), ErrorCode::kPolicyViolation);
  EXPECT_TRUE(Commit(producer).outcome.ok());
  w_.world.RunFor(absl::Hours(1));
  EXPECT_EQ(Init("b").outcome.code, ErrorCode::kPolicyViolation);
  w_.world.RunFor(absl::Hours(3));
  EXPECT_TRUE(Init("b").outcome.ok()) << "the first one was forgotten";
}

TEST_F(TransactionsTest, ProducerIdsAreNeverGivenTwice) {
  std::set<int64_t> seen;
  for (int life = 0; life < 3; ++life) {
    for (int i = 0; i < 3; ++i) {
      const auto reply = w_.Await<ProducerIdReply>([&](auto done) { face().InitProducerId({}, std::move(done)); });
      ASSERT_TRUE(reply.outcome.ok());
      EXPECT_EQ(reply.producer_epoch, 0);
      EXPECT_TRUE(seen.insert(reply.producer_id.value()).second);
      EXPECT_GT(reply.producer_id.value(), 0);
    }
    w_.PowerCut();
    ASSERT_TRUE(w_.Start().ok());
  }
}

TEST_F(TransactionsTest, AnswersWhatWaitsWhenTheBrokerStops) {
  const ProducerIdentity producer = Producer("a");
  EXPECT_EQ(Produce(producer, Tp("out"), "x"), ErrorCode::kNone);
  int answered = 0;
  face().End({producer, model::TransactionEnd::kCommit}, [&](const ProducerIdReply&) { ++answered; });
  face().InitProducerId({.transactional_id = "a"}, [&](const ProducerIdReply&) { ++answered; });
  EXPECT_TRUE(w_.Stop().ok());
  EXPECT_EQ(answered, 2);
}

}  // namespace
}  // namespace leat::broker
