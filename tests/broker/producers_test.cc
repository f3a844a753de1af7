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
