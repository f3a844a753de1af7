#include "base/check.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace leat {
namespace {

TEST(CheckDeathTest, DiesWithPlaceConditionAndMessageWhenBroken) {
  EXPECT_DEATH(LEAT_CHECK(1 + 1 == 3) << "after " << 7,
               "check_test.cc:[0-9]+: broken invariant: 1 \\+ 1 == 3: after 7");
}

TEST(Check, EvaluatesTheConditionOnceAndTheMessageNeverWhenItHolds) {
  int conditions = 0;
  int messages = 0;
  LEAT_CHECK(++conditions == 1) << ++messages;
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(messages, 0);
}

TEST(Check, IsOneStatementInAnIfWithoutBraces) {
  bool reached_else = false;
  if (reached_else)
    LEAT_CHECK(false);
  else
    reached_else = true;
  EXPECT_TRUE(reached_else);
}

TEST(CheckDeathTest, DiesWithTheStatusWhenItIsNotOk) {
  LEAT_CHECK_OK(absl::OkStatus());
  EXPECT_DEATH(LEAT_CHECK_OK(DataLoss("torn page ", 4)), "torn page 4");
}

}  // namespace
}  // namespace leat
