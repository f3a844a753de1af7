// What idempotent producers are told, and what the broker tells of them.
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using ::testing::HasSubstr;

std::string BatchOf(int32_t sequence, const std::vector<std::string>& values, int16_t epoch = 2) {
  model::BatchBuilder builder(
      {.producer_id = model::ProducerId(77), .producer_epoch = epoch, .base_sequence = sequence});
  for (const std::string& value : values) builder.Add(1000, std::nullopt, value);
  return builder.Finish().value();
}

class Producers : public ::testing::Test {
 protected:
  Producers() { LEAT_CHECK_OK(w.Start()); }
  DescribeProducersResult Describe(const model::TopicPartition& tp) {
    return w
        .Await<std::vector<DescribeProducersResult>>(
            [&](auto done) { w.broker->DescribeProducers({{tp}}, std::move(done)); })
        .at(0);
  }
  BrokerWorld w{1};
};

TEST_F(Producers, AreAnsweredWithTheFirstOffsetWhenTheyRepeatABatch) {
  w.Create("events");
  w.Produce(Tp("events"), Batch({"before"}));
  EXPECT_EQ(w.Produce(Tp("events"), BatchOf(0, {"a", "b"})).base_offset, model::Offset(1));
  const ProducePartitionResult again = w.Produce(Tp("events"), BatchOf(0, {"a", "b"}));
  EXPECT_TRUE(again.outcome.ok()) << again.outcome.message;
  EXPECT_EQ(again.base_offset, model::Offset(1));
  EXPECT_EQ(Values(w.FetchOne(Tp("events")).batches).size(), 3u);
}

TEST_F(Producers, AreToldWhatIsWrongWithKafkasCodes) {
  w.Create("events");
  ASSERT_TRUE(w.Produce(Tp("events"), BatchOf(0, {"a"})).outcome.ok());
  const Outcome gap = w.Produce(Tp("events"), BatchOf(2, {"b"})).outcome;
  EXPECT_EQ(gap.code, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_THAT(gap.message, HasSubstr("expected sequence 1, got 2"));
  EXPECT_EQ(w.Produce(Tp("events"), BatchOf(1, {"b"}, 1)).outcome.code, ErrorCode::kInvalidProducerEpoch);
  const std::string marker =
      model::EncodeMarkerBatch({model::ProducerId(77), 2, {model::TransactionEnd::kCommit, 0}, 1000});
  EXPECT_EQ(w.Produce(Tp("events"), marker).outcome.code, ErrorCode::kInvalidRecord);
}

class ForgetfulProducers : public Producers {
 protected:
  ForgetfulProducers() {
    LEAT_CHECK_OK(w.Stop());
    w.options.log_defaults.producer_expiration = absl::Minutes(20);
    w.options.log_defaults.max_producers = 2;
    LEAT_CHECK_OK(w.Start());
    w.Create("events");
  }
  Outcome Send(int64_t id, int32_t sequence) {
    model::BatchBuilder builder(
        {.producer_id = model::ProducerId(id), .producer_epoch = 0, .base_sequence = sequence});
    builder.Add(1000, std::nullopt, "v");
    return w.Produce(Tp("events"), builder.Finish().value()).outcome;
  }
};

TEST_F(ForgetfulProducers, AreForgottenAfterTheTimeThatTheBrokerWasTold) {
  ASSERT_TRUE(Send(1, 0).ok());
  w.world.RunFor(absl::Minutes(16));
  EXPECT_EQ(Describe(Tp("events")).producers.size(), 1u);
  EXPECT_EQ(Send(1, 5).code, ErrorCode::kOutOfOrderSequenceNumber);
  w.world.RunFor(absl::Minutes(10));
  EXPECT_TRUE(Describe(Tp("events")).producers.empty());
  EXPECT_TRUE(Send(1, 5).ok()) << "taken at any sequence";
}

TEST_F(ForgetfulProducers, AreForgottenBeyondTheNumberThatTheBrokerWasTold) {
  for (int64_t id = 1; id <= 3; ++id) ASSERT_TRUE(Send(id, 0).ok());
  const auto producers = Describe(Tp("events")).producers;
  ASSERT_EQ(producers.size(), 2u);
  EXPECT_EQ(producers[0].producer_id, model::ProducerId(2));
}

TEST_F(Producers, AreDescribed) {
  w.Create("events");
  ASSERT_TRUE(w.Produce(Tp("events"), BatchOf(0, {"a", "b"})).outcome.ok());
  const DescribeProducersResult described = Describe(Tp("events"));
  ASSERT_TRUE(described.outcome.ok());
  ASSERT_EQ(described.producers.size(), 1u);
  EXPECT_EQ(described.producers[0].producer_id, model::ProducerId(77));
  EXPECT_EQ(described.producers[0].epoch, 2);
  EXPECT_EQ(described.producers[0].last_sequence, 1);
  EXPECT_EQ(described.producers[0].coordinator_epoch, -1);
  EXPECT_EQ(described.producers[0].open_since, model::Offset(-1));
  EXPECT_EQ(Describe(Tp("nothing")).outcome.code, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace leat::broker
