// IN and EXISTS with a sub-query, and their negations, as semi and anti joins; sub-queries that stand for a value, as
// joins that give it as a column.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

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

ExpressionPtr Truth(bool is) { return plan::Literal(data::Value{is}, data::Boolean().AsNotNull()); }

// The first `width` columns of the relation, and the value behind them.
Relation WithColumn(Relation relation, int width, const ExpressionPtr& value, std::string name, Position position) {
  std::vector<ExpressionPtr> columns = AllInputs(*relation.node);
  std::vector<std::string> names = FieldNames(*relation.node);
  columns.resize(static_cast<size_t>(width));
  names.resize(static_cast<size_t>(width));
  columns.push_back(value);
  names.push_back(std::move(name));
  relation.node = MakeCalc(relation.node, nullptr, std::move(columns), names, position);
  relation.MatchColumns();
  return relation;
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

absl::StatusOr<ExpressionPtr> QueryAnalyser::MemberEquals(const Relation& outer, const Subquery& subquery,
                                                          const ExpressionPtr& value, const Expr& test) {
  if (subquery.listed != 1) {
    return diagnostics_.Error(test.position, "the sub-query of IN must have one column, this one has ",
                              subquery.listed);
  }
  const ExpressionPtr member = plan::Input(static_cast<int>(outer.fields().size()), subquery.relation.fields()[0].type);
  ExpressionAnalyser analyser(diagnostics_, &outer, nullptr, budget_);
  return analyser.MakeCall(F::kEqual, {value, member}, test.position);
}

// Whether IN is UNKNOWN where it is not true: the value is NULL and there are rows, or there is a NULL among them. Of
// the sub-query's rows only that counts, and what ties them to the outer row: so the relation has each such case once.
absl::StatusOr<Relation> QueryAnalyser::MarkUnknown(const Relation& input, int outer_width, const Subquery& subquery,
                                                    const ExpressionPtr& value, Position position) {
  const data::Field& member = subquery.relation.fields()[0];
  std::vector<int> read;
  for (const ExpressionPtr& conjunct : subquery.conjuncts) CollectInputs(*conjunct, &read);
  std::vector<ExpressionPtr> columns = AllInputs(*input.node);
  columns.resize(static_cast<size_t>(outer_width) + subquery.relation.fields().size());
  const int first = static_cast<int>(input.fields().size());
  std::vector<NamedExpression> items = {{CallOf(F::kIsNull, {plan::Input(0, member.type)}, false, position), "null$"}};
  for (const int column : std::set<int>(read.begin(), read.end())) {
    if (column < outer_width) continue;
    const data::Field& field = subquery.relation.fields()[static_cast<size_t>(column - outer_width)];
    columns[static_cast<size_t>(column)] = plan::Input(first + static_cast<int>(items.size()), field.type);
    items.push_back({plan::Input(column - outer_width, field.type), StrCat("tie$", items.size())});
  }
  LEAT_ASSIGN_OR_RETURN(Relation cases, Project(subquery.relation, nullptr, items, position));
  cases.tags.assign(items.size(), WindowTag::kNone);
  cases.window_attached = false;
  LEAT_ASSIGN_OR_RETURN(const Relation distinct, Distinct(cases, position));
  JoinRequest request{.type = JoinType::kMark, .conjuncts = {}, .position = position, .state_ttl = state_ttl_};
  for (const ExpressionPtr& conjunct : subquery.conjuncts) request.conjuncts.push_back(Substitute(conjunct, columns));
  ExpressionPtr unknown = plan::Input(first, data::Boolean().AsNotNull());
  if (value->type.nullable) {
    const ExpressionPtr null_value = CallOf(F::kIsNull, {value}, false, position);
    unknown = member.type.nullable ? CallOf(F::kOr, {unknown, null_value}, false, position) : null_value;
  }
  request.conjuncts.push_back(unknown);
  return MakeJoin(input, distinct, request, diagnostics_);
}

// EXISTS or IN as a column behind the others. `operand`: the left side of IN over the input; null: as it is written.
absl::StatusOr<Relation> QueryAnalyser::AddTest(const Relation& input, const Expr& test, size_t number,
                                                SubqueryValues::Asks asks, ExpressionPtr operand) {
  const bool in = test.kind == Expr::Kind::kIn;
  LEAT_ASSIGN_OR_RETURN(Subquery subquery, AnalyseSubquery(input, *test.query));
  const int width = static_cast<int>(input.fields().size());
  if (IsBareAggregate(*test.query)) {
    if (in && !subquery.conjuncts.empty()) {
      return diagnostics_.Unsupported(test.position, "IN as a value with an aggregate that reads the outer query");
    }
    if (!in) return WithColumn(input, width, Truth(true), StrCat("scalar$", number), test.position);
  }
  JoinRequest request{
      .type = JoinType::kMark, .conjuncts = subquery.conjuncts, .position = test.position, .state_ttl = state_ttl_};
  ExpressionAnalyser analyser(diagnostics_, &input, nullptr, budget_);
  if (in) {
    if (!operand) {
      LEAT_ASSIGN_OR_RETURN(operand, analyser.Analyse(*test.arguments[0]));
    }
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr equal, MemberEquals(input, subquery, operand, test));
    request.conjuncts.push_back(equal);
  }
  LEAT_ASSIGN_OR_RETURN(Relation marked, MakeJoin(input, subquery.relation, request, diagnostics_));
  ExpressionPtr value = plan::Input(width, data::Boolean().AsNotNull());
  if (in && asks == SubqueryValues::Asks::kValue &&
      (operand->type.nullable || subquery.relation.fields()[0].type.nullable)) {
    LEAT_ASSIGN_OR_RETURN(marked, MarkUnknown(marked, width, subquery, operand, test.position));
    const ExpressionPtr unknown = plan::Input(width + 1, data::Boolean().AsNotNull());
    LEAT_ASSIGN_OR_RETURN(value, analyser.MakeCall(F::kCase,
                                                   {value, Truth(true), unknown,
                                                    plan::Literal(data::Value::Null(), data::Boolean()), Truth(false)},
                                                   test.position));
  }
  return WithColumn(std::move(marked), width, value, StrCat("scalar$", number), test.position);
}

