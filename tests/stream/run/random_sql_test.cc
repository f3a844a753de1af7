// Random queries over random rows, changes among them, give what SQLite gives for all rows at once: record by record,
// in batches, on three workers, or with checkpoints and crashes. LEAT_SEED=s runs one, LEAT_SEEDS=n so many.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "tests/stream/run/case_run.h"
#include "tests/stream/run/random_queries.h"
#include "tests/stream/run/reference_database.h"
#include "tests/support/seeds.h"

namespace leat::stream {
namespace {

std::string Printed(const exec::JsonNode* node) {
  if (node == nullptr || node->kind == exec::JsonNode::Kind::kNull) return "NULL";
  return node->kind == exec::JsonNode::Kind::kText ? StrCat("'", node->text, "'") : node->text;
}

std::string Printed(const std::optional<std::string>& value, ValueKind kind) {
  if (!value) return "NULL";
  if (kind == ValueKind::kTruth) return *value == "0" ? "false" : "true";
  return kind == ValueKind::kText ? StrCat("'", *value, "'") : *value;
}

std::vector<std::string> Expected(const RandomQuery& query) {
  ReferenceDatabase database;
  for (const std::string& statement : query.statements) database.Query(statement);
  std::vector<std::string> lines;
  for (const ReferenceRow& row : database.Query(query.reference)) {
    std::string& line = lines.emplace_back();
    for (size_t i = 0; i < query.columns.size(); ++i)
      StrAppend(&line, i > 0 ? " " : "", Printed(row.at(i), query.columns[i]));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> Given(const RandomQuery& query, Way way, uint64_t seed) {
  CaseRun run(query.job, way, seed);
  if (const absl::Status status = run.All(); !status.ok()) return {status.ToString()};
  std::vector<exec::JsonNode> rows;
  if (const std::string wrong = Materialise(run.sinks().at(0), run.Written("o"), &rows); !wrong.empty()) return {wrong};
  std::vector<std::string> lines;
  for (const exec::JsonNode& row : rows) {
    std::string& line = lines.emplace_back();
    for (size_t i = 0; i < query.columns.size(); ++i)
      StrAppend(&line, i > 0 ? " " : "", Printed(row.Find(StrCat("c", i))));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(RandomSql, GivesTheRowsOfAnotherEvaluator) {
  const sim::Seeds seeds = sim::SeedsToRun(10000);
  int failed = 0;
  size_t rows = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end() && failed < 3; ++seed) {
    Random random(seed);
    const Way way = static_cast<Way>(random.Below(4));
    const RandomQuery query = MakeRandomQuery(random);
    const std::vector<std::string> expected = Expected(query);
    const std::vector<std::string> given = Given(query, way, seed);
    rows += expected.size();
    EXPECT_EQ(given, expected) << "seed " << seed << " (LEAT_SEED=" << seed << "), way " << static_cast<int>(way)
                               << "\n"
                               << query.job.body << "\nasked as\n"
                               << query.reference;
    failed += given != expected;
  }
  // Queries that give nothing show nothing.
  if (!seeds.replay && failed == 0) {
    EXPECT_GT(rows, 2 * seeds.count);
  }
}

}  // namespace
}  // namespace leat::stream
