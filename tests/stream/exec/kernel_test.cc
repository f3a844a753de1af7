// One line a case: what a function gives for constants, and the same again over columns with a NULL between.
#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT: short names make the tables readable
using F = FunctionId;

struct Case {
  ExpressionPtr expression;
  std::string expected;
};

void Check(const std::vector<Case>& cases) {
  data::Batch one;
  one.rows = 1;
  for (const Case& c : cases) {
    const std::string name = plan::ToString(*c.expression);
    const std::string got = Evaluate(c.expression, one)[0];
    if (c.expected.starts_with("error:")) {
      EXPECT_TRUE(got.starts_with("error: line 3, column 7: ")) << name << ": " << got;
      EXPECT_NE(got.find(c.expected.substr(7)), std::string::npos) << name << ": " << got;
    } else {
      EXPECT_EQ(got, c.expected) << name;
    }
  }
}

// As Check, and over columns too; strict functions give NULL for the NULL row.
void CheckStrict(const std::vector<Case>& cases) {
  Check(cases);
  for (const Case& c : cases) {
    data::Batch batch;
    const ExpressionPtr over_columns = ToInputs(c.expression, &batch);
    batch.rows = 3;
    if (batch.columns.empty()) continue;
    const std::vector<std::string> got = Evaluate(over_columns, batch);
    const std::string name = plan::ToString(*c.expression);
    EXPECT_EQ(got[1], "NULL") << name;
    if (c.expected.starts_with("error:")) {
      EXPECT_NE(got[2].find(c.expected.substr(7)), std::string::npos) << name << ": " << got[2];
    } else {
      EXPECT_EQ(got[0], c.expected) << name;
      EXPECT_EQ(got[2], c.expected) << name;
    }
  }
}

TEST(Logic, IsThreeValued) {
  const ExpressionPtr t = Bool(true);
  const ExpressionPtr f = Bool(false);
  const ExpressionPtr n = Null(data::Boolean());
  Check({{Call(F::kAnd, {t, t}), "TRUE"},
         {Call(F::kAnd, {t, f}), "FALSE"},
         {Call(F::kAnd, {n, f}), "FALSE"},
         {Call(F::kAnd, {f, n}), "FALSE"},
         {Call(F::kAnd, {n, t}), "NULL"},
         {Call(F::kOr, {n, t}), "TRUE"},
         {Call(F::kOr, {n, f}), "NULL"},
         {Call(F::kOr, {f, f}), "FALSE"},
         {Call(F::kNot, {n}), "NULL"},
         {Call(F::kNot, {f}), "TRUE"},
         {Call(F::kIsTrue, {n}), "FALSE"},
         {Call(F::kIsNotTrue, {n}), "TRUE"},
         {Call(F::kIsFalse, {f}), "TRUE"},
         {Call(F::kIsNotFalse, {n}), "TRUE"},
         {Call(F::kIsNull, {n}), "TRUE"},
         {Call(F::kIsNotNull, {n}), "FALSE"}});
}

TEST(Compare, OrdersEveryStorage) {
  CheckStrict({{Call(F::kLess, {Int(1), Int(2)}), "TRUE"},
               {Call(F::kGreaterOrEqual, {Big(1), Big(2)}), "FALSE"},
               {Call(F::kEqual, {Text("a"), Text("a")}), "TRUE"},
               {Call(F::kNotEqual, {Text("a"), Text("b")}), "TRUE"},
               {Call(F::kLessOrEqual, {Dec(150, 5, 2), Dec(15, 3, 1)}), "TRUE"},
               {Call(F::kGreater, {Real(1.5), Int(1)}), "TRUE"},
               {Call(F::kGreater, {Text("é"), Text("z")}), "TRUE"},
               {Call(F::kGreatest, {Int(1), Int(3), Int(2)}), "3"},
               {Call(F::kLeast, {Text("b"), Text("a")}), "a"}});
  Check({{Call(F::kIsDistinctFrom, {Null(data::Int()), Int(1)}), "TRUE"},
         {Call(F::kIsDistinctFrom, {Null(data::Int()), Null(data::Int())}), "FALSE"},
         {Call(F::kIsNotDistinctFrom, {Int(1), Int(1)}), "TRUE"},
         {Call(F::kNullIf, {Int(1), Int(1)}), "NULL"},
         {Call(F::kNullIf, {Int(1), Null(data::Int())}), "1"}});
}

