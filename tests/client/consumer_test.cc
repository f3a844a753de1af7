#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

class ConsumerTest : public ClientTest {
 protected:
  void Fill(const std::string& topic, int from, int count) {
    auto producer = MakeProducer({.batch_bytes = 400});
    for (int i = from; i < from + count; ++i) {
      ASSERT_TRUE(producer->Send({.topic = topic, .value = std::to_string(i), .timestamp_ms = i, .partition = 0}).ok());
    }
    ASSERT_TRUE(producer->Flush().ok());
  }
  static void ExpectValues(const std::vector<ConsumerRecord>& records, int from) {
    for (size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i].value, std::to_string(from + static_cast<int>(i)));
    }
  }
  const TopicPartition p0_{"t", 0};
};

TEST_F(ConsumerTest, GoesOnWithoutLossOrRepeatWhenTheServerRestarts) {
  broker_.AddTopic("t", 1);
  Fill("t", 0, 500);
  auto consumer = MakeConsumer({.reset = ConsumerOptions::Reset::kEarliest, .prefetch_bytes = 1000});
  ASSERT_TRUE(consumer->Assign({p0_}).ok());
  auto records = PollUntil(consumer.get(), 123);
  ExpectValues(records, 0);
  RestartServer();
  Fill("t", 500, 100);
  records = PollUntil(consumer.get(), 477);
  ASSERT_EQ(records.size(), 477u);
  ExpectValues(records, 123);
}

TEST_F(ConsumerTest, IsWokenByWhatIsProducedWhileItWaits) {
  broker_.AddTopic("t", 1);
  auto consumer = MakeConsumer({});
  ASSERT_TRUE(consumer->Assign({p0_}).ok());
  broker_.WaitForParked(1);
  Fill("t", 0, 1);
  EXPECT_EQ(PollUntil(consumer.get(), 1).size(), 1u);
}

TEST_F(ConsumerTest, SeeksByOffsetAndTime) {
  broker_.AddTopic("t", 1);
  Fill("t", 0, 300);
  auto consumer = MakeConsumer({});
  ASSERT_TRUE(consumer->Assign({p0_}).ok());
  EXPECT_EQ(consumer->Position(p0_), 300) << "latest is the default";
  ASSERT_TRUE(consumer->Seek(p0_, 137).ok());
  ExpectValues(PollUntil(consumer.get(), 10), 137);
  EXPECT_EQ(consumer->Position(p0_), 147);
  ASSERT_TRUE(consumer->SeekToBeginning().ok());
  ExpectValues(PollUntil(consumer.get(), 10), 0);
  ASSERT_TRUE(consumer->SeekToTime(200).ok());
  EXPECT_LE(consumer->Position(p0_), 200);
  ASSERT_TRUE(consumer->SeekToTime(100000).ok());
  EXPECT_EQ(consumer->Position(p0_), 300);
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->Seek({"other", 0}, 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(consumer->Seek(p0_, -1)));
}

TEST_F(ConsumerTest, StartsWhereItsGroupCommitted) {
  broker_.AddTopic("t", 1);
  Fill("t", 0, 100);
  {
    auto consumer = MakeConsumer({.group = "g", .reset = ConsumerOptions::Reset::kEarliest});
    ASSERT_TRUE(consumer->Assign({p0_}).ok());
    ASSERT_EQ(PollUntil(consumer.get(), 40).size(), 40u);
    ASSERT_TRUE(consumer->Commit().ok());
    EXPECT_EQ(*consumer->Lag(), 60);
  }
  auto consumer = MakeConsumer({.group = "g"});
  ASSERT_TRUE(consumer->Assign({p0_}).ok());
  EXPECT_EQ(consumer->Position(p0_), 40);
  EXPECT_EQ((*consumer->Committed())[p0_], 40);
  ExpectValues(PollUntil(consumer.get(), 60), 40);
}

TEST_F(ConsumerTest, ResetsWhenItsPositionIsGone) {
  broker_.AddTopic("t", 1);
  Fill("t", 0, 100);
  auto earliest = MakeConsumer({.reset = ConsumerOptions::Reset::kEarliest});
  auto strict = MakeConsumer({.reset = ConsumerOptions::Reset::kError});
  ASSERT_TRUE(earliest->Assign({p0_}).ok());
  ASSERT_TRUE(strict->Assign({p0_}).ok());
  broker_.TruncateFront("t", 0, 50);
  ASSERT_TRUE(earliest->Seek(p0_, 5000).ok());
  ASSERT_TRUE(strict->Seek(p0_, 5000).ok());
  const auto records = PollUntil(earliest.get(), 10);
  ASSERT_EQ(records.size(), 10u);
  ExpectValues(records, 50);
  EXPECT_TRUE(absl::IsOutOfRange(strict->Poll(absl::Seconds(20)).status()));
  EXPECT_TRUE(absl::IsOutOfRange(strict->Poll(absl::Seconds(20)).status())) << "until it is told where to go";
  ASSERT_TRUE(strict->Seek(p0_, 60).ok());
  ExpectValues(PollUntil(strict.get(), 5), 60);
}

TEST_F(ConsumerTest, TellsThatATopicIsGone) {
  broker_.AddTopic("t", 1);
  auto consumer = MakeConsumer({});
  ASSERT_TRUE(consumer->Assign({p0_}).ok());
  ASSERT_TRUE(Admin(Connect()).DeleteTopic("t").ok());
  RestartServer();
  EXPECT_TRUE(absl::IsNotFound(consumer->Poll(absl::Seconds(20)).status()));
}

}  // namespace
}  // namespace leat::client
