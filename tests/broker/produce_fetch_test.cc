#include "broker/outcomes.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProduceFetch : public ::testing::Test {
 protected:
  ProduceFetch() { LEAT_CHECK_OK(w.Start()); }
  BrokerWorld w{1};
};

TEST_F(ProduceFetch, GivesBackWhatWasProduced) {
  ASSERT_EQ(w.Create("events").outcome.message, "");
  const ProducePartitionResult produced = w.Produce(Tp("events"), Batch({"a", "b"}));
  ASSERT_TRUE(produced.outcome.ok()) << produced.outcome.message;
  EXPECT_EQ(produced.base_offset, model::Offset(0));
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"c"})).base_offset, model::Offset(2));
  const FetchPartitionResult fetched = w.FetchOne(Tp("events"));
  EXPECT_THAT(Values(fetched.batches), ElementsAre("a", "b", "c"));
  EXPECT_EQ(fetched.high_watermark, model::Offset(3));
}

TEST_F(ProduceFetch, AnswersEveryPartitionInTheOrderOfTheRequest) {
  w.Create("events", 8);
  ProduceRequest request;
  for (int p = 7; p >= 0; --p) request.partitions.push_back({Tp("events", p), Batch({StrCat("p", p)})});
  const ProduceReply reply =
      w.Await<ProduceReply>([&](auto done) { w.broker->Produce(std::move(request), std::move(done)); });
  FetchRequest fetch;
  for (int p = 0; p < 8; ++p) {
    EXPECT_EQ(reply.partitions[static_cast<size_t>(7 - p)].partition, Tp("events", p));
    EXPECT_TRUE(reply.partitions[static_cast<size_t>(p)].outcome.ok());
    fetch.partitions.push_back({Tp("events", p), model::Offset(0)});
  }
  const FetchReply fetched = w.Fetch(std::move(fetch));
  for (int p = 0; p < 8; ++p) {
    EXPECT_THAT(Values(fetched.partitions[static_cast<size_t>(p)].batches), ElementsAre(StrCat("p", p)));
  }
}

TEST_F(ProduceFetch, CreatesAnUnknownTopicWhenAllowed) {
  EXPECT_TRUE(w.Produce(Tp("fresh"), Batch({"x"})).outcome.ok());
  EXPECT_THAT(Values(w.FetchOne(Tp("fresh")).batches), ElementsAre("x"));
}

TEST(Produce, SaysWhyATopicCannotBeMadeOnTheWay) {
  BrokerWorld w(31);
  w.options.limits.topics = 1;
  ASSERT_TRUE(w.Start().ok());
  ASSERT_TRUE(w.Produce(Tp("first"), Batch({"a"})).outcome.ok());
  const Outcome outcome = w.Produce(Tp("second"), Batch({"a"})).outcome;
  EXPECT_EQ(outcome.code, ErrorCode::kPolicyViolation);
  EXPECT_THAT(outcome.message, HasSubstr("limits.topics"));
  EXPECT_EQ(w.Produce(Tp("no good"), Batch({"a"})).outcome.code, ErrorCode::kInvalidTopic);
}

TEST(Produce, MakesNoTopicWhosePartitionsWouldBeTooManyOfAllTopics) {
  BrokerWorld w(32);
  w.options.limits.partitions = 5;  // two are the broker's own
  w.options.default_partitions = 2;
  ASSERT_TRUE(w.Start().ok());
  ASSERT_TRUE(w.Produce(Tp("first"), Batch({"a"})).outcome.ok());
  const Outcome outcome = w.Produce(Tp("second"), Batch({"a"})).outcome;
  EXPECT_EQ(outcome.code, ErrorCode::kPolicyViolation);
  EXPECT_THAT(outcome.message, HasSubstr("limits.partitions, 5"));
  EXPECT_TRUE(w.Create("third", 1).outcome.ok());
  EXPECT_THAT(w.Create("fourth", 1).outcome.message, HasSubstr("the cluster has 5 partitions"));
}

