// OVER and SESSION over random rows out of order, against oracles that keep every row and look at all of them.
#include <algorithm>
#include <map>

#include "base/random.h"
#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT

struct Row {
  std::string key;
  int64_t amount;
  int64_t ms;
};

data::SchemaPtr InputSchema() {
  return MakeSchema({{"k", data::String()}, {"v", data::BigInt()}, {"ts", data::Timestamp(3)}});
}

plan::NodePtr MakeOverNode(bool rows, int64_t preceding) {
  auto source = std::make_shared<plan::Node>();
  source->schema = InputSchema();
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kOver;
  node->id = 4;
  node->inputs = {source};
  node->keys = {0};
  node->window.time_column = 2;
  node->frame = {.rows = rows, .preceding = preceding};
  node->aggregates = {{plan::AggregateKind::kCountStar, -1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kSum, 1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kMin, 1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kCount, 1, true, -1, data::BigInt()},
                      {plan::AggregateKind::kFirstValue, 1, false, -1, data::BigInt()}};
  std::vector<data::Field> fields = source->schema->fields;
  for (const char* name : {"n", "s", "m", "d", "f"}) fields.push_back({name, data::BigInt()});
  node->schema = MakeSchema(fields);
  return node;
}

// All rows taken, in order of time and then of coming; the ones from `from` on are put out.
std::vector<std::string> OverLines(const std::map<std::string, std::vector<Row>>& groups, bool rows, int64_t preceding,
                                   int64_t from_ms, int64_t to_ms) {
  std::vector<std::pair<int64_t, std::vector<std::string>>> lines;
  for (const auto& [key, unsorted] : groups) {
    std::vector<Row> sorted = unsorted;
    std::ranges::stable_sort(sorted, {}, &Row::ms);
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i].ms <= from_ms || sorted[i].ms > to_ms) continue;
      std::vector<int64_t> frame;
      for (size_t j = 0; j < sorted.size(); ++j) {
        const bool in =
            rows ? j <= i && (preceding < 0 || i - j <= static_cast<size_t>(preceding))
                 : sorted[j].ms <= sorted[i].ms && (preceding < 0 || sorted[j].ms >= sorted[i].ms - preceding);
        if (in) frame.push_back(sorted[j].amount);
      }
      int64_t sum = 0;
      for (const int64_t amount : frame) sum += amount;
      const int64_t first = frame.front();
      const size_t count = frame.size();
      std::ranges::sort(frame);
      const int64_t least = frame.front();
      const size_t distinct = static_cast<size_t>(std::unique(frame.begin(), frame.end()) - frame.begin());
      lines.push_back({sorted[i].ms,
                       {StrCat("+I[", key, ", ", sorted[i].amount, ", ",
                               data::FormatValue({sorted[i].ms * 1000}, data::Timestamp(3)), ", ", count, ", ", sum,
                               ", ", least, ", ", distinct, ", ", first, "]")}});
    }
  }
  std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.first; });
  std::vector<std::string> flat;
  for (const auto& [ms, line] : lines) flat.push_back(line[0]);
  return flat;
}

void RunOver(uint64_t seed, bool rows, int64_t preceding) {
  Random random(seed);
  const plan::NodePtr node = MakeOverNode(rows, preceding);
  Task task(node);
  std::map<std::string, std::vector<Row>> groups;
  int64_t watermark = -1000;
  task.Watermark(watermark);
  int64_t now = 0;
  for (int step = 0; step < 40; ++step) {
    std::vector<std::vector<Value>> values;
    const auto count = random.Between(1, 9);
    for (int64_t i = 0; i < count; ++i) {
      const Row row{StrCat("k", random.Below(3)), random.Between(-3, 3), now + random.Between(-30, 30)};
      if (row.ms <= watermark) continue;  // late rows have tests of their own
      groups[row.key].push_back(row);
      values.push_back({{row.key}, {row.amount}, {row.ms * 1000}});
    }
    task.output.lines.clear();
    if (!values.empty()) task.Process(MakeBatch(node->inputs[0]->schema, values));
    ASSERT_TRUE(task.output.lines.empty()) << "seed " << seed << ", step " << step;
    now += random.Between(0, 20);
    const int64_t next = step == 39 ? kMaxWatermark : std::max(watermark, now - 20);
    task.Watermark(next);
    ASSERT_EQ(task.output.lines, OverLines(groups, rows, preceding, watermark, next))
        << "seed " << seed << ", step " << step;
    watermark = next;
    if (random.OneIn(3)) {
      task.Barrier();
      task.KillAndRestore();
    }
  }
}

TEST(Over, AgreesWithTheOracleOnRandomRows) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    RunOver(seed, true, -1);
    RunOver(seed, false, -1);
    RunOver(seed, true, 0);
    RunOver(seed, true, 3);
    RunOver(seed, false, 0);
    RunOver(seed, false, 25);
    if (HasFailure()) return;
  }
}

