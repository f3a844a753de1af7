// GROUP BY as plan nodes: a Calc with keys and arguments, then the aggregate.
#include <algorithm>
#include <optional>
#include <set>

#include "sql/grouping.h"

namespace leat::sql {

using plan::ExpressionPtr;

namespace {

// The Calc below an aggregate: each different expression once.
class PreCalc {
 public:
  int Add(const ExpressionPtr& expression, std::string name) {
    for (size_t i = 0; i < expressions_.size(); ++i) {
      if (SameExpression(*expressions_[i], *expression)) return static_cast<int>(i);
    }
    expressions_.push_back(expression);
    names_.push_back(std::move(name));
    return static_cast<int>(expressions_.size()) - 1;
  }
  plan::NodePtr Build(const plan::NodePtr& input, ExpressionPtr condition, Position position) {
    // COUNT(*) alone reads nothing, but a row without columns is a row that formats do not know.
    if (expressions_.empty()) Add(plan::Input(0, input->schema->fields[0].type), input->schema->fields[0].name);
    return MakeCalc(input, std::move(condition), expressions_, names_, position);
  }
  const ExpressionPtr& expression(int i) const { return expressions_[i]; }
  const std::string& name(int i) const { return names_[i]; }

 private:
  std::vector<ExpressionPtr> expressions_;
  std::vector<std::string> names_;
};

struct Builder {
  const Relation& input;
  const std::vector<ExpressionPtr>& keys;
  const std::vector<AggregateCall>& calls;
  Position position;
  const Diagnostics& diagnostics;

  WindowTag TagOf(const ExpressionPtr& key) const {
    return key->kind == plan::Expression::Kind::kInput ? input.tags[key->input] : WindowTag::kNone;
  }
  std::string KeyName(size_t i) const {
    if (keys[i]->kind == plan::Expression::Kind::kInput) return input.fields()[keys[i]->input].name;
    return StrCat("key$", i);
  }
  bool GroupsByWindow() const {
    const auto has = [&](WindowTag tag) {
      return std::any_of(keys.begin(), keys.end(), [&](const ExpressionPtr& key) { return TagOf(key) == tag; });
    };
    return has(WindowTag::kStart) && has(WindowTag::kEnd);
  }

  // Adds what the calls need to `calc`; `columns`, if not null, brings their expressions to its input.
  std::vector<plan::Aggregate> AddCalls(const std::vector<ExpressionPtr>* columns, bool grouped, PreCalc* calc) const {
    const auto lowered = [&](const ExpressionPtr& e) { return columns == nullptr ? e : Substitute(e, *columns); };
    std::vector<plan::Aggregate> aggregates;
    for (size_t i = 0; i < calls.size(); ++i) {
      const AggregateCall& call = calls[i];
      plan::Aggregate aggregate{.kind = call.kind, .distinct = call.distinct, .type = call.type};
      if (call.argument) aggregate.argument = calc->Add(lowered(call.argument), StrCat("argument$", i));
      if (call.filter) aggregate.filter = calc->Add(lowered(call.filter), StrCat("filter$", i));
      const bool counts = call.kind == plan::AggregateKind::kCount || call.kind == plan::AggregateKind::kCountStar;
      const bool json =
          call.kind == plan::AggregateKind::kJsonArrayAgg || call.kind == plan::AggregateKind::kJsonObjectAgg;
      if (!grouped && !counts && !json) aggregate.type.nullable = true;
      aggregate.separator = call.separator;
      aggregate.takes_nulls = call.takes_nulls;
      // MIN and MAX of different values are those of all values.
      if (call.kind == plan::AggregateKind::kMin || call.kind == plan::AggregateKind::kMax) aggregate.distinct = false;
      aggregates.push_back(aggregate);
    }
    return aggregates;
  }

  // Windows that are put together from pieces need aggregates that can be; on Flink these cannot.
  absl::Status CheckMergeable(plan::WindowKind window) const {
    if (window == plan::WindowKind::kTumble) return absl::OkStatus();
    for (const AggregateCall& call : calls) {
      switch (call.kind) {
        case plan::AggregateKind::kFirstValue:
        case plan::AggregateKind::kLastValue:
        case plan::AggregateKind::kJsonArrayAgg:
        case plan::AggregateKind::kJsonObjectAgg:
          return diagnostics.Error(
              position,
              "FIRST_VALUE, LAST_VALUE, JSON_ARRAYAGG and JSON_OBJECTAGG are not for HOP, CUMULATE "
              "and SESSION windows; TUMBLE takes them");
        default:
          break;
      }
    }
    return absl::OkStatus();
  }

