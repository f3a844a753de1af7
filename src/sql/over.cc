#include "sql/over.h"

#include <absl/strings/numbers.h>

#include <algorithm>

#include "base/strings.h"
#include "sql/literals.h"

namespace leat::sql {

using plan::AggregateKind;
using plan::ExpressionPtr;
using plan::FunctionId;
using plan::NodeKind;

namespace {

bool IsTime(const data::Type& type) { return type.rowtime || type.proctime; }

// The input's columns, and behind them what the calls read and the input does not have as a column.
class Columns {
 public:
  explicit Columns(const Relation& input)
      : input_(input), expressions_(AllInputs(*input.node)), names_(FieldNames(*input.node)) {}

  int Add(const ExpressionPtr& expression) {
    for (size_t i = 0; i < expressions_.size(); ++i) {
      if (SameExpression(*expressions_[i], *expression)) return static_cast<int>(i);
    }
    names_.push_back(StrCat("$over", expressions_.size()));
    expressions_.push_back(expression);
    return static_cast<int>(expressions_.size()) - 1;
  }
  plan::NodePtr Build(Position position) const {
    if (expressions_.size() == input_.fields().size()) return input_.node;
    return MakeCalc(input_.node, nullptr, expressions_, names_, position);
  }

 private:
  const Relation& input_;
  std::vector<ExpressionPtr> expressions_;
  std::vector<std::string> names_;
};

// The relation of the node's columns without the helpers between the input's and the results.
Relation WithResults(const Relation& input, const plan::NodePtr& node, size_t results, Position position) {
  const size_t width = input.fields().size();
  std::vector<ExpressionPtr> columns = AllInputs(*node);
  std::vector<std::string> names = FieldNames(*node);
  const auto cut = [&](auto& list) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(width), list.end() - static_cast<std::ptrdiff_t>(results));
  };
  cut(columns);
  cut(names);
  Relation result = input;
  result.node = MakeCalc(node, nullptr, std::move(columns), names, position);
  result.MatchColumns();
  result.depth += 1;
  return result;
}

// Marks a rank over whole windows: its partition has the window's bounds.
void AttachWindow(const Relation& input, const OverCall& call, plan::Node* rank) {
  int end = -1;
  bool start = false;
  for (size_t i = 0; i < call.partition.size(); ++i) {
    const plan::Expression& expression = *call.partition[i];
    if (expression.kind != plan::Expression::Kind::kInput) continue;
    start = start || input.tags[expression.input] == WindowTag::kStart;
    if (input.tags[expression.input] == WindowTag::kEnd) end = rank->keys[i];
  }
  if (!start || end < 0 || input.node->produces_updates) return;
  rank->window.kind = plan::WindowKind::kAttached;
  rank->window.time_column = end;
}

// True for the time column by which a window table function has put the rows into their windows.
bool IsTimeOfWindow(const Relation& input, const plan::Expression& key) {
  if (key.kind != plan::Expression::Kind::kInput) return false;
  const plan::Node* node = input.node.get();
  int column = key.input;
  for (; node->kind == NodeKind::kCalc; node = node->inputs[0].get()) {
    const plan::Expression& from = *node->expressions[static_cast<size_t>(column)];
    if (from.kind != plan::Expression::Kind::kInput) return false;
    column = from.input;
  }
  return node->kind == NodeKind::kWindowAssign && node->window.time_column == column;
}

absl::StatusOr<Relation> AddRank(const Relation& input, const OverCall& call) {
  Columns columns(input);
  std::vector<int> keys;
  std::vector<plan::OrderKey> order;
  for (const ExpressionPtr& key : call.partition) keys.push_back(columns.Add(key));
  bool newest_first = false;
  for (const OverOrder& key : call.order) {
    if (key.expression->type.proctime) {
      newest_first = key.descending;  // the order in which rows come
      continue;
    }
    const bool by_time = key.expression->type.rowtime || IsTimeOfWindow(input, *key.expression);
    newest_first = by_time && key.descending && call.order.size() == 1;
    order.push_back({columns.Add(key.expression), key.descending, key.nulls_first});
  }
  const plan::NodePtr below = columns.Build(call.position);
  std::vector<data::Field> fields = below->schema->fields;
  fields.push_back({"$rank", call.call.type});
  auto node = MakeNode(NodeKind::kRank, {below}, std::move(fields), call.position);
  node->keys = std::move(keys);
  node->order = std::move(order);
  node->rank.newest_first = newest_first;
  node->rank.with_rank = true;
  AttachWindow(input, call, node.get());
  node->produces_updates = node->window.kind != plan::WindowKind::kAttached;
  return WithResults(input, node, 1, call.position);
}

