// Top-N over random rows that come and go, against an oracle that sorts everything each time: what the changes add up
// to is what it has, no change takes back a row that is not there, and a crash behind a commit changes nothing.
#include <algorithm>
#include <map>

#include "base/random.h"
#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT

struct Shape {
  int64_t from;
  int64_t to;
  bool with_rank;
  bool updating;
  bool newest_first;
};

plan::NodePtr MakeNode(const Shape& shape) {
  auto source = std::make_shared<plan::Node>();
  source->schema = MakeSchema({{"k", data::String()}, {"v", data::BigInt()}, {"id", data::BigInt()}});
  source->produces_updates = shape.updating;
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kRank;
  node->id = 5;
  node->inputs = {source};
  node->keys = {0};
  node->order = {{.column = 1, .descending = true, .nulls_first = false}};
  node->rank = {.from = shape.from, .to = shape.to, .with_rank = shape.with_rank, .newest_first = shape.newest_first};
  node->produces_updates = true;
  std::vector<data::Field> fields = source->schema->fields;
  if (shape.with_rank) fields.push_back({"n", data::BigInt()});
  node->schema = MakeSchema(fields);
  return node;
}

struct Row {
  std::string key;
  std::optional<int64_t> amount;
  int64_t id;  // in the order of coming
};

std::string Cell(const std::optional<int64_t>& value) { return value ? StrCat(*value) : std::string("NULL"); }

std::map<std::string, int> Expected(const Shape& shape, const std::vector<Row>& rows) {
  std::map<std::string, std::vector<Row>> groups;
  for (const Row& row : rows) groups[row.key].push_back(row);
  std::map<std::string, int> expected;
  for (auto& [key, group] : groups) {
    std::ranges::sort(group, [&](const Row& a, const Row& b) {
      const int64_t least = std::numeric_limits<int64_t>::min();
      if (a.amount != b.amount) return a.amount.value_or(least) > b.amount.value_or(least);
      return shape.newest_first ? a.id > b.id : a.id < b.id;
    });
    for (int64_t n = shape.from; n <= std::min<int64_t>(shape.to, static_cast<int64_t>(group.size())); ++n) {
      const Row& row = group[static_cast<size_t>(n - 1)];
      std::string line = StrCat("[", row.key, ", ", Cell(row.amount), ", ", row.id);
      if (shape.with_rank) StrAppend(&line, ", ", n);
      ++expected[line + "]"];
    }
  }
  return expected;
}

void Apply(const std::vector<std::string>& lines, std::map<std::string, int>* have) {
  for (const std::string& line : lines) {
    const std::string row = line.substr(2);
    if (line.starts_with("+")) {
      ++(*have)[row];
    } else {
      ASSERT_GT((*have)[row], 0) << "taken back, but not there: " << line;
      if (--(*have)[row] == 0) have->erase(row);
    }
  }
}

void RunSeed(uint64_t seed, const Shape& shape, size_t batch_rows) {
  Random random(seed);
  const plan::NodePtr node = MakeNode(shape);
  Task task(node);
  std::vector<Row> rows;
  std::map<std::string, int> have;
  int64_t next_id = 0;
  for (int step = 0; step < 40; ++step) {
    std::vector<std::vector<Value>> values;
    std::vector<data::RowKind> kinds;
    for (size_t i = 0; i < batch_rows; ++i) {
      const bool takes = shape.updating && !rows.empty() && random.OneIn(3);
      size_t at = rows.size();
      if (takes) {
        at = static_cast<size_t>(random.Below(rows.size()));
      } else {
        const auto amount = random.Between(-4, 4);
        rows.push_back({StrCat("k", random.Below(3)), amount == -4 ? std::optional<int64_t>() : amount, next_id++});
      }
      const Row& row = rows[at];
      values.push_back({{row.key}, row.amount ? Value{*row.amount} : Value::Null(), {row.id}});
      kinds.push_back(takes ? data::RowKind::kDelete : data::RowKind::kInsert);
      if (takes) rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
    }
    data::Batch batch = MakeBatch(node->inputs[0]->schema, values);
    batch.kinds = kinds;
    task.output.lines.clear();
    task.Process(batch);
    Apply(task.output.lines, &have);
    ASSERT_EQ(have, Expected(shape, rows)) << "seed " << seed << ", step " << step;
    if (random.OneIn(4)) {
      task.Barrier();
      task.KillAndRestore();
    }
  }
}

TEST(Rank, AgreesWithSortingEverything) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    for (const bool with_rank : {false, true}) {
      for (const bool updating : {false, true}) {
        RunSeed(seed, {1, 3, with_rank, updating, false}, 7);
        RunSeed(seed, {2, 4, with_rank, updating, false}, 1);
        RunSeed(seed, {1, 1, with_rank, updating, false}, 5);
        RunSeed(seed, {3, 3, with_rank, updating, true}, 4);
        if (seed <= 3) RunSeed(seed, {1, 3, with_rank, updating, false}, 60);  // partitions of many bytes
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Rank, KeepsOfRowsThatOnlyComeNoMoreThanItShows) {
  const plan::NodePtr node = MakeNode({1, 2, false, false, false});
  Task task(node);
  std::vector<std::vector<Value>> rows;
  for (int64_t i = 0; i < 1000; ++i) rows.push_back({{std::string("a")}, {i % 10}, {i}});
  task.Process(MakeBatch(node->inputs[0]->schema, rows));
  task.Barrier();
  EXPECT_LT(task.CommittedBytes(), 500u);
}

}  // namespace
}  // namespace leat::exec
