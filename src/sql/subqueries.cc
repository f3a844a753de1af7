// IN and EXISTS with a sub-query, and their negations, as semi and anti joins.
#include <algorithm>
#include <map>
#include <optional>

#include "sql/literals.h"
#include "sql/over.h"
#include "stream/plan/changelog.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::JoinType;
using F = plan::FunctionId;

namespace {

ExpressionPtr CallOf(F function, std::vector<ExpressionPtr> arguments, bool nullable, Position position) {
  data::Type type = data::Boolean();
  type.nullable = nullable;
  return plan::Call(function, std::move(arguments), type, position);
}

// A query whose rows are those of FROM that pass WHERE: its conditions may read the outer query's columns.
bool IsPlain(const Query& query) {
  if (query.kind != Query::Kind::kSelect || !query.with.empty() || query.HasTail()) return false;
  const Select& select = query.select;
  return !select.grouped && !select.having && select.from.kind != TableRef::Kind::kNone &&
         std::ranges::none_of(select.items, [](const SelectItem& item) { return HasAggregate(*item.expr); });
}

bool IsSubqueryTest(const Expr& expr) {
  if (expr.kind == Expr::Kind::kOperator && expr.function == F::kNot) return IsSubqueryTest(*expr.arguments[0]);
  return expr.kind == Expr::Kind::kIn || expr.kind == Expr::Kind::kExists;
}

}  // namespace

// Names mean the sub-query's own columns first, then those of the query around it.
absl::StatusOr<QueryAnalyser::Subquery> QueryAnalyser::AnalyseSubquery(const Relation& outer, const Query& query) {
  Subquery result;
  if (!IsPlain(query)) {
    LEAT_ASSIGN_OR_RETURN(result.relation, AnalyseSubQuery(query));
    return result;
  }
  const Select& select = query.select;
  LEAT_ASSIGN_OR_RETURN(Relation inner, AnalyseFrom(select.from));
  std::vector<ExpressionPtr> own;
  std::vector<ExprPtr> nested;
  const int outer_width = static_cast<int>(outer.fields().size());
  const Relation both = JoinScope({outer, inner});
  for (const ExprPtr& conjunct : Conjuncts(select.where)) {
    if (IsSubqueryTest(*conjunct)) {
      nested.push_back(conjunct);
      continue;
    }
    ExpressionAnalyser inner_only(diagnostics_, &inner, nullptr, budget_);
    if (auto analysed = inner_only.Condition(*conjunct, "WHERE"); analysed.ok()) {
      own.push_back(*std::move(analysed));
      continue;
    }
    ExpressionAnalyser analyser(diagnostics_, &both, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr correlated, analyser.Condition(*conjunct, "WHERE"));
    result.conjuncts.push_back(std::move(correlated));
  }
  inner = PushTopN(Filtered(std::move(inner), own, select.position));
  for (const ExprPtr& conjunct : nested) {
    LEAT_ASSIGN_OR_RETURN(inner, ApplySubquery(inner, conjunct));
  }
  // The select list, and behind it what the conditions read.
  LEAT_ASSIGN_OR_RETURN(std::vector<NamedExpression> items, AnalyseItems(select, inner, nullptr, nullptr));
  const int listed = static_cast<int>(items.size());
  for (size_t i = 0; i < inner.fields().size(); ++i) {
    items.push_back({plan::Input(static_cast<int>(i), inner.fields()[i].type), inner.fields()[i].name});
  }
  LEAT_ASSIGN_OR_RETURN(result.relation, Project(inner, nullptr, items, select.position));
  std::vector<ExpressionPtr> columns = AllInputs(*both.node);
  for (size_t i = static_cast<size_t>(outer_width); i < columns.size(); ++i) {
    columns[i] = plan::Input(static_cast<int>(i) + listed, columns[i]->type);
  }
  for (ExpressionPtr& conjunct : result.conjuncts) conjunct = Substitute(conjunct, columns);
  return result;
}

// Each value as a column behind the others: NULL while the sub-query has no row.
absl::StatusOr<Relation> QueryAnalyser::AddScalars(Relation input, const std::vector<const Expr*>& scalars) {
  std::map<const Expr*, int> columns;
  for (const Expr* scalar : scalars) {
    if (columns.contains(scalar)) continue;  // BETWEEN has its operand twice
    LEAT_ASSIGN_OR_RETURN(Relation value, Analyse(*scalar->query));
    if (value.fields().size() != 1) {
      return diagnostics_.Error(scalar->position, "a sub-query as a value must have one column, this one has ",
                                value.fields().size());
    }
    const std::optional<std::vector<int>> key = plan::UniqueKey(*value.node);
    if (!key || !key->empty()) {
      return diagnostics_.Unsupported(scalar->position,
                                      "a sub-query as a value that is no aggregate without GROUP BY (it must have one "
                                      "row at most)");
    }
    LEAT_ASSIGN_OR_RETURN(value,
                          Rename(value, {{StrCat("scalar$", columns.size()), scalar->position}}, scalar->position));
    value.SetAlias("");
    const JoinRequest request{
        .type = JoinType::kLeft, .conjuncts = {}, .position = scalar->position, .state_ttl = state_ttl_};
    LEAT_ASSIGN_OR_RETURN(input, MakeJoin(input, value, request, diagnostics_));
    columns[scalar] = static_cast<int>(input.fields().size()) - 1;
  }
  input.scalars = std::move(columns);
  return input;
}

absl::StatusOr<Relation> QueryAnalyser::ApplySubquery(const Relation& outer, const ExprPtr& conjunct) {
  bool negated = false;
  const Expr* test = conjunct.get();
  while (test->kind == Expr::Kind::kOperator) {
    negated = !negated;
    test = test->arguments[0].get();
  }
  LEAT_ASSIGN_OR_RETURN(Subquery subquery, AnalyseSubquery(outer, *test->query));
  if (test->kind == Expr::Kind::kIn) {
    const size_t listed = IsPlain(*test->query) ? subquery.relation.fields().size() : 0;
    const size_t columns = listed == 0 ? subquery.relation.fields().size() : test->query->select.items.size();
    const bool star = IsPlain(*test->query) && test->query->select.items[0].expr->kind == Expr::Kind::kStar;
    if (columns != 1 || star) {
      return diagnostics_.Error(test->position, "the sub-query of IN must have one column");
    }
    ExpressionAnalyser analyser(diagnostics_, &outer, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr value, analyser.Analyse(*test->arguments[0]));
    const ExpressionPtr member =
        plan::Input(static_cast<int>(outer.fields().size()), subquery.relation.fields()[0].type);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr equal, analyser.MakeCall(F::kEqual, {value, member}, test->position));
    // NOT IN is not true where either is NULL.
    if (negated && (value->type.nullable || member->type.nullable)) {
      for (const ExpressionPtr& side : {value, member}) {
        if (!side->type.nullable) continue;
        equal = CallOf(F::kOr, {equal, CallOf(F::kIsNull, {side}, false, test->position)}, true, test->position);
      }
    }
    subquery.conjuncts.push_back(equal);
  }
  const JoinRequest request{.type = negated ? JoinType::kAnti : JoinType::kSemi,
                            .conjuncts = std::move(subquery.conjuncts),
                            .position = test->position,
                            .state_ttl = state_ttl_};
  return MakeJoin(outer, subquery.relation, request, diagnostics_);
}

}  // namespace leat::sql
