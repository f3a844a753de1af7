#include "group/group_records.h"

#include <rapidcheck/gtest.h>

#include "group/core.h"

namespace leat::group {
namespace {

GroupMetadata Sample() {
  GroupMetadata metadata{"consumer", 3, "range", "m", 7, {}};
  metadata.members.push_back({"m", "i", "c", "/h", 10, 20, "s", "a"});
  return metadata;
}

TEST(GroupRecords, AreKafkasBytes) {
  EXPECT_EQ(EncodeGroupKey("g1"), std::string("\0\2\0\2g1", 6));
  const std::string expected(
      "\0\3\0\x8"
      "consumer\0\0\0\3\0\5range\0\1m\0\0\0\0\0\0\0\7\0\0\0\1"  // version to the number of members
      "\0\1m\0\1i\0\1c\0\2/h\0\0\0\xa\0\0\0\x14\0\0\0\1s\0\0\0\1a",
      69);
  EXPECT_EQ(EncodeGroupMetadata(Sample()), expected);
}

TEST(GroupRecords, ComeBackWholeAndAreRefusedWhenCut) {
  const std::string bytes = EncodeGroupMetadata(Sample());
  EXPECT_EQ(*DecodeGroupMetadata(bytes), Sample());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeGroupMetadata(bytes.substr(0, n)).ok()) << n;
  EXPECT_EQ(**DecodeGroupKey(EncodeGroupKey("g")), "g");
  EXPECT_EQ(*DecodeGroupKey(EncodeOffsetKey({"g", {"t", model::PartitionId(0)}})), std::nullopt);
}

TEST(GroupRecords, OfOtherVersionsAreRead) {
  const std::string v0("\0\0\0\1c\0\0\0\2\0\1r\xff\xff\0\0\0\1\0\1m\0\1c\0\1h\0\0\0\x9\0\0\0\1s\0\0\0\0", 40);
  const auto old = DecodeGroupMetadata(v0);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->generation, 2);
  EXPECT_EQ(old->members.at(0).rebalance_timeout_ms, 9) << "version 0 has one timeout for both";
  EXPECT_EQ(old->state_time_ms, -1);
  const std::string v4("\0\4\2c\0\0\0\2\0\0\0\0\0\0\0\0\0\5\1\1\7\1x", 23);
  const auto flexible = DecodeGroupMetadata(v4);
  ASSERT_TRUE(flexible.ok()) << flexible.status();
  EXPECT_EQ(flexible->state_time_ms, 5);
  EXPECT_TRUE(flexible->members.empty());
}

TEST(GroupRecords, WithAMemberTwiceAreDamage) {
  GroupMetadata twice = Sample();
  twice.members.push_back(twice.members[0]);
  EXPECT_EQ(DecodeGroupMetadata(EncodeGroupMetadata(twice)).status().code(), absl::StatusCode::kDataLoss);
}

RC_GTEST_PROP(GroupRecords, NeverCrashTheReader, (std::string noise)) {
  DecodeGroupMetadata(noise).IgnoreError();
  DecodeGroupKey(noise).IgnoreError();
}

class Limited : public ::testing::Test {
 protected:
  static group::Options Small() {
    group::Options options;
    options.limits.members = 2;
    options.limits.groups = 1;
    options.limits.subscription_bytes = 10;
    options.limits.assignment_bytes = 10;
    options.initial_rebalance_delay = absl::ZeroDuration();
    return options;
  }
  model::ErrorCode Join(const std::string& group, const std::string& metadata,
                        FirstJoin first = FirstJoin::kAddAtOnce) {
    core.Join(RequestId(++id),
              {.group = group,
               .client_id = "c",
               .protocol_type = "consumer",
               .protocols = {{"range", metadata}},
               .session_timeout = absl::Seconds(10),
               .rebalance_timeout = absl::Seconds(60),
               .first_join = first},
              {});
    for (const Answer& answer : core.TakeEffects().answers) {
      if (answer.to == RequestId(id)) {
        member = std::get<JoinReply>(answer.reply).member;
        return std::get<JoinReply>(answer.reply).code;
      }
    }
    return model::ErrorCode::kNone;  // it waits
  }
  Random random{1};
  Core core{Small(), random};
  uint64_t id = 0;
  std::string member;
};

TEST_F(Limited, AGroupIsFullWithMembersAndWithIdsThatWereGivenOut) {
  EXPECT_EQ(Join("g", "s"), model::ErrorCode::kNone);
  EXPECT_EQ(Join("g", "s", FirstJoin::kAskForId), model::ErrorCode::kMemberIdRequired);
  EXPECT_EQ(Join("g", "s"), model::ErrorCode::kGroupMaxSizeReached);
}

TEST_F(Limited, MoreGroupsAreRefused) {
  EXPECT_EQ(Join("g", "s"), model::ErrorCode::kNone);
  EXPECT_EQ(Join("h", "s"), model::ErrorCode::kPolicyViolation);
}

TEST_F(Limited, LargeSubscriptionsAndAssignmentsAreRefused) {
  EXPECT_EQ(Join("g", std::string(11, 's')), model::ErrorCode::kPolicyViolation);
  EXPECT_EQ(Join("g", "s"), model::ErrorCode::kNone);
  core.Sync(RequestId(99),
            {.group = "g", .member = member, .generation = 1, .assignments = {{member, std::string(11, 'a')}}}, {});
  const Effects effects = core.TakeEffects();
  ASSERT_EQ(effects.answers.size(), 1u);
  EXPECT_EQ(std::get<SyncReply>(effects.answers[0].reply).code, model::ErrorCode::kPolicyViolation);
}

}  // namespace
}  // namespace leat::group
