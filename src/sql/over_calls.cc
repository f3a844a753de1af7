// Calls with OVER as expressions: the function, what it looks at, and in which order.
#include <algorithm>

#include "sql/expressions.h"
#include "sql/lexer.h"
#include "sql/literals.h"

namespace leat::sql {

using data::TypeKind;
using plan::AggregateKind;
using plan::ExpressionPtr;

namespace {

bool Same(const ExpressionPtr& a, const ExpressionPtr& b) { return a && b ? SameExpression(*a, *b) : !a && !b; }

bool SameOver(const OverCall& a, const OverCall& b) {
  return a.call.kind == b.call.kind && a.call.distinct == b.call.distinct && Same(a.call.argument, b.call.argument) &&
         Same(a.call.filter, b.call.filter) && a.call.separator == b.call.separator &&
         a.call.takes_nulls == b.call.takes_nulls && a.offset == b.offset && Same(a.fallback, b.fallback) &&
         SameWindow(a, b);
}

std::optional<int64_t> WholeNumber(const plan::Expression& expression) {
  if (expression.kind != plan::Expression::Kind::kLiteral) return std::nullopt;
  if (const auto* small = std::get_if<int32_t>(&expression.literal.v)) return *small;
  if (const auto* large = std::get_if<int64_t>(&expression.literal.v)) return *large;
  return std::nullopt;
}

}  // namespace

bool SameWindow(const OverCall& a, const OverCall& b) {
  const auto same_order = [](const OverOrder& x, const OverOrder& y) {
    return Same(x.expression, y.expression) && x.descending == y.descending && x.nulls_first == y.nulls_first;
  };
  return std::ranges::equal(a.partition, b.partition, Same) && std::ranges::equal(a.order, b.order, same_order) &&
         a.frame.rows == b.frame.rows && a.frame.preceding == b.frame.preceding;
}

absl::StatusOr<const OverSyntax*> ExpressionAnalyser::OverOf(const Expr& expr) const {
  const OverSyntax* over = expr.over.get();
  if (!over->base) return over;
  for (const auto& [name, window] : *windows_) {
    if (name.text == over->base->text) return window.get();
  }
  return diagnostics_.Error(over->position, "there is no window '", over->base->text, "'; write WINDOW ",
                            over->base->text, " AS (..) behind the query");
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseOver(const Expr& expr) {
  if (overs_ == nullptr) {
    return diagnostics_.Error(expr.position,
                              "OVER is only for the select list; for WHERE put the query into a "
                              "sub-query and filter its column");
  }
  LEAT_ASSIGN_OR_RETURN(const OverSyntax* syntax, OverOf(expr));
  OverCall over;
  over.position = expr.position;
  ExpressionAnalyser inner(diagnostics_, relation_, aggregates_, budget_);
  for (const ExprPtr& part : syntax->partition) {
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr analysed, inner.Analyse(*part));
    over.partition.push_back(std::move(analysed));
  }
  for (const OrderItem& item : syntax->order) {
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr analysed, inner.Analyse(*item.expr));
    if (analysed->type.kind == TypeKind::kRow) return diagnostics_.Unsupported(item.expr->position, "ORDER BY a ROW");
    over.order.push_back({std::move(analysed), item.descending, item.nulls_first});
  }
  LEAT_RETURN_IF_ERROR(AnalyseOverFunction(expr, &over));
  LEAT_RETURN_IF_ERROR(AnalyseFrame(*syntax, &over));
  auto found = std::ranges::find_if(*overs_, [&](const OverCall& other) { return SameOver(other, over); });
  if (found == overs_->end()) found = overs_->insert(found, over);
  auto slot = std::make_shared<plan::Expression>(
      *plan::Input(kOverBase + static_cast<int>(found - overs_->begin()), over.call.type));
  slot->position = expr.position;
  return slot;
}

