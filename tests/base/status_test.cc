#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/strong_id.h"

namespace leat {
namespace {

using Row = StrongId<struct RowTag, int32_t>;

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("expected an even number, got ", n);
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  LEAT_ASSIGN_OR_RETURN(const int half, Half(n));
  LEAT_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckQuarter(int n, int* reached) {
  LEAT_RETURN_IF_ERROR(Quarter(n).status());
  ++*reached;
  return absl::OkStatus();
}

TEST(StatusFactories, MakeTheirCodeAndConcatenateTheirArguments) {
  const absl::Status status = NotFound("row ", Row(3), " of ", std::string("table"), ": ", std::string_view("gone"));
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(Message(status), "row 3 of table: gone");
  EXPECT_TRUE(absl::IsInvalidArgument(InvalidArgument("x")));
  EXPECT_TRUE(absl::IsDataLoss(DataLoss("x")));
  EXPECT_TRUE(absl::IsResourceExhausted(ResourceExhausted("x")));
  EXPECT_TRUE(absl::IsOutOfRange(OutOfRange("x")));
  EXPECT_TRUE(absl::IsDeadlineExceeded(DeadlineExceeded("x")));
}

TEST(Annotate, PutsTheContextInFrontAndKeepsTheCode) {
  const absl::Status status = Annotate(DataLoss("bad CRC"), "segment 7");
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(Message(status), "segment 7: bad CRC");
}

TEST(Annotate, LeavesOkAlone) { EXPECT_TRUE(Annotate(absl::OkStatus(), "segment 7").ok()); }

TEST(AssignOrReturn, AssignsWhenOk) {
  const auto quarter = Quarter(12);
  ASSERT_TRUE(quarter.ok());
  EXPECT_EQ(*quarter, 3);
}

TEST(AssignOrReturn, ReturnsTheFirstError) {
  EXPECT_EQ(Message(Quarter(7).status()), "expected an even number, got 7");
  EXPECT_EQ(Message(Quarter(6).status()), "expected an even number, got 3");
}

TEST(AssignOrReturn, MovesValuesThatCannotBeCopied) {
  const auto make = []() -> absl::StatusOr<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto take = [&]() -> absl::StatusOr<int> {
    LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<int> made, make());
    return *made;
  };
  EXPECT_EQ(take().value(), 5);
}

TEST(ReturnIfError, ReturnsOnlyErrors) {
  int reached = 0;
  EXPECT_TRUE(CheckQuarter(8, &reached).ok());
  EXPECT_EQ(reached, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckQuarter(9, &reached)));
  EXPECT_EQ(reached, 1);
}

}  // namespace
}  // namespace leat
