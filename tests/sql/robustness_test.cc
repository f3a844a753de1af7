// Broken scripts give an error that points somewhere, and nothing else happens.
#include <gtest/gtest.h>

#include "base/random.h"
#include "sql/compile.h"
#include "sql/lexer.h"
#include "tests/sql/golden_scripts.h"

namespace leat::sql {
namespace {

void ExpectCleanOutcome(const std::string& script) {
  const auto compiled = Compile(script, CompileOptions{});
  if (compiled.ok()) return;
  const auto code = compiled.status().code();
  EXPECT_TRUE(code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kUnimplemented)
      << compiled.status() << "\nfor\n"
      << script;
  EXPECT_TRUE(Message(compiled.status()).starts_with("line ")) << compiled.status() << "\nfor\n" << script;
}

std::string Render(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kString: {
      std::string quoted = "'";
      for (const char c : token.text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
      return quoted + "'";
    }
    case Token::Kind::kQuotedWord:
      return StrCat("`", token.text, "`");
    case Token::Kind::kHint:
      return StrCat("/*+", token.text, "*/");
    default:
      return token.text;
  }
}

std::vector<std::string> Words(const std::string& script) {
  const Diagnostics diagnostics(script);
  std::vector<std::string> words;
  const auto tokens = Tokenize(script, diagnostics);
  if (!tokens.ok()) return words;
  for (const Token& token : *tokens) words.push_back(Render(token));
  return words;
}

std::string Join(const std::vector<std::string>& words, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) StrAppend(&text, words[i], " ");
  return text;
}

TEST(Compile, GivesACleanErrorForEveryPrefixOfAScript) {
  StringSet seen;
  for (const std::string& name : GoldenNames()) {
    const std::vector<std::string> words = Words(ReadFile(StrCat(GoldenFolder(), "/", name, ".sql")));
    for (size_t count = 0; count < words.size(); ++count) {
      const std::string prefix = Join(words, count);
      if (seen.insert(prefix).second) ExpectCleanOutcome(prefix);
    }
  }
  EXPECT_GT(seen.size(), 1000u);
}

TEST(Compile, GivesACleanErrorWhenTokensAreDeletedSwappedOrRepeated) {
  Random random(20260101);
  for (const std::string& name : GoldenNames()) {
    const std::vector<std::string> words = Words(ReadFile(StrCat(GoldenFolder(), "/", name, ".sql")));
    if (words.size() < 3) continue;
    for (int round = 0; round < 10; ++round) {
      std::vector<std::string> changed = words;
      const size_t at = random.Below(changed.size() - 1);
      switch (random.Below(3)) {
        case 0:
          changed.erase(changed.begin() + static_cast<int64_t>(at));
          break;
        case 1:
          std::swap(changed[at], changed[random.Below(changed.size() - 1)]);
          break;
        default:
          changed.insert(changed.begin() + static_cast<int64_t>(at), changed[random.Below(changed.size() - 1)]);
      }
      ExpectCleanOutcome(Join(changed, changed.size()));
    }
  }
}

TEST(Compile, RefusesExpressionsThatAreNestedTooDeep) {
  const auto explain = [](const std::string& expression) {
    return Compile("EXPLAIN SELECT " + expression, CompileOptions{}).status();
  };
  EXPECT_TRUE(explain(std::string(150, '(') + "1" + std::string(150, ')')).ok());
  EXPECT_EQ(explain(std::string(20000, '(') + "1").code(), absl::StatusCode::kInvalidArgument);
  std::string sum = "1";
  for (int i = 0; i < 400; ++i) sum += " + 1";
  EXPECT_TRUE(explain(sum).ok());
  for (int i = 0; i < 20000; ++i) sum += " + 1";
  EXPECT_EQ(explain(sum).code(), absl::StatusCode::kInvalidArgument);
  std::string nots;
  for (int i = 0; i < 20000; ++i) nots += "NOT ";
  EXPECT_EQ(explain(nots + "TRUE").code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compile, RefusesExpressionsThatGrowWithoutEnd) {
  // BETWEEN reads its left side twice; a hundred of them inside one another would be 2^100 comparisons.
  std::string nested = "TRUE";
  for (int i = 0; i < 100; ++i) nested = "(" + nested + ") BETWEEN TRUE AND TRUE";
  EXPECT_EQ(Compile("EXPLAIN SELECT " + nested, CompileOptions{}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compile, RefusesViewsThatAreStackedTooHigh) {
  std::string script = "CREATE TABLE v0 (a INT) WITH ('connector' = 'datagen');\n";
  for (int i = 1; i <= 300; ++i) StrAppend(&script, "CREATE VIEW v", i, " AS SELECT a + a AS a FROM v", i - 1, ";\n");
  EXPECT_EQ(Compile(script, CompileOptions{}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compile, RefusesAScriptOverTheSizeLimit) {
  const auto status = Compile(std::string(kMaxScriptBytes + 1, ' '), CompileOptions{}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(Compile, ReportsTheCallersTableErrorAtTheTable) {
  CompileOptions options;
  options.check_table = [](const plan::Table& table) {
    return table.options.at("format") == "json" ? absl::OkStatus() : InvalidArgument("no such format");
  };
  const auto status = Compile(
                          "CREATE TABLE a (x INT)\n WITH ('connector'='kafka', 'topic'='a', "
                          "'format'='jason');\nEXPLAIN SELECT x FROM a",
                          options)
                          .status();
  EXPECT_EQ(Message(status), "line 1, column 14: no such format\n  CREATE TABLE a (x INT)\n               ^");
}

// Each view reads the one below twice: a walk that does not notice takes 2^60 steps.
TEST(Compile, TakesViewsThatJoinThemselvesManyTimesOver) {
  std::string script =
      "CREATE TABLE t (id BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 't', "
      "'key.format' = 'json', 'value.format' = 'json');\n"
      "CREATE TABLE k (id BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'k', "
      "'key.format' = 'json', 'value.format' = 'json');\nCREATE VIEW v0 AS SELECT id FROM t;\n";
  for (int i = 1; i <= 60; ++i) {
    StrAppend(&script, "CREATE VIEW v", i, " AS SELECT a.id FROM v", i - 1, " a JOIN v", i - 1, " b ON a.id = b.id;\n");
  }
  script += "INSERT INTO k SELECT id FROM v60;";
  const auto compiled = Compile(script, CompileOptions{});
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ(plan::Explain(compiled->plan).find("UpsertMaterialize"), std::string::npos);
}

}  // namespace
}  // namespace leat::sql
