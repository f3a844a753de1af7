#include "kafka/dispatch.h"

#include "tests/kafka/kafka_client.h"
#include "wire/messages/metadata.h"

namespace leat::kafka {
namespace {

std::string Header(int16_t key, int16_t version) {
  std::string body(10, '\0');
  StoreBigEndian(body.data(), key);
  StoreBigEndian(body.data() + 2, version);
  StoreBigEndian(body.data() + 4, int32_t{7});
  StoreBigEndian(body.data() + 8, int16_t{-1});
  return body;
}

TEST(Dispatch, FindsTheBodyBehindTheHeader) {
  std::string client_id = "earlier";
  wire::MetadataRequest request;
  const std::string frame = KafkaClient::Frame(request, 12, 5, "me").substr(4);
  const auto dispatched = Dispatch(frame, &client_id);
  ASSERT_TRUE(dispatched.ok()) << dispatched.status();
  EXPECT_EQ(dispatched->api->name, "Metadata");
  EXPECT_EQ(dispatched->header.correlation_id, 5);
  EXPECT_EQ(client_id, "me");
  EXPECT_EQ(dispatched->body_at, 2u + 2 + 4 + 2 + 2 + 1);
}

TEST(Dispatch, RefusesWhatNobodyServesAndSaysWhat) {
  std::string client_id;
  EXPECT_EQ(std::string(Message(Dispatch(Header(6, 3), &client_id).status())),
            "expected a request that this broker serves, got API key 6 version 3");
  EXPECT_EQ(std::string(Message(Dispatch(Header(3, 14), &client_id).status())),
            "expected Metadata in the versions 0 to 13, got version 14");
  EXPECT_FALSE(Dispatch("", &client_id).ok());
  EXPECT_FALSE(Dispatch(std::string_view("\0\x03\0", 3), &client_id).ok());
}

TEST(Dispatch, OnlyApiVersionsMayBeTooNew) {
  std::string client_id;
  const auto dispatched = Dispatch(Header(18, 1000), &client_id);
  ASSERT_TRUE(dispatched.ok()) << dispatched.status();
  EXPECT_TRUE(dispatched->refuse_version);
  EXPECT_EQ(dispatched->header.correlation_id, 7);
}

TEST(ServedApis, AreSortedAndWithinWhatTheCodecsKnow) {
  int16_t last = -1;
  for (const Api& api : ServedApis()) {
    EXPECT_GT(api.key, last);
    last = api.key;
    EXPECT_LE(api.min_version, api.max_version) << api.name;
    EXPECT_EQ(FindServedApi(api.key), &api);
  }
  EXPECT_EQ(FindServedApi(-1), nullptr);
  EXPECT_EQ(FindServedApi(INT16_MAX), nullptr);
}

}  // namespace
}  // namespace leat::kafka