absl::Status CheckOrder(const Relation& input, const OverCall& call, const Diagnostics& diagnostics) {
  if (call.order.empty()) {
    return diagnostics.Error(call.position, "OVER needs ORDER BY a time attribute");
  }
  const OverOrder& first = call.order[0];
  if (!IsTime(first.expression->type)) {
    return diagnostics.Error(call.position,
                             "OVER must be ordered by a time attribute: a column with a WATERMARK, passed "
                             "on unchanged, or PROCTIME()");
  }
  if (first.descending) return diagnostics.Error(call.position, "OVER must be ordered by its time in ascending order");
  if (call.order.size() > 1) return diagnostics.Error(call.position, "OVER is ordered by one time attribute alone");
  if (input.node->produces_updates) {
    return diagnostics.Unsupported(call.position, "OVER over a query that updates its results");
  }
  return absl::OkStatus();
}

absl::StatusOr<Relation> AddOver(const Relation& input, const std::vector<OverCall>& calls,
                                 const Diagnostics& diagnostics) {
  LEAT_RETURN_IF_ERROR(CheckOrder(input, calls[0], diagnostics));
  Columns columns(input);
  std::vector<int> keys;
  for (const ExpressionPtr& key : calls[0].partition) keys.push_back(columns.Add(key));
  const ExpressionPtr& time = calls[0].order[0].expression;
  const int time_column = time->type.rowtime ? columns.Add(time) : -1;
  std::vector<plan::Aggregate> aggregates;
  for (const OverCall& call : calls) {
    if (!SameWindow(call, calls[0])) {
      return diagnostics.Error(call.position,
                               "all calls with OVER of a query must have the same PARTITION BY, ORDER BY "
                               "and frame, here as on Flink");
    }
    plan::Aggregate aggregate{.kind = call.call.kind, .distinct = call.call.distinct, .type = call.call.type};
    if (call.call.argument) aggregate.argument = columns.Add(call.call.argument);
    if (call.call.filter) aggregate.filter = columns.Add(call.call.filter);
    if (call.fallback) aggregate.default_column = columns.Add(call.fallback);
    aggregate.offset = call.offset;
    aggregate.separator = call.call.separator;
    aggregate.takes_nulls = call.call.takes_nulls;
    aggregates.push_back(std::move(aggregate));
  }
  const plan::NodePtr below = columns.Build(calls[0].position);
  std::vector<data::Field> fields = below->schema->fields;
  for (size_t i = 0; i < aggregates.size(); ++i) fields.push_back({StrCat("$value", i), aggregates[i].type});
  auto node = MakeNode(NodeKind::kOver, {below}, std::move(fields), calls[0].position);
  node->keys = std::move(keys);
  node->aggregates = std::move(aggregates);
  node->frame = calls[0].frame;
  node->window.time_column = time_column;
  return WithResults(input, node, calls.size(), calls[0].position);
}

// --- Top-N ---

struct Bounds {
  int64_t from = 1;
  int64_t to = -1;
};

const plan::Expression* WithoutCast(const plan::Expression* expression) {
  while (expression->kind == plan::Expression::Kind::kCall && expression->function == FunctionId::kCast) {
    expression = expression->arguments[0].get();
  }
  return expression;
}

// Narrows the bounds if the conjunct compares the column with a number; false: it does not.
bool ReadBound(const plan::Expression& conjunct, int column, Bounds* bounds) {
  if (conjunct.kind != plan::Expression::Kind::kCall || conjunct.arguments.size() != 2) return false;
  const auto is_rank = [&](const plan::Expression* side) {
    return side->kind == plan::Expression::Kind::kInput && side->input == column;
  };
  const plan::Expression* left = WithoutCast(conjunct.arguments[0].get());
  const plan::Expression* right = WithoutCast(conjunct.arguments[1].get());
  const bool turned = is_rank(right);
  if (turned) std::swap(left, right);
  if (!is_rank(left) || right->kind != plan::Expression::Kind::kLiteral) return false;
  int64_t number = 0;
  if (const auto* small = std::get_if<int32_t>(&right->literal.v)) {
    number = *small;
  } else if (const auto* large = std::get_if<int64_t>(&right->literal.v)) {
    number = *large;
  } else {
    return false;
  }
  const auto at_most = [&](int64_t most) { bounds->to = bounds->to < 0 ? most : std::min(bounds->to, most); };
  const auto at_least = [&](int64_t least) { bounds->from = std::max(bounds->from, least); };
  switch (conjunct.function) {
    case FunctionId::kEqual:
      at_most(number);
      at_least(number);
      return true;
    case FunctionId::kLess:
      turned ? at_least(number + 1) : at_most(number - 1);
      return true;
    case FunctionId::kLessOrEqual:
      turned ? at_least(number) : at_most(number);
      return true;
    case FunctionId::kGreater:
      turned ? at_most(number - 1) : at_least(number + 1);
      return true;
    case FunctionId::kGreaterOrEqual:
      turned ? at_most(number) : at_least(number);
      return true;
    default:
      return false;
  }
}

