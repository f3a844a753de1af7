// MATCH_RECOGNIZE: what is refused, with place and reason, and the columns that come out of it.
#include <gtest/gtest.h>

#include "sql/compile.h"

namespace leat::sql {
namespace {

constexpr std::string_view kTables =
    "CREATE TABLE t (k STRING, v INT, w INT NOT NULL, p AS PROCTIME(), ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
    "WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');\n"
    "CREATE TABLE u (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED) WITH "
    "('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');\n"
    "CREATE TABLE o (x STRING) WITH ('connector' = 'print');\n";

// The message for `match` behind FROM t, from its line on; "ok".
std::string Refusal(const std::string& match, const std::string& table = "t") {
  const auto compiled =
      Compile(StrCat(kTables, "EXPLAIN SELECT * FROM ", table, " MATCH_RECOGNIZE (", match, ");"), CompileOptions{});
  return compiled.ok() ? "ok" : std::string(Message(compiled.status()));
}

// With the usual beginning, and a PATTERN of what is given.
std::string OfPattern(const std::string& rest) {
  return Refusal("PARTITION BY k ORDER BY ts MEASURES A.v AS a PATTERN " + rest);
}
std::string OfMeasure(const std::string& measure) {
  return Refusal("PARTITION BY k ORDER BY ts MEASURES " + measure + " AS m PATTERN (A B) DEFINE A AS A.v > 1");
}
std::string OfDefinition(const std::string& condition) {
  return Refusal("PARTITION BY k ORDER BY ts MEASURES A.v AS a PATTERN (A B) DEFINE A AS " + condition);
}

TEST(Match, RefusesPatternsThatFlinkRefuses) {
  const std::string define = " DEFINE A AS A.v > 1";
  const std::pair<std::string, std::string> cases[] = {
      {"(A | B)" + define, "line 4, column 98: alternatives (|) in PATTERN are not supported, here as on Flink"},
      {"((A B)+ C)" + define, "column 96: a quantifier behind a group in PATTERN is not supported"},
      {"((A+)? C)" + define, "column 96: a quantifier behind a group in PATTERN is not supported"},
      {"(PERMUTE(A, B))" + define, "column 96: PERMUTE in PATTERN is not supported"},
      {"(A {- B -} C)" + define, "column 98: {- -} in PATTERN is not supported"},
      {"({- B -} A)" + define, "column 96: {- -} in PATTERN is not supported"},
      {"(^ A B)" + define, "column 96: ^ in PATTERN is not supported"},
      {"(A B $)" + define, "column 100: $ in PATTERN is not supported"},
      {"(A B) SUBSET U = (A, B)" + define, "column 101: SUBSET is not supported"},
      {"(A B A)" + define, "column 100: the variable A stands twice in PATTERN"},
      {"(A B*)" + define, "column 98: the last variable of PATTERN, B, cannot be greedy"},
      {"(A B+)" + define, "the last variable of PATTERN, B, cannot be greedy"},
      {"(A B{1,2})" + define, "the last variable of PATTERN, B, cannot be greedy"},
      {"(A?? B)" + define, "column 96: the reluctant A?? is not supported"},
      {"(A{0,1}? B)" + define, "the reluctant A?? is not supported"},
      {"(A*? B?)" + define, "PATTERN must not match no rows at all"},
      {"(A+ B? C)" + define, "column 99: the optional variable B cannot stand behind the greedy A"},
      {"(A B{0})" + define, "the quantifier {0,0} takes no row"},
      {"(A B{3,2}? C)" + define, "the quantifier {3,2} takes no row"},
      {"(A B{2000} C)" + define, "column 100: a quantifier takes whole numbers from 0 to 1000, got 2000"},
      {"(A B) DEFINE C AS C.v > 1", "column 108: PATTERN has no variable 'C'; it has A, B"},
      {"(A B) DEFINE A AS A.v > 1, A AS A.v > 2", "column 122: the variable A is defined twice"},
      {"(A B) WITHIN INTERVAL '1' MONTH" + define, "WITHIN takes INTERVAL '..' with a unit of DAY to SECOND"},
      {"(A B) WITHIN 5" + define, "column 108: WITHIN takes INTERVAL"},
      {"(A B) WITHIN INTERVAL '0' SECOND" + define, "the interval of WITHIN must be greater than 0"},
      {"(A B)", "got )"},
      {"()" + define, "expected"},
  };
  for (const auto& [pattern, message] : cases) {
    EXPECT_NE(OfPattern(pattern).find(message), std::string::npos) << pattern << "\n" << OfPattern(pattern);
  }
}

TEST(Match, TakesEveryQuantifierThatFlinkTakes) {
  for (const char* pattern :
       {"A B", "A+ B", "A* B", "A? B", "A{2} B", "A{2,} B", "A{2,3} B", "A{,3} B", "A+? B", "A*? B", "A{2,}? B",
        "A{2,3}? B", "A B?", "A B{2}", "A B+?", "(A)+ (B)", "(A (B C))", "A{0,} B"}) {
    EXPECT_EQ(OfPattern(StrCat("(", pattern, ") DEFINE A AS A.v > 1")), "ok") << pattern;
  }
}

TEST(Match, RefusesWhatCannotBeLookedAt) {
  const std::pair<std::string, std::string> measures[] = {
      {"PREV(A.v)", "column 78: PREV is not supported, here as on Flink: it looks at rows outside of the match"},
      {"NEXT(A.v, 2)", "NEXT is not supported"},
      {"CLASSIFIER()", "CLASSIFIER in MATCH_RECOGNIZE is not supported"},
      {"MATCH_NUMBER()", "MATCH_NUMBER in MATCH_RECOGNIZE is not supported"},
      {"COUNT(DISTINCT A.v)", "DISTINCT aggregates in MATCH_RECOGNIZE are not supported"},
      {"SUM(A.v * B.v)", "column 88: the columns in one SUM must all be of the same variable"},
      {"LAST(A.v + w)", "the columns in one LAST must all be of the same variable"},
      {"LAST(A.v, -1)", "LAST takes a written number of rows, 0 to 10000"},
      {"LAST(A.v, A.v)", "there is no column 'A.v' here"},
      {"LAST(SUM(A.v))", "SUM cannot stand in LAST"},
      {"C.v", "column 78: 'C' is neither a variable of PATTERN nor a column; the variables are A, B"},
      {"A.x", "column 80: there is no column 'x'"},
      {"SUM(A.k)", "SUM does not take STRING"},
      {"SUM(A.v) FILTER (WHERE A.v > 1)", "FILTER in MATCH_RECOGNIZE is not supported, here as on Flink"},
      {"SUM(A.v) OVER (ORDER BY ts)", "OVER cannot stand in MATCH_RECOGNIZE"},
      {"MATCH_ROWTIME(v)", "column 92: MATCH_ROWTIME takes the event-time column of ORDER BY"},
      {"(SELECT 1)", "a sub-query as a value"},
  };
  for (const auto& [measure, message] : measures) {
    EXPECT_NE(OfMeasure(measure).find(message), std::string::npos) << measure << "\n" << OfMeasure(measure);
  }
  const std::pair<std::string, std::string> conditions[] = {
      {"A.v + 1", "DEFINE takes a BOOLEAN, got INT"},
      {"MATCH_ROWTIME() IS NOT NULL", "MATCH_ROWTIME is for MEASURES"},
      {"CURRENT_WATERMARK(A.ts) IS NULL", "CURRENT_WATERMARK in MATCH_RECOGNIZE is not supported"},
  };
  for (const auto& [condition, message] : conditions) {
    EXPECT_NE(OfDefinition(condition).find(message), std::string::npos) << condition << "\n" << OfDefinition(condition);
  }
}

TEST(Match, RefusesOrdersPartitionsAndSkipsThatLeadNowhere) {
  const std::string tail = " PATTERN (A B C?) DEFINE A AS A.v > 1";
  const std::pair<std::string, std::string> cases[] = {
      {"PARTITION BY k MEASURES A.v AS a" + tail, "needs ORDER BY a time attribute first, ascending"},
      {"PARTITION BY k ORDER BY v MEASURES A.v AS a" + tail, "column 66: MATCH_RECOGNIZE needs ORDER BY a time"},
      {"PARTITION BY k ORDER BY ts DESC MEASURES A.v AS a" + tail, "needs ORDER BY a time attribute first, ascending"},
      {"PARTITION BY k ORDER BY v, ts MEASURES A.v AS a" + tail, "needs ORDER BY a time attribute first"},
      {"PARTITION BY k ORDER BY p, v MEASURES A.v AS a" + tail, "column 69: ORDER BY of MATCH_RECOGNIZE by another"},
      {"PARTITION BY UPPER(k) ORDER BY ts MEASURES A.v AS a" + tail, "PARTITION BY of MATCH_RECOGNIZE takes columns"},
      {"ORDER BY ts" + tail, "MATCH_RECOGNIZE without PARTITION BY and MEASURES has no columns"},
      {"ORDER BY ts MEASURES A.v AS a, B.v AS a" + tail, "column 80: there are two columns 'a'"},
      {"PARTITION BY k ORDER BY ts MEASURES A.v AS k" + tail, "there are two columns 'k'"},
      {"ORDER BY ts MEASURES A.v AS a ALL ROWS PER MATCH" + tail, "column 72: ALL ROWS PER MATCH is not supported"},
      {"ORDER BY ts MEASURES A.v AS a AFTER MATCH SKIP TO D" + tail, "PATTERN has no variable 'D'; it has A, B, C"},
      {"ORDER BY ts MEASURES A.v AS a AFTER MATCH SKIP TO FIRST A" + tail, "would begin where this one did"},
      {"ORDER BY ts MEASURES A.v AS a AFTER MATCH SKIP TO LAST A" + tail, "would begin where this one did"},
      {"ORDER BY ts MEASURES A.v AS a AFTER MATCH SKIP BEHIND LAST ROW" + tail, "expected PAST LAST ROW, got BEHIND"},
      {"ORDER BY p MEASURES MATCH_ROWTIME() AS a" + tail, "MATCH_ROWTIME needs ORDER BY an event-time column"},
  };
  for (const auto& [match, message] : cases) {
    EXPECT_NE(Refusal(match).find(message), std::string::npos) << match << "\n" << Refusal(match);
  }
  const std::string updating =
      Refusal("PARTITION BY k ORDER BY ts MEASURES A.v AS a PATTERN (A B) DEFINE A AS A.v > 1", "u");
  EXPECT_NE(updating.find("this input updates its results"), std::string::npos) << updating;
}

TEST(Match, ResultTypesAreThoseOfFlink) {
  const auto type_of = [](const std::string& measure) -> std::string {
    const auto compiled =
        Compile(StrCat(kTables,
                       "INSERT INTO o SELECT CAST(m AS STRING) FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts "
                       "MEASURES ",
                       measure, " AS m PATTERN (A B+?) DEFINE A AS A.v > 1) AS r;"),
                CompileOptions{});
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    if (!compiled.ok()) return "";
    const plan::Expression* expression = compiled->plan.sinks[0]->inputs[0]->expressions[0].get();
    return expression->kind == plan::Expression::Kind::kCall ? expression->arguments[0]->type.ToString()
                                                             : expression->type.ToString();
  };
  EXPECT_EQ(type_of("A.v"), "INT");
  EXPECT_EQ(type_of("A.w"), "INT");
  EXPECT_EQ(type_of("COUNT(B.v)"), "BIGINT NOT NULL");
  EXPECT_EQ(type_of("SUM(B.w)"), "INT");
  EXPECT_EQ(type_of("FIRST(ts)"), "TIMESTAMP(3)");
  EXPECT_EQ(type_of("MATCH_ROWTIME()"), "TIMESTAMP(3) NOT NULL *ROWTIME*");
  EXPECT_EQ(type_of("MATCH_ROWTIME(ts)"), "TIMESTAMP(3) NOT NULL *ROWTIME*");
  EXPECT_EQ(type_of("MATCH_PROCTIME()"), "TIMESTAMP_LTZ(3) NOT NULL *PROCTIME*");
}

TEST(Match, AWindowCanBeLaidOverItsRowtime) {
  const auto compiled = Compile(
      StrCat(
          kTables,
          "EXPLAIN SELECT k, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(mt), INTERVAL '1' MINUTE)) "
          "GROUP BY k, window_start, window_end;"),
      CompileOptions{});
  EXPECT_FALSE(compiled.ok());  // there is no view v yet
  const auto with_view = Compile(
      StrCat(
          kTables,
          "CREATE VIEW v AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES MATCH_ROWTIME() AS "
          "mt PATTERN (A B) DEFINE A AS A.v > 1) AS r;\n"
          "EXPLAIN SELECT k, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(mt), INTERVAL '1' MINUTE)) "
          "GROUP BY k, window_start, window_end;"),
      CompileOptions{});
  EXPECT_TRUE(with_view.ok()) << with_view.status();
}

}  // namespace
}  // namespace leat::sql
