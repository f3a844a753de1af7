#include <atomic>
#include <set>

#include "base/murmur2.h"
#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

using ProducerTest = ClientTest;

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

// Without what came again: at least once may repeat, and never reorders what came first.
std::vector<std::string> FirstOccurrences(const std::vector<std::string>& values) {
  std::set<std::string> seen;
  std::vector<std::string> first;
  for (const std::string& value : values) {
    if (seen.insert(value).second) first.push_back(value);
  }
  return first;
}

TEST_F(ProducerTest, TellsEveryRecordItsOffsetInOrder) {
  broker_.AddTopic("t", 1);
  auto producer = MakeProducer({.batch_bytes = 1000});
  std::vector<int64_t> offsets;  // written by the library's thread, read after Flush
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(producer
                    ->Send({.topic = "t", .value = std::to_string(i)},
                           [&](const absl::StatusOr<Delivery>& d) { offsets.push_back(d.ok() ? d->offset : -100); })
                    .ok());
  }
  ASSERT_TRUE(producer->Flush().ok());
  ASSERT_EQ(offsets.size(), 300u);
  for (size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(offsets[i], static_cast<int64_t>(i));
}

TEST_F(ProducerTest, SendsKeysWhereKafkasClientsSendThem) {
  broker_.AddTopic("t", 7);
  auto producer = MakeProducer({});
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key" + std::to_string(i);
    ASSERT_TRUE(producer
                    ->Send({.topic = "t", .key = key, .value = key},
                           [key](const absl::StatusOr<Delivery>& d) {
                             ASSERT_TRUE(d.ok()) << d.status();
                             EXPECT_EQ(d->partition.partition, PartitionForKey(key, 7));
                           })
                    .ok());
  }
  EXPECT_TRUE(producer->Flush().ok());
}

TEST_F(ProducerTest, SpreadsKeylessRecordsBatchByBatch) {
  broker_.AddTopic("t", 4);
  auto producer = MakeProducer({.batch_bytes = 500, .linger = absl::Hours(1)});
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(producer->Send({.topic = "t", .value = std::string(50, 'x')}).ok());
  ASSERT_TRUE(producer->Flush().ok());
  for (int partition = 0; partition < 4; ++partition) EXPECT_GT(broker_.Values("t", partition).size(), 50u);
}

TEST_F(ProducerTest, KeepsOrderWhenTheBrokerFailsSomeRequests) {
  broker_.AddTopic("t", 1);
  int attempts = 0;  // under the fake's lock
  broker_.set_produce_hook([&](const broker::ProducePartition&) -> std::optional<broker::Outcome> {
    if (++attempts % 3 != 0) return std::nullopt;
    return broker::Outcome{model::ErrorCode::kThrottlingQuotaExceeded, "too much at once: try again"};
  });
  auto producer = MakeProducer({.batch_bytes = 300});
  for (const std::string& number : Numbers(500)) ASSERT_TRUE(producer->Send({.topic = "t", .value = number}).ok());
  ASSERT_TRUE(producer->Flush().ok());
  EXPECT_EQ(broker_.Values("t", 0), Numbers(500));
}

TEST_F(ProducerTest, TellsWhyItTriesAgain) {
  broker_.AddTopic("t", 1);
  int attempts = 0;  // under the fake's lock
  broker_.set_produce_hook([&](const broker::ProducePartition&) -> std::optional<broker::Outcome> {
    if (++attempts > 2) return std::nullopt;
    return broker::Outcome{model::ErrorCode::kKafkaStorageError, "the disk is full: free space"};
  });
  std::vector<std::string> told;  // on the library's thread, before Flush returns
  auto producer = MakeProducer({.on_retry = [&](const absl::Status& why) { told.emplace_back(Message(why)); }});
  ASSERT_TRUE(producer->Send({.topic = "t", .value = "v"}).ok());
  ASSERT_TRUE(producer->Flush().ok());
  ASSERT_EQ(told.size(), 2u);
  EXPECT_THAT(told[0], ::testing::HasSubstr("the disk is full: free space"));
  EXPECT_EQ(broker_.Values("t", 0).size(), 1u);
}

