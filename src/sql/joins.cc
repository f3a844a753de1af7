#include "sql/joins.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "sql/join_times.h"
#include "sql/literals.h"
#include "sql/settings.h"
#include "stream/plan/changelog.h"
#include "stream/plan/inference.h"

namespace leat::sql {

using plan::Expression;
using plan::ExpressionPtr;
using plan::JoinType;
using plan::NodeKind;
using F = plan::FunctionId;

namespace {

bool IsInput(const ExpressionPtr& expression) { return expression->kind == Expression::Kind::kInput; }

// Which sides an expression over both reads.
struct Reads {
  bool left = false;
  bool right = false;
};
Reads ReadsOf(const Expression& expression, int left_width) {
  std::vector<int> inputs;
  CollectInputs(expression, &inputs);
  Reads reads;
  for (const int input : inputs) (input < left_width ? reads.left : reads.right) = true;
  return reads;
}

// The columns of one side of a join: its own, and behind them expressions that the join needs as columns.
class SideColumns {
 public:
  explicit SideColumns(const Relation& relation)
      : relation_(relation), expressions_(AllInputs(*relation.node)), names_(FieldNames(*relation.node)) {}
  int Add(const ExpressionPtr& expression) {
    for (size_t i = 0; i < expressions_.size(); ++i) {
      if (SameExpression(*expressions_[i], *expression)) return static_cast<int>(i);
    }
    expressions_.push_back(expression);
    names_.push_back(StrCat("key$", names_.size()));
    return static_cast<int>(expressions_.size()) - 1;
  }
  int width() const { return static_cast<int>(expressions_.size()); }
  plan::NodePtr Build(Position position) const {
    if (expressions_.size() == relation_.fields().size()) return relation_.node;
    return MakeCalc(relation_.node, nullptr, expressions_, names_, position);
  }

 private:
  const Relation& relation_;
  std::vector<ExpressionPtr> expressions_;
  std::vector<std::string> names_;
};

class JoinBuilder {
 public:
  JoinBuilder(const Relation& left, const Relation& right, const JoinRequest& request, const Diagnostics& diagnostics)
      : left_(left),
        right_(right),
        request_(request),
        diagnostics_(diagnostics),
        left_width_(static_cast<int>(left.fields().size())),
        left_columns_(left_),
        right_columns_(right_) {
    spec_.type = request.type;
  }

  absl::StatusOr<Relation> Build() {
    PushDown();
    LEAT_RETURN_IF_ERROR(Classify());
    const bool insert_only = !left_.node->produces_updates && !right_.node->produces_updates;
    NodeKind kind = NodeKind::kJoin;
    if (!IsMark() && JoinsWindows()) {
      if (!insert_only) {
        return diagnostics_.Error(request_.position,
                                  "a join of windows does not take rows that are updated, here as on Flink");
      }
      if (left_.windows_by_clock || right_.windows_by_clock) {
        return diagnostics_.Unsupported(request_.position, "a join of windows of processing time");
      }
      kind = NodeKind::kWindowJoin;
    } else if (insert_only && !IsHalf()) {
      if (const auto bounds = FindTimeBounds(residual_, left_, right_)) {
        kind = NodeKind::kIntervalJoin;
        spec_.left_time = bounds->left_time;
        spec_.right_time = bounds->right_time;
        spec_.lower_ms = bounds->lower_ms;
        spec_.upper_ms = bounds->upper_ms;
        residual_ = bounds->rest;
      }
    }
    if (kind == NodeKind::kJoin) LEAT_RETURN_IF_ERROR(ReadTtl());
    if (kind == NodeKind::kJoin && insert_only && !IsMark()) BoundState();
    return Finish(kind);
  }

