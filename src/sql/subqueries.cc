// IN and EXISTS with a sub-query, and their negations, as semi and anti joins.
#include <algorithm>
#include <map>
#include <optional>

#include "sql/lexer.h"
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

// An aggregate without GROUP BY: one row at most for each row of the outer query that its conditions tie it to.
bool IsBareAggregate(const Query& query) {
  if (query.kind != Query::Kind::kSelect || !query.with.empty() || query.HasTail()) return false;
  const Select& select = query.select;
  return !select.grouped && !select.having && !select.distinct && select.from.kind != TableRef::Kind::kNone &&
         std::ranges::any_of(select.items, [](const SelectItem& item) { return HasAggregate(*item.expr); });
}

bool CallsCount(const Expr& expr) {
  if (expr.kind == Expr::Kind::kFunction && AggregateByName(ToUpper(expr.word)) == plan::AggregateKind::kCount) {
    return true;
  }
  return std::ranges::any_of(expr.arguments, [](const ExprPtr& argument) { return CallsCount(*argument); });
}

bool IsSubqueryTest(const Expr& expr) {
  if (expr.kind == Expr::Kind::kOperator && expr.function == F::kNot) return IsSubqueryTest(*expr.arguments[0]);
  return expr.kind == Expr::Kind::kIn || expr.kind == Expr::Kind::kExists;
}

}  // namespace

// Names mean the sub-query's own columns first, then those of the query around it.
absl::StatusOr<QueryAnalyser::CorrelatedInput> QueryAnalyser::AnalyseCorrelatedInput(const Relation& outer,
                                                                                     const Select& select) {
  CorrelatedInput result;
  LEAT_ASSIGN_OR_RETURN(Relation inner, AnalyseFrom(select.from));
  std::vector<ExpressionPtr> own;
  const Relation both = JoinScope({outer, inner});
  for (const ExprPtr& conjunct : Conjuncts(select.where)) {
    if (IsSubqueryTest(*conjunct)) {
      result.nested.push_back(conjunct);
      continue;
    }
    ExpressionAnalyser inner_only(diagnostics_, &inner, nullptr, budget_);
    if (auto analysed = inner_only.Condition(*conjunct, "WHERE"); analysed.ok()) {
      own.push_back(*std::move(analysed));
      continue;
    }
    ExpressionAnalyser analyser(diagnostics_, &both, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr correlated, analyser.Condition(*conjunct, "WHERE"));
    result.correlated.push_back(std::move(correlated));
  }
  result.relation = PushTopN(Filtered(std::move(inner), own, select.position));
  for (const ExprPtr& conjunct : result.nested) {
    LEAT_ASSIGN_OR_RETURN(result.relation, ApplySubquery(result.relation, conjunct));
  }
  return result;
}

absl::Status QueryAnalyser::CorrelatedTooFreely(Position position) const {
  return diagnostics_.Unsupported(position,
                                  "an aggregate whose condition reads the outer query other than by column = column");
}

absl::StatusOr<QueryAnalyser::Subquery> QueryAnalyser::AnalyseSubquery(const Relation& outer, const Query& query) {
  Subquery result;
  if (IsBareAggregate(query)) return AnalyseCorrelatedAggregate(outer, query);
  if (!IsPlain(query)) {
    LEAT_ASSIGN_OR_RETURN(result.relation, AnalyseSubQuery(query));
    result.listed = static_cast<int>(result.relation.fields().size());
    return result;
  }
  const Select& select = query.select;
  LEAT_ASSIGN_OR_RETURN(CorrelatedInput input, AnalyseCorrelatedInput(outer, select));
  const Relation& inner = input.relation;
  // The select list, and behind it what the conditions read.
  LEAT_ASSIGN_OR_RETURN(std::vector<NamedExpression> items, AnalyseItems(select, inner, nullptr, nullptr));
  result.listed = static_cast<int>(items.size());
  for (size_t i = 0; i < inner.fields().size(); ++i) {
    items.push_back({plan::Input(static_cast<int>(i), inner.fields()[i].type), inner.fields()[i].name});
  }
  LEAT_ASSIGN_OR_RETURN(result.relation, Project(inner, nullptr, items, select.position));
  result.conjuncts = std::move(input.correlated);
  std::vector<ExpressionPtr> columns = AllInputs(*outer.node);
  for (size_t i = 0; i < inner.fields().size(); ++i) {
    columns.push_back(plan::Input(static_cast<int>(columns.size()) + result.listed, inner.fields()[i].type));
  }
  for (ExpressionPtr& conjunct : result.conjuncts) conjunct = Substitute(conjunct, columns);
  return result;
}

