#include "sql/rewrite.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "sql/narrow_rows.h"
#include "sql/relation.h"
#include "sql/share_nodes.h"
#include "sql/time_zone.h"
#include "stream/plan/changelog.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

namespace {

// Every node below the roots, inputs before what reads them, each once.
std::vector<NodePtr> InputsFirst(const std::vector<NodePtr>& roots) {
  std::vector<NodePtr> order;
  std::set<const Node*> seen;
  struct Visit {
    NodePtr node;
    size_t next = 0;
  };
  for (const NodePtr& root : roots) {
    std::vector<Visit> stack;
    if (seen.insert(root.get()).second) stack.push_back({root});
    while (!stack.empty()) {
      Visit& top = stack.back();
      if (top.next == top.node->inputs.size()) {
        order.push_back(top.node);
        stack.pop_back();
        continue;
      }
      const NodePtr input = top.node->inputs[top.next++];
      if (seen.insert(input.get()).second) stack.push_back({input});
    }
  }
  return order;
}

bool IsIdentity(const Node& calc) {
  if (calc.condition) return false;
  if (calc.expressions.size() != calc.inputs[0]->schema->fields.size()) return false;
  for (size_t i = 0; i < calc.expressions.size(); ++i) {
    const plan::Expression& expression = *calc.expressions[i];
    if (expression.kind != plan::Expression::Kind::kInput || expression.input != static_cast<int>(i)) return false;
  }
  return true;
}

// --- merging ---

// True if putting the lower Calc's expressions into the upper one computes none of them twice.
bool MergeIsCheap(const Node& upper, const Node& lower) {
  std::vector<int> inputs;
  if (upper.condition) CollectInputs(*upper.condition, &inputs);
  for (const ExpressionPtr& expression : upper.expressions) CollectInputs(*expression, &inputs);
  std::set<int> computed;
  for (const int input : inputs) {
    if (lower.expressions[input]->kind != plan::Expression::Kind::kCall) continue;
    if (!computed.insert(input).second) return false;
  }
  return true;
}

class Merger {
 public:
  explicit Merger(const std::vector<NodePtr>& order) {
    for (const NodePtr& node : order) {
      for (const NodePtr& input : node->inputs) ++readers_[input.get()];
    }
  }

  NodePtr Merge(const NodePtr& node) {
    auto copy = std::make_shared<Node>(*node);
    for (NodePtr& input : copy->inputs) input = merged_.at(input.get());
    NodePtr result = copy;
    if (copy->kind == NodeKind::kCalc) {
      const NodePtr lower = copy->inputs[0];
      if (lower->kind == NodeKind::kCalc && readers_[node->inputs[0].get()] == 1 && MergeIsCheap(*copy, *lower)) {
        const ExpressionPtr condition =
            copy->condition ? Substitute(copy->condition, lower->expressions) : ExpressionPtr();
        copy->condition = Both(lower->condition, condition);
        for (ExpressionPtr& expression : copy->expressions) expression = Substitute(expression, lower->expressions);
        copy->inputs = lower->inputs;
      }
      if (IsIdentity(*copy)) result = copy->inputs[0];
    }
    merged_[node.get()] = result;
    return result;
  }
  const NodePtr& Merged(const NodePtr& node) const { return merged_.at(node.get()); }