void SplitConjuncts(const ExpressionPtr& condition, std::vector<ExpressionPtr>* conjuncts) {
  if (condition->kind == plan::Expression::Kind::kCall && condition->function == FunctionId::kAnd) {
    for (const ExpressionPtr& argument : condition->arguments) SplitConjuncts(argument, conjuncts);
    return;
  }
  conjuncts->push_back(condition);
}

bool IsUnboundedRank(const plan::Node& node) { return node.kind == NodeKind::kRank && node.rank.to < 0; }

// OVER with ROW_NUMBER() alone, which is a Top-N when its number is bounded: by a time, deduplication.
bool IsRowNumberAlone(const plan::Node& node) {
  return node.kind == NodeKind::kOver && node.aggregates.size() == 1 &&
         node.aggregates[0].kind == AggregateKind::kRowNumber;
}

plan::NodePtr Bounded(const plan::Node& found, const Bounds& bounds) {
  auto rank = std::make_shared<plan::Node>(found);
  rank->kind = NodeKind::kRank;
  if (found.kind == NodeKind::kOver) {
    if (found.window.time_column >= 0) rank->order = {{.column = found.window.time_column}};
    rank->window = plan::WindowSpec{};
    rank->aggregates.clear();
    rank->rank.with_rank = true;
  }
  rank->rank.from = std::max<int64_t>(1, bounds.from);
  rank->rank.to = bounds.to;
  // Of rows of one time the last is the newest where one row is kept; of more the first to come is before the others.
  if (!rank->order.empty() && bounds.to > 1) rank->rank.newest_first = false;
  // Rows in the order of their coming never leave once they are in.
  const bool stays = rank->order.empty() && !rank->rank.newest_first && !rank->inputs[0]->produces_updates;
  rank->produces_updates = rank->window.kind != plan::WindowKind::kAttached && !stays;
  return rank;
}

absl::StatusOr<int64_t> ReadCount(const Name& number, std::string_view what, const Diagnostics& diagnostics) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(ToAbsl(number.text), &count) || count < 0 || count > 10'000'000) {
    return diagnostics.Error(number.position, what, " takes a number from 0 to 10000000, got ", number.text);
  }
  return count;
}

}  // namespace

absl::StatusOr<Relation> AddOverColumns(const Relation& input, const std::vector<OverCall>& calls,
                                        const Diagnostics& diagnostics) {
  const OverCall& first = calls[0];
  const bool alone = calls.size() == 1 && first.call.kind == AggregateKind::kRowNumber;
  if (!alone) return AddOver(input, calls, diagnostics);
  const auto has = [&](WindowTag tag) {
    return std::ranges::any_of(first.partition, [&](const ExpressionPtr& key) {
      return key->kind == plan::Expression::Kind::kInput && input.tags[key->input] == tag;
    });
  };
  const bool window = has(WindowTag::kStart) && has(WindowTag::kEnd);
  if (window && input.windows_by_clock) {
    return diagnostics.Unsupported(first.position, "ROW_NUMBER() over windows of processing time");
  }
  if (window && input.node->produces_updates) {
    return diagnostics.Error(first.position,
                             "ROW_NUMBER() over windows does not take rows that are updated, here as on Flink");
  }
  const bool by_time = first.order.size() == 1 && IsTime(first.order[0].expression->type) && !first.order[0].descending;
  if (by_time && !window && !input.node->produces_updates) return AddOver(input, calls, diagnostics);
  if (first.order.empty()) return diagnostics.Error(first.position, "ROW_NUMBER() OVER needs ORDER BY");
  return AddRank(input, first);
}

ExpressionPtr ReplaceOverCalls(const ExpressionPtr& expr, const Relation& relation, int first) {
  if (expr->kind == plan::Expression::Kind::kLiteral) return expr;
  if (expr->kind == plan::Expression::Kind::kInput) {
    if (expr->input < kOverBase) return expr;
    const int column = first + expr->input - kOverBase;
    return plan::Input(column, relation.fields()[column].type);
  }
  auto copy = std::make_shared<plan::Expression>(*expr);
  for (ExpressionPtr& argument : copy->arguments) argument = ReplaceOverCalls(argument, relation, first);
  return copy;
}

