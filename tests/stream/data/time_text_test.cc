#include "stream/data/time_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace leat::data {
namespace {

std::string Text(int64_t micros, const TimestampStyle& style = {}) {
  std::string out;
  AppendTimestamp(micros, style, &out);
  return out;
}

std::string Reparsed(std::string_view text, TimeSyntax syntax) {
  int64_t micros = 0;
  return ParseTimestamp(text, syntax, &micros) ? Text(micros) : "refused";
}

TEST(Civil, KnowsTheLeapYears) {
  EXPECT_EQ(DaysFromCivil({1970, 1, 1}), 0);
  EXPECT_EQ(DaysFromCivil({2000, 2, 29}), 11016);
  EXPECT_EQ(DaysFromCivil({1, 1, 1}), -719162);
  EXPECT_EQ(DaysFromCivil({9999, 12, 31}), 2932896);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
}

RC_GTEST_PROP(Civil, RoundTrips, ()) {
  const int64_t days = *rc::gen::inRange<int64_t>(-719162, 2932897);
  RC_ASSERT(DaysFromCivil(CivilFromDays(days)) == days);
  RC_ASSERT(CivilFromDays(days + 1) != CivilFromDays(days));
}

TEST(ParseTimestamp, ReadsTheStandardItIsAskedFor) {
  EXPECT_EQ(Reparsed("2026-02-28 23:59:59.123456", TimeSyntax::kSql), "2026-02-28 23:59:59.123456");
  EXPECT_EQ(Reparsed("2026-02-28 23:59:59.123456789", TimeSyntax::kSql), "2026-02-28 23:59:59.123456");
  EXPECT_EQ(Reparsed("2026-02-28 23:59:59", TimeSyntax::kSql), "2026-02-28 23:59:59");
  EXPECT_EQ(Reparsed("2026-02-28T23:59:59.5", TimeSyntax::kIso), "2026-02-28 23:59:59.5");
  EXPECT_EQ(Reparsed("2026-02-28T23:59", TimeSyntax::kIso), "2026-02-28 23:59:00");
  EXPECT_EQ(Reparsed("2026-2-8 3:4:5", TimeSyntax::kCast), "2026-02-08 03:04:05");
  EXPECT_EQ(Reparsed("2026-02-28", TimeSyntax::kCast), "2026-02-28 00:00:00");
  EXPECT_EQ(Reparsed("2026-02-31 00:00:00", TimeSyntax::kSql), "2026-02-28 00:00:00");
}

TEST(ParseTimestamp, RefusesOtherTextAndTimesThatDoNotExist) {
  for (const char* text : {"", "2026-02-28T00:00:00", "2026-02-32 00:00:00", "2026-13-01 00:00:00",
                           "2026-00-01 00:00:00", "0000-01-01 00:00:00", "2026-01-01 24:00:00", "2026-01-01 00:60:00",
                           "2026-01-01 00:00:60", "2026-01-01 00:00:00.", "2026-01-01 00:00:00 ", "2026-01-01",
                           "2026-1-1 00:00:00", "2026-01-01 00:00:00.1234567890", "20260-01-01 00:00:00"}) {
    EXPECT_EQ(Reparsed(text, TimeSyntax::kSql), "refused") << text;
  }
  EXPECT_EQ(Reparsed("2026-01-01 00:00:00", TimeSyntax::kIso), "refused");
}

TEST(ParseTimestampLtz, TakesZAndOffsets) {
  int64_t micros = 0;
  ASSERT_TRUE(ParseTimestampLtz("1970-01-01 00:00:01Z", TimeSyntax::kSql, &micros));
  EXPECT_EQ(micros, 1'000'000);
  ASSERT_TRUE(ParseTimestampLtz("1970-01-01T02:00:00+02:00", TimeSyntax::kIso, &micros));
  EXPECT_EQ(micros, 0);
  EXPECT_FALSE(ParseTimestampLtz("1970-01-01 00:00:01", TimeSyntax::kSql, &micros));
  EXPECT_FALSE(ParseTimestampLtz("1970-01-01T00:00:01", TimeSyntax::kIso, &micros));
  EXPECT_TRUE(ParseTimestampLtz("1970-01-01 00:00:01", TimeSyntax::kCast, &micros));
}

TEST(ParseDate, CastTakesShortForms) {
  int32_t days = 0;
  ASSERT_TRUE(ParseDate("1971", TimeSyntax::kCast, &days));
  EXPECT_EQ(days, 365);
  ASSERT_TRUE(ParseDate("1970-2-3 10:00:00", TimeSyntax::kCast, &days));
  EXPECT_EQ(days, 33);
  EXPECT_FALSE(ParseDate("1970-2-3", TimeSyntax::kSql, &days));
  EXPECT_FALSE(ParseDate("1970-02-30", TimeSyntax::kSql, &days));
}

TEST(ParseTime, ReadsMilliseconds) {
  int32_t millis = 0;
  ASSERT_TRUE(ParseTime("23:59:59.999", TimeSyntax::kSql, &millis));
  EXPECT_EQ(millis, kMillisPerDay - 1);
  EXPECT_FALSE(ParseTime("24:00:00", TimeSyntax::kSql, &millis));
}

TEST(AppendTimestamp, PrintsTheFractionAsAsked) {
  EXPECT_EQ(Text(0, {.fraction_digits = 3}), "1970-01-01 00:00:00.000");
  EXPECT_EQ(Text(1'500'000, {.separator = 'T', .suffix = "Z"}), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(Text(-1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(Text(123456, {.fraction_digits = 0}), "1970-01-01 00:00:00");
  std::string out;
  AppendDate(-719162, &out);
  EXPECT_EQ(out, "0001-01-01");
}

TEST(AppendTimestamp, PrintsAnyNumber) {
  EXPECT_FALSE(Text(INT64_MIN).empty());
  EXPECT_FALSE(Text(INT64_MAX).empty());
}

TEST(TruncateMicros, CutsTowardsThePast) {
  EXPECT_EQ(TruncateMicros(1999, 3), 1000);
  EXPECT_EQ(TruncateMicros(-1, 3), -1000);
  EXPECT_EQ(TruncateMicros(-1, 0), -1'000'000);
}

RC_GTEST_PROP(TimestampText, RoundTrips, ()) {
  const int64_t micros = *rc::gen::inRange<int64_t>(-719162 * kMicrosPerDay, 2932897 * kMicrosPerDay);
  int64_t back = 0;
  RC_ASSERT(ParseTimestamp(Text(micros), TimeSyntax::kSql, &back));
  RC_ASSERT(back == micros);
  RC_ASSERT(ParseTimestampLtz(Text(micros, {.separator = 'T', .suffix = "Z"}), TimeSyntax::kIso, &back));
  RC_ASSERT(back == micros);
}

}  // namespace
}  // namespace leat::data
