#include "model/consumer_protocol.h"

#include <rapidcheck/gtest.h>

namespace leat::model {
namespace {

using ::testing::ElementsAre;

TEST(ConsumerProtocol, IsKafkasBytes) {
  EXPECT_EQ(EncodeSubscription({{"a", "bc"}, {}}), std::string("\0\1\0\0\0\2\0\1a\0\2bc\xff\xff\xff\xff\0\0\0\0", 21));
  EXPECT_EQ(EncodeAssignment({{"a", PartitionId(0)}, {"a", PartitionId(2)}}),
            std::string("\0\1\0\0\0\1\0\1a\0\0\0\2\0\0\0\0\0\0\0\2\xff\xff\xff\xff", 25));
}

// What Kafka's CooperativeStickyAssignor 4.3.1 makes of generation 7 and two partitions.
TEST(ConsumerProtocol, IsTheBytesOfKafkasCooperativeMembers) {
  const std::string v2("\0\2\0\0\0\1\0\1t\0\0\0\4\0\0\0\7\0\0\0\1\0\1t\0\0\0\2\0\0\0\1\0\0\0\3\0\0\0\7", 40);
  const std::vector<TopicPartition> owned = {{"t", PartitionId(1)}, {"t", PartitionId(3)}};
  const std::string user_data("\0\0\0\7", 4);
  EXPECT_EQ(EncodeSubscription({.topics = {"t"}, .owned = owned, .user_data = user_data, .generation = 7}), v2);
  const auto read = DecodeSubscription(v2);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->owned, owned);
  EXPECT_EQ(read->user_data, user_data);
  EXPECT_EQ(read->generation, 7);
  std::string v1 = v2.substr(0, 36);
  v1[1] = 1;
  EXPECT_EQ(DecodeSubscription(v1)->generation, std::nullopt);
  EXPECT_EQ(DecodeSubscription(v1)->user_data, user_data);
}

TEST(ConsumerProtocol, ReadsOlderAndNewerVersions) {
  const std::string v0("\0\0\0\0\0\1\0\1a\xff\xff\xff\xff", 13);
  EXPECT_THAT(DecodeSubscription(v0)->topics, ElementsAre("a"));
  // Version 3 of a cooperative member: user data, owned partitions, generation and rack behind them.
  const std::string v3("\0\3\0\0\0\1\0\1a\0\0\0\2xy\0\0\0\1\0\1a\0\0\0\1\0\0\0\5\0\0\0\7\0\1r", 37);
  ASSERT_TRUE(DecodeSubscription(v3).has_value());
  EXPECT_THAT(DecodeSubscription(v3)->owned, ElementsAre(TopicPartition{"a", PartitionId(5)}));
  EXPECT_TRUE(DecodeAssignment("")->empty());
}

TEST(ConsumerProtocol, RefusesWhatClaimsMoreThanThereIs) {
  EXPECT_FALSE(DecodeSubscription("").has_value());
  EXPECT_FALSE(DecodeSubscription("s").has_value());
  EXPECT_FALSE(DecodeSubscription(std::string("\0\1\x7f\xff\xff\xff", 6)).has_value());
  EXPECT_FALSE(DecodeAssignment(std::string("\0\1\0\0\0\1\0\1a\x7f\xff\xff\xff", 13)).has_value());
}

RC_GTEST_PROP(ConsumerProtocol, ComesBackAndNeverCrashes, (std::vector<std::string> topics, std::string noise)) {
  const auto back = DecodeSubscription(EncodeSubscription({topics, {}}));
  RC_ASSERT(back.has_value() && back->topics == topics);
  DecodeSubscription(noise);
  DecodeAssignment(noise);
}

}  // namespace
}  // namespace leat::model
