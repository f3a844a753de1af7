#include "wire/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/status.h"
#include "wire/apis.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/produce.h"

namespace leat::wire {
namespace {

constexpr size_t kPlenty = 1 << 20;

std::string EncodedRequest(const RequestHeader& header) {
  Writer out;
  EncodeRequestHeader(out, header);
  return out.TakeString();
}
std::string EncodedResponse(int16_t key, int16_t version) {
  Writer out;
  EncodeResponseHeader(out, key, version, 7);
  return out.TakeString();
}

TEST(RequestHeader, HasTaggedFieldsFromTheFirstFlexibleVersionOn) {
  EXPECT_EQ(EncodedRequest({.api_key = 0, .api_version = 8, .correlation_id = 7, .client_id = "me"}),
            std::string("\0\0\0\x08\0\0\0\x07\0\x02me", 12));
  EXPECT_EQ(EncodedRequest({.api_key = 0, .api_version = 9, .correlation_id = 7, .client_id = "me"}),
            std::string("\0\0\0\x09\0\0\0\x07\0\x02me\0", 13));
}

TEST(RequestHeader, IsReadAsItWasWritten) {
  for (const ApiInfo& api : Apis()) {
    for (int16_t version = api.min_version; version <= api.max_version; ++version) {
      for (const std::optional<std::string_view> client : {std::optional<std::string_view>(), {""}, {"client"}}) {
        const RequestHeader header{
            .api_key = api.key, .api_version = version, .correlation_id = -5, .client_id = client};
        const std::string bytes = EncodedRequest(header);
        Reader in(bytes, kPlenty);
        RequestHeader again;
        ASSERT_EQ(DecodeRequestHeader(in, &again), absl::OkStatus());
        EXPECT_EQ(again, header);
        EXPECT_EQ(in.remaining(), 0);
        for (size_t length = 0; length < bytes.size(); ++length) {
          Reader cut(std::string_view(bytes).substr(0, length), kPlenty);
          EXPECT_FALSE(DecodeRequestHeader(cut, &again).ok());
        }
      }
    }
  }
}

TEST(RequestHeader, OfAnUnknownApiSaysWhoSentIt) {
  const std::string bytes("\x03\xe7\0\x63\0\0\0\x07\0\x02me????", 16);
  Reader in(bytes, kPlenty);
  RequestHeader header;
  ASSERT_EQ(DecodeRequestHeader(in, &header), absl::OkStatus());
  EXPECT_EQ(header, (RequestHeader{.api_key = 999, .api_version = 99, .correlation_id = 7, .client_id = "me"}));
}

TEST(RequestHeader, ThatIsBrokenKeepsWhatCameBefore) {
  const std::string bytes("\0\x12\0\x03\0\0\0\x07\0\x63me", 12);
  Reader in(bytes, kPlenty);
  RequestHeader header;
  const absl::Status status = DecodeRequestHeader(in, &header);
  EXPECT_EQ(std::string(Message(status)), "request header: client_id: takes 99 bytes, but 2 remain (at byte 10)");
  EXPECT_EQ(header.api_key, 18);
  EXPECT_EQ(header.correlation_id, 7);
}

TEST(ResponseHeader, OfApiVersionsNeverHasTaggedFields) {
  EXPECT_EQ(EncodedResponse(ApiVersionsResponse::kApiKey, 4).size(), 4);
  EXPECT_EQ(EncodedResponse(ProduceResponse::kApiKey, 8).size(), 4);
  EXPECT_EQ(EncodedResponse(ProduceResponse::kApiKey, 9), std::string("\0\0\0\x07\0", 5));
}

TEST(Apis, AreSortedAndServeOnlyVersionsThatTheCodecsKnow) {
  int16_t previous = -1;
  for (const ApiInfo& api : Apis()) {
    EXPECT_GT(api.key, previous);
    previous = api.key;
    EXPECT_LE(api.min_version, api.serve_min) << api.name;
    EXPECT_LE(api.serve_min, api.serve_max) << api.name;
    EXPECT_LE(api.serve_max, api.max_version) << api.name;
    EXPECT_EQ(FindApi(api.key), &api);
  }
  EXPECT_EQ(FindApi(4), nullptr);
  EXPECT_EQ(FindApi(-1), nullptr);
  EXPECT_EQ(FindApi(32767), nullptr);
}

// Old librdkafka looks for these very versions in the list before it uses a feature.
TEST(Apis, OfferTheVersionsThatOldLibrdkafkaLooksFor) {
  struct {
    int16_t key, version;
  } const probed[] = {{0, 0},  {0, 3},  {0, 7},  {1, 4},  {1, 10}, {2, 1},  {8, 2}, {9, 1},
                      {10, 0}, {11, 0}, {12, 0}, {13, 0}, {14, 0}, {18, 0}, {22, 0}};
  for (const auto& [key, version] : probed) {
    ASSERT_NE(FindApi(key), nullptr);
    EXPECT_GE(version, FindApi(key)->serve_min) << key;
    EXPECT_LE(version, FindApi(key)->serve_max) << key;
  }
}

}  // namespace
}  // namespace leat::wire
