#include "stream/plan/changelog.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.h"

namespace leat::plan {

namespace {

const std::string* Find(const Table& table, const std::string& key) {
  const auto found = table.options.find(key);
  return found == table.options.end() ? nullptr : &found->second;
}

ChangelogMode OfInputs(const Node& node) {
  ChangelogMode mode;
  for (const NodePtr& input : node.inputs) {
    mode.update_before = mode.update_before || input->changelog.update_before;
    mode.update_after = mode.update_after || input->changelog.update_after;
    mode.deletes = mode.deletes || input->changelog.deletes;
  }
  return mode;
}

// An inner join passes on what comes in. A semi join's rows go when the last match goes.
ChangelogMode OfJoin(const Node& node) {
  ChangelogMode mode = OfInputs(node);
  if (node.join.type == JoinType::kSemi && node.inputs[1]->produces_updates) mode.deletes = true;
  return mode;
}

// Without the number rows leave and enter; with it, or where there is but one, they take each other's place.
ChangelogMode OfRank(const Node& node) {
  if (!node.produces_updates) return kInsertOnly;
  const bool replaces = node.rank.with_rank || (node.rank.from == 1 && node.rank.to == 1);
  if (!replaces) return {.deletes = true};
  return {.update_before = true, .update_after = true, .deletes = node.inputs[0]->produces_updates};
}

ChangelogMode OfSource(const Node& node) {
  if (node.table == nullptr) return kInsertOnly;
  switch (ChangesOf(*node.table)) {
    case TableChanges::kInserts:
      break;
    case TableChanges::kUpserts:
      return {.update_after = true, .deletes = true};
    case TableChanges::kAll:
      return kAllChanges;
  }
  return kInsertOnly;
}

std::vector<int> Sorted(std::vector<int> columns) {
  std::ranges::sort(columns);
  return columns;
}

// Where the columns of `key` are in the output of a Calc; nullopt if one is not passed on.
std::optional<std::vector<int>> ThroughCalc(const Node& calc, const std::vector<int>& key) {
  std::vector<int> out;
  for (const int column : key) {
    const auto passes = [&](const ExpressionPtr& expression) {
      return expression->kind == Expression::Kind::kInput && expression->input == column;
    };
    const auto found = std::ranges::find_if(calc.expressions, passes);
    if (found == calc.expressions.end()) return std::nullopt;
    out.push_back(static_cast<int>(found - calc.expressions.begin()));
  }
  return Sorted(std::move(out));
}

bool Contains(const std::vector<int>& columns, int column) {
  return std::ranges::find(columns, column) != columns.end();
}

bool IsPartOf(const std::vector<int>& part, const std::vector<int>& whole) {
  return std::ranges::all_of(part, [&](int column) { return Contains(whole, column); });
}

// Keys of nodes, each found once however many read it.
class UniqueKeys {
 public:
  using Key = std::optional<std::vector<int>>;
  enum class Order : uint8_t { kAny, kKept };
  explicit UniqueKeys(Order order) : order_(order) {}

  const Key& Of(const Node& node) {
    const auto known = keys_.find(&node);
    if (known != keys_.end()) return known->second;
    Key key = Find(node);
    return keys_[&node] = std::move(key);
  }