 private:
  std::map<const Node*, int> readers_;
  std::map<const Node*, NodePtr> merged_;
};

// --- pruning ---

using Columns = std::set<int>;

// What a source must carry besides what is read: the watermark and what it and computed columns are made of.
void AddSourceNeeds(const plan::Table& table, Columns* needed) {
  std::vector<int> inputs;
  if (table.watermark_column >= 0) {
    needed->insert(table.watermark_column);
    CollectInputs(*table.watermark, &inputs);
    needed->insert(inputs.begin(), inputs.end());
  }
  inputs.clear();
  for (const int column : *needed) {
    if (table.columns[column].computed) CollectInputs(*table.columns[column].computed, &inputs);
  }
  needed->insert(inputs.begin(), inputs.end());
  // Rows without columns would lose their count in the formats.
  if (needed->empty()) needed->insert(0);
}

class Pruner {
 public:
  // Readers come before what they read.
  void Need(const Node& node) {
    Columns& own = needed_[&node];
    const auto all = [&](const NodePtr& input) {
      for (size_t i = 0; i < input->schema->fields.size(); ++i) needed_[input.get()].insert(static_cast<int>(i));
    };
    switch (node.kind) {
      case NodeKind::kSource:
        AddSourceNeeds(*node.table, &own);
        break;
      case NodeKind::kValues:
        break;
      case NodeKind::kSink:
      case NodeKind::kMatch:
        all(node.inputs[0]);
        break;
      case NodeKind::kJoin:
      case NodeKind::kIntervalJoin:
      case NodeKind::kWindowJoin:
      case NodeKind::kTemporalJoin:
      case NodeKind::kLookupJoin:
        for (int side = 0; side < 2; ++side) {
          const Columns columns = NeedOfJoin(node, own, side);
          needed_[node.inputs[side].get()].insert(columns.begin(), columns.end());
        }
        break;
      case NodeKind::kNormalize:
      case NodeKind::kUpsertMaterialize: {
        Columns& below = needed_[node.inputs[0].get()];
        below.insert(own.begin(), own.end());
        below.insert(node.keys.begin(), node.keys.end());
        break;
      }
      case NodeKind::kUnionAll:
        for (const NodePtr& input : node.inputs) needed_[input.get()].insert(own.begin(), own.end());
        break;
      case NodeKind::kCalc: {
        if (own.empty() && !node.expressions.empty()) own.insert(0);
        std::vector<int> inputs;
        if (node.condition) CollectInputs(*node.condition, &inputs);
        for (const int column : own) CollectInputs(*node.expressions[column], &inputs);
        needed_[node.inputs[0].get()].insert(inputs.begin(), inputs.end());
        break;
      }
      case NodeKind::kWindowAssign:
      case NodeKind::kUnnest: {
        const int width = static_cast<int>(node.inputs[0]->schema->fields.size());
        Columns& below = needed_[node.inputs[0].get()];
        if (node.kind == NodeKind::kWindowAssign) below.insert(node.window.time_column);
        below.insert(node.keys.begin(), node.keys.end());
        for (const int column : own) {
          if (column < width) below.insert(column);
        }
        break;
      }
      case NodeKind::kOver:
      case NodeKind::kRank:
        NeedOfRows(node, own);
        break;
      case NodeKind::kWindowAggregate:
      case NodeKind::kGroupAggregate:
        NeedOfAggregate(node, own);
        break;
    }
  }
  void NeedAll(const NodePtr& root) {
    for (size_t i = 0; i < root->schema->fields.size(); ++i) needed_[root.get()].insert(static_cast<int>(i));
  }

  // Inputs come before what reads them.
  void Prune(const NodePtr& node) {
    Pruned pruned;
    auto copy = std::make_shared<Node>(*node);
    switch (node->kind) {
      case NodeKind::kSource:
      case NodeKind::kValues:
        pruned = PruneLeaf(*node);
        break;
      case NodeKind::kSink:
      case NodeKind::kMatch:
        copy->inputs[0] = Exactly(node->inputs[0], node->position);
        pruned.node = copy;
        for (size_t i = 0; i < node->schema->fields.size(); ++i) pruned.at.push_back(static_cast<int>(i));
        break;
      case NodeKind::kJoin:
      case NodeKind::kIntervalJoin:
      case NodeKind::kWindowJoin:
      case NodeKind::kTemporalJoin:
      case NodeKind::kLookupJoin:
        pruned = PruneJoin(*node);
        break;
      case NodeKind::kNormalize:
      case NodeKind::kUpsertMaterialize:
        pruned = PruneKeyed(*node);
        break;
      case NodeKind::kUnionAll:
        pruned = PruneUnion(*node);
        break;
      case NodeKind::kCalc:
        pruned = PruneCalc(*node);
        break;
      case NodeKind::kWindowAssign:
        pruned = PruneWindowAssign(*node);
        break;
      case NodeKind::kUnnest:
        pruned = PruneUnnest(*node);
        break;
      case NodeKind::kOver:
      case NodeKind::kRank:
        pruned = PruneRows(*node);
        break;
      case NodeKind::kWindowAggregate:
      case NodeKind::kGroupAggregate:
        pruned = PruneAggregate(*node);
        break;
    }
    pruned_[node.get()] = std::move(pruned);
  }
  // The node with all its columns in their order.
  NodePtr Exactly(const NodePtr& node, plan::Position position) {
    Columns all;
    for (size_t i = 0; i < node->schema->fields.size(); ++i) all.insert(static_cast<int>(i));
    return Layout(node, all, position);
  }