// The value as the last column.
absl::StatusOr<Relation> QueryAnalyser::AddSubqueryValue(Relation input, const Expr& expr, SubqueryValues::Asks asks,
                                                         ExpressionPtr operand) {
  std::map<const Expr*, int> columns = input.scalars;
  if (expr.kind == Expr::Kind::kSubquery) {
    LEAT_ASSIGN_OR_RETURN(input, AddScalar(std::move(input), expr, columns.size()));
  } else {
    LEAT_ASSIGN_OR_RETURN(input, AddTest(input, expr, columns.size(), asks, std::move(operand)));
  }
  columns[&expr] = static_cast<int>(input.fields().size()) - 1;
  input.scalars = std::move(columns);
  return input;
}

// Each value as a column behind the others.
absl::StatusOr<Relation> QueryAnalyser::AddSubqueryValues(Relation input, const SubqueryValues& values) {
  for (const Expr* expr : values.found()) {
    LEAT_ASSIGN_OR_RETURN(input, AddSubqueryValue(std::move(input), *expr, values.asks(*expr), nullptr));
  }
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
  if (test->kind == Expr::Kind::kExists && IsBareAggregate(*test->query)) {
    // It always has a row, of whatever rows there are.
    return Filtered(outer, {Truth(!negated)}, test->position);
  }
  if (test->kind == Expr::Kind::kIn) {
    ExpressionAnalyser analyser(diagnostics_, &outer, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr value, analyser.Analyse(*test->arguments[0]));
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr equal, MemberEquals(outer, subquery, value, *test));
    const ExpressionPtr member =
        plan::Input(static_cast<int>(outer.fields().size()), subquery.relation.fields()[0].type);
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