TEST(ProduceWithoutAutoCreate, RefusesAnUnknownTopic) {
  BrokerWorld w(2);
  w.options.auto_create_topics = false;
  ASSERT_TRUE(w.Start().ok());
  const Outcome outcome = w.Produce(Tp("fresh"), Batch({"x"})).outcome;
  EXPECT_EQ(outcome.code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_THAT(outcome.message, HasSubstr("create it first"));
}

TEST_F(ProduceFetch, RefusesAPartitionThatIsNotThere) {
  w.Create("events", 2);
  EXPECT_EQ(w.Produce(Tp("events", 2), Batch({"x"})).outcome.code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(w.FetchOne(Tp("events", -1)).outcome.code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(ProduceFetch, RefusesDamagedBatches) {
  std::string batch = Batch({"x"});
  batch.back() ^= 1;
  const Outcome outcome = w.Produce(Tp("events"), batch).outcome;
  EXPECT_EQ(outcome.code, ErrorCode::kCorruptMessage);
  EXPECT_NE(outcome.message, "");
}

TEST_F(ProduceFetch, RefusesABatchLargerThanTheTopicAllows) {
  w.Create("small", 1, {{"max.message.bytes", "200"}});
  EXPECT_EQ(w.Produce(Tp("small"), Batch({std::string(500, 'x')})).outcome.code, ErrorCode::kMessageTooLarge);
  EXPECT_TRUE(w.Produce(Tp("small"), Batch({"x"})).outcome.ok());
}

TEST_F(ProduceFetch, RefusesTheTopicsThatTheBrokerKeeps) {
  EXPECT_EQ(w.Produce(Tp("__consumer_offsets"), Batch({"x"})).outcome.code, ErrorCode::kInvalidTopic);
}

TEST_F(ProduceFetch, AnswersAtOnceWithoutAcksAndAppendsAllTheSame) {
  w.Create("events");
  EXPECT_TRUE(w.Produce(Tp("events"), Batch({"x"}), Acks::kNone).outcome.ok());
  EXPECT_THAT(Values(w.FetchOne(Tp("events"), 0, absl::Seconds(5)).batches), ElementsAre("x"));
}

TEST(ProduceLimits, AnswersThrottledWhenTooManyBytesAreInFlight) {
  BrokerWorld w(3, 1);
  w.options.limits.inflight_bytes = 1000;
  ASSERT_TRUE(w.Start().ok());
  w.Create("events");
  std::vector<ErrorCode> codes;
  for (int i = 0; i < 3; ++i) {
    ProduceRequest request;
    request.partitions.push_back({Tp("events"), Batch({std::string(500, 'x')})});
    w.broker->Produce(std::move(request),
                      [&](const ProduceReply& reply) { codes.push_back(reply.partitions[0].outcome.code); });
  }
  w.world.RunFor(absl::Seconds(1));
  // Refusals are answered before the one that waits for the disk.
  EXPECT_THAT(codes,
              ElementsAre(ErrorCode::kThrottlingQuotaExceeded, ErrorCode::kThrottlingQuotaExceeded, ErrorCode::kNone));
  EXPECT_TRUE(w.Produce(Tp("events"), Batch({"y"})).outcome.ok());
  EXPECT_EQ(w.Produce(Tp("events"), Batch({std::string(2000, 'x')})).outcome.code, ErrorCode::kMessageTooLarge);
}

TEST_F(ProduceFetch, WaitsForDataAndIsWokenByIt) {
  w.Create("events", 4);
  std::optional<FetchReply> reply;
  FetchRequest request;
  request.max_wait = absl::Seconds(20);
  for (int p = 0; p < 4; ++p) request.partitions.push_back({Tp("events", p), model::Offset(0)});
  w.broker->Fetch(std::move(request), [&](FetchReply r) { reply = std::move(r); });
  w.world.RunFor(absl::Seconds(5));
  EXPECT_FALSE(reply.has_value());
  const Instant before = w.world.Now();
  w.Produce(Tp("events", 3), Batch({"x"}));
  w.world.RunUntil([&] { return reply.has_value(); });
  EXPECT_LT(w.world.Now() - before, absl::Milliseconds(100));
  ASSERT_TRUE(reply.has_value());
  EXPECT_THAT(Values(reply->partitions[3].batches), ElementsAre("x"));
}

TEST_F(ProduceFetch, AnswersEmptyAtTheDeadline) {
  w.Create("events");
  const Instant before = w.world.Now();
  const FetchPartitionResult result = w.FetchOne(Tp("events"), 0, absl::Seconds(2));
  EXPECT_TRUE(result.outcome.ok());
  EXPECT_THAT(result.batches, IsEmpty());
  EXPECT_EQ(w.world.Now() - before, absl::Seconds(2));
}

TEST_F(ProduceFetch, WaitsUntilMinBytesAreThere) {
  w.Create("events", 2);
  const size_t one = Batch({"x"}).size();
  std::optional<FetchReply> reply;
  FetchRequest request;
  request.max_wait = absl::Seconds(20);
  request.min_bytes = 2 * one;
  request.partitions = {{Tp("events", 0), model::Offset(0)}, {Tp("events", 1), model::Offset(0)}};
  w.broker->Fetch(std::move(request), [&](FetchReply r) { reply = std::move(r); });
  w.Produce(Tp("events", 0), Batch({"x"}));
  w.world.RunFor(absl::Seconds(1));
  EXPECT_FALSE(reply.has_value());
  w.Produce(Tp("events", 1), Batch({"y"}));
  w.world.RunFor(absl::Seconds(1));
  ASSERT_TRUE(reply.has_value());
  EXPECT_THAT(Values(reply->partitions[0].batches), ElementsAre("x"));
  EXPECT_THAT(Values(reply->partitions[1].batches), ElementsAre("y"));
}

TEST_F(ProduceFetch, CancelledAnswersWithWhatIsThere) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"x"}));
  std::optional<FetchReply> reply;
  FetchRequest request;
  request.max_wait = absl::Seconds(20);
  request.min_bytes = 100000;
  request.partitions = {{Tp("events"), model::Offset(0)}};
  const uint64_t ticket = w.broker->Fetch(std::move(request), [&](FetchReply r) { reply = std::move(r); });
  w.world.RunFor(absl::Seconds(1));
  EXPECT_FALSE(reply.has_value());
  w.broker->CancelFetch(ticket + 256);  // somebody else's: nothing happens
  w.world.RunFor(absl::Milliseconds(100));
  EXPECT_FALSE(reply.has_value());
  w.broker->CancelFetch(ticket);
  w.world.RunFor(absl::Milliseconds(100));
  ASSERT_TRUE(reply.has_value());
  EXPECT_THAT(Values(reply->partitions[0].batches), ElementsAre("x"));
}

