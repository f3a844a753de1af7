#include "sql/join_times.h"

#include <algorithm>

#include "stream/data/type.h"

namespace leat::sql {

using plan::Expression;
using plan::ExpressionPtr;
using F = plan::FunctionId;

namespace {

// A time attribute and a distance from it.
struct Point {
  int column = -1;
  int64_t micros = 0;
};

std::optional<int64_t> IntervalOf(const Expression& expression) {
  if (expression.kind != Expression::Kind::kLiteral || expression.literal.is_null()) return std::nullopt;
  if (expression.type.kind != data::TypeKind::kIntervalDayTime) return std::nullopt;
  return std::get<int64_t>(expression.literal.v);
}

enum class Times { kAttributes, kAll };

// A time attribute is in whole milliseconds; of other times a cast may take digits away.
bool KeepsTime(const Expression& cast, Times times) {
  const data::Type& from = cast.arguments[0]->type;
  return cast.type.IsTimestamp() && from.kind == cast.type.kind &&
         cast.type.precision >= (times == Times::kAttributes ? 3 : from.precision);
}

std::optional<Point> PointOf(const Expression& expression, Times times) {
  if (expression.kind == Expression::Kind::kInput) {
    if (times == Times::kAttributes ? !expression.type.rowtime : !expression.type.IsTimestamp()) return std::nullopt;
    return Point{expression.input, 0};
  }
  if (expression.kind != Expression::Kind::kCall) return std::nullopt;
  if (expression.function == F::kCast && KeepsTime(expression, times)) return PointOf(*expression.arguments[0], times);
  if (expression.function != F::kAdd && expression.function != F::kSubtract) return std::nullopt;
  auto point = PointOf(*expression.arguments[0], times);
  const auto interval = IntervalOf(*expression.arguments[1]);
  if (point && interval) {
    point->micros += expression.function == F::kAdd ? *interval : -*interval;
    return point;
  }
  // INTERVAL '1' HOUR + t
  point = PointOf(*expression.arguments[1], times);
  const auto before = IntervalOf(*expression.arguments[0]);
  if (!point || !before || expression.function != F::kAdd) return std::nullopt;
  point->micros += *before;
  return point;
}

int64_t CeilMillis(int64_t micros) {
  const int64_t millis = micros / data::kMicrosPerMilli;
  return micros % data::kMicrosPerMilli > 0 ? millis + 1 : millis;
}
int64_t FloorMillis(int64_t micros) { return -CeilMillis(-micros); }

std::optional<F> Mirrored(F comparison) {
  switch (comparison) {
    case F::kEqual:
      return F::kEqual;
    case F::kLess:
      return F::kGreater;
    case F::kLessOrEqual:
      return F::kGreaterOrEqual;
    case F::kGreater:
      return F::kLess;
    case F::kGreaterOrEqual:
      return F::kLessOrEqual;
    default:
      return std::nullopt;
  }
}

// left - right <comparison> micros
struct Difference {
  int left = -1;
  int right = -1;
  F comparison = F::kEqual;
  int64_t micros = 0;
};

std::optional<Difference> DifferenceOf(const Expression& conjunct, int left_width, Times times) {
  if (conjunct.kind != Expression::Kind::kCall || !Mirrored(conjunct.function)) return std::nullopt;
  auto a = PointOf(*conjunct.arguments[0], times);
  auto b = PointOf(*conjunct.arguments[1], times);
  if (!a || !b || (a->column < left_width) == (b->column < left_width)) return std::nullopt;
  F comparison = conjunct.function;
  if (a->column >= left_width) {
    std::swap(a, b);
    comparison = *Mirrored(comparison);
  }
  // left + a <op> right + b, so left - right <op> b - a.
  return Difference{a->column, b->column - left_width, comparison, b->micros - a->micros};
}

// One comparison of time attributes as a bound on left time - right time.
struct Bound {
  int left = -1;
  int right = -1;
  std::optional<int64_t> lower_ms;
  std::optional<int64_t> upper_ms;
};

std::optional<Bound> BoundOf(const Expression& conjunct, int left_width) {
  const std::optional<Difference> difference = DifferenceOf(conjunct, left_width, Times::kAttributes);
  if (!difference) return std::nullopt;
  const auto [left, right, comparison, micros] = *difference;
  Bound bound{.left = left, .right = right, .lower_ms = {}, .upper_ms = {}};
  if (comparison == F::kEqual || comparison == F::kGreaterOrEqual) bound.lower_ms = CeilMillis(micros);
  if (comparison == F::kGreater) bound.lower_ms = FloorMillis(micros) + 1;
  if (comparison == F::kEqual || comparison == F::kLessOrEqual) bound.upper_ms = FloorMillis(micros);
  if (comparison == F::kLess) bound.upper_ms = CeilMillis(micros) - 1;
  return bound;
}

// What a column has at least, in ms beyond the watermark, in all rows that come behind that watermark. nullopt: it may
// have anything.
std::optional<int64_t> BeyondWatermark(const plan::Node& node, int column) {
  if (node.kind == plan::NodeKind::kCalc) {
    const Expression& expression = *node.expressions[static_cast<size_t>(column)];
    if (expression.kind != Expression::Kind::kInput) return std::nullopt;
    return BeyondWatermark(*node.inputs[0], expression.input);
  }
  if (node.kind != plan::NodeKind::kWindowAggregate) return std::nullopt;
  const plan::WindowSpec& window = node.window;
  const bool once = window.kind == plan::WindowKind::kTumble || window.kind == plan::WindowKind::kHop ||
                    window.kind == plan::WindowKind::kCumulate;
  // Of the wall clock and of results that change nothing is said.
  if (!once || window.processing_time || window.emit.IsSet()) return std::nullopt;
  const int first = static_cast<int>(node.keys.size() + node.aggregates.size());
  if (column < first) return std::nullopt;
  const plan::Node::WindowColumn which = node.window_columns[static_cast<size_t>(column - first)];
  // Starts and ends are of the wall of a time zone there, hours from the watermark's instants.
  const data::Schema& input = *node.inputs[0]->schema;
  const bool of_instants =
      input.fields[static_cast<size_t>(window.time_column)].type.kind == data::TypeKind::kTimestampLtz;
  if (of_instants && which != plan::Node::WindowColumn::kTime) return std::nullopt;
  // A window fires when the watermark is at the last ms in it.
  switch (which) {
    case plan::Node::WindowColumn::kStart:
      return 1 - window.size_ms;
    case plan::Node::WindowColumn::kEnd:
      return 1;
    case plan::Node::WindowColumn::kTime:
      return 0;
  }
  return std::nullopt;
}

// Rows whose time is `time` and that the conjunct lets meet others whose column is at most `ahead_micros` later.
void AddKeepBound(int time, int64_t ahead_micros, std::optional<int64_t> beyond_ms, std::optional<KeepBound>* bound) {
  if (!beyond_ms) return;
  const int64_t keep_ms = CeilMillis(ahead_micros) - *beyond_ms;
  if (!*bound || keep_ms < (*bound)->keep_ms) *bound = KeepBound{time, keep_ms};
}

}  // namespace

std::optional<TimeBounds> FindTimeBounds(const std::vector<ExpressionPtr>& conjuncts, const Relation& left,
                                         const Relation& right) {
  const int left_width = static_cast<int>(left.fields().size());
  TimeBounds found;
  std::optional<int64_t> lower_ms;
  std::optional<int64_t> upper_ms;
  for (const ExpressionPtr& conjunct : conjuncts) {
    const std::optional<Bound> bound = BoundOf(*conjunct, left_width);
    const bool fits =
        bound && (found.left_time < 0 || (found.left_time == bound->left && found.right_time == bound->right));
    if (!fits) {
      found.rest.push_back(conjunct);
      continue;
    }
    found.left_time = bound->left;
    found.right_time = bound->right;
    if (bound->lower_ms) lower_ms = std::max(lower_ms.value_or(*bound->lower_ms), *bound->lower_ms);
    if (bound->upper_ms) upper_ms = std::min(upper_ms.value_or(*bound->upper_ms), *bound->upper_ms);
  }
  if (!lower_ms || !upper_ms) return std::nullopt;
  if (left.fields()[found.left_time].type.kind != right.fields()[found.right_time].type.kind) return std::nullopt;
  found.lower_ms = *lower_ms;
  found.upper_ms = *upper_ms;
  return found;
}

KeepBounds FindKeepBounds(const std::vector<ExpressionPtr>& conjuncts, const Relation& left, const Relation& right) {
  const int left_width = static_cast<int>(left.fields().size());
  KeepBounds bounds;
  for (const ExpressionPtr& conjunct : conjuncts) {
    const auto difference = DifferenceOf(*conjunct, left_width, Times::kAll);
    if (!difference) continue;
    const auto& [a, b, comparison, micros] = *difference;
    if (left.fields()[a].type.kind != right.fields()[b].type.kind) continue;
    if (comparison == F::kEqual || comparison == F::kGreater || comparison == F::kGreaterOrEqual) {
      AddKeepBound(a, -micros, BeyondWatermark(*right.node, b), &bounds.left);
    }
    if (comparison == F::kEqual || comparison == F::kLess || comparison == F::kLessOrEqual) {
      AddKeepBound(b, micros, BeyondWatermark(*left.node, a), &bounds.right);
    }
  }
  return bounds;
}

}  // namespace leat::sql