 private:
  Key Find(const Node& node) {
    switch (node.kind) {
      case NodeKind::kSource:
        return OfTable(node);
      case NodeKind::kNormalize:
      case NodeKind::kUpsertMaterialize:
        return Sorted(node.keys);
      case NodeKind::kJoin:
      case NodeKind::kTemporalJoin:
      case NodeKind::kLookupJoin:
        return OfJoin(node);
      case NodeKind::kRank:
        return OfRanked(node);
      case NodeKind::kGroupAggregate: {
        std::vector<int> key(node.keys.size());
        for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<int>(i);
        return key;
      }
      case NodeKind::kWindowAggregate:
        return OfWindows(node);
      case NodeKind::kCalc: {
        const Key& below = Of(*node.inputs[0]);
        return below ? ThroughCalc(node, *below) : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }

  // Where windows tell their result more than once: one row for each window of a key.
  static Key OfWindows(const Node& node) {
    if (!node.produces_updates) return std::nullopt;
    std::vector<int> key;
    for (size_t i = 0; i < node.keys.size(); ++i) key.push_back(static_cast<int>(i));
    for (size_t i = 0; i < node.window_columns.size(); ++i) {
      if (node.window_columns[i] == Node::WindowColumn::kTime) continue;
      key.push_back(static_cast<int>(node.keys.size() + node.aggregates.size() + i));
      return key;
    }
    return std::nullopt;
  }

  // One row for each partition, or for each number of it; otherwise as the rows come in.
  Key OfRanked(const Node& node) {
    std::vector<int> key = node.keys;
    if (node.rank.from != node.rank.to) {
      if (!node.rank.with_rank) return Behind(Of(*node.inputs[0]), node.keys);
      key.push_back(static_cast<int>(node.schema->fields.size()) - 1);
    }
    return Sorted(std::move(key));
  }

  static Key OfTable(const Node& node) {
    if (node.table == nullptr || node.table->primary_key.empty()) return std::nullopt;
    std::vector<int> key;
    for (const std::string& name : node.table->primary_key) key.push_back(node.schema->Find(name));
    return Sorted(std::move(key));
  }

  // What is left of a key when rows go to the workers by these columns.
  Key Behind(const Key& key, const std::vector<int>& columns) const {
    return order_ == Order::kAny || (key && IsPartOf(columns, *key)) ? key : std::nullopt;
  }

  // The left row's key and the right row's, or the left one's where it meets at most one right row.
  Key OfJoin(const Node& node) {
    const JoinSpec& join = node.join;
    const Key left = Of(*node.inputs[0]);
    const bool half = join.type == JoinType::kSemi || join.type == JoinType::kAnti || join.type == JoinType::kMark;
    if (node.kind != NodeKind::kJoin || half) {
      return Behind(left, join.left_keys);
    }
    const Key one_right = order_ == Order::kAny ? Of(*node.inputs[1]) : UniqueKey(*node.inputs[1]);
    const bool keeps_left = join.type == JoinType::kInner || join.type == JoinType::kLeft;
    if (keeps_left && left && one_right && IsPartOf(*one_right, join.right_keys)) {
      if (Key key = Behind(left, join.left_keys)) return key;
    }
    const Key right = Of(*node.inputs[1]);
    if (!left || !right || (order_ == Order::kKept && !StaysTogether(join, *left, *right))) return std::nullopt;
    std::vector<int> both = *left;
    const int width = static_cast<int>(node.inputs[0]->schema->fields.size());
    for (const int column : *right) both.push_back(column + width);
    return both;
  }

  // Whether a pair's keys say which worker has it: one side's do for each column that is joined by. A row without a
  // partner has only its own.
  static bool StaysTogether(const JoinSpec& join, const std::vector<int>& left, const std::vector<int>& right) {
    const bool full = join.type == JoinType::kFull;
    if ((full || join.type == JoinType::kLeft) && !IsPartOf(join.left_keys, left)) return false;
    if ((full || join.type == JoinType::kRight) && !IsPartOf(join.right_keys, right)) return false;
    for (size_t i = 0; i < join.left_keys.size(); ++i) {
      if (!Contains(left, join.left_keys[i]) && !Contains(right, join.right_keys[i])) return false;
    }
    return true;
  }

  const Order order_;
  std::map<const Node*, Key> keys_;
};

}  // namespace

TableChanges ChangesOf(const Table& table) {
  const std::string* connector = Find(table, "connector");
  if (connector == nullptr) return TableChanges::kInserts;
  if (*connector == "upsert-kafka") return TableChanges::kUpserts;
  const std::string* format = Find(table, "value.format");
  if (format == nullptr) format = Find(table, "format");
  if (*connector == "kafka" && format != nullptr && *format == "debezium-json") return TableChanges::kAll;
  return TableChanges::kInserts;
}

ChangelogMode InferChangelogMode(const Node& node) {
  switch (node.kind) {
    case NodeKind::kSource:
      return OfSource(node);
    case NodeKind::kCalc:
    case NodeKind::kUnionAll:
    case NodeKind::kUnnest:
      return OfInputs(node);
    case NodeKind::kGroupAggregate:
      return {.update_before = true, .update_after = true, .deletes = node.inputs[0]->produces_updates};
    case NodeKind::kWindowAggregate:
      return {.update_before = node.produces_updates, .update_after = node.produces_updates};
    case NodeKind::kJoin:
      return node.join.type == JoinType::kInner || node.join.type == JoinType::kSemi ? OfJoin(node) : kAllChanges;
    case NodeKind::kTemporalJoin:
    case NodeKind::kLookupJoin:
      return node.inputs[0]->changelog;
    case NodeKind::kRank:
      return OfRank(node);
    case NodeKind::kNormalize:
      return kAllChanges;
    case NodeKind::kUpsertMaterialize:
      return {.update_after = true, .deletes = true};
    default:
      return node.produces_updates ? kAllChanges : kInsertOnly;
  }
}

std::string ToString(const ChangelogMode& mode) {
  return StrCat("[I", mode.update_before ? ",UB" : "", mode.update_after ? ",UA" : "", mode.deletes ? ",D" : "", "]");
}

std::optional<std::vector<int>> UniqueKey(const Node& node) { return UniqueKeys(UniqueKeys::Order::kAny).Of(node); }

std::optional<std::vector<int>> UpsertKey(const Node& node) { return UniqueKeys(UniqueKeys::Order::kKept).Of(node); }

}  // namespace leat::plan
