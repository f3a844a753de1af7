#include "base/strings.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/strong_id.h"

namespace leat {
namespace {

using namespace std::string_view_literals;
using Seat = StrongId<struct SeatTag, int32_t>;

TEST(StrCat, TakesTextOfEveryKindNumbersAndStrongIds) {
  EXPECT_EQ(StrCat("a", "b"sv, std::string("c"), absl::string_view("d"), 1, -2, 3.5, Seat(4)), "abcd1-23.54");
  EXPECT_EQ(StrCat(), "");
}

TEST(StrAppend, AppendsBehindWhatIsThere) {
  std::string out = "seat";
  StrAppend(&out, " ", Seat(9), "/"sv, size_t{40});
  EXPECT_EQ(out, "seat 9/40");
}

TEST(AbslText, CrossesBothWaysWithoutACopy) {
  const std::string_view text = "a\0b"sv;
  EXPECT_EQ(ToStd(ToAbsl(text)), text);
  EXPECT_EQ(ToAbsl(text).data(), text.data());
}

TEST(StringMap, IsLookedUpByAView) {
  StringMap<int> map = {{"one", 1}, {"two", 2}};
  EXPECT_EQ(map.find("two"sv)->second, 2);
  EXPECT_FALSE(map.contains("three"sv));
  StringSet set = {"one"};
  EXPECT_TRUE(set.contains("one"sv));
}

TEST(Nearest, FindsTheCandidateWithTheFewestEdits) {
  const std::vector<std::string_view> names = {"retention.ms", "retention.bytes", "segment.bytes"};
  EXPECT_EQ(Nearest("retention.m", names), "retention.ms");
  EXPECT_EQ(Nearest("retentoin.bytes", names), "retention.bytes");
  EXPECT_EQ(Nearest("segment.bytes", names), "segment.bytes");
}

TEST(Nearest, PrefersTheFirstOfEquallyNearOnes) { EXPECT_EQ(Nearest("ab", {"ax", "ay"}), "ax"); }

TEST(Nearest, IsEmptyWhenNothingIsClose) {
  EXPECT_EQ(Nearest("compression", {"retention.ms", "acks"}), "");
  EXPECT_EQ(Nearest("abc", {}), "");
  EXPECT_EQ(Nearest("xyz", {"abc"}), "");
}

}  // namespace
}  // namespace leat