TEST(In, IsNullWhenUndecided) {
  const ExpressionPtr n = Null(data::Int());
  Check({{Call(F::kIn, {Int(2), Int(1), Int(2)}), "TRUE"},
         {Call(F::kIn, {Int(3), Int(1), Int(2)}), "FALSE"},
         {Call(F::kIn, {Int(3), Int(1), n}), "NULL"},
         {Call(F::kIn, {Int(1), Int(1), n}), "TRUE"},
         {Call(F::kIn, {n, Int(1), Int(2)}), "NULL"}});
}

TEST(In, LooksLongListsUpTheSameWay) {
  std::vector<ExpressionPtr> arguments = {plan::Input(0, data::String())};
  for (int i = 0; i < 20; ++i) arguments.push_back(Text(StrCat("v", i)));
  const data::SchemaPtr schema = MakeSchema({{"a", data::String()}});
  const data::Batch batch = MakeBatch(schema, {{{"v7"}}, {{"w"}}, {Value::Null()}});
  EXPECT_EQ(Evaluate(Call(F::kIn, arguments), batch), (std::vector<std::string>{"TRUE", "FALSE", "NULL"}));
  arguments.push_back(Null(data::String()));
  EXPECT_EQ(Evaluate(Call(F::kIn, arguments), batch), (std::vector<std::string>{"TRUE", "NULL", "NULL"}));
}

TEST(Arithmetic, WrapsIntegersAndFailsDivisionByZero) {
  CheckStrict({{Call(F::kAdd, {Int(INT32_MAX), Int(1)}), "-2147483648"},
               {Call(F::kSubtract, {Big(INT64_MIN), Big(1)}), "9223372036854775807"},
               {Call(F::kMultiply, {Int(65536), Int(65536)}), "0"},
               {Call(F::kDivide, {Int(-7), Int(2)}), "-3"},
               {Call(F::kDivide, {Int(INT32_MIN), Int(-1)}), "-2147483648"},
               {Call(F::kModulo, {Int(-7), Int(2)}), "-1"},
               {Call(F::kDivide, {Int(7), Int(0)}), "error: division by zero"},
               {Call(F::kModulo, {Big(7), Big(0)}), "error: division by zero"},
               {Call(F::kDivide, {Real(1), Real(0)}), "Infinity"},
               {Call(F::kDivide, {Real(1), Int(4)}), "0.25"},
               {Call(F::kNegate, {Int(5)}), "-5"},
               {Call(F::kAbs, {Big(-5)}), "5"},
               {Call(F::kSign, {Real(-2.5)}), "-1.0"}});
}

TEST(Decimal, RoundsHalfUpAndOverflowsToNull) {
  const ExpressionPtr big =
      Lit({data::Int128{1'000'000'000'000'000'000} * 1'000'000'000'000'000'000 * 99}, data::Decimal(38, 0));
  CheckStrict({{Call(F::kAdd, {Dec(150, 5, 2), Dec(25, 3, 1)}), "4.00"},
               {Call(F::kSubtract, {Dec(150, 5, 2), Dec(25, 3, 1)}), "-1.00"},
               {Call(F::kMultiply, {Dec(150, 5, 2), Dec(25, 3, 1)}), "3.750"},
               {Call(F::kDivide, {Dec(100, 5, 2), Dec(3, 1, 0)}), "0.333333"},
               {Call(F::kDivide, {Dec(200, 5, 2), Dec(3, 1, 0)}), "0.666667"},
               {Call(F::kModulo, {Dec(-750, 5, 2), Dec(2, 1, 0)}), "-1.50"},
               {Call(F::kDivide, {Dec(1, 1, 0), Dec(0, 1, 0)}), "error: division by zero"},
               {Call(F::kMultiply, {big, big}), "NULL"},
               {Call(F::kNegate, {Dec(150, 5, 2)}), "-1.50"},
               {Call(F::kRound, {Dec(125, 3, 2), Int(1)}), "1.30"},
               {Call(F::kRound, {Dec(-125, 3, 2), Int(1)}), "-1.30"},
               {Call(F::kFloor, {Dec(-125, 3, 2)}), "-2"},
               {Call(F::kCeil, {Dec(125, 3, 2)}), "2"},
               {Call(F::kTruncate, {Dec(129, 3, 2), Int(1)}), "1.20"}});
}

