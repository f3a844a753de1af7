#include "config/values.h"

#include <rapidcheck/gtest.h>

namespace leat::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseBytes, TakesPlainNumbersAndBinaryUnits) {
  EXPECT_EQ(*ParseBytes("0"), 0);
  EXPECT_EQ(*ParseBytes("1048588"), 1048588);
  EXPECT_EQ(*ParseBytes("10B"), 10);
  EXPECT_EQ(*ParseBytes("64MiB"), 64 << 20);
  EXPECT_EQ(*ParseBytes("2TiB"), int64_t{2} << 40);
}

TEST(ParseBytes, RefusesEverythingElse) {
  for (const char* text : {"", "MiB", "64MB", "64 MiB", "-1", "+1", "1.5GiB", "64mib", "9223372036854775807KiB",
                           "9223372036854775808", "0x10", "1MiBB"}) {
    EXPECT_EQ(ParseBytes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(std::string(Message(ParseBytes("64MB").status())), HasSubstr("such as 1048576 or 64MiB"));
}

RC_GTEST_PROP(BytesText, IsParsedBack, ()) {
  const auto bytes = *rc::gen::inRange<int64_t>(0, INT64_MAX);
  const auto shift = *rc::gen::inRange(0, 50);
  const int64_t value = (bytes >> shift) << (shift / 2);
  RC_PRE(value >= 0);
  RC_ASSERT(*ParseBytes(BytesText(value)) == value);
}

TEST(ParseDuration, TakesOneOrMoreParts) {
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("100ms"), absl::Milliseconds(100));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("7d"), absl::Hours(168));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "5", "s", "5 s", "-5s", "1.5s", "5sec", "5S", "106752d", "9223372036854775808ns", "1h30"}) {
    EXPECT_EQ(ParseDuration(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

RC_GTEST_PROP(DurationText, IsParsedBack, ()) {
  const Duration duration = absl::Nanoseconds(*rc::gen::inRange<int64_t>(0, INT64_MAX));
  RC_ASSERT(*ParseDuration(DurationText(duration)) == duration);
}

TEST(DurationText, UsesTheLargestExactUnit) {
  EXPECT_EQ(DurationText(absl::Seconds(90)), "90s");
  EXPECT_EQ(DurationText(absl::Hours(48)), "2d");
  EXPECT_EQ(DurationText(absl::Milliseconds(1500)), "1500ms");
}

TEST(ParseAddress, TakesHostAndPort) {
  EXPECT_EQ(ParseAddress("127.0.0.1:9095")->host, "127.0.0.1");
  EXPECT_EQ(ParseAddress("127.0.0.1:9095")->port, 9095);
  EXPECT_EQ(ParseAddress("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseAddress("broker-1:65535")->port, 65535);
}

TEST(ParseAddress, RefusesEverythingElse) {
  for (const char* text : {"", "9095", ":9095", "host", "host:", "host:65536", "host:-1", "host:1x", "::1:9095", "[]:1",
                           "http://host:1", "a b:1"}) {
    EXPECT_EQ(ParseAddress(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseBool, TakesOnlyTrueAndFalse) {
  EXPECT_TRUE(*ParseBool("true"));
  EXPECT_FALSE(*ParseBool("false"));
  for (const char* text : {"", "yes", "on", "1", "True"}) EXPECT_FALSE(ParseBool(text).ok()) << text;
}

TEST(ParseInt, RefusesWhatIsNotAWholeNumber) {
  EXPECT_EQ(*ParseInt("-5"), -5);
  for (const char* text : {"", "1.0", "1e3", "9223372036854775808", "0x1", " 1", "1 "}) {
    EXPECT_FALSE(ParseInt(text).ok()) << text;
  }
}

TEST(SplitList, TrimsItems) {
  EXPECT_THAT(SplitList("a, b,c "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(SplitList("  "), ElementsAre());
}

TEST(ParseVoter, TakesNodeAndAddress) {
  const absl::StatusOr<Voter> voter = ParseVoter("12@[::1]:9094");
  ASSERT_TRUE(voter.ok()) << voter.status();
  EXPECT_EQ(voter->node, 12);
  EXPECT_EQ(voter->address.host, "::1");
  EXPECT_EQ(voter->address.port, 9094);
}

TEST(ParseVoter, RefusesEverythingElse) {
  for (const char* text : {"", "1", "1@", "@h:1", "1@h", "1@h:0", "1@h:65536", "-1@h:1", "x@h:1", "1 @h:1",
                           "2147483648@h:1", "1@2@h:1x"}) {
    EXPECT_EQ(ParseVoter(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace leat::config