  // Equal maps can have different bytes, and groups are told apart by bytes.
  absl::Status CheckKey(const ExpressionPtr& key) const {
    if (key->type.kind == data::TypeKind::kMap || key->type.kind == data::TypeKind::kMultiset) {
      return diagnostics.Unsupported(position, StrCat("GROUP BY a ", key->type.AsNullable().ToString()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Aggregated> BuildPlain() const {
    PreCalc calc;
    Aggregated result;
    std::vector<int> key_columns;
    std::vector<data::Field> fields;
    for (size_t i = 0; i < keys.size(); ++i) {
      LEAT_RETURN_IF_ERROR(CheckKey(keys[i]));
      const int column = calc.Add(keys[i], KeyName(i));
      auto found = std::find(key_columns.begin(), key_columns.end(), column);
      result.key_columns.push_back(static_cast<int>(found - key_columns.begin()));
      if (found != key_columns.end()) continue;
      key_columns.push_back(column);
      fields.push_back({calc.name(column), calc.expression(column)->type});
      fields.back().type.rowtime = false;
      fields.back().type.proctime = false;
    }
    const std::vector<plan::Aggregate> aggregates = AddCalls(nullptr, !keys.empty(), &calc);
    for (size_t i = 0; i < aggregates.size(); ++i) {
      result.aggregate_columns.push_back(static_cast<int>(fields.size()));
      fields.push_back({StrCat("aggregate$", i), aggregates[i].type});
    }
    auto node =
        MakeNode(plan::NodeKind::kGroupAggregate, {calc.Build(input.node, nullptr, position)}, fields, position);
    node->keys = key_columns;
    node->aggregates = aggregates;
    node->produces_updates = true;
    result.relation.node = node;
    result.relation.tags.assign(fields.size(), WindowTag::kNone);
    result.relation.depth = input.depth;
    return result;
  }

  // Whether the aggregate can assign the windows itself, and need not be told each row's.
  bool CanAssign(const AboveWindow& window) const;
  absl::StatusOr<Aggregated> BuildWindowed(const AboveWindow& window) const;
  absl::StatusOr<Aggregated> BuildAttached() const;
};

bool Builder::CanAssign(const AboveWindow& window) const {
  const bool session = window.assign->window.kind == plan::WindowKind::kSession;
  // Rows that a condition drops are part of their session all the same.
  if (window.condition && (session || ReadsWindow(window, window.condition))) return false;
  std::set<int> key_columns;
  for (const ExpressionPtr& key : keys) {
    if (TagOf(key) != WindowTag::kNone) continue;
    const ExpressionPtr lowered = Substitute(key, window.columns);
    if (ReadsWindow(window, lowered)) return false;
    if (session && lowered->kind != plan::Expression::Kind::kInput) return false;
    if (session) key_columns.insert(lowered->input);
  }
  for (const AggregateCall& call : calls) {
    for (const ExpressionPtr& expression : {call.argument, call.filter}) {
      if (expression && ReadsWindow(window, Substitute(expression, window.columns))) return false;
    }
  }
  return !session || key_columns == std::set<int>(window.assign->keys.begin(), window.assign->keys.end());
}

// The rows have a window already, from a window function or an aggregate below: its bounds are keys, and the group is
// complete when the watermark passes the window's end.
absl::StatusOr<Aggregated> Builder::BuildAttached() const {
  if (input.windows_by_clock) {
    return diagnostics.Unsupported(position, "GROUP BY a window of processing time other than right above it");
  }
  PreCalc calc;
  Aggregated result;
  std::vector<int> key_columns;
  std::vector<data::Field> fields;
  int end_column = -1;
  std::vector<WindowTag> tags;
  const auto is_time = [&](size_t i) { return TagOf(keys[i]) == WindowTag::kTime; };
  for (size_t i = 0; i < keys.size(); ++i) {
    LEAT_RETURN_IF_ERROR(CheckKey(keys[i]));
    result.key_columns.push_back(-1);
    if (is_time(i)) continue;
    const int column = calc.Add(keys[i], KeyName(i));
    if (TagOf(keys[i]) == WindowTag::kEnd) end_column = column;
    const auto found = std::find(key_columns.begin(), key_columns.end(), column);
    result.key_columns[i] = static_cast<int>(found - key_columns.begin());
    if (found != key_columns.end()) continue;
    key_columns.push_back(column);
    fields.push_back({calc.name(column), calc.expression(column)->type});
    fields.back().type.rowtime = false;
    tags.push_back(TagOf(keys[i]));
  }
  const std::vector<plan::Aggregate> aggregates = AddCalls(nullptr, true, &calc);
  for (size_t i = 0; i < aggregates.size(); ++i) {
    result.aggregate_columns.push_back(static_cast<int>(fields.size()));
    fields.push_back({StrCat("aggregate$", i), aggregates[i].type});
    tags.push_back(WindowTag::kNone);
  }
  data::Type time = data::Timestamp(3).AsNotNull();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!is_time(i)) continue;
    time = keys[i]->type;
    result.key_columns[i] = static_cast<int>(fields.size());
  }
  time.rowtime = true;
  fields.push_back({"window_time", time});
  tags.push_back(WindowTag::kTime);
  auto node = MakeNode(plan::NodeKind::kWindowAggregate, {calc.Build(input.node, nullptr, position)}, fields, position);
  node->keys = key_columns;
  node->aggregates = aggregates;
  node->window.kind = plan::WindowKind::kAttached;
  node->window.time_column = end_column;
  node->produces_updates = false;
  node->window_columns = {plan::Node::WindowColumn::kTime};
  result.relation.node = node;
  result.relation.tags = std::move(tags);
  result.relation.window_attached = true;
  result.relation.depth = input.depth;
  return result;
}

absl::StatusOr<Aggregated> Builder::BuildWindowed(const AboveWindow& window) const {
  const plan::Node& assign = *window.assign;
  const int first_window_column = static_cast<int>(assign.inputs[0]->schema->fields.size());
  PreCalc calc;
  const data::Field& time = assign.inputs[0]->schema->fields[assign.window.time_column];
  const int time_column = calc.Add(plan::Input(assign.window.time_column, time.type), time.name);
  Aggregated result;
  std::vector<int> key_columns;
  std::vector<data::Field> fields;
  for (size_t i = 0; i < keys.size(); ++i) {
    LEAT_RETURN_IF_ERROR(CheckKey(keys[i]));
    result.key_columns.push_back(-1);
    if (TagOf(keys[i]) != WindowTag::kNone) continue;
    const ExpressionPtr key = Substitute(keys[i], window.columns);
    const int column = calc.Add(key, KeyName(i));
    const auto found = std::find(key_columns.begin(), key_columns.end(), column);
    result.key_columns[i] = static_cast<int>(found - key_columns.begin());
    if (found != key_columns.end()) continue;
    key_columns.push_back(column);
    fields.push_back({KeyName(i), key->type});
    fields.back().type.rowtime = fields.back().type.proctime = false;
  }
  const std::vector<plan::Aggregate> aggregates = AddCalls(&window.columns, true, &calc);
  for (size_t i = 0; i < aggregates.size(); ++i) {
    result.aggregate_columns.push_back(static_cast<int>(fields.size()));
    fields.push_back({StrCat("aggregate$", i), aggregates[i].type});
  }
  result.relation.tags.assign(fields.size(), WindowTag::kNone);
  const int bounds = static_cast<int>(fields.size());
  for (int i = 0; i < 3; ++i) fields.push_back(assign.schema->fields[first_window_column + i]);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (TagOf(keys[i]) != WindowTag::kNone) {
      result.key_columns[i] = bounds + static_cast<int>(TagOf(keys[i])) - static_cast<int>(WindowTag::kStart);
    }
  }
  for (const WindowTag tag : {WindowTag::kStart, WindowTag::kEnd, WindowTag::kTime})
    result.relation.tags.push_back(tag);
  auto node = MakeNode(plan::NodeKind::kWindowAggregate, {calc.Build(assign.inputs[0], window.condition, position)},
                       fields, position);
  node->keys = key_columns;
  node->aggregates = aggregates;
  node->window = assign.window;
  node->window.time_column = time_column;
  node->produces_updates = node->window.emit.IsSet();
  node->window_columns = {plan::Node::WindowColumn::kStart, plan::Node::WindowColumn::kEnd,
                          plan::Node::WindowColumn::kTime};
  result.relation.node = node;
  result.relation.window_attached = true;
  result.relation.windows_by_clock = assign.window.processing_time;
  result.relation.depth = input.depth;
  return result;
}

}  // namespace

std::optional<AboveWindow> FindWindow(const plan::NodePtr& node) {
  if (node->kind == plan::NodeKind::kWindowAssign) return AboveWindow{node, nullptr, AllInputs(*node)};
  if (node->kind != plan::NodeKind::kCalc) return std::nullopt;
  auto below = FindWindow(node->inputs[0]);
  if (!below) return std::nullopt;
  if (node->condition) below->condition = Both(below->condition, Substitute(node->condition, below->columns));
  std::vector<ExpressionPtr> columns;
  for (const ExpressionPtr& expression : node->expressions) columns.push_back(Substitute(expression, below->columns));
  below->columns = std::move(columns);
  return below;
}

bool ReadsWindow(const AboveWindow& window, const ExpressionPtr& expression) {
  const int first_window_column = static_cast<int>(window.assign->inputs[0]->schema->fields.size());
  std::vector<int> inputs;
  CollectInputs(*expression, &inputs);
  return std::any_of(inputs.begin(), inputs.end(), [&](int i) { return i >= first_window_column; });
}

absl::StatusOr<Aggregated> Aggregate(const Relation& input, const std::vector<ExpressionPtr>& keys,
                                     const std::vector<AggregateCall>& calls, Position position,
                                     const Diagnostics& diagnostics) {
  const Builder builder{input, keys, calls, position, diagnostics};
  if (!builder.GroupsByWindow()) return builder.BuildPlain();
  const auto window = FindWindow(input.node);
  // Over a query that takes rows back, but for a window function's rows, the bounds are keys like others: the result is
  // a changelog.
  if (input.node->produces_updates && !window) return builder.BuildPlain();
  if (window && window->assign->window.emit.IsSet() && !builder.CanAssign(*window)) {
    return diagnostics.Unsupported(position, "table.exec.emit.* with this GROUP BY");
  }
  if (window) LEAT_RETURN_IF_ERROR(builder.CheckMergeable(window->assign->window.kind));
  return window && builder.CanAssign(*window) ? builder.BuildWindowed(*window) : builder.BuildAttached();
}

}  // namespace leat::sql
