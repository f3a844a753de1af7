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

std::optional<Point> PointOf(const Expression& expression) {
  if (expression.kind == Expression::Kind::kInput) {
    if (!expression.type.rowtime) return std::nullopt;
    return Point{expression.input, 0};
  }
  if (expression.kind != Expression::Kind::kCall) return std::nullopt;
  if (expression.function == F::kCast && expression.type.IsTimestamp() &&
      expression.arguments[0]->type.kind == expression.type.kind && expression.type.precision >= 3) {
    return PointOf(*expression.arguments[0]);
  }
  if (expression.function != F::kAdd && expression.function != F::kSubtract) return std::nullopt;
  auto point = PointOf(*expression.arguments[0]);
  const auto interval = IntervalOf(*expression.arguments[1]);
  if (point && interval) {
    point->micros += expression.function == F::kAdd ? *interval : -*interval;
    return point;
  }
  // INTERVAL '1' HOUR + t
  point = PointOf(*expression.arguments[1]);
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

// One comparison as a bound on left time - right time.
struct Bound {
  int left = -1;
  int right = -1;
  std::optional<int64_t> lower_ms;
  std::optional<int64_t> upper_ms;
};

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

std::optional<Bound> BoundOf(const Expression& conjunct, int left_width) {
  if (conjunct.kind != Expression::Kind::kCall || !Mirrored(conjunct.function)) return std::nullopt;
  auto a = PointOf(*conjunct.arguments[0]);
  auto b = PointOf(*conjunct.arguments[1]);
  if (!a || !b || (a->column < left_width) == (b->column < left_width)) return std::nullopt;
  F comparison = conjunct.function;
  if (a->column >= left_width) {
    std::swap(a, b);
    comparison = *Mirrored(comparison);
  }
  // left + a <op> right + b, so left - right <op> b - a. Times are whole milliseconds.
  const int64_t distance = b->micros - a->micros;
  Bound bound{.left = a->column, .right = b->column - left_width, .lower_ms = {}, .upper_ms = {}};
  if (comparison == F::kEqual || comparison == F::kGreaterOrEqual) bound.lower_ms = CeilMillis(distance);
  if (comparison == F::kGreater) bound.lower_ms = FloorMillis(distance) + 1;
  if (comparison == F::kEqual || comparison == F::kLessOrEqual) bound.upper_ms = FloorMillis(distance);
  if (comparison == F::kLess) bound.upper_ms = CeilMillis(distance) - 1;
  return bound;
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

}  // namespace leat::sql