 private:
  struct Pruned {
    NodePtr node;
    std::vector<int> at;  // where each old column is now; -1: gone
  };

  void NeedOfAggregate(const Node& node, const Columns& own) {
    Columns& below = needed_[node.inputs[0].get()];
    below.insert(node.keys.begin(), node.keys.end());
    if (node.kind == NodeKind::kWindowAggregate) below.insert(node.window.time_column);
    const int keys = static_cast<int>(node.keys.size());
    for (size_t i = 0; i < node.aggregates.size(); ++i) {
      if (!own.contains(keys + static_cast<int>(i))) continue;
      if (node.aggregates[i].argument >= 0) below.insert(node.aggregates[i].argument);
      if (node.aggregates[i].filter >= 0) below.insert(node.aggregates[i].filter);
    }
    if (below.empty()) below.insert(0);
  }

  // OVER and Top-N: the input's columns, then what is computed.
  void NeedOfRows(const Node& node, const Columns& own) {
    Columns& below = needed_[node.inputs[0].get()];
    const int width = static_cast<int>(node.inputs[0]->schema->fields.size());
    below.insert(node.keys.begin(), node.keys.end());
    for (const plan::OrderKey& key : node.order) below.insert(key.column);
    if (node.window.time_column >= 0) below.insert(node.window.time_column);
    for (const int column : own) {
      if (column < width) {
        below.insert(column);
        continue;
      }
      if (node.kind == NodeKind::kRank) continue;
      const plan::Aggregate& aggregate = node.aggregates[column - width];
      for (const int read : {aggregate.argument, aggregate.filter, aggregate.default_column}) {
        if (read >= 0) below.insert(read);
      }
    }
    if (below.empty()) below.insert(0);
  }

  Pruned PruneRows(const Node& node) {
    const Pruned& below = pruned_.at(node.inputs[0].get());
    const Columns& own = needed_[&node];
    Pruned pruned;
    auto copy = std::make_shared<Node>(node);
    copy->inputs[0] = below.node;
    for (int& key : copy->keys) key = below.at[key];
    for (plan::OrderKey& key : copy->order) key.column = below.at[key.column];
    if (node.window.time_column >= 0) copy->window.time_column = below.at[node.window.time_column];
    std::vector<data::Field> fields = below.node->schema->fields;
    pruned.at = below.at;
    copy->aggregates.clear();
    for (size_t i = below.at.size(); i < node.schema->fields.size(); ++i) {
      const bool needed = own.contains(static_cast<int>(i));
      pruned.at.push_back(needed ? static_cast<int>(fields.size()) : -1);
      if (!needed) continue;
      fields.push_back(node.schema->fields[i]);
      if (node.kind == NodeKind::kRank) continue;
      plan::Aggregate aggregate = node.aggregates[i - below.at.size()];
      for (int* read : {&aggregate.argument, &aggregate.filter, &aggregate.default_column}) {
        if (*read >= 0) *read = below.at[*read];
      }
      copy->aggregates.push_back(aggregate);
    }
    copy->rank.with_rank = node.kind == NodeKind::kRank && fields.size() > below.node->schema->fields.size();
    copy->schema = std::make_shared<data::Schema>(data::Schema{std::move(fields)});
    pruned.node = copy;
    return pruned;
  }

  static std::vector<data::Field> Chosen(const Node& node, const Columns& columns, std::vector<int>* at) {
    at->assign(node.schema->fields.size(), -1);
    std::vector<data::Field> fields;
    for (const int column : columns) {
      (*at)[column] = static_cast<int>(fields.size());
      fields.push_back(node.schema->fields[column]);
    }
    return fields;
  }

