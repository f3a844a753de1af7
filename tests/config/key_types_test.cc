#include "config/key_types.h"

namespace leat::config {
namespace {

using testing::ElementsAre;

// Keys are functions of a field; here the fields are the test's own.
TEST(List, SplitsAtCommasAndGivesThemBack) {
  std::vector<std::string> field;
  const Key key = List(
      "names", [&field](auto&) -> auto& { return field; }, "Names.");
  EXPECT_EQ(key.shape, Shape::kList);
  BrokerOptions options;
  ASSERT_TRUE(key.set(options, "a, b").ok());
  EXPECT_THAT(field, ElementsAre("a", "b"));
  EXPECT_EQ(key.get(options), "a,b");
  ASSERT_TRUE(key.set(options, "").ok());
  EXPECT_THAT(field, ElementsAre());
}

TEST(Bytes, TakesTheEndsOfItsRangeAndNothingOutside) {
  int64_t field = 0;
  const Key key = Bytes(
      "size", [&field](auto&) -> auto& { return field; }, {1024, 2048}, "Size.");
  BrokerOptions options;
  EXPECT_TRUE(key.set(options, "1KiB").ok());
  EXPECT_TRUE(key.set(options, "2KiB").ok());
  EXPECT_EQ(Message(key.set(options, "1023")), "expected a value in 1KiB..2KiB, got '1023'");
  EXPECT_EQ(Message(key.set(options, "2049")), "expected a value in 1KiB..2KiB, got '2049'");
  EXPECT_FALSE(key.set(options, "unlimited").ok());
  EXPECT_EQ(field, 2048);
}

TEST(Bytes, UnlimitedIsAWordWhereItIsAllowed) {
  int64_t field = 0;
  const Key key = Bytes(
      "size", [&field](auto&) -> auto& { return field; }, {0, 2048}, "Size.", Unlimited::kAllowed);
  BrokerOptions options;
  ASSERT_TRUE(key.set(options, "unlimited").ok());
  EXPECT_EQ(field, -1);
  EXPECT_EQ(key.get(options), "unlimited");
  EXPECT_FALSE(key.set(options, "-1").ok());
}

TEST(Time, TakesTheEndsOfItsRangeAndNothingOutside) {
  Duration field;
  const Key key = Time(
      "wait", [&field](auto&) -> auto& { return field; }, {absl::Milliseconds(1), absl::Seconds(1)}, "Wait.");
  BrokerOptions options;
  EXPECT_TRUE(key.set(options, "1ms").ok());
  EXPECT_TRUE(key.set(options, "1000ms").ok());
  EXPECT_EQ(key.get(options), "1s");
  EXPECT_EQ(Message(key.set(options, "999us")), "expected a value in 1ms..1s, got '999us'");
  EXPECT_EQ(Message(key.set(options, "1001ms")), "expected a value in 1ms..1s, got '1001ms'");
}

}  // namespace
}  // namespace leat::config