Relation PushTopN(Relation relation) {
  const plan::NodePtr& top = relation.node;
  if (top->kind != NodeKind::kCalc || !top->condition) return relation;
  // Down through projections to the rank, with the condition's columns brought along.
  std::vector<plan::NodePtr> between;
  ExpressionPtr condition = top->condition;
  plan::NodePtr found = top->inputs[0];
  while (found->kind == NodeKind::kCalc && !found->condition) {
    condition = Substitute(condition, found->expressions);
    between.push_back(found);
    found = found->inputs[0];
  }
  if (!IsUnboundedRank(*found) && !IsRowNumberAlone(*found)) return relation;
  const int column = static_cast<int>(found->schema->fields.size()) - 1;
  std::vector<ExpressionPtr> conjuncts;
  std::vector<ExpressionPtr> lowered;
  SplitConjuncts(top->condition, &conjuncts);
  SplitConjuncts(condition, &lowered);
  Bounds bounds;
  ExpressionPtr left;
  for (size_t i = 0; i < conjuncts.size(); ++i) {
    if (!ReadBound(*lowered[i], column, &bounds)) left = Both(left, conjuncts[i]);
  }
  if (bounds.to < 0) return relation;
  if (bounds.to < std::max<int64_t>(1, bounds.from)) return relation;  // keeps nothing; the condition says so
  plan::NodePtr node = Bounded(*found, bounds);
  for (auto it = between.rbegin(); it != between.rend(); ++it) {
    node = MakeCalc(node, nullptr, (*it)->expressions, FieldNames(**it), (*it)->position);
  }
  relation.node = MakeCalc(node, left, top->expressions, FieldNames(*top), top->position);
  return relation;
}

absl::Status CheckTopN(const plan::Node& node, const Diagnostics& diagnostics) {
  if (!IsUnboundedRank(node)) return absl::OkStatus();
  return diagnostics.Error(node.position,
                           "ROW_NUMBER() in another order than that of time must be bounded by the query around it: "
                           "SELECT .. FROM (..) WHERE the number <= N");
}

absl::StatusOr<Relation> AddOrderAndLimit(const Relation& input, const Query& query, const std::vector<OverOrder>& keys,
                                          const Diagnostics& diagnostics) {
  Columns columns(input);
  std::vector<plan::OrderKey> order;
  for (const OverOrder& key : keys) {
    if (key.expression->type.proctime && !key.descending) break;  // rows come in that order
    order.push_back({columns.Add(key.expression), key.descending, key.nulls_first});
  }
  if (!query.limit && !query.offset) {
    if (order.empty()) return input;
    const bool by_time = keys[0].expression->type.rowtime && !keys[0].descending && !input.node->produces_updates;
    if (!by_time) {
      return diagnostics.Error(
          query.order[0].expr->position,
          "ORDER BY without LIMIT must begin with a time attribute in ascending order, over a query "
          "that does not update its results");
    }
    const plan::NodePtr below = columns.Build(query.position);
    auto node = MakeNode(NodeKind::kOver, {below}, below->schema->fields, query.position);
    node->window.time_column = order[0].column;
    node->order.assign(order.begin() + 1, order.end());
    return WithResults(input, node, 0, query.position);
  }
  if (!query.limit) return diagnostics.Unsupported(query.offset->position, "OFFSET without LIMIT");
  LEAT_ASSIGN_OR_RETURN(const int64_t limit, ReadCount(*query.limit, "LIMIT", diagnostics));
  int64_t offset = 0;
  if (query.offset) {
    LEAT_ASSIGN_OR_RETURN(offset, ReadCount(*query.offset, "OFFSET", diagnostics));
  }
  Relation result = input;
  if (limit == 0) {
    const ExpressionPtr never = plan::Literal(data::Value{false}, data::Boolean().AsNotNull());
    result.node = MakeCalc(input.node, never, AllInputs(*input.node), FieldNames(*input.node), query.position);
    return result;
  }
  const plan::NodePtr below = columns.Build(query.position);
  std::vector<data::Field> fields = below->schema->fields;
  fields.push_back({"$rank", data::BigInt().AsNotNull()});
  auto node = MakeNode(NodeKind::kRank, {below}, std::move(fields), query.position);
  node->order = std::move(order);
  const plan::NodePtr rank = Bounded(*node, {.from = offset + 1, .to = offset + limit});
  // The number itself is of no use; without it rows that only move are left alone.
  Relation ranked = WithResults(input, rank, 1, query.position);
  std::vector<ExpressionPtr> kept = AllInputs(*ranked.node);
  std::vector<std::string> names = FieldNames(*ranked.node);
  kept.pop_back();
  names.pop_back();
  ranked.node = MakeCalc(ranked.node, nullptr, std::move(kept), names, query.position);
  ranked.MatchColumns();
  return ranked;
}

}  // namespace leat::sql