  Pruned PruneLeaf(const Node& node) {
    Pruned pruned;
    Columns columns = needed_[&node];
    if (columns.empty()) columns.insert(0);
    auto copy = std::make_shared<Node>(node);
    copy->schema = std::make_shared<data::Schema>(data::Schema{Chosen(node, columns, &pruned.at)});
    copy->source_columns.clear();
    if (node.kind == NodeKind::kSource) {
      for (const int column : columns) copy->source_columns.push_back(node.source_columns[column]);
    }
    for (auto& row : copy->rows) {
      std::vector<data::Value> kept;
      for (const int column : columns) kept.push_back(row[column]);
      row = std::move(kept);
    }
    pruned.node = copy;
    return pruned;
  }

  // The pruned node brought to exactly these of its old columns, in order.
  NodePtr Layout(const NodePtr& old, const Columns& columns, plan::Position position) {
    const Pruned& pruned = pruned_.at(old.get());
    std::vector<ExpressionPtr> expressions;
    std::vector<std::string> names;
    for (const int column : columns) {
      const int at = pruned.at[column];
      LEAT_CHECK(at >= 0) << "column " << column << " was pruned but is read";
      expressions.push_back(plan::Input(at, pruned.node->schema->fields[at].type));
      names.push_back(old->schema->fields[column].name);
    }
    const NodePtr calc = MakeCalc(pruned.node, nullptr, std::move(expressions), names, position);
    return IsIdentity(*calc) ? pruned.node : calc;
  }

  Pruned PruneUnion(const Node& node) {
    Pruned pruned;
    Columns columns = needed_[&node];
    if (columns.empty()) columns.insert(0);
    auto copy = std::make_shared<Node>(node);
    copy->schema = std::make_shared<data::Schema>(data::Schema{Chosen(node, columns, &pruned.at)});
    for (NodePtr& input : copy->inputs) input = Layout(input, columns, node.position);
    pruned.node = copy;
    return pruned;
  }

  // The columns of one input that a join needs when those in `own` are read of it.
  static Columns NeedOfJoin(const Node& node, const Columns& own, int side) {
    const plan::JoinSpec& join = node.join;
    const int left_width = static_cast<int>(node.inputs[0]->schema->fields.size());
    const int width = static_cast<int>(node.inputs[side]->schema->fields.size());
    const int first = side == 0 ? 0 : left_width;
    std::vector<int> wanted(own.begin(), own.end());
    // Behind the left columns of a mark join stands its answer.
    if (join.type == plan::JoinType::kMark) std::erase_if(wanted, [&](int column) { return column >= left_width; });
    if (join.condition) CollectInputs(*join.condition, &wanted);
    Columns columns;
    for (const int column : wanted) {
      if (column >= first && column < first + width) columns.insert(column - first);
    }
    const std::vector<int>& keys = side == 0 ? join.left_keys : join.right_keys;
    columns.insert(keys.begin(), keys.end());
    const int time = side == 0 ? join.left_time : join.right_time;
    if (time >= 0) columns.insert(time);
    if (columns.empty()) columns.insert(0);
    return columns;
  }