// The leader has stored it when it hears that too few replicas are in sync. The same number again is answered once they
// are; another batch under that number would be taken for this one, and be lost.
TEST_F(ProducerTest, WhatIsStoredAndNotCommittedYetIsAskedForAgain) {
  broker_.AddTopic("t", 1);
  int answers = 0;  // under the fake's lock
  broker_.set_appended_hook([&](const broker::ProducePartition&) -> std::optional<broker::Outcome> {
    if (++answers > 2) return std::nullopt;
    return broker::Outcome{model::ErrorCode::kNotEnoughReplicasAfterAppend, "1 replica is in sync, 2 are asked for"};
  });
  auto producer = MakeProducer({.linger = absl::ZeroDuration()});
  for (const std::string value : {"a", "b"}) {
    ASSERT_TRUE(producer->Send({.topic = "t", .value = value}).ok());
    const absl::Status flushed = producer->Flush();
    EXPECT_TRUE(flushed.ok()) << flushed;
  }
  EXPECT_EQ(broker_.Values("t", 0), (std::vector<std::string>{"a", "b"}));
}

// The broker does not say whether it is stored.
TEST_F(ProducerTest, TheNumberOfWhatMayBeStoredIsNotGivenAgain) {
  broker_.AddTopic("t", 1);
  int answers = 0;  // under the fake's lock
  broker_.set_appended_hook([&](const broker::ProducePartition&) -> std::optional<broker::Outcome> {
    if (++answers > 1) return std::nullopt;
    return broker::Outcome{model::ErrorCode::kUnknownServerError, "something is wrong"};
  });
  auto producer = MakeProducer({.linger = absl::ZeroDuration()});
  ASSERT_TRUE(producer->Send({.topic = "t", .value = "a"}).ok());
  EXPECT_FALSE(producer->Flush().ok());
  ASSERT_TRUE(producer->Send({.topic = "t", .value = "b"}).ok());
  const absl::Status flushed = producer->Flush();
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_EQ(broker_.Values("t", 0), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ProducerTest, KeepsOrderWhenTheServerRestartsInBetween) {
  broker_.AddTopic("t", 2);
  auto producer = MakeProducer({.batch_bytes = 300});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(producer->Send({.topic = "t", .value = std::to_string(i), .partition = i % 2}).ok());
    if (i % 250 == 100) RestartServer();
  }
  ASSERT_TRUE(producer->Flush().ok());
  std::vector<std::string> expected[2];
  for (int i = 0; i < 1000; ++i) expected[i % 2].push_back(std::to_string(i));
  EXPECT_EQ(FirstOccurrences(broker_.Values("t", 0)), expected[0]);
  EXPECT_EQ(FirstOccurrences(broker_.Values("t", 1)), expected[1]);
}

