#include "sql/subquery_values.h"

#include "sql/expressions.h"
#include "sql/lexer.h"

namespace leat::sql {

using F = plan::FunctionId;

bool IsSubqueryTest(const Expr& expr) {
  if (expr.kind == Expr::Kind::kOperator && expr.function == F::kNot) return IsSubqueryTest(*expr.arguments[0]);
  return expr.kind == Expr::Kind::kIn || expr.kind == Expr::Kind::kExists;
}

bool SubqueryValues::Collect(const Expr& expr, Asks asks) { return CollectIn(expr, asks, false); }

bool SubqueryValues::CollectIn(const Expr& expr, Asks asks, bool in_aggregate) {
  const auto key = std::pair(&expr, std::pair(asks, in_aggregate));
  const auto known = reads_.find(key);
  if (known != reads_.end()) return known->second;
  bool reads = CollectParts(expr, asks, in_aggregate);
  const bool is_value =
      expr.kind == Expr::Kind::kSubquery || expr.kind == Expr::Kind::kIn || expr.kind == Expr::Kind::kExists;
  if (is_value && (within_ != Within::kAggregates || in_aggregate)) {
    reads = true;
    if (known_.insert(&expr).second) found_.push_back(&expr);
    if (asks == Asks::kValue) values_.insert(&expr);
  }
  return reads_[key] = reads;
}

bool SubqueryValues::CollectParts(const Expr& expr, Asks asks, bool in_aggregate) {
  const bool aggregate =
      expr.kind == Expr::Kind::kFunction && (expr.over || AggregateByName(ToUpper(expr.word)).has_value());
  if (aggregate && within_ == Within::kNoAggregate) return false;
  if (expr.over && within_ == Within::kAggregates) return false;
  const bool inside = in_aggregate || aggregate;
  bool reads = false;
  if (expr.filter) reads = CollectIn(*expr.filter, Asks::kIsTrue, inside);
  const bool joins = expr.kind == Expr::Kind::kOperator && (expr.function == F::kAnd || expr.function == F::kOr);
  const bool is_true = expr.kind == Expr::Kind::kOperator && expr.function == F::kIsTrue;
  for (size_t i = 0; i < expr.arguments.size(); ++i) {
    Asks part = joins ? asks : is_true ? Asks::kIsTrue : Asks::kValue;
    if (expr.kind == Expr::Kind::kCase) {
      const bool condition = i % 2 == 0 && i + 1 < expr.arguments.size();
      part = condition ? Asks::kIsTrue : asks;
    }
    reads = CollectIn(*expr.arguments[i], part, inside) || reads;
  }
  return reads;
}

}  // namespace leat::sql