  absl::StatusOr<Relation> BuildTemporal(const ExpressionPtr& time) {
    LEAT_RETURN_IF_ERROR(Classify());
    const std::optional<std::vector<int>> key = plan::UniqueKey(*right_.node);
    const auto in_keys = [&](int column) {
      return std::ranges::find(spec_.right_keys, column) != spec_.right_keys.end();
    };
    if (!key || !std::ranges::all_of(*key, in_keys)) {
      return diagnostics_.Error(request_.position,
                                "the right table of FOR SYSTEM_TIME AS OF needs a key that ON equals with left "
                                "columns: the PRIMARY KEY of an upsert-kafka table, or the PARTITION BY of a "
                                "deduplication");
    }
    if (time->type.proctime) {
      if (left_.node->produces_updates) {
        return diagnostics_.Unsupported(request_.position,
                                        "FOR SYSTEM_TIME AS OF a processing time where the left side updates its rows");
      }
      return Finish(NodeKind::kLookupJoin);
    }
    const auto& fields = right_.fields();
    const auto found = std::ranges::find_if(fields, [](const data::Field& field) { return field.type.rowtime; });
    if (found == fields.end()) {
      return diagnostics_.Error(request_.position,
                                "the right table of FOR SYSTEM_TIME AS OF an event time needs an event-time attribute "
                                "of its own: declare WATERMARK FOR it and pass the column on unchanged");
    }
    if (found->type.kind != time->type.kind) {
      return diagnostics_.Error(request_.position, "the event times of the two sides are ",
                                time->type.AsNullable().ToString(), " and ", found->type.AsNullable().ToString());
    }
    spec_.left_time = time->input;
    spec_.right_time = static_cast<int>(found - fields.begin());
    return Finish(NodeKind::kTemporalJoin);
  }

 private:
  bool IsMark() const { return request_.type == JoinType::kMark; }
  bool IsHalf() const { return request_.type == JoinType::kSemi || request_.type == JoinType::kAnti || IsMark(); }

  // What concerns only the side that is not outer filters that side.
  void PushDown() {
    std::vector<ExpressionPtr> left;
    std::vector<ExpressionPtr> right;
    const JoinType type = request_.type;
    for (const ExpressionPtr& conjunct : request_.conjuncts) {
      const Reads reads = ReadsOf(*conjunct, left_width_);
      if (reads.right && !reads.left && type != JoinType::kRight && type != JoinType::kFull) {
        right.push_back(ShiftInputs(conjunct, -left_width_));
      } else if (reads.left && !reads.right &&
                 (type == JoinType::kRight || type == JoinType::kInner || type == JoinType::kSemi)) {
        left.push_back(conjunct);
      } else {
        conjuncts_.push_back(conjunct);
      }
    }
    pushed_ = true;
    left_ = Filtered(std::move(left_), left, request_.position);
    right_ = Filtered(std::move(right_), right, request_.position);
  }

  // Equalities between the sides are keys.
  absl::Status Classify() {
    if (!pushed_) conjuncts_ = request_.conjuncts;
    for (const ExpressionPtr& conjunct : conjuncts_) {
      if (!AddKey(conjunct)) residual_.push_back(conjunct);
    }
    return absl::OkStatus();
  }

  bool AddKey(const ExpressionPtr& conjunct) {
    const bool equal = conjunct->kind == Expression::Kind::kCall && conjunct->function == F::kEqual;
    const bool same = conjunct->kind == Expression::Kind::kCall && conjunct->function == F::kIsNotDistinctFrom;
    if (!equal && !same) return false;
    ExpressionPtr left = conjunct->arguments[0];
    ExpressionPtr right = conjunct->arguments[1];
    Reads a = ReadsOf(*left, left_width_);
    Reads b = ReadsOf(*right, left_width_);
    if (a.right && !a.left && b.left && !b.right) {
      std::swap(left, right);
      std::swap(a, b);
    }
    if (!a.left || a.right || !b.right || b.left) return false;
    // Equal maps can have different bytes.
    for (const ExpressionPtr& side : {left, right}) {
      if (side->type.kind == data::TypeKind::kMap || side->type.kind == data::TypeKind::kMultiset) return false;
    }
    right = ShiftInputs(right, -left_width_);
    if (!data::SameIgnoringNullability(left->type, right->type)) {
      const std::vector<data::Type> types = {left->type, right->type};
      const auto common = plan::CommonType(types);
      if (!common) return false;
      left = CastTo(left, *common);
      right = CastTo(right, *common);
    }
    spec_.left_keys.push_back(left_columns_.Add(left));
    spec_.right_keys.push_back(right_columns_.Add(right));
    spec_.null_matches.push_back(same ? 1 : 0);
    return true;
  }