  Pruned PruneJoin(const Node& node) {
    Pruned pruned;
    auto copy = std::make_shared<Node>(node);
    std::vector<int> at[2];
    std::vector<data::Field> fields;
    std::vector<ExpressionPtr> inputs;
    const bool marks = node.join.type == plan::JoinType::kMark;
    const bool left_only = marks || node.join.type == plan::JoinType::kSemi || node.join.type == plan::JoinType::kAnti;
    int first = 0;
    for (int side = 0; side < 2; ++side) {
      const NodePtr& input = node.inputs[side];
      const Columns columns = NeedOfJoin(node, needed_[&node], side);
      copy->inputs[side] = Layout(input, columns, node.position);
      Chosen(*input, columns, &at[side]);
      const size_t old_first = side == 0 ? 0 : node.inputs[0]->schema->fields.size();
      for (size_t i = 0; i < at[side].size(); ++i) {
        const int now = at[side][i] < 0 ? -1 : first + at[side][i];
        inputs.push_back(now < 0 ? nullptr : plan::Input(now, input->schema->fields[i].type));
        if (left_only && side == 1) continue;
        pruned.at.push_back(now);
        if (now >= 0) fields.push_back(node.schema->fields[old_first + i]);
      }
      first += static_cast<int>(columns.size());
      if (marks && side == 0) {
        pruned.at.push_back(static_cast<int>(fields.size()));
        fields.push_back(node.schema->fields[old_first + at[0].size()]);
      }
    }
    for (int& key : copy->join.left_keys) key = at[0][key];
    for (int& key : copy->join.right_keys) key = at[1][key];
    if (copy->join.left_time >= 0) copy->join.left_time = at[0][copy->join.left_time];
    if (copy->join.right_time >= 0) copy->join.right_time = at[1][copy->join.right_time];
    if (copy->join.condition) copy->join.condition = Substitute(copy->join.condition, inputs);
    copy->schema = std::make_shared<data::Schema>(data::Schema{std::move(fields)});
    pruned.node = copy;
    return pruned;
  }

  // A node that passes rows on unchanged and holds some of them by its keys.
  Pruned PruneKeyed(const Node& node) {
    Pruned pruned;
    Columns columns = needed_[&node];
    columns.insert(node.keys.begin(), node.keys.end());
    auto copy = std::make_shared<Node>(node);
    copy->schema = std::make_shared<data::Schema>(data::Schema{Chosen(node, columns, &pruned.at)});
    copy->inputs[0] = Layout(node.inputs[0], columns, node.position);
    for (int& key : copy->keys) key = pruned.at[key];
    pruned.node = copy;
    return pruned;
  }

  std::vector<ExpressionPtr> NewColumns(const NodePtr& old) const {
    const Pruned& pruned = pruned_.at(old.get());
    std::vector<ExpressionPtr> columns;
    for (const int at : pruned.at) {
      columns.push_back(at < 0 ? nullptr : plan::Input(at, pruned.node->schema->fields[at].type));
    }
    return columns;
  }

  Pruned PruneCalc(const Node& node) {
    Pruned pruned;
    const Columns& columns = needed_[&node];
    const std::vector<ExpressionPtr> inputs = NewColumns(node.inputs[0]);
    auto copy = std::make_shared<Node>(node);
    copy->inputs[0] = pruned_.at(node.inputs[0].get()).node;
    copy->schema = std::make_shared<data::Schema>(data::Schema{Chosen(node, columns, &pruned.at)});
    copy->expressions.clear();
    for (const int column : columns) copy->expressions.push_back(Substitute(node.expressions[column], inputs));
    if (node.condition) copy->condition = Substitute(node.condition, inputs);
    pruned.node = IsIdentity(*copy) ? copy->inputs[0] : copy;
    return pruned;
  }

  Pruned PruneWindowAssign(const Node& node) {
    const Pruned& below = pruned_.at(node.inputs[0].get());
    Pruned pruned;
    auto copy = std::make_shared<Node>(node);
    copy->inputs[0] = below.node;
    copy->window.time_column = below.at[node.window.time_column];
    for (int& key : copy->keys) key = below.at[key];
    std::vector<data::Field> fields = below.node->schema->fields;
    fields[copy->window.time_column].type.rowtime = false;
    fields[copy->window.time_column].type.proctime = false;
    pruned.at = below.at;
    for (size_t i = below.at.size(); i < node.schema->fields.size(); ++i) {
      pruned.at.push_back(static_cast<int>(fields.size()));
      fields.push_back(node.schema->fields[i]);
    }
    copy->schema = std::make_shared<data::Schema>(data::Schema{std::move(fields)});
    pruned.node = copy;
    return pruned;
  }

  Pruned PruneUnnest(const Node& node) {
    const Pruned& below = pruned_.at(node.inputs[0].get());
    Pruned pruned;
    auto copy = std::make_shared<Node>(node);
    copy->inputs[0] = below.node;
    copy->keys[0] = below.at[node.keys[0]];
    std::vector<data::Field> fields = below.node->schema->fields;
    pruned.at = below.at;
    for (size_t i = below.at.size(); i < node.schema->fields.size(); ++i) {
      pruned.at.push_back(static_cast<int>(fields.size()));
      fields.push_back(node.schema->fields[i]);
    }
    copy->schema = std::make_shared<data::Schema>(data::Schema{std::move(fields)});
    pruned.node = copy;
    return pruned;
  }

