// Types and time attributes of query results, literals, and positions.
#include <gtest/gtest.h>

#include "sql/compile.h"
#include "sql/lexer.h"

namespace leat::sql {
namespace {

constexpr std::string_view kTable =
    "CREATE TABLE t (i INT, n INT NOT NULL, b BIGINT, d DECIMAL(10, 2), f DOUBLE, s STRING, ts TIMESTAMP(3), "
    "WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');\n"
    "CREATE TABLE p (x STRING) WITH ('connector' = 'print');\n";

// The first column of a query, found in the plan of an INSERT that prints it.
data::Type TypeOf(const std::string& query) {
  const auto compiled =
      Compile(StrCat(kTable, "INSERT INTO p SELECT CAST(x AS STRING) FROM (", query, ") AS q (x)"), CompileOptions{});
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  if (!compiled.ok()) return data::NullType();
  const plan::Expression* expression = compiled->plan.sinks[0]->inputs[0]->expressions[0].get();
  if (expression->kind == plan::Expression::Kind::kCall) expression = expression->arguments[0].get();
  return expression->type;
}

TEST(ResultTypes, AreFlinks) {
  const std::pair<std::string, std::string> cases[] = {
      {"SELECT SUM(i) FROM t", "INT"},
      {"SELECT SUM(n) FROM t GROUP BY i", "INT NOT NULL"},
      {"SELECT SUM(n) FROM t", "INT"},
      {"SELECT AVG(i) FROM t", "INT"},
      {"SELECT SUM(d) FROM t", "DECIMAL(38, 2)"},
      {"SELECT AVG(d) FROM t", "DECIMAL(38, 6)"},
      {"SELECT COUNT(i) FROM t", "BIGINT NOT NULL"},
      {"SELECT MAX(f) FROM t", "DOUBLE"},
      {"SELECT SUM(n) FILTER (WHERE i > 1) FROM t GROUP BY b", "INT"},
      {"SELECT 0.5", "DECIMAL(2, 1) NOT NULL"},
      {"SELECT 2147483647", "INT NOT NULL"},
      {"SELECT 2147483648", "BIGINT NOT NULL"},
      {"SELECT i / n FROM t", "INT"},
      {"SELECT d * d FROM t", "DECIMAL(21, 4)"},
      {"SELECT d / d FROM t", "DECIMAL(23, 13)"},
      {"SELECT d + 1 FROM t", "DECIMAL(13, 2)"},
      {"SELECT 0.908 * b FROM t", "DECIMAL(24, 3)"},
      {"SELECT d + f FROM t", "DOUBLE"},
      {"SELECT ROUND(d, 1) FROM t", "DECIMAL(10, 1)"},
      {"SELECT COALESCE(i, 0) FROM t", "INT NOT NULL"},
      {"SELECT CASE WHEN i > 0 THEN 'a' ELSE 'bcd' END FROM t", "VARCHAR(3) NOT NULL"},
      {"SELECT CASE WHEN i > 0 THEN 1 END FROM t", "INT"},
      {"SELECT TO_TIMESTAMP(s) FROM t", "TIMESTAMP(3)"},
      {"SELECT PROCTIME()", "TIMESTAMP_LTZ(3) NOT NULL *PROCTIME*"},
      {"SELECT ts FROM t", "TIMESTAMP(3) *ROWTIME*"},
      {"SELECT ts FROM t WHERE i > 1 UNION ALL SELECT ts FROM t", "TIMESTAMP(3) *ROWTIME*"},
      {"SELECT ts FROM t UNION ALL SELECT CAST(ts AS TIMESTAMP(3)) FROM t", "TIMESTAMP(3)"},
      {"SELECT ts + INTERVAL '1' SECOND FROM t", "TIMESTAMP(3)"},
      {"SELECT CAST(ts AS TIMESTAMP(3)) FROM t", "TIMESTAMP(3)"},
      {"SELECT ts FROM t GROUP BY ts", "TIMESTAMP(3)"},
      {"SELECT ts FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY))", "TIMESTAMP(3)"},
      {"SELECT window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY))",
       "TIMESTAMP(3) NOT NULL *ROWTIME*"},
      {"SELECT window_end FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, "
       "window_end",
       "TIMESTAMP(3) NOT NULL"},
      {"SELECT window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, "
       "window_end, window_time",
       "TIMESTAMP(3) NOT NULL *ROWTIME*"},
  };
  for (const auto& [query, type] : cases) EXPECT_EQ(TypeOf(query).ToString(), type) << query;
}

std::string ErrorOf(const std::string& script) {
  return std::string(Message(Compile(script, CompileOptions{}).status()));
}

TEST(Literals, ThatNameNoTimeAreErrors) {
  EXPECT_THAT(ErrorOf("EXPLAIN SELECT DATE '2023-02-29'"), testing::HasSubstr("expected DATE 'yyyy-MM-dd'"));
  EXPECT_THAT(ErrorOf("EXPLAIN SELECT TIMESTAMP 'soon'"), testing::HasSubstr("expected TIMESTAMP"));
  EXPECT_THAT(ErrorOf("EXPLAIN SELECT INTERVAL 'x' MINUTE"), testing::HasSubstr("'x' is no INTERVAL of MINUTE"));
  EXPECT_THAT(ErrorOf("EXPLAIN SELECT INTERVAL '1' MONTH TO DAY"), testing::HasSubstr("expected an interval of"));
  EXPECT_THAT(ErrorOf("EXPLAIN SELECT 1x"), testing::HasSubstr("neither a number nor a name"));
}

TEST(Errors, PointAtLineAndColumn) {
  EXPECT_EQ(ErrorOf("EXPLAIN\n\tSELECT\n  1 +"),
            "line 3, column 6: unexpected the end of the script\n    1 +\n       ^");
  EXPECT_EQ(ErrorOf("EXPLAIN SELECT 'ä', x"),
            "line 1, column 21: there is no column 'x' here\n  EXPLAIN SELECT 'ä', x\n                      ^");
}

TEST(Tokenize, KeepsTextAndPositions) {
  const std::string script = "a `b c` 'it''s' 1.5e3 /*+ H */ <= -- end\n=>";
  const Diagnostics diagnostics(script);
  const auto tokens = Tokenize(script, diagnostics);
  ASSERT_TRUE(tokens.ok());
  std::vector<std::string> texts;
  for (const Token& token : *tokens) texts.push_back(token.text);
  EXPECT_THAT(texts, testing::ElementsAre("a", "b c", "it's", "1.5e3", " H ", "<=", "=>", ""));
  EXPECT_EQ((*tokens)[6].begin.line, 2);
  EXPECT_EQ((*tokens)[3].begin.column, 17);
}

TEST(Sources, ReadOnlyWhatIsUsedAndWhatTheWatermarkNeeds) {
  const auto compiled = Compile(
      "CREATE TABLE t (a INT, raw STRING, b INT, rt AS TO_TIMESTAMP(raw), c STRING, WATERMARK FOR rt AS rt) WITH "
      "('connector' = 'kafka', 'topic' = 't', 'format' = 'json');\n"
      "CREATE TABLE p (x INT) WITH ('connector' = 'print');\n"
      "INSERT INTO p SELECT b FROM t",
      CompileOptions{});
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const plan::NodePtr source = compiled->plan.sinks[0]->inputs[0]->inputs[0];
  EXPECT_THAT(source->source_columns, testing::ElementsAre(1, 2, 3));
  EXPECT_TRUE(source->schema->fields[2].type.rowtime);
}

}  // namespace
}  // namespace leat::sql