TEST_F(ProduceFetch, ParkedIsAnsweredWhenItsTopicIsDeleted) {
  w.Create("events");
  std::optional<FetchReply> reply;
  FetchRequest request;
  request.max_wait = absl::Seconds(20);
  request.partitions = {{Tp("events"), model::Offset(0)}};
  w.broker->Fetch(std::move(request), [&](FetchReply r) { reply = std::move(r); });
  w.world.RunFor(absl::Seconds(1));
  w.Delete("events");
  w.world.RunFor(absl::Seconds(1));
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->partitions[0].outcome.code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(ProduceFetch, KeepsToMaxBytesAndTakesTurns) {
  w.Create("events", 3);
  for (int p = 0; p < 3; ++p) w.Produce(Tp("events", p), Batch({std::string(400, 'x')}));
  std::vector<int> served(3);
  for (int round = 0; round < 6; ++round) {
    FetchRequest request;
    request.max_bytes = 100;
    for (int p = 0; p < 3; ++p) request.partitions.push_back({Tp("events", p), model::Offset(0)});
    const FetchReply reply = w.Fetch(std::move(request));
    int with_data = 0;
    for (size_t p = 0; p < 3; ++p) {
      if (reply.partitions[p].batches.empty()) continue;
      ++with_data;
      ++served[p];
    }
    EXPECT_EQ(with_data, 1);
  }
  for (const int times : served) EXPECT_GT(times, 0);
}

TEST_F(ProduceFetch, SaysWhenTheOffsetIsOutOfRange) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"x"}));
  EXPECT_EQ(w.FetchOne(Tp("events"), 5).outcome.code, ErrorCode::kOffsetOutOfRange);
}