TEST(Over, HoldsNothingBehindARangeThatNoRowCanReach) {
  const plan::NodePtr node = MakeOverNode(false, 100);
  Task task(node);
  std::vector<std::vector<Value>> rows;
  for (int64_t i = 0; i < 1000; ++i) rows.push_back({{StrCat("k", i % 50)}, {i}, {i * 1000}});
  task.Process(MakeBatch(node->inputs[0]->schema, rows));
  task.Watermark(1000);
  task.Barrier();
  EXPECT_GT(task.CommittedBytes(), 2'000u);
  task.Watermark(1101);
  task.Barrier();
  EXPECT_LT(task.CommittedBytes(), 500u);  // the watermark alone
}

plan::NodePtr MakeSessionNode(int64_t gap) {
  auto source = std::make_shared<plan::Node>();
  source->schema = InputSchema();
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kWindowAggregate;
  node->id = 4;
  node->inputs = {source};
  node->keys = {0};
  node->window = {.kind = plan::WindowKind::kSession, .time_column = 2, .size_ms = gap};
  node->aggregates = {{plan::AggregateKind::kCountStar, -1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kSum, 1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kSum, 1, true, -1, data::BigInt()}};
  node->window_columns = {plan::Node::WindowColumn::kStart, plan::Node::WindowColumn::kEnd};
  node->schema = MakeSchema({{"k", data::String()},
                             {"n", data::BigInt()},
                             {"s", data::BigInt()},
                             {"d", data::BigInt()},
                             {"b", data::Timestamp(3)},
                             {"e", data::Timestamp(3)}});
  return node;
}

// Sessions as sets of rows, put together by looking at all of them.
class SessionOracle {
 public:
  explicit SessionOracle(int64_t gap) : gap_(gap) {}

  bool Add(const Row& row) {
    Session opened{row.ms, row.ms + gap_, {row}};
    std::vector<Session> kept;
    bool joins = false;
    for (Session& session : open_[row.key]) {
      if (session.start > row.ms + gap_ || row.ms > session.end) {
        kept.push_back(session);
        continue;
      }
      joins = true;
      opened.start = std::min(opened.start, session.start);
      opened.end = std::max(opened.end, session.end);
      opened.rows.insert(opened.rows.end(), session.rows.begin(), session.rows.end());
    }
    if (!joins && opened.end - 1 <= watermark_) return false;
    kept.push_back(opened);
    open_[row.key] = kept;
    return true;
  }

  std::vector<std::string> Advance(int64_t watermark) {
    watermark_ = watermark;
    std::map<std::pair<int64_t, std::string>, std::string> lines;
    for (auto& [key, sessions] : open_) {
      for (const Session& session : sessions) {
        if (session.end - 1 > watermark) continue;
        int64_t sum = 0;
        std::map<int64_t, int> values;
        for (const Row& row : session.rows) {
          sum += row.amount;
          values[row.amount] = 1;
        }
        int64_t distinct = 0;
        for (const auto& [value, one] : values) distinct += value;
        lines[{session.end, key}] = StrCat("+I[", key, ", ", session.rows.size(), ", ", sum, ", ", distinct, ", ",
                                           data::FormatValue({session.start * 1000}, data::Timestamp(3)), ", ",
                                           data::FormatValue({session.end * 1000}, data::Timestamp(3)), "]");
      }
      std::erase_if(sessions, [&](const Session& session) { return session.end - 1 <= watermark; });
    }
    std::vector<std::string> flat;
    for (const auto& [place, line] : lines) flat.push_back(line);
    return flat;
  }

 private:
  struct Session {
    int64_t start;
    int64_t end;
    std::vector<Row> rows;
  };
  int64_t gap_;
  int64_t watermark_ = kMinWatermark;
  std::map<std::string, std::vector<Session>> open_;
};

TEST(Session, AgreesWithTheOracleOnRandomRows) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    const plan::NodePtr node = MakeSessionNode(15);
    Task task(node);
    SessionOracle oracle(15);
    int64_t now = random.Between(-200, 0);
    for (int step = 0; step < 50; ++step) {
      std::vector<std::vector<Value>> values;
      size_t late = 0;
      const auto count = random.Between(1, 6);
      for (int64_t i = 0; i < count; ++i) {
        const Row row{StrCat("k", random.Below(3)), random.Between(-3, 3), now + random.Between(-70, 60)};
        values.push_back({{row.key}, {row.amount}, {row.ms * 1000}});
        if (!oracle.Add(row)) ++late;
      }
      task.output.lines.clear();
      task.Process(MakeBatch(node->inputs[0]->schema, values));
      ASSERT_EQ(task.output.lines.size(), late) << "late rows, seed " << seed << ", step " << step;
      now += random.Between(0, 40);
      task.output.lines.clear();
      const int64_t watermark = step == 49 ? kMaxWatermark : now - 40;
      task.Watermark(watermark);
      ASSERT_EQ(task.output.lines, oracle.Advance(watermark)) << "seed " << seed << ", step " << step;
      if (random.OneIn(3)) {
        task.Barrier();
        if (random.OneIn(2)) task.KillAndRestore();
      }
    }
    task.Barrier();
    EXPECT_LT(task.CommittedBytes(), 500u) << "state is left behind the last session, seed " << seed;
  }
}

}  // namespace
}  // namespace leat::exec