absl::Status ExpressionAnalyser::AnalyseOverFunction(const Expr& expr, OverCall* over) {
  const std::string name = ToUpper(expr.word);
  const auto kind = AggregateByName(name);
  if (kind == AggregateKind::kJsonArrayAgg || kind == AggregateKind::kJsonObjectAgg) {
    return diagnostics_.Error(expr.position, name, " is not for OVER, here as on Flink");
  }
  // Those two are OVER's own: they look at rows in the order of time.
  if (kind && kind != AggregateKind::kFirstValue && kind != AggregateKind::kLastValue) {
    std::vector<AggregateCall> calls;
    ExpressionAnalyser inner(diagnostics_, relation_, &calls, budget_);
    LEAT_RETURN_IF_ERROR(inner.AnalyseAggregate(expr, *kind).status());
    over->call = calls[0];
    return absl::OkStatus();
  }
  ExpressionAnalyser inner(diagnostics_, relation_, aggregates_, budget_);
  if (name == "ROW_NUMBER") {
    if (!expr.arguments.empty() || expr.distinct || expr.filter) {
      return diagnostics_.Error(expr.position, "expected ROW_NUMBER() OVER (..)");
    }
    over->call = {.kind = AggregateKind::kRowNumber, .type = data::BigInt().AsNotNull()};
    return absl::OkStatus();
  }
  if (name == "RANK" || name == "DENSE_RANK" || name == "LEAD" || name == "NTILE" || name == "CUME_DIST" ||
      name == "PERCENT_RANK") {
    return diagnostics_.Error(expr.position, name, " is not for streams, here as on Flink; ",
                              name == "LEAD" ? "LAG is" : "ROW_NUMBER is");
  }
  if (name != "FIRST_VALUE" && name != "LAST_VALUE" && name != "LAG") {
    return diagnostics_.Error(
        expr.position, "OVER is for aggregate functions, FIRST_VALUE, LAST_VALUE, LAG and ROW_NUMBER, not for ", name);
  }
  const bool lag = name == "LAG";
  if (expr.arguments.empty() || expr.arguments.size() > (lag ? 3 : 1) || expr.distinct) {
    return diagnostics_.Error(expr.position, "expected ", name, lag ? "(value [, rows [, default]])" : "(value)");
  }
  over->call.kind = lag                     ? AggregateKind::kLag
                    : name == "FIRST_VALUE" ? AggregateKind::kFirstValue
                                            : AggregateKind::kLastValue;
  LEAT_ASSIGN_OR_RETURN(over->call.argument, inner.Analyse(*expr.arguments[0]));
  const auto type = AggregateType(over->call.kind, over->call.argument->type);
  if (!type) return diagnostics_.Error(expr.position, name, " does not take a bare NULL");
  over->call.type = *type;
  if (expr.filter) {
    if (lag) return diagnostics_.Error(expr.position, "LAG takes no FILTER");
    LEAT_ASSIGN_OR_RETURN(over->call.filter, inner.Condition(*expr.filter, "FILTER"));
  }
  if (expr.arguments.size() > 1) {
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr rows, inner.Analyse(*expr.arguments[1]));
    const auto number = WholeNumber(*rows);
    if (!number || *number < 0 || *number > 10'000) {
      return diagnostics_.Error(expr.arguments[1]->position, "LAG looks back a written number of rows, 0 to 10000");
    }
    over->offset = *number;
  }
  if (expr.arguments.size() > 2) {
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr fallback, inner.Analyse(*expr.arguments[2]));
    if (fallback->type.kind != TypeKind::kNull &&
        !plan::CommonType(std::vector<data::Type>{fallback->type, over->call.type})) {
      return diagnostics_.Error(expr.arguments[2]->position, "the default of LAG must be ",
                                over->call.type.AsNullable().ToString());
    }
    over->fallback = CastTo(fallback, over->call.type);
  }
  return absl::OkStatus();
}

absl::Status ExpressionAnalyser::AnalyseFrame(const OverSyntax& syntax, OverCall* over) {
  const AggregateKind kind = over->call.kind;
  // Those look at rows, and a frame would mean nothing to them.
  if (kind == AggregateKind::kRowNumber || kind == AggregateKind::kLag) {
    if (syntax.framed) return diagnostics_.Error(syntax.position, "LAG and ROW_NUMBER take no ROWS or RANGE");
    // As on Flink, rows of one time look back from the last of them, and are numbered one by one.
    over->frame.rows = kind == AggregateKind::kRowNumber;
    return absl::OkStatus();
  }
  over->framed = syntax.framed;
  over->frame.rows = syntax.framed && syntax.rows;  // without a frame: RANGE UNBOUNDED PRECEDING
  if (!syntax.preceding) return absl::OkStatus();
  ExpressionAnalyser inner(diagnostics_, nullptr, nullptr, budget_);
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr preceding, inner.Analyse(*syntax.preceding));
  if (syntax.rows) {
    const auto number = WholeNumber(*preceding);
    if (!number || *number < 0 || *number > 1'000'000) {
      return diagnostics_.Error(syntax.preceding->position, "ROWS takes a written number of rows, 0 to 1000000");
    }
    over->frame.preceding = *number;
    return absl::OkStatus();
  }
  if (preceding->kind != plan::Expression::Kind::kLiteral || preceding->type.kind != TypeKind::kIntervalDayTime) {
    return diagnostics_.Error(syntax.preceding->position, "RANGE takes INTERVAL '..' with a unit of DAY to SECOND");
  }
  over->frame.preceding = std::get<int64_t>(preceding->literal.v) / data::kMicrosPerMilli;
  if (over->frame.preceding < 0) {
    return diagnostics_.Error(syntax.preceding->position, "the interval of RANGE cannot be negative");
  }
  return absl::OkStatus();
}

}  // namespace leat::sql