TEST(Math, RoundsDoublesByTheirDecimalForm) {
  CheckStrict({{Call(F::kRound, {Real(2.675), Int(2)}), "2.68"},
               {Call(F::kRound, {Real(-2.5)}), "-3.0"},
               {Call(F::kRound, {Int(155), Int(-1)}), "160"},
               {Call(F::kTruncate, {Real(-2.679), Int(2)}), "-2.67"},
               {Call(F::kFloor, {Real(-1.5)}), "-2.0"},
               {Call(F::kCeil, {Real(1.2)}), "2.0"},
               {Call(F::kPower, {Int(2), Int(10)}), "1024.0"},
               {Call(F::kSqrt, {Int(9)}), "3.0"},
               {Call(F::kLog, {Real(2), Real(8)}), "3.0"},
               {Call(F::kLog10, {Real(1000)}), "3.0"},
               {Call(F::kExp, {Real(0)}), "1.0"}});
}

TEST(Cast, NumbersNarrowAsInJava) {
  CheckStrict({{Cast(Int(300), data::TinyInt()), "44"},
               {Cast(Big(5'000'000'000), data::Int()), "705032704"},
               {Cast(Real(1e20), data::Int()), "2147483647"},
               {Cast(Real(-1.9), data::Int()), "-1"},
               {Cast(Dec(-199, 5, 2), data::BigInt()), "-1"},
               {Cast(Int(5), data::Decimal(5, 2)), "5.00"},
               {Cast(Int(5000), data::Decimal(5, 2)), "NULL"},
               {Cast(Real(1.005), data::Decimal(5, 2)), "1.01"},
               {Cast(Dec(1255, 6, 3), data::Decimal(5, 2)), "1.26"},
               {Cast(Int(2), data::Boolean()), "TRUE"},
               {Cast(Bool(true), data::Int()), "1"}});
}

TEST(Cast, ReadsText) {
  CheckStrict({{Cast(Text(" 12 "), data::Int()), "12"},
               {Cast(Text("12.9"), data::Int()), "12"},
               {Cast(Text("x"), data::Int()), "error: CAST('x' AS INT): this text is no INT"},
               {Cast(Text("128"), data::TinyInt()), "error: no TINYINT"},
               {Cast(Text("1e3"), data::Double()), "1000.0"},
               {Cast(Text("1.255"), data::Decimal(5, 2)), "1.26"},
               {Cast(Text("12345.6"), data::Decimal(5, 2)), "NULL"},
               {Cast(Text("Yes"), data::Boolean()), "TRUE"},
               {Cast(Text("maybe"), data::Boolean()), "error: no BOOLEAN"},
               {Cast(Text("2024-02-30"), data::Date()), "error: no DATE"},
               {Cast(Text("2024-02-29"), data::Date()), "2024-02-29"},
               {Cast(Text("2024-01-02 03:04:05.678"), data::Timestamp(3)), "2024-01-02 03:04:05.678"},
               {Cast(Text("x"), data::Int(), F::kTryCast), "NULL"}});
}

TEST(Cast, PrintsText) {
  CheckStrict({{Cast(Int(-5), data::String()), "-5"},
               {Cast(Bool(true), data::String()), "TRUE"},
               {Cast(Real(0.1), data::String()), "0.1"},
               {Cast(Dec(-5, 3, 2), data::String()), "-0.05"},
               {Cast(Text("héllo"), data::Varchar(2)), "hé"},
               {Cast(Text("a"), data::Char(3)), "a  "},
               {Cast(Ts(1000), data::String()), "1970-01-01 00:00:01.000"},
               {Cast(Ts(-1), data::Date()), "1969-12-31"}});
}

TEST(TextFunctions, CountCodePoints) {
  CheckStrict({{Call(F::kUpper, {Text("straße é")}), "STRASSE É"},
               {Call(F::kLower, {Text("ÄB")}), "äb"},
               {Call(F::kCharLength, {Text("héé")}), "3"},
               {Call(F::kSubstring, {Text("héllo"), Int(2), Int(2)}), "él"},
               {Call(F::kSubstring, {Text("hello"), Int(-3)}), "llo"},
               {Call(F::kSubstring, {Text("hello"), Int(2), Int(-1)}), "NULL"},
               {Call(F::kSubstring, {Text("hello"), Int(9)}), ""},
               {Call(F::kTrimBoth, {Text("xxaxx"), Text("x")}), "a"},
               {Call(F::kTrimLeading, {Text("  a ")}), "a "},
               {Call(F::kTrimTrailing, {Text(" aé"), Text("é")}), " a"},
               {Call(F::kConcat, {Text("a"), Text("b"), Text("c")}), "abc"},
               {Call(F::kReplace, {Text("aXbX"), Text("X"), Text("--")}), "a--b--"},
               {Call(F::kPosition, {Text("l"), Text("héllo")}), "3"},
               {Call(F::kInstr, {Text("hello"), Text("l"), Int(1), Int(2)}), "4"},
               {Call(F::kInstr, {Text("hello"), Text("l"), Int(-1)}), "4"},
               {Call(F::kLpad, {Text("7"), Int(3), Text("0")}), "007"},
               {Call(F::kRpad, {Text("héllo"), Int(2), Text("x")}), "hé"},
               {Call(F::kLpad, {Text("7"), Int(100'000'000), Text("0")}), "error: the limit is"},
               {Call(F::kLeft, {Text("héllo"), Int(2)}), "hé"},
               {Call(F::kRight, {Text("héllo"), Int(4)}), "éllo"},
               {Call(F::kRepeat, {Text("ab"), Int(2)}), "abab"},
               {Call(F::kReverse, {Text("aé")}), "éa"},
               {Call(F::kInitCap, {Text("hello wORLD")}), "Hello World"},
               {Call(F::kSplitIndex, {Text("a,b,c"), Text(","), Int(1)}), "b"},
               {Call(F::kSplitIndex, {Text("a,b,c"), Text(","), Int(3)}), "NULL"},
               {Call(F::kAscii, {Text("a")}), "97"},
               {Call(F::kChr, {Int(97)}), "a"},
               {Call(F::kOverlay, {Text("xxxxtest"), Text("xxxx"), Int(6)}), "xxxxtxxxx"},
               {Call(F::kOverlay, {Text("xxxxtest"), Text("y"), Int(6), Int(2)}), "xxxxtyt"}});
  Check({{Call(F::kConcatWs, {Text("-"), Text("a"), Null(data::String()), Text("b")}), "a-b"},
         {Call(F::kConcatWs, {Null(data::String()), Text("a"), Text("b")}), "NULL"}});
}

TEST(Patterns, MatchAsSqlAndJavaDo) {
  CheckStrict({{Call(F::kLike, {Text("abc"), Text("a%")}), "TRUE"},
               {Call(F::kLike, {Text("abc"), Text("%b%")}), "TRUE"},
               {Call(F::kLike, {Text("ac"), Text("a_c")}), "FALSE"},
               {Call(F::kLike, {Text("aéc"), Text("a_c")}), "TRUE"},
               {Call(F::kLike, {Text("a.c"), Text("a.c")}), "TRUE"},
               {Call(F::kRegexp, {Text("order-17"), Text("[0-9]+")}), "TRUE"},
               {Call(F::kRegexpExtract, {Text("foothebar"), Text("foo(.*?)(bar)"), Int(2)}), "bar"},
               {Call(F::kRegexpExtract, {Text("x"), Text("y"), Int(0)}), "NULL"},
               {Call(F::kRegexpReplace, {Text("foobar"), Text("o(.)"), Text("<$1>")}), "f<$1>bar"}});
  Check({{Call(F::kLike, {Text("50%"), Text("50!%"), Text("!")}), "TRUE"},
         {Call(F::kSimilar, {Text("abc"), Text("(a|b)%")}), "TRUE"},
         {Call(F::kSimilar, {Text("abc"), Text("b%")}), "FALSE"}});
}

TEST(Patterns, RefuseWhatRe2CannotDoWhenCompiled) {
  const ExpressionPtr input = plan::Input(0, data::String());
  const auto evaluator = Evaluator::Compile(Call(F::kRegexp, {input, Text("(?=a)b")}));
  ASSERT_FALSE(evaluator.ok());
  EXPECT_NE(evaluator.status().ToString().find("(?=a)b"), std::string::npos);
}

TEST(Digests, AreHexadecimalAndBase64) {
  CheckStrict({{Call(F::kMd5, {Text("abc")}), "900150983cd24fb0d6963f7d28e17f72"},
               {Call(F::kSha256, {Text("")}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
               {Call(F::kToBase64, {Text("hello")}), "aGVsbG8="},
               {Call(F::kFromBase64, {Text("aGVsbG8=")}), "hello"},
               {Call(F::kFromBase64, {Text("?")}), "NULL"}});
}

constexpr int64_t kMoment = 1'709'217'845'678;  // 2024-02-29 14:44:05.678, a Thursday

TEST(Time, TakesPartsAndRounds) {
  const ExpressionPtr ts = Ts(kMoment);
  const auto part = [&](const char* unit) { return Call(F::kExtract, {Text(unit), ts}); };
  Check({{part("YEAR"), "2024"},
         {part("QUARTER"), "1"},
         {part("MONTH"), "2"},
         {part("WEEK"), "9"},
         {part("DAY"), "29"},
         {part("DOY"), "60"},
         {part("DOW"), "5"},
         {part("HOUR"), "14"},
         {part("MINUTE"), "44"},
         {part("SECOND"), "5"},
         {part("EPOCH"), "1709217845"},
         {Call(F::kExtract, {Text("HOUR"), Ts(-1)}), "23"},
         {Call(F::kFloorTo, {ts, Text("HOUR")}), "2024-02-29 14:00:00.000"},
         {Call(F::kCeilTo, {ts, Text("MONTH")}), "2024-03-01 00:00:00.000"},
         {Call(F::kFloorTo, {Ts(-1), Text("YEAR")}), "1969-01-01 00:00:00.000"},
         {Call(F::kTimestampAdd, {Text("MONTH"), Int(12), ts}), "2025-02-28 14:44:05.678"},
         {Call(F::kTimestampDiff, {Text("DAY"), Ts(0), ts}), "19782"},
         {Call(F::kTimestampDiff, {Text("MONTH"), ts, Ts(kMoment - 1)}), "0"}});
}

TEST(Time, AddsIntervals) {
  const ExpressionPtr day = Lit({int64_t{86'400'000'000}}, data::IntervalDayTime());
  const ExpressionPtr month = Lit({int32_t{1}}, data::IntervalYearMonth());
  CheckStrict({{Call(F::kAdd, {Ts(kMoment), day}), "2024-03-01 14:44:05.678"},
               {Call(F::kSubtract, {Ts(kMoment), month}), "2024-01-29 14:44:05.678"},
               {Call(F::kAdd, {month, Lit({int32_t{19753}}, data::Date())}), "2024-02-29"},
               {Call(F::kAdd, {day, Call(F::kMultiply, {day, Int(2)})}), "+3 00:00:00.000"}});
}

TEST(Time, ReadsAndWritesJavaPatterns) {
  CheckStrict(
      {{Call(F::kDateFormat, {Ts(kMoment), Text("EEE, d MMM yyyy h:mm a '@' SSS")}), "Thu, 29 Feb 2024 2:44 PM @ 678"},
       {Call(F::kToTimestamp, {Text("29/02/2024 14.44"), Text("dd/MM/yyyy HH.mm")}), "2024-02-29 14:44:00.000"},
       {Call(F::kToTimestamp, {Text("2024-02-29 14:44:05")}), "2024-02-29 14:44:05.000"},
       {Call(F::kToTimestamp, {Text("30/02/2024"), Text("dd/MM/yyyy")}), "NULL"},
       {Call(F::kToDate, {Text("20240229"), Text("yyyyMMdd")}), "2024-02-29"},
       {Call(F::kToTimestampLtz, {Big(1000)}), "1970-01-01 00:00:01.000"},
       {Call(F::kFromUnixTime, {Big(0)}), "1970-01-01 00:00:00"},
       {Call(F::kUnixTimestamp, {Text("1970-01-01 00:01:00")}), "60"}});
  Check({{Call(F::kToTimestampLtz, {Big(1), Int(0)}), "1970-01-01 00:00:01.000"}});
}

TEST(Time, ComesFromTheContext) {
  data::Batch one;
  one.rows = 1;
  const Context context{.wall_ms = 1000, .watermark_ms = 500};
  EXPECT_EQ(Evaluate(Call(F::kProcTime, {}), one, context)[0], "1970-01-01 00:00:01.000");
  EXPECT_EQ(Evaluate(Call(F::kCurrentDate, {}), one, context)[0], "1970-01-01");
  EXPECT_EQ(Evaluate(Call(F::kUnixTimestamp, {}), one, context)[0], "1");
  EXPECT_EQ(Evaluate(Call(F::kCurrentWatermark, {Ts(0)}), one, context)[0], "1970-01-01 00:00:00.500");
  EXPECT_EQ(Evaluate(Call(F::kCurrentWatermark, {Ts(0)}), one)[0], "NULL");
}

TEST(Conditionals, DoNotFailRowsOfArmsNotTaken) {
  const data::SchemaPtr schema = MakeSchema({{"a", data::String()}, {"n", data::Int()}});
  const data::Batch batch = MakeBatch(schema, {{{"1"}, {1}}, {{"x"}, {0}}, {{"x"}, {2}}, {Value::Null(), {1}}});
  const ExpressionPtr cast = Cast(plan::Input(0, data::String()), data::Int());
  const ExpressionPtr n = plan::Input(1, data::Int());
  const ExpressionPtr is_zero = Call(F::kEqual, {n, Int(0)});
  const std::string failure =
      "error: line 3, column 7: CAST('x' AS INT): this text is no INT; TRY_CAST gives NULL instead";
  EXPECT_EQ(Evaluate(Call(F::kCase, {is_zero, Int(-1), cast}), batch),
            (std::vector<std::string>{"1", "-1", failure, "NULL"}));
  EXPECT_EQ(Evaluate(Call(F::kIf, {is_zero, Int(-1), cast}), batch),
            (std::vector<std::string>{"1", "-1", failure, "NULL"}));
  EXPECT_EQ(Evaluate(Call(F::kCoalesce, {Call(F::kNullIf, {Int(7), Int(7)}), cast, n}), batch),
            (std::vector<std::string>{"1", failure, failure, "1"}));
  const ExpressionPtr divides = Call(F::kGreater, {Call(F::kDivide, {Int(4), n}), Int(1)});
  EXPECT_EQ(Evaluate(Call(F::kAnd, {Call(F::kNotEqual, {n, Int(0)}), divides}), batch),
            (std::vector<std::string>{"TRUE", "FALSE", "TRUE", "TRUE"}));
  EXPECT_EQ(Evaluate(Call(F::kOr, {is_zero, divides}), batch),
            (std::vector<std::string>{"TRUE", "TRUE", "TRUE", "TRUE"}));
  EXPECT_EQ(Evaluate(Call(F::kCase, {is_zero, Int(1)}), batch),
            (std::vector<std::string>{"NULL", "1", "NULL", "NULL"}));
}

TEST(Field, IsNullWhereItsRowIs) {
  const data::Type row = data::Row({{"x", data::Int()}, {"y", data::String()}});
  auto x = std::make_shared<data::Column>(data::Int());
  auto y = std::make_shared<data::Column>(data::String());
  for (int i = 0; i < 2; ++i) {
    x->Append<int32_t>(i);
    y->AppendText(StrCat("y", i));
  }
  auto column = std::make_shared<data::Column>(row);
  column->SetChildren({x, y}, 2);
  column->SetNull(1);
  data::Batch batch;
  batch.rows = 2;
  batch.columns = {column};
  const auto field = plan::Call(F::kField, {plan::Input(0, row), Int(1)}, data::String());
  EXPECT_EQ(Evaluate(field, batch), (std::vector<std::string>{"y0", "NULL"}));
}

// A call of each function; fails when one is added to FunctionId and nobody wrote a kernel.
TEST(Functions, HaveAKernelEach) {
  const ExpressionPtr array = Call(F::kArrayOf, {Text("a")});
  const ExpressionPtr map = Call(F::kMapOf, {Text("a"), Int(1)});
  for (int i = 0; i <= static_cast<int>(plan::kLastFunction); ++i) {
    const auto id = static_cast<F>(i);
    if (id == F::kField) continue;  // typed by the analyser; tested above
    bool compiled = false;
    // The first combination of argument types that the analyser takes must compile.
    const std::vector<std::vector<ExpressionPtr>> attempts = {{},
                                                              {Int(1)},
                                                              {Bool(true)},
                                                              {Text("1")},
                                                              {Ts(0)},
                                                              {Int(1), Int(1)},
                                                              {Bool(true), Bool(true)},
                                                              {Text("a"), Text("a")},
                                                              {Text("a"), Int(1)},
                                                              {Ts(0), Text("HOUR")},
                                                              {Text("HOUR"), Ts(0)},
                                                              {Text("a"), Text("b"), Int(1)},
                                                              {Text("a"), Int(1), Text("b")},
                                                              {Text("HOUR"), Int(1), Ts(0)},
                                                              {Text("HOUR"), Ts(0), Ts(0)},
                                                              {Text("a"), Text("b"), Text("c")},
                                                              {Bool(true), Int(1), Int(2)},
                                                              {Int(1), Text("a")},
                                                              {Text("a"), Int(256)},
                                                              {Text("{}"), Text("$"), Text("FFF")},
                                                              {Text("{}"), Text("$"), Text("NN"), Text("a"), Text("b")},
                                                              {array},
                                                              {array, Int(1)},
                                                              {array, Text("a")},
                                                              {array, array},
                                                              {map}};
    for (const auto& arguments : attempts) {
      if (id == F::kCast || id == F::kTryCast) {
        compiled = Evaluator::Compile(Cast(Int(1), data::String(), id)).ok();
        break;
      }
      std::vector<data::Type> types;
      for (const ExpressionPtr& argument : arguments) types.push_back(argument->type);
      std::vector<data::Type> casts;
      if (!plan::InferCall(id, types, &casts).ok()) continue;
      compiled = compiled || Evaluator::Compile(Call(id, arguments)).ok();
    }
    EXPECT_TRUE(compiled) << plan::GetFunctionInfo(id).name;
  }
}

}  // namespace
}  // namespace leat::exec