  Pruned PruneAggregate(const Node& node) {
    const Pruned& below = pruned_.at(node.inputs[0].get());
    Columns columns = needed_[&node];
    const int keys = static_cast<int>(node.keys.size());
    for (int i = 0; i < keys; ++i) columns.insert(i);
    Pruned pruned;
    auto copy = std::make_shared<Node>(node);
    copy->inputs[0] = below.node;
    copy->schema = std::make_shared<data::Schema>(data::Schema{Chosen(node, columns, &pruned.at)});
    for (int& key : copy->keys) key = below.at[key];
    if (node.kind == NodeKind::kWindowAggregate) copy->window.time_column = below.at[node.window.time_column];
    copy->aggregates.clear();
    copy->window_columns.clear();
    const int aggregates = static_cast<int>(node.aggregates.size());
    for (const int column : columns) {
      if (column < keys) continue;
      if (column >= keys + aggregates) {
        copy->window_columns.push_back(node.window_columns[column - keys - aggregates]);
        continue;
      }
      plan::Aggregate aggregate = node.aggregates[column - keys];
      if (aggregate.argument >= 0) aggregate.argument = below.at[aggregate.argument];
      if (aggregate.filter >= 0) aggregate.filter = below.at[aggregate.filter];
      copy->aggregates.push_back(aggregate);
    }
    pruned.node = copy;
    return pruned;
  }

  std::map<const Node*, Columns> needed_;
  std::map<const Node*, Pruned> pruned_;
};

// Numbers the nodes, fills in what follows from what is below them, and lets equal ones be one.
std::vector<NodePtr> Number(const std::vector<NodePtr>& roots, int64_t default_ttl_ms) {
  std::map<const Node*, NodePtr> numbered;
  NodeSharer sharer;
  int id = 0;
  for (const NodePtr& node : InputsFirst(roots)) {
    auto copy = std::make_shared<Node>(*node);
    copy->id = ++id;
    for (NodePtr& input : copy->inputs) input = numbered.at(input.get());
    for (int64_t* ttl_ms : {&copy->ttl_ms, &copy->join.left_ttl_ms, &copy->join.right_ttl_ms}) {
      if (*ttl_ms == plan::kDefaultTtl) *ttl_ms = default_ttl_ms;
    }
    copy->changelog = plan::InferChangelogMode(*copy);
    // The numbers of the others stay as they were.
    const NodePtr same = sharer.Find(copy);
    numbered[node.get()] = same == nullptr ? copy : same;
  }
  std::vector<NodePtr> result;
  for (const NodePtr& root : roots) result.push_back(numbered.at(root.get()));
  return result;
}

}  // namespace

std::vector<NodePtr> Rewrite(const std::vector<NodePtr>& written, const RewriteOptions& options) {
  const std::vector<NodePtr> roots = InTimeZone(written, InputsFirst(written), options.time_zone);
  const std::vector<NodePtr> order = InputsFirst(roots);
  Merger merger(order);
  for (const NodePtr& node : order) merger.Merge(node);
  std::vector<NodePtr> merged;
  for (const NodePtr& root : roots) merged.push_back(merger.Merged(root));

  std::vector<NodePtr> merged_order = InputsFirst(merged);
  Pruner pruner;
  for (const NodePtr& root : merged) pruner.NeedAll(root);
  for (auto it = merged_order.rbegin(); it != merged_order.rend(); ++it) pruner.Need(**it);
  for (const NodePtr& node : merged_order) pruner.Prune(node);
  std::vector<NodePtr> pruned;
  for (const NodePtr& root : merged) {
    pruned.push_back(pruner.Exactly(root, root->position));
  }
  return Number(NarrowRows(pruned, InputsFirst(pruned)), options.default_ttl_ms);
}

}  // namespace leat::sql
