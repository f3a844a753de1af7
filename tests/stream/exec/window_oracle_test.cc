// Random rows and watermarks against an oracle that keeps every row in a list and looks at all windows for each.
#include <map>
#include <set>

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

struct Shape {
  int64_t size;
  int64_t slide;
  int64_t offset;
};

plan::NodePtr MakeNode(const Shape& shape) {
  auto source = std::make_shared<plan::Node>();
  source->schema = MakeSchema({{"k", data::String()}, {"v", data::BigInt()}, {"ts", data::Timestamp(3)}});
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kWindowAggregate;
  node->id = 3;
  node->inputs = {source};
  node->keys = {0};
  node->window = {plan::WindowKind::kHop, 2, shape.size, shape.slide, shape.offset};
  node->aggregates = {{plan::AggregateKind::kCountStar, -1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kSum, 1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kMin, 1, false, -1, data::BigInt()},
                      {plan::AggregateKind::kCount, 1, true, -1, data::BigInt()}};
  node->window_columns = {plan::Node::WindowColumn::kEnd};
  node->schema = MakeSchema({{"k", data::String()},
                             {"n", data::BigInt()},
                             {"s", data::BigInt()},
                             {"m", data::BigInt()},
                             {"d", data::BigInt()},
                             {"e", data::Timestamp(3)}});
  return node;
}

class Oracle {
 public:
  explicit Oracle(const Shape& shape) : shape_(shape) {}

  // True if the row is late.
  bool Add(const Row& row) {
    bool open = false;
    for (const int64_t end : WindowsOf(row.ms)) {
      if (end - 1 <= watermark_) continue;
      windows_[end].push_back(row);
      open = true;
    }
    return !open;
  }

  std::vector<std::string> Advance(int64_t watermark) {
    watermark_ = std::max(watermark_, watermark);
    std::vector<std::string> lines;
    while (!windows_.empty() && windows_.begin()->first - 1 <= watermark_) {
      Emit(windows_.begin()->first, windows_.begin()->second, &lines);
      windows_.erase(windows_.begin());
    }
    return lines;
  }

 private:
  std::vector<int64_t> WindowsOf(int64_t ms) const {
    std::vector<int64_t> ends;
    // Every start of the form offset + k * slide with start <= ms < start + size, found by trying.
    for (int64_t k = -2000; k <= 2000; ++k) {
      const int64_t start = shape_.offset + k * shape_.slide;
      if (start <= ms && ms < start + shape_.size) ends.push_back(start + shape_.size);
    }
    return ends;
  }

  static void Emit(int64_t end, const std::vector<Row>& rows, std::vector<std::string>* lines) {
    std::map<std::string, std::vector<int64_t>> groups;
    for (const Row& row : rows) groups[row.key].push_back(row.amount);
    for (const auto& [key, amounts] : groups) {
      int64_t sum = 0;
      for (const int64_t amount : amounts) sum += amount;
      const std::set<int64_t> distinct(amounts.begin(), amounts.end());
      lines->push_back(StrCat("+I[", key, ", ", amounts.size(), ", ", sum, ", ", *distinct.begin(), ", ",
                              distinct.size(), ", ", data::FormatValue({end * 1000}, data::Timestamp(3)), "]"));
    }
  }

  Shape shape_;
  int64_t watermark_ = kMinWatermark;
  std::map<int64_t, std::vector<Row>> windows_;
};

void RunSeed(uint64_t seed, const Shape& shape) {
  Random random(seed);
  const plan::NodePtr node = MakeNode(shape);
  Task task(node);
  Oracle oracle(shape);
  int64_t now = random.Between(-2000, 0);
  for (int step = 0; step < 60; ++step) {
    std::vector<std::vector<Value>> rows;
    size_t late = 0;
    const auto count = random.Between(1, 12);
    for (int64_t i = 0; i < count; ++i) {
      const Row row{StrCat("k", random.Below(4)), random.Between(-3, 3), now + random.Between(-150, 60)};
      rows.push_back({{row.key}, {row.amount}, {row.ms * 1000 + random.Between(0, 999)}});
      if (oracle.Add(row)) ++late;
    }
    task.output.lines.clear();
    task.Process(MakeBatch(node->inputs[0]->schema, rows));
    ASSERT_EQ(task.output.lines.size(), late) << "late rows, seed " << seed << ", step " << step;
    now += random.Between(0, 60);
    task.output.lines.clear();
    const int64_t watermark = step == 59 ? kMaxWatermark : now - 40;
    task.Watermark(watermark);
    ASSERT_EQ(task.output.lines, oracle.Advance(watermark)) << "seed " << seed << ", step " << step;
    // A crash right behind a commit changes nothing.
    if (random.OneIn(3)) {
      task.Barrier();
      if (random.OneIn(2)) task.KillAndRestore();
    }
  }
}

TEST(WindowAggregate, AgreesWithTheOracleOnRandomRows) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    RunSeed(seed, {100, 10, 0});
    RunSeed(seed, {100, 100, 0});
    RunSeed(seed, {90, 30, 7});
    if (HasFailure()) return;
  }
}

TEST(WindowAggregate, HoldsNoStateBehindTheLastWindow) {
  const plan::NodePtr node = MakeNode({100, 10, 0});
  Task task(node);
  std::vector<std::vector<Value>> rows;
  for (int64_t i = 0; i < 1000; ++i) rows.push_back({{StrCat("k", i % 50)}, {i}, {i * 1000}});
  task.Process(MakeBatch(node->inputs[0]->schema, rows));
  task.Barrier();
  const size_t full = task.CommittedBytes();
  task.Watermark(5000);
  task.Barrier();
  EXPECT_GT(full, 10'000u);
  EXPECT_LT(task.CommittedBytes(), 500u);  // the watermark alone
}

}  // namespace
}  // namespace leat::exec
