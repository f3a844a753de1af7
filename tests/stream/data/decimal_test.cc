#include "stream/data/decimal.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace leat::data {
namespace {

std::string Parsed(std::string_view text, int precision, int scale) {
  Int128 value = 0;
  switch (ParseDecimal(text, precision, scale, &value)) {
    case DecimalResult::kOk:
      return FormatDecimal(value, scale);
    case DecimalResult::kMalformed:
      return "malformed";
    case DecimalResult::kOverflow:
      return "overflow";
  }
  return "?";
}

TEST(ParseDecimal, RoundsHalfAwayFromZero) {
  EXPECT_EQ(Parsed("1.005", 10, 2), "1.01");
  EXPECT_EQ(Parsed("-1.005", 10, 2), "-1.01");
  EXPECT_EQ(Parsed("1.0049999999", 10, 2), "1.00");
  EXPECT_EQ(Parsed("0.5", 1, 0), "1");
  EXPECT_EQ(Parsed("0.05", 10, 0), "0");
}

TEST(ParseDecimal, ReadsExponents) {
  EXPECT_EQ(Parsed("1.5e3", 10, 2), "1500.00");
  EXPECT_EQ(Parsed("15E-1", 10, 2), "1.50");
  EXPECT_EQ(Parsed("1e-999999999999", 10, 2), "0.00");
  EXPECT_EQ(Parsed("1e999999999999", 10, 2), "overflow");
  EXPECT_EQ(Parsed("0e999999999999", 10, 2), "0.00");
}

TEST(ParseDecimal, ReportsOverflowAtThePrecision) {
  EXPECT_EQ(Parsed("99.99", 4, 2), "99.99");
  EXPECT_EQ(Parsed("100", 4, 2), "overflow");
  EXPECT_EQ(Parsed("99.995", 4, 2), "overflow");
  EXPECT_EQ(Parsed("99999999999999999999999999999999999999", 38, 0), "99999999999999999999999999999999999999");
  EXPECT_EQ(Parsed("999999999999999999999999999999999999990", 38, 0), "overflow");
  EXPECT_EQ(Parsed("99999999999999999999999999999999999999.5", 38, 0), "overflow");
  EXPECT_EQ(Parsed("12345678901234567890123456789012345678.49999", 38, 0), "12345678901234567890123456789012345678");
  EXPECT_EQ(Parsed("0.00000000000000000000000000000000000000000000000000001", 38, 38),
            "0.00000000000000000000000000000000000000");
}

TEST(ParseDecimal, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", ".", "1.2.3", "1e", "e5", "1e+", " 1", "1 ", "0x1", "NaN", "--1", "1,5"}) {
    EXPECT_EQ(Parsed(text, 10, 2), "malformed") << text;
  }
}

TEST(FormatDecimal, KeepsTheScale) {
  EXPECT_EQ(FormatDecimal(5, 2), "0.05");
  EXPECT_EQ(FormatDecimal(-5, 2), "-0.05");
  EXPECT_EQ(FormatDecimal(0, 0), "0");
  EXPECT_EQ(FormatDecimal(0, 3), "0.000");
  EXPECT_EQ(FormatDecimal(PowerOfTen(38) - 1, 38), "0.99999999999999999999999999999999999999");
}

TEST(DecimalFromDouble, GoesThroughTheShortestText) {
  Int128 value = 0;
  EXPECT_EQ(DecimalFromDouble(0.1, 38, 20, &value), DecimalResult::kOk);
  EXPECT_EQ(FormatDecimal(value, 20), "0.10000000000000000000");
  EXPECT_EQ(DecimalFromDouble(1e30, 10, 0, &value), DecimalResult::kOverflow);
  EXPECT_EQ(DecimalFromDouble(0.0 / 0.0, 10, 0, &value), DecimalResult::kMalformed);
}

TEST(MultiplyDecimal, IsExactBeyond128Bits) {
  Int128 value = 0;
  const Int128 big = PowerOfTen(38) - 1;
  EXPECT_EQ(MultiplyDecimal({big, 38}, {big, 38}, 38, 38, &value), DecimalResult::kOk);
  EXPECT_EQ(FormatDecimal(value, 38), "0.99999999999999999999999999999999999998");
  EXPECT_EQ(MultiplyDecimal({big, 0}, {big, 0}, 38, 0, &value), DecimalResult::kOverflow);
}

TEST(DivideDecimal, RoundsTheLastPlace) {
  Int128 value = 0;
  EXPECT_EQ(DivideDecimal({2, 0}, {3, 0}, 38, 6, &value), DecimalResult::kOk);
  EXPECT_EQ(FormatDecimal(value, 6), "0.666667");
  EXPECT_EQ(DivideDecimal({-100, 2}, {3, 0}, 38, 37, &value), DecimalResult::kOk);
  EXPECT_EQ(FormatDecimal(value, 37), "-0.3333333333333333333333333333333333333");
  EXPECT_EQ(DivideDecimal({1, 0}, {1, 38}, 38, 1, &value), DecimalResult::kOverflow);
}

RC_GTEST_PROP(DecimalText, RoundTrips, (int64_t high, uint64_t low)) {
  const Int128 value = (static_cast<Int128>(high) << 60) ^ static_cast<Int128>(low);
  RC_PRE(FitsPrecision(value, 38));
  const int scale = *rc::gen::inRange(0, 39);
  Int128 back = 0;
  RC_ASSERT(ParseDecimal(FormatDecimal(value, scale), 38, scale, &back) == DecimalResult::kOk);
  RC_ASSERT(back == value);
}

RC_GTEST_PROP(DecimalArithmetic, AgreesWithSmallIntegers, (int32_t a, int32_t b)) {
  RC_PRE(b != 0);
  Int128 product = 0;
  Int128 quotient = 0;
  RC_ASSERT(MultiplyDecimal({a, 2}, {b, 3}, 38, 5, &product) == DecimalResult::kOk);
  RC_ASSERT(product == static_cast<Int128>(a) * b);
  RC_ASSERT(DivideDecimal({a, 0}, {b, 0}, 38, 4, &quotient) == DecimalResult::kOk);
  RC_ASSERT(quotient == DivideHalfUp(static_cast<Int128>(a) * 10000, b));
  Int128 rescaled = 0;
  RC_ASSERT(RescaleDecimal(a, 4, 38, 2, &rescaled) == DecimalResult::kOk);
  RC_ASSERT(rescaled == DivideHalfUp(a, 100));
}

}  // namespace
}  // namespace leat::data