TEST_F(ProducerTest, FailsOnlyTheBatchThatTheBrokerRefuses) {
  broker_.AddTopic("t", 1);
  broker_.set_produce_hook([](const broker::ProducePartition& p) -> std::optional<broker::Outcome> {
    if (p.batches.view().find("poison") == std::string_view::npos) return std::nullopt;
    return broker::Outcome{model::ErrorCode::kMessageTooLarge, "the batch is too large: send less at once"};
  });
  auto producer = MakeProducer({.batch_bytes = 1});
  std::vector<std::string> failed;
  for (const std::string value : {"a", "b", "poison", "c", "d"}) {
    ASSERT_TRUE(producer
                    ->Send({.topic = "t", .value = value},
                           [&failed, value](const absl::StatusOr<Delivery>& d) {
                             if (!d.ok()) failed.push_back(value);
                           })
                    .ok());
  }
  const absl::Status flushed = producer->Flush();
  EXPECT_TRUE(absl::IsInvalidArgument(flushed)) << flushed;
  EXPECT_THAT(std::string(flushed.message()), ::testing::HasSubstr("send less at once"));
  EXPECT_EQ(failed, std::vector<std::string>{"poison"});
  EXPECT_EQ(broker_.Values("t", 0), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_TRUE(producer->Flush().ok()) << "an error is told once";
}

TEST_F(ProducerTest, FailsUndeliveredRecordsAfterTheDeliveryTimeout) {
  broker_.AddTopic("t", 1);
  auto producer = MakeProducer({.delivery_timeout = absl::Milliseconds(200)});
  broker_.Hold();
  ASSERT_TRUE(producer->Send({.topic = "t", .value = "v"}).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(producer->Flush()));
  broker_.Release();
}

TEST_F(ProducerTest, BlocksWhileItsBufferIsFull) {
  broker_.AddTopic("t", 1);
  auto producer = MakeProducer({.batch_bytes = 1000,
                                .linger = absl::Hours(1),
                                .buffer_bytes = 2000,
                                .delivery_timeout = absl::Milliseconds(300)});
  broker_.Hold();
  absl::Status status;
  int sent = 0;
  for (; sent < 100 && status.ok(); ++sent) status = producer->Send({.topic = "t", .value = std::string(200, 'x')});
  broker_.Release();
  EXPECT_LT(sent, 20) << "the buffer has room for fewer than ten";
}

TEST_F(ProducerTest, RefusesAnUnknownTopicAtOnceWhenTheBrokerDoesNotMakeIt) {
  auto producer = MakeProducer({});
  bool called = false;
  const absl::Status status =
      producer->Send({.topic = "nowhere", .value = "v"}, [&](const absl::StatusOr<Delivery>&) { called = true; });
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_TRUE(producer->Flush().ok());
  EXPECT_FALSE(called);
}

TEST_F(ProducerTest, FindsAllPartitionsOfATopicThatTheBrokerMakesOnProduce) {
  broker_.set_auto_create(3);
  auto producer = MakeProducer({});
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(producer->Send({.topic = "made", .key = std::to_string(i), .value = "v"}).ok());
  }
  ASSERT_TRUE(producer->Flush().ok());
  size_t total = 0;
  for (int partition = 0; partition < 3; ++partition) {
    EXPECT_FALSE(broker_.Values("made", partition).empty());
    total += broker_.Values("made", partition).size();
  }
  EXPECT_EQ(total, 60u);
}

TEST_F(ProducerTest, RefusesAbsurdRecords) {
  broker_.AddTopic("t", 2);
  auto producer = MakeProducer({});
  EXPECT_TRUE(absl::IsInvalidArgument(producer->Send({.topic = "", .value = "v"})));
  EXPECT_TRUE(absl::IsInvalidArgument(producer->Send({.topic = "a/b", .value = "v"})));
  EXPECT_TRUE(absl::IsInvalidArgument(producer->Send({.topic = "t", .value = "v", .partition = 2})));
  EXPECT_TRUE(absl::IsInvalidArgument(producer->Send({.topic = "t", .value = "v", .partition = -1})));
  EXPECT_TRUE(absl::IsInvalidArgument(producer->Send({.topic = "t", .value = std::string(31 << 20, 'x')})));
}

TEST_F(ProducerTest, DeliversWithoutAcknowledgementsBeforeItIsDestroyed) {
  broker_.AddTopic("t", 1);
  auto producer = MakeProducer({.acks = ProducerOptions::Acks::kNone});
  for (const std::string& number : Numbers(100)) ASSERT_TRUE(producer->Send({.topic = "t", .value = number}).ok());
  producer.reset();
  EXPECT_EQ(broker_.Values("t", 0), Numbers(100));
}

}  // namespace
}  // namespace leat::client