// The value as a column behind the others: NULL while the sub-query has no row.
absl::StatusOr<Relation> QueryAnalyser::AddScalar(Relation input, const Expr& scalar, size_t number) {
  const Query& query = *scalar.query;
  const bool counts = IsBareAggregate(query) && query.select.items.size() == 1 &&
                      query.select.items[0].expr->kind == Expr::Kind::kFunction &&
                      AggregateByName(ToUpper(query.select.items[0].expr->word)) == plan::AggregateKind::kCount;
  LEAT_ASSIGN_OR_RETURN(Subquery subquery, AnalyseSubquery(input, query));
  Relation& value = subquery.relation;
  const bool correlated = !subquery.conjuncts.empty();
  if (subquery.listed != 1) {
    return diagnostics_.Error(scalar.position, "a sub-query as a value must have one column, this one has ",
                              subquery.listed);
  }
  // The columns that tell its rows apart must be those that the outer row is tied by.
  std::optional<std::vector<int>> key = plan::UniqueKey(*value.node);
  const bool one_row = IsBareAggregate(query) || (key && key->empty());
  if (!one_row) {
    return diagnostics_.Unsupported(scalar.position,
                                    "a sub-query as a value that is no aggregate without GROUP BY (it must have one "
                                    "row at most)");
  }
  if (correlated && !counts && CallsCount(*query.select.items[0].expr)) {
    return diagnostics_.Unsupported(scalar.position,
                                    "an expression with COUNT in a sub-query that reads the outer query");
  }
  std::vector<ExpressionPtr> columns = AllInputs(*value.node);
  std::vector<std::string> names = FieldNames(*value.node);
  names[0] = StrCat("scalar$", number);
  value.node = MakeCalc(value.node, nullptr, columns, names, scalar.position);
  value.SetAlias("");
  const int width = static_cast<int>(input.fields().size());
  const JoinRequest request{.type = JoinType::kLeft,
                            .conjuncts = std::move(subquery.conjuncts),
                            .position = scalar.position,
                            .state_ttl = state_ttl_};
  LEAT_ASSIGN_OR_RETURN(Relation joined, MakeJoin(input, value, request, diagnostics_));
  // What only the condition reads goes; of no rows COUNT is 0.
  columns = AllInputs(*joined.node);
  names = FieldNames(*joined.node);
  columns.resize(static_cast<size_t>(width) + 1);
  names.resize(columns.size());
  if (correlated && counts) {
    const ExpressionPtr zero = plan::Literal(data::Value{int64_t{0}}, data::BigInt().AsNotNull());
    columns.back() = plan::Call(F::kCoalesce, {columns.back(), zero}, data::BigInt().AsNotNull(), scalar.position);
  }
  joined.node = MakeCalc(joined.node, nullptr, std::move(columns), names, scalar.position);
  joined.MatchColumns();
  return joined;
}

// Each value as a column behind the others: NULL while the sub-query has no row.
absl::StatusOr<Relation> QueryAnalyser::AddScalars(Relation input, const std::vector<const Expr*>& scalars) {
  std::map<const Expr*, int> columns;
  for (const Expr* scalar : scalars) {
    if (columns.contains(scalar)) continue;  // BETWEEN has its operand twice
    LEAT_ASSIGN_OR_RETURN(input, AddScalar(std::move(input), *scalar, columns.size()));
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
    if (subquery.listed != 1) {
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