  bool JoinsWindows() {
    const auto equals = [&](WindowTag tag, int* left_time, int* right_time) {
      for (size_t i = 0; i < spec_.left_keys.size(); ++i) {
        const size_t left = static_cast<size_t>(spec_.left_keys[i]);
        const size_t right = static_cast<size_t>(spec_.right_keys[i]);
        if (left >= left_.tags.size() || right >= right_.tags.size()) continue;
        if (left_.tags[left] != tag || right_.tags[right] != tag) continue;
        *left_time = spec_.left_keys[i];
        *right_time = spec_.right_keys[i];
        return true;
      }
      return false;
    };
    int left_start = -1;
    int right_start = -1;
    int left_end = -1;
    int right_end = -1;
    if (!equals(WindowTag::kStart, &left_start, &right_start) || !equals(WindowTag::kEnd, &left_end, &right_end)) {
      return false;
    }
    spec_.left_time = left_end;
    spec_.right_time = right_end;
    return true;
  }

  void BoundState() {
    const KeepBounds bounds = FindKeepBounds(residual_, left_, right_);
    if (bounds.left) {
      spec_.left_time = bounds.left->time;
      spec_.lower_ms = -bounds.left->keep_ms;
    }
    if (bounds.right) {
      spec_.right_time = bounds.right->time;
      spec_.upper_ms = bounds.right->keep_ms;
    }
  }

  absl::Status ReadTtl() {
    if (request_.state_ttl == nullptr) return absl::OkStatus();
    for (const Option& option : *request_.state_ttl) {
      LEAT_ASSIGN_OR_RETURN(const int64_t millis, ReadStateTtl(option, diagnostics_));
      if (IsNamed(left_, option.key.text)) spec_.left_ttl_ms = millis;
      if (IsNamed(right_, option.key.text)) spec_.right_ttl_ms = millis;
    }
    return absl::OkStatus();
  }
  static bool IsNamed(const Relation& relation, const std::string& name) {
    for (size_t i = 0; i < relation.fields().size(); ++i) {
      if (relation.QualifierOf(i) == name) return true;
    }
    return false;
  }

  // The condition over the columns of both sides as the join sees them.
  ExpressionPtr Residual() const {
    ExpressionPtr condition;
    for (const ExpressionPtr& conjunct : residual_) condition = Both(condition, conjunct);
    if (!condition) return nullptr;
    std::vector<ExpressionPtr> columns;
    for (int i = 0; i < left_width_; ++i) columns.push_back(plan::Input(i, left_.fields()[i].type));
    for (size_t i = 0; i < right_.fields().size(); ++i) {
      columns.push_back(plan::Input(left_columns_.width() + static_cast<int>(i), right_.fields()[i].type));
    }
    return Substitute(condition, columns);
  }

  absl::StatusOr<Relation> Finish(NodeKind kind) {
    const plan::NodePtr left = left_columns_.Build(request_.position);
    const plan::NodePtr right = right_columns_.Build(request_.position);
    const bool pads_left = spec_.type == JoinType::kRight || spec_.type == JoinType::kFull;
    const bool pads_right = spec_.type == JoinType::kLeft || spec_.type == JoinType::kFull;
    const bool keeps_times = kind != NodeKind::kJoin;
    std::vector<data::Field> fields;
    const auto add = [&](const plan::Node& node, bool padded, bool times) {
      for (data::Field field : node.schema->fields) {
        field.type.nullable = field.type.nullable || padded;
        field.type.rowtime = field.type.rowtime && times;
        field.type.proctime = field.type.proctime && times;
        fields.push_back(std::move(field));
      }
    };
    add(*left, pads_left, keeps_times);
    if (IsMark()) fields.push_back({"mark$", data::Boolean().AsNotNull()});
    if (!IsHalf()) add(*right, pads_right, kind == NodeKind::kIntervalJoin || kind == NodeKind::kWindowJoin);
    ExpressionPtr condition = Residual();
    // Of an inner join what is left of the condition is as good above it, and cheaper.
    const bool above = spec_.type == JoinType::kInner;
    if (!above) spec_.condition = condition;
    auto node = MakeNode(kind, {left, right}, std::move(fields), request_.position);
    node->join = spec_;
    const bool passes_on = spec_.type == JoinType::kInner || spec_.type == JoinType::kSemi;
    if (kind == NodeKind::kJoin) {
      // A right row that comes later takes a padded row back, or one of an anti join.
      node->produces_updates = node->produces_updates || !passes_on;
    } else {
      node->produces_updates = left->produces_updates;
    }
    return Output(node, above ? condition : nullptr, kind);
  }

