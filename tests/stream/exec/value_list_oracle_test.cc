// Random values that come and are taken back against an oracle that keeps them in a list.
#include <algorithm>
#include <map>
#include <optional>

#include "base/random.h"
#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT

plan::NodePtr ListNode() {
  auto source = std::make_shared<plan::Node>();
  source->schema = MakeSchema({{"k", data::String()}, {"v", data::Int()}});
  source->produces_updates = true;
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kGroupAggregate;
  node->id = 3;
  node->inputs = {source};
  node->keys = {0};
  const data::Type counts = data::Multiset(data::Int().AsNotNull());
  node->aggregates = {
      {.kind = plan::AggregateKind::kArrayAgg, .argument = 1, .type = data::Array(data::Int()), .takes_nulls = true},
      {.kind = plan::AggregateKind::kArrayAgg, .argument = 1, .distinct = true, .type = data::Array(data::Int())},
      {.kind = plan::AggregateKind::kCollect, .argument = 1, .type = counts},
      {.kind = plan::AggregateKind::kFirstValue, .argument = 1, .type = data::Int()},
      {.kind = plan::AggregateKind::kLastValue, .argument = 1, .type = data::Int()},
      {.kind = plan::AggregateKind::kVarPop, .argument = 1, .type = data::Int()}};
  node->schema = MakeSchema({{"k", data::String()},
                             {"a", data::Array(data::Int())},
                             {"d", data::Array(data::Int())},
                             {"c", counts},
                             {"f", data::Int()},
                             {"l", data::Int()},
                             {"p", data::Int()}});
  return node;
}

using Held = std::vector<std::optional<int32_t>>;

struct Group {
  Held held;
  // DISTINCT: each value at the place of the first of its kind that came, until none of them is left.
  std::vector<int32_t> different;

  void Add(std::optional<int32_t> value) {
    held.push_back(value);
    if (value && std::ranges::find(different, *value) == different.end()) different.push_back(*value);
  }
  void Take(std::optional<int32_t> value) {
    held.erase(std::ranges::find(held, value));
    if (value && std::ranges::find(held, value) == held.end()) different.erase(std::ranges::find(different, *value));
  }
};

std::string Shown(const std::optional<int32_t>& value) { return value ? StrCat(*value) : "NULL"; }
std::string Bracketed(const std::vector<std::string>& parts, char open, char close) {
  std::string text(1, open);
  for (const std::string& part : parts) StrAppend(&text, text.size() > 1 ? ", " : "", part);
  return text + close;
}

// What the aggregates give for these values.
std::string Expected(const std::string& key, const Group& group) {
  std::vector<std::string> all;
  std::vector<std::string> different;
  std::map<int32_t, int> counts;
  Held there;
  int64_t sum = 0;
  int64_t squares = 0;
  for (const int32_t value : group.different) different.push_back(StrCat(value));
  for (const auto& value : group.held) {
    all.push_back(Shown(value));
    if (!value) continue;
    ++counts[*value];
    there.push_back(value);
    sum += *value;
    squares += int64_t{*value} * *value;
  }
  std::vector<std::string> counted;
  for (const auto& [value, count] : counts) counted.push_back(StrCat(value, "=", count));
  const auto n = static_cast<int64_t>(there.size());
  return StrCat("[", key, ", ", Bracketed(all, '[', ']'), ", ",
                different.empty() ? "NULL" : Bracketed(different, '[', ']'), ", ", Bracketed(counted, '{', '}'), ", ",
                n == 0 ? "NULL" : Shown(there.front()), ", ", n == 0 ? "NULL" : Shown(there.back()), ", ",
                n == 0 ? "NULL" : StrCat((squares - sum * sum / n) / n), "]");
}

void RunSeed(uint64_t seed) {
  Random random(seed);
  const plan::NodePtr node = ListNode();
  Task task(node);
  std::map<std::string, Group> groups;
  for (int step = 0; step < 300; ++step) {
    const std::string key = StrCat("k", random.Below(3));
    Group& group = groups[key];
    std::optional<int32_t> value;
    const bool takes_back = !group.held.empty() && random.OneIn(2);
    if (takes_back) {
      value = group.held[random.Below(group.held.size())];
      group.Take(value);
    } else {
      if (!random.OneIn(5)) value = static_cast<int32_t>(random.Between(0, 4));
      group.Add(value);
    }
    data::Batch batch = MakeBatch(node->inputs[0]->schema, {{{key}, value ? Value{*value} : Value::Null()}});
    batch.kinds = {takes_back ? data::RowKind::kDelete : data::RowKind::kInsert};
    task.output.lines.clear();
    task.Process(batch);
    if (group.held.empty()) {
      ASSERT_EQ(task.output.lines.size(), 1U) << "seed " << seed << ", step " << step;
      ASSERT_TRUE(task.output.lines[0].starts_with("-D")) << task.output.lines[0];
    } else if (!task.output.lines.empty()) {
      ASSERT_EQ(task.output.lines.back().substr(2), Expected(key, group)) << "seed " << seed << ", step " << step;
    }
    if (!random.OneIn(3)) continue;
    task.Barrier();
    if (random.OneIn(2)) task.KillAndRestore();
  }
}

TEST(ValueLists, AgreeWithTheOracleOnRandomChanges) {
  for (uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) RunSeed(seed);
}

}  // namespace
}  // namespace leat::exec