TEST_F(ProduceFetch, SaysAtOnceWhereTheCallersLogIsAnotherOne) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"a", "b"}));
  const auto fetch = [&](int64_t offset, int32_t last_fetched_epoch) {
    FetchRequest request;
    request.max_wait = absl::Seconds(20);
    request.partitions.push_back({.partition = Tp("events"),
                                  .offset = model::Offset(offset),
                                  .last_fetched_epoch = model::LeaderEpoch(last_fetched_epoch)});
    return w.Fetch(std::move(request)).partitions[0];
  };
  const Instant began = w.world.Now();
  const FetchPartitionResult beyond = fetch(7, 0);
  EXPECT_TRUE(beyond.outcome.ok()) << beyond.outcome.message;
  ASSERT_TRUE(beyond.diverges.has_value());
  EXPECT_EQ(beyond.diverges->epoch, model::LeaderEpoch(0));
  EXPECT_EQ(beyond.diverges->end, model::Offset(2));
  EXPECT_EQ(beyond.high_watermark, model::Offset(2));
  EXPECT_TRUE(beyond.batches.empty());
  const FetchPartitionResult unheard_of = fetch(1, 3);
  EXPECT_EQ(unheard_of.outcome.code, ErrorCode::kOffsetOutOfRange);
  EXPECT_THAT(unheard_of.outcome.message, HasSubstr("leader epoch 3"));
  EXPECT_FALSE(unheard_of.diverges.has_value());
  const FetchPartitionResult same = fetch(1, 0);
  EXPECT_FALSE(same.diverges.has_value());
  EXPECT_THAT(Values(same.batches, model::Offset(1)), ElementsAre("b"));
  EXPECT_LT(w.world.Now() - began, absl::Seconds(1)) << "none of them waits for records";
}

TEST(EpochOutcome, TellsWhoIsBehindFromWhoIsAhead) {
  const auto code = [](int32_t known, int32_t leader) {
    return EpochOutcome(model::LeaderEpoch(known), model::LeaderEpoch(leader)).code;
  };
  EXPECT_EQ(code(-1, 4), ErrorCode::kNone) << "the caller does not say";
  EXPECT_EQ(code(4, 4), ErrorCode::kNone);
  EXPECT_EQ(code(3, 4), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(code(5, 4), ErrorCode::kUnknownLeaderEpoch);
}

TEST_F(ProduceFetch, StopAnswersWhatIsParked) {
  w.Create("events");
  int answers = 0;
  FetchRequest request;
  request.max_wait = absl::Seconds(20);
  request.partitions = {{Tp("events"), model::Offset(0)}};
  w.broker->Fetch(std::move(request), [&](const FetchReply&) { ++answers; });
  w.world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(w.Stop().ok());
  EXPECT_EQ(answers, 1);
}

TEST_F(ProduceFetch, RefusesWhatComesAfterStop) {
  w.Create("events");
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->Stop(std::move(done)); }).ok());
  EXPECT_EQ(w.Produce(Tp("events"), Batch({"x"})).outcome.code, ErrorCode::kLeaderNotAvailable);
  EXPECT_EQ(w.FetchOne(Tp("events")).outcome.code, ErrorCode::kLeaderNotAvailable);
  EXPECT_EQ(w.Create("other").outcome.code, ErrorCode::kLeaderNotAvailable);
  EXPECT_FALSE(w.Health().ok());
}

}  // namespace
}  // namespace leat::broker
