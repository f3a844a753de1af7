#include "model/ids.h"

#include <absl/container/flat_hash_set.h>
#include <gtest/gtest.h>

#include "model/error_code.h"

namespace leat::model {
namespace {

TEST(TopicId, PrintsAsUrlSafeBase64WithoutPadding) {
  EXPECT_EQ(TopicId().ToString(), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ((TopicId{.high = 0, .low = 1}.ToString()), "AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_EQ((TopicId{.high = ~0ull, .low = ~0ull}.ToString()), "_____________________w");
  EXPECT_EQ((TopicId{.high = 0xfbefbefbefbefbefull, .low = 0}.ToString()), "----------8AAAAAAAAAAA");
}

TEST(TopicPartition, PrintsAsTheNameOfItsFolder) {
  EXPECT_EQ((TopicPartition{.topic = "orders", .partition = PartitionId(12)}.ToString()), "orders-12");
}

TEST(TopicPartition, IsOrderedByTopicThenPartition) {
  const TopicPartition a2{.topic = "a", .partition = PartitionId(2)};
  const TopicPartition a10{.topic = "a", .partition = PartitionId(10)};
  const TopicPartition b0{.topic = "b", .partition = PartitionId(0)};
  EXPECT_LT(a2, a10);
  EXPECT_LT(a10, b0);
  const absl::flat_hash_set<TopicPartition> set = {a2, a10, a2};
  EXPECT_EQ(set.size(), 2u);
}

TEST(TopicName, MayHaveLettersDigitsDotsUnderscoresAndDashes) {
  for (const std::string& name : {std::string("a"), std::string("A.b_c-9"), std::string("..."),
                                  std::string("__offsets"), std::string(249, 'x')}) {
    EXPECT_TRUE(IsValidTopicName(name)) << name;
  }
}

TEST(TopicName, MayNotBeAPathOrEmptyOrTooLong) {
  for (const std::string& name :
       {std::string(""), std::string("."), std::string(".."), std::string("a/b"), std::string("a b"), std::string("ä"),
        std::string("a\0b", 3), std::string("a\n"), std::string("a:b"), std::string(250, 'x')}) {
    EXPECT_FALSE(IsValidTopicName(name)) << name;
  }
}

TEST(ErrorName, IsKafkasName) {
  EXPECT_EQ(ErrorName(ErrorCode::kNone), "NONE");
  EXPECT_EQ(ErrorName(ErrorCode::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(ErrorName(ErrorCode::kUnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(ErrorName(ErrorCode::kInvalidTopic), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(ErrorName(ErrorCode::kThrottlingQuotaExceeded), "THROTTLING_QUOTA_EXCEEDED");
}

TEST(ErrorName, HasAnAnswerForCodesThatWeDoNotKnow) {
  EXPECT_EQ(ErrorName(static_cast<ErrorCode>(9999)), "UNKNOWN_SERVER_ERROR");
}

}  // namespace
}  // namespace leat::model
