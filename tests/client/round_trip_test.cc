#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

class CodecTest : public ClientTest, public ::testing::WithParamInterface<Compression> {};

TEST_P(CodecTest, RecordsComeBackAsTheyWereSent) {
  broker_.AddTopic("t", 1);
  auto producer = MakeProducer({.compression = GetParam(), .batch_bytes = 4096});
  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    Record record{
        .topic = "t", .key = "key " + number, .value = std::string(50, 'v') + number, .timestamp_ms = 1000 + i};
    record.headers = {{"h", "of " + number}, {"null", std::nullopt}};
    if (i % 7 == 0) record.value.reset();
    if (i % 5 == 0) record.key.reset();
    ASSERT_TRUE(producer->Send(std::move(record)).ok());
  }
  ASSERT_TRUE(producer->Flush().ok());
  auto consumer = MakeConsumer({.reset = ConsumerOptions::Reset::kEarliest});
  ASSERT_TRUE(consumer->AssignTopic("t").ok());
  const auto records = PollUntil(consumer.get(), 500);
  ASSERT_EQ(records.size(), 500u);
  for (int i = 0; i < 500; ++i) {
    const ConsumerRecord& record = records[static_cast<size_t>(i)];
    const std::string number = std::to_string(i);
    EXPECT_EQ(record.offset, i);
    EXPECT_EQ(record.timestamp_ms, 1000 + i);
    EXPECT_EQ(record.key, i % 5 == 0 ? std::nullopt : std::optional("key " + number));
    EXPECT_EQ(record.value, i % 7 == 0 ? std::nullopt : std::optional(std::string(50, 'v') + number));
    EXPECT_EQ(record.headers, (Headers{{"h", "of " + number}, {"null", std::nullopt}}));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CodecTest,
                         ::testing::Values(Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                           Compression::kLz4, Compression::kZstd));

}  // namespace
}  // namespace leat::client
