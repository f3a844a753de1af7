// What EXPLAIN does not show of tables: their options, after LIKE, ALTER TABLE and the hint OPTIONS.
#include <gtest/gtest.h>

#include <set>

#include "sql/compile.h"

namespace leat::sql {
namespace {

constexpr std::string_view kTables =
    "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');\n"
    "CREATE TABLE p (a INT) WITH ('connector' = 'print', 'print-identifier' = 'mine');\n";

const plan::Node& SourceBelow(const plan::Node& node) {
  return node.inputs.empty() ? node : SourceBelow(*node.inputs[0]);
}

plan::NodePtr SinkOf(const std::string& script) {
  const auto compiled = Compile(StrCat(kTables, script), CompileOptions{});
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() && !compiled->plan.sinks.empty() ? compiled->plan.sinks[0] : nullptr;
}

TEST(TableOptions, OfAHintStandOverTheTablesOwnForThatUseAlone) {
  const plan::NodePtr sink = SinkOf(
      "INSERT INTO p /*+ OPTIONS('print-identifier' = 'other') */ SELECT a FROM t /*+ OPTIONS('topic' = 'u') */ "
      "UNION ALL SELECT a FROM t");
  ASSERT_NE(sink, nullptr);
  EXPECT_EQ(sink->table->options.at("print-identifier"), "other");
  const plan::Node& both = *sink->inputs[0];
  ASSERT_EQ(both.inputs.size(), 2u);
  EXPECT_EQ(SourceBelow(*both.inputs[0]).table->options.at("topic"), "u");
  EXPECT_EQ(SourceBelow(*both.inputs[1]).table->options.at("topic"), "t");
}

TEST(TableOptions, OfLikeAreTheOtherTablesUnlessWrittenAnew) {
  const plan::NodePtr sink = SinkOf("CREATE TABLE u WITH ('topic' = 'u') LIKE t; INSERT INTO p SELECT a FROM u");
  ASSERT_NE(sink, nullptr);
  const auto& options = SourceBelow(*sink).table->options;
  EXPECT_EQ(options.at("topic"), "u");
  EXPECT_EQ(options.at("format"), "json");
}

TEST(TableOptions, AreSetAndResetByAlterTable) {
  const plan::NodePtr sink = SinkOf(
      "ALTER TABLE t SET ('topic' = 'u', 'scan.startup.mode' = 'latest-offset'); ALTER TABLE t RESET "
      "('scan.startup.mode'); INSERT INTO p SELECT a FROM t");
  ASSERT_NE(sink, nullptr);
  const auto& options = SourceBelow(*sink).table->options;
  EXPECT_EQ(options.at("topic"), "u");
  EXPECT_FALSE(options.contains("scan.startup.mode"));
}

TEST(TableOptions, AreCheckedWithTheCallersCheckWhenAHintChangesThem) {
  CompileOptions options;
  std::set<std::string> topics;
  options.check_table = [&](const plan::Table& table) {
    const auto topic = table.options.find("topic");
    if (topic != table.options.end()) topics.insert(topic->second);
    return absl::OkStatus();
  };
  ASSERT_TRUE(Compile(StrCat(kTables, "INSERT INTO p SELECT a FROM t /*+ OPTIONS('topic' = 'u') */"), options).ok());
  EXPECT_EQ(topics, std::set<std::string>{"u"});
}

}  // namespace
}  // namespace leat::sql