  // The columns of both sides without those that only the join needs.
  Relation Output(const plan::NodePtr& node, ExpressionPtr condition, NodeKind kind) const {
    std::vector<ExpressionPtr> expressions;
    std::vector<std::string> names;
    Relation result;
    const auto add = [&](const Relation& side, int first) {
      for (size_t i = 0; i < side.fields().size(); ++i) {
        const int column = first + static_cast<int>(i);
        expressions.push_back(plan::Input(column, node->schema->fields[column].type));
        names.push_back(side.fields()[i].name);
        result.qualifiers.push_back(side.QualifierOf(i));
        result.hidden.push_back(side.IsHidden(i) ? 1 : 0);
        result.tags.push_back(kind == NodeKind::kWindowJoin ? side.tags[i] : WindowTag::kNone);
      }
    };
    add(left_, 0);
    if (!IsHalf()) add(right_, left_columns_.width());
    if (IsMark()) {
      expressions.push_back(plan::Input(left_columns_.width(), data::Boolean().AsNotNull()));
      names.push_back("mark$");
      result.qualifiers.emplace_back();
      result.hidden.push_back(0);
      result.tags.push_back(WindowTag::kNone);
    }
    result.node = MakeCalc(node, std::move(condition), std::move(expressions), names, request_.position);
    result.window_attached = kind == NodeKind::kWindowJoin;
    result.depth = std::max(left_.depth, right_.depth) + 1;
    return result;
  }

  Relation left_;
  Relation right_;
  const JoinRequest& request_;
  const Diagnostics& diagnostics_;
  const int left_width_;
  bool pushed_ = false;
  std::vector<ExpressionPtr> conjuncts_;
  std::vector<ExpressionPtr> residual_;
  plan::JoinSpec spec_;
  SideColumns left_columns_;
  SideColumns right_columns_;
};

}  // namespace

absl::StatusOr<int64_t> ReadStateTtl(const Option& option, const Diagnostics& diagnostics) {
  const std::optional<int64_t> millis = ParseDuration(option.value.text);
  if (millis) return *millis;
  return diagnostics.Error(option.value.position, "STATE_TTL takes durations such as '1 d' or '30 min', got '",
                           option.value.text, "'");
}

absl::StatusOr<Relation> MakeJoin(const Relation& left, const Relation& right, const JoinRequest& request,
                                  const Diagnostics& diagnostics) {
  return JoinBuilder(left, right, request, diagnostics).Build();
}

absl::StatusOr<Relation> MakeTemporalJoin(const Relation& left, const Relation& right, const JoinRequest& request,
                                          const ExpressionPtr& time, const Diagnostics& diagnostics) {
  return JoinBuilder(left, right, request, diagnostics).BuildTemporal(time);
}

Relation JoinScope(const std::vector<Relation>& tables) {
  Relation scope;
  std::vector<data::Field> fields;
  for (const Relation& table : tables) {
    for (size_t i = 0; i < table.fields().size(); ++i) {
      fields.push_back(table.fields()[i]);
      scope.qualifiers.push_back(table.QualifierOf(i));
      scope.hidden.push_back(table.IsHidden(i) ? 1 : 0);
      scope.tags.push_back(table.tags[i]);
    }
    scope.depth = std::max(scope.depth, table.depth);
  }
  scope.node = MakeNode(NodeKind::kValues, {}, std::move(fields), {});
  return scope;
}

std::vector<ExprPtr> Conjuncts(const ExprPtr& condition) {
  std::vector<ExprPtr> result;
  std::vector<ExprPtr> todo;
  if (condition) todo.push_back(condition);
  while (!todo.empty()) {
    const ExprPtr one = todo.back();
    todo.pop_back();
    if (one->kind == Expr::Kind::kOperator && one->function == F::kAnd) {
      todo.insert(todo.end(), one->arguments.rbegin(), one->arguments.rend());
    } else {
      result.push_back(one);
    }
  }
  return result;
}

Relation Filtered(Relation input, const std::vector<ExpressionPtr>& conjuncts, Position position) {
  ExpressionPtr condition;
  for (const ExpressionPtr& conjunct : conjuncts) condition = Both(condition, conjunct);
  if (!condition) return input;
  input.node = MakeCalc(input.node, condition, AllInputs(*input.node), FieldNames(*input.node), position);
  return input;
}

ExpressionPtr ShiftInputs(const ExpressionPtr& expression, int by) {
  if (expression->kind == Expression::Kind::kLiteral) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  if (IsInput(expression)) copy->input += by;
  for (ExpressionPtr& argument : copy->arguments) argument = ShiftInputs(argument, by);
  return copy;
}

}  // namespace leat::sql
