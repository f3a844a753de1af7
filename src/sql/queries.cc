#include "sql/queries.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <map>
#include <set>

#include "sql/grouping.h"
#include "sql/lexer.h"
#include "sql/literals.h"
#include "sql/over.h"

namespace leat::sql {

using plan::ExpressionPtr;

absl::StatusOr<Relation> QueryAnalyser::Analyse(const Query& query) {
  const size_t scope = with_.size();
  for (const Query::With& with : query.with) {
    LEAT_ASSIGN_OR_RETURN(Relation relation, Analyse(*with.query));
    if (!with.columns.empty()) {
      LEAT_ASSIGN_OR_RETURN(relation, Rename(relation, with.columns, with.name.position));
    }
    with_.emplace_back(with.name.text, std::move(relation));
  }
  auto result = AnalyseBody(query);
  if (result.ok() && query.HasTail()) result = ApplyTail(*std::move(result), query);
  with_.resize(scope);
  if (result.ok() && result->depth > kMaxPlanDepth) {
    return diagnostics_.Error(query.position, "more than ", kMaxPlanDepth, " queries and views above one another");
  }
  return result;
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseBody(const Query& query) {
  switch (query.kind) {
    case Query::Kind::kSelect:
      return AnalyseSelect(query.select);
    case Query::Kind::kValues:
      return AnalyseValues(query);
    case Query::Kind::kUnionAll:
    case Query::Kind::kUnion:
    case Query::Kind::kIntersect:
    case Query::Kind::kIntersectAll:
    case Query::Kind::kExcept:
    case Query::Kind::kExceptAll:
      return AnalyseSetOperation(query);
    case Query::Kind::kTable:
      return Find(query.table);
  }
  return Internal("unknown kind of query");
}

absl::StatusOr<Relation> QueryAnalyser::Find(const Path& path) {
  if (path.size() == 1) {
    for (auto it = with_.rbegin(); it != with_.rend(); ++it) {
      if (it->first == path[0].text) return it->second;
    }
  }
  return tables_->Find(path);
}

absl::StatusOr<Relation> QueryAnalyser::Rename(const Relation& relation, const std::vector<Name>& names,
                                               Position position) {
  if (names.size() != relation.fields().size()) {
    return diagnostics_.Error(position, "the query has ", relation.fields().size(), " columns, but ", names.size(),
                              " names are given");
  }
  std::vector<std::string> texts;
  for (const Name& name : names) texts.push_back(name.text);
  Relation renamed = relation;
  renamed.node = MakeCalc(relation.node, nullptr, AllInputs(*relation.node), texts, position);
  return renamed;
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseFrom(const TableRef& from) {
  if (from.as_of) {
    return diagnostics_.Error(from.as_of->position,
                              "FOR SYSTEM_TIME AS OF is for the right table of JOIN and LEFT JOIN");
  }
  Relation relation;
  switch (from.kind) {
    case TableRef::Kind::kNone:
      return OneRow(from.position);
    case TableRef::Kind::kTable: {
      if (from.options.empty()) {
        LEAT_ASSIGN_OR_RETURN(relation, Find(from.path));
      } else {
        LEAT_ASSIGN_OR_RETURN(relation, tables_->FindHinted(from.path, from.options));
      }
      relation.SetAlias(from.path.back().text);
      break;
    }
    case TableRef::Kind::kQuery: {
      LEAT_ASSIGN_OR_RETURN(relation, AnalyseSubQuery(*from.query));
      relation.SetAlias("");
      break;
    }
    case TableRef::Kind::kJoin:
      return AnalyseJoin(from);
    case TableRef::Kind::kMatch: {
      LEAT_ASSIGN_OR_RETURN(const Relation input, AnalyseFrom(*from.left));
      LEAT_ASSIGN_OR_RETURN(relation, Match(input, *from.match, budget_, diagnostics_));
      relation.SetAlias("");
      break;
    }
    case TableRef::Kind::kUnnest:
      return AnalyseUnnest(from);
    case TableRef::Kind::kFunction: {
      LEAT_ASSIGN_OR_RETURN(relation, AnalyseWindowFunction(from));
      relation.SetAlias("");
      break;
    }
  }
  if (from.alias) relation.SetAlias(from.alias->text);
  if (from.columns.empty()) return relation;
  return Rename(relation, from.columns, from.position);
}

// The order of a sub-query means nothing, unless LIMIT takes the first of it; Flink drops it too.
absl::StatusOr<Relation> QueryAnalyser::AnalyseSubQuery(const Query& query) {
  if (query.order.empty() || query.limit || query.offset) return Analyse(query);
  Query unordered = query;
  unordered.order.clear();
  return Analyse(unordered);
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseWindowFunction(const TableRef& from) {
  LEAT_ASSIGN_OR_RETURN(WindowCall call, ReadWindowCall(from, diagnostics_));
  if (const plan::EmitSpec emit = tables_->emit(); emit.early_ms >= 0 || emit.late_ms >= 0) {
    return diagnostics_.Error(
        from.position,
        "'table.exec.emit.early-fire.enabled' and 'late-fire.enabled' are for windows in GROUP BY, "
        "here as on Flink, and not for window functions in FROM");
  }
  Relation input;
  if (call.data->kind == Expr::Kind::kTable) {
    LEAT_ASSIGN_OR_RETURN(input, Find(call.data->path));
  } else {
    LEAT_ASSIGN_OR_RETURN(input, Analyse(*call.data->query));
  }
  LEAT_RETURN_IF_ERROR(ResolvePartition(input, &call, diagnostics_));
  return AssignWindows(input, call, from.position, diagnostics_);
}

Relation QueryAnalyser::OneRow(Position position) {
  Relation relation;
  auto node = MakeNode(plan::NodeKind::kValues, {}, {{"ZERO", data::Int().AsNotNull()}}, position);
  node->rows = {{data::Value{0}}};
  relation.node = node;
  relation.tags = {WindowTag::kNone};
  return relation;
}

absl::StatusOr<std::vector<QueryAnalyser::NamedExpression>> QueryAnalyser::AnalyseItems(
    const Select& select, const Relation& input, std::vector<AggregateCall>* aggregates, std::vector<OverCall>* overs) {
  std::vector<NamedExpression> items;
  const bool nameless = select.from.kind == TableRef::Kind::kNone && input.scalars.empty();
  const Relation* names = nameless ? nullptr : &input;
  for (const SelectItem& item : select.items) {
    if (item.expr->kind == Expr::Kind::kStar) {
      const Path& path = item.expr->path;
      if (names == nullptr) return diagnostics_.Error(item.expr->position, "SELECT * needs a FROM");
      const size_t before = items.size();
      for (size_t i = 0; i < input.fields().size() - input.scalars.size(); ++i) {
        if (path.size() > 1 || (path.size() == 1 && path[0].text != input.QualifierOf(i))) continue;
        if (path.empty() && input.IsHidden(i)) continue;
        auto column = std::make_shared<plan::Expression>(*plan::Input(static_cast<int>(i), input.fields()[i].type));
        column->position = item.expr->position;
        items.push_back({column, input.fields()[i].name});
      }
      if (items.size() == before) {
        return diagnostics_.Error(item.expr->position, "there is no table '", path.empty() ? "" : path[0].text,
                                  "' in FROM");
      }
    } else {
      ExpressionAnalyser analyser(diagnostics_, names, aggregates, budget_);
      analyser.AllowOver(overs, &select.windows);
      LEAT_ASSIGN_OR_RETURN(ExpressionPtr expression, analyser.Analyse(*item.expr));
      std::string name = StrCat("EXPR$", items.size());
      if (item.expr->kind == Expr::Kind::kName) name = item.expr->path.back().text;
      if (item.alias) name = item.alias->text;
      items.push_back({std::move(expression), std::move(name)});
    }
    if (items.size() > kMaxColumns) {
      return diagnostics_.Error(item.expr->position, "a query has at most ", kMaxColumns, " columns");
    }
  }
  return items;
}

absl::StatusOr<Relation> QueryAnalyser::Project(const Relation& input, ExpressionPtr condition,
                                                const std::vector<NamedExpression>& items, Position position) {
  std::vector<ExpressionPtr> expressions;
  std::vector<std::string> names;
  Relation result = input;
  result.tags.clear();
  result.scalars.clear();
  for (const NamedExpression& item : items) {
    expressions.push_back(item.expression);
    names.push_back(item.name);
    const bool column = item.expression->kind == plan::Expression::Kind::kInput;
    result.tags.push_back(column ? input.tags[item.expression->input] : WindowTag::kNone);
  }
  result.node = MakeCalc(input.node, std::move(condition), std::move(expressions), names, position);
  result.SetAlias("");
  return result;
}

bool IsAggregated(const Select& select) {
  return select.grouped || select.having ||
         std::any_of(select.items.begin(), select.items.end(),
                     [](const SelectItem& i) { return HasAggregate(*i.expr); });
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseSelect(const Select& select) {
  LEAT_ASSIGN_OR_RETURN(Relation input, AnalyseFromWhere(select));
  input.depth += 1;
  input = PushTopN(std::move(input));
  const bool aggregated = IsAggregated(select);
  Relation result;
  if (aggregated) {
    LEAT_ASSIGN_OR_RETURN(result, AnalyseGrouped(select, input));
  } else {
    std::vector<OverCall> overs;
    LEAT_ASSIGN_OR_RETURN(auto items, AnalyseItems(select, input, nullptr, &overs));
    LEAT_RETURN_IF_ERROR(AddOvers(overs, &input, &items));
    LEAT_ASSIGN_OR_RETURN(result, Project(input, nullptr, items, select.position));
  }
  if (!select.distinct) return result;
  return Distinct(result, select.position);
}

namespace {

// Brings expressions over the input of an aggregation to its output: keys and aggregates become columns, and any other
// column is an error.
class GroupedRewriter {
 public:
  GroupedRewriter(const Relation& input, const std::vector<ExpressionPtr>& keys, const Aggregated& aggregated,
                  const Diagnostics& diagnostics)
      : input_(input), keys_(keys), aggregated_(aggregated), diagnostics_(diagnostics) {}

  // The keys are referred to, not kept.
  GroupedRewriter(const Relation&, std::vector<ExpressionPtr>&&, const Aggregated&, const Diagnostics&) = delete;

  // From a column of the input that keeps a scalar's place to the column that has its value.
  void PlaceScalar(int from, int to) { scalars_[from] = to; }

  absl::StatusOr<ExpressionPtr> Rewrite(const ExpressionPtr& expr) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (SameExpression(*expr, *keys_[i])) return Column(aggregated_.key_columns[i], expr->position);
    }
    if (expr->kind == plan::Expression::Kind::kLiteral) return expr;
    if (expr->kind == plan::Expression::Kind::kInput) {
      if (expr->input >= kOverBase) return expr;
      if (expr->input >= kAggregateBase) {
        return Column(aggregated_.aggregate_columns[expr->input - kAggregateBase], expr->position);
      }
      const auto scalar = scalars_.find(expr->input);
      if (scalar != scalars_.end()) return Column(scalar->second, expr->position);
      return diagnostics_.Error(expr->position, "column '", input_.fields()[expr->input].name,
                                "' is neither in GROUP BY nor inside an aggregate");
    }
    auto copy = std::make_shared<plan::Expression>(*expr);
    for (ExpressionPtr& argument : copy->arguments) {
      LEAT_ASSIGN_OR_RETURN(argument, Rewrite(argument));
    }
    return copy;
  }

 private:
  ExpressionPtr Column(int column, Position position) const {
    auto made = std::make_shared<plan::Expression>(*plan::Input(column, aggregated_.relation.fields()[column].type));
    made->position = position;
    return made;
  }

  const Relation& input_;
  const std::vector<ExpressionPtr>& keys_;
  const Aggregated& aggregated_;
  const Diagnostics& diagnostics_;
  std::map<int, int> scalars_;
};

// The values of sub-queries are joined to the groups, not to the rows: until then a column of its type stands for each.
Relation WithPlaces(const Relation& input, const std::vector<std::pair<const Expr*, data::Type>>& values,
                    Position position) {
  std::vector<ExpressionPtr> columns = AllInputs(*input.node);
  std::vector<std::string> names = FieldNames(*input.node);
  Relation result = input;
  for (const auto& [expr, type] : values) {
    result.scalars[expr] = static_cast<int>(columns.size());
    columns.push_back(plan::Literal(data::Value::Null(), type.AsNullable()));
    names.push_back(StrCat("place$", names.size()));
  }
  result.node = MakeCalc(input.node, nullptr, std::move(columns), names, position);
  result.MatchColumns();
  return result;
}

void CollectSubqueries(const Select& select, SubqueryValues* values) {
  for (const SelectItem& item : select.items) values->Collect(*item.expr, SubqueryValues::Asks::kValue);
  if (select.having) values->Collect(*select.having, SubqueryValues::Asks::kIsTrue);
}

}  // namespace

// What aggregates take is joined to the rows.
absl::StatusOr<Relation> QueryAnalyser::WithSubqueriesOfAggregates(const Select& select, const Relation& input) {
  SubqueryValues values(SubqueryValues::Within::kAggregates);
  CollectSubqueries(select, &values);
  if (values.found().empty()) return input;
  const bool windowed = std::ranges::any_of(input.tags, [](WindowTag tag) { return tag != WindowTag::kNone; });
  if (windowed) {
    return diagnostics_.Unsupported(values.found()[0]->position, "a sub-query within an aggregate over windows");
  }
  return AddSubqueryValues(input, values);
}

// The rest is joined to the groups, and does not read the outer row.
absl::StatusOr<Relation> QueryAnalyser::WithSubqueryPlaces(const Relation& input, const SubqueryValues& values,
                                                           Position position) {
  if (values.found().empty()) return input;
  std::vector<std::pair<const Expr*, data::Type>> types;
  for (const Expr* expr : values.found()) {
    if (expr->kind == Expr::Kind::kSubquery) {
      LEAT_ASSIGN_OR_RETURN(const Relation typed, AddScalar(OneRow(position), *expr, 0));
      types.emplace_back(expr, typed.fields().back().type);
    } else {
      LEAT_RETURN_IF_ERROR(AnalyseSubquery(OneRow(position), *expr->query).status());
      types.emplace_back(expr, data::Boolean());
    }
  }
  return WithPlaces(input, types, position);
}

// The left sides of IN, over the input of the aggregation.
absl::StatusOr<std::map<const Expr*, ExpressionPtr>> QueryAnalyser::AnalyseOperands(const SubqueryValues& values,
                                                                                    const Relation& input,
                                                                                    std::vector<AggregateCall>* calls) {
  std::map<const Expr*, ExpressionPtr> operands;
  for (const Expr* expr : values.found()) {
    if (expr->kind != Expr::Kind::kIn) continue;
    ExpressionAnalyser analyser(diagnostics_, &input, calls, budget_);
    LEAT_ASSIGN_OR_RETURN(operands[expr], analyser.Analyse(*expr->arguments[0]));
  }
  return operands;
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseGrouped(const Select& written, const Relation& given) {
  LEAT_ASSIGN_OR_RETURN(const Grouping grouping, ReadGrouping(written, given, tables_->emit(), diagnostics_, budget_));
  const Select& select = grouping.select;
  LEAT_ASSIGN_OR_RETURN(Relation input, WithSubqueriesOfAggregates(select, grouping.input));
  SubqueryValues values(SubqueryValues::Within::kNoAggregate);
  CollectSubqueries(select, &values);
  LEAT_ASSIGN_OR_RETURN(input, WithSubqueryPlaces(input, values, select.position));
  std::vector<AggregateCall> calls;
  LEAT_ASSIGN_OR_RETURN(const auto operands, AnalyseOperands(values, input, &calls));
  std::vector<OverCall> overs;
  LEAT_ASSIGN_OR_RETURN(auto items, AnalyseItems(select, input, &calls, &overs));
  ExpressionPtr having;
  if (select.having) {
    ExpressionAnalyser analyser(diagnostics_, &input, &calls, budget_);
    LEAT_ASSIGN_OR_RETURN(having, analyser.Condition(*select.having, "HAVING"));
  }
  LEAT_ASSIGN_OR_RETURN(Aggregated aggregated, Aggregate(input, grouping.keys, calls, select.position, diagnostics_));
  LEAT_RETURN_IF_ERROR(ApplyStateTtl(select, input, &aggregated.relation));
  GroupedRewriter rewriter(input, grouping.written, aggregated, diagnostics_);
  for (const Expr* expr : values.found()) {
    ExpressionPtr operand;
    if (operands.contains(expr)) {
      LEAT_ASSIGN_OR_RETURN(operand, rewriter.Rewrite(operands.at(expr)));
    }
    LEAT_ASSIGN_OR_RETURN(aggregated.relation, AddSubqueryValue(std::move(aggregated.relation), *expr,
                                                                values.asks(*expr), std::move(operand)));
    rewriter.PlaceScalar(input.scalars.at(expr), aggregated.relation.scalars.at(expr));
  }
  if (having) {
    LEAT_ASSIGN_OR_RETURN(having, rewriter.Rewrite(having));
  }
  for (NamedExpression& item : items) {
    LEAT_ASSIGN_OR_RETURN(item.expression, rewriter.Rewrite(item.expression));
  }
  if (overs.empty()) return Project(aggregated.relation, std::move(having), items, select.position);
  for (OverCall& over : overs) {
    for (ExpressionPtr* part : over.Parts()) {
      LEAT_ASSIGN_OR_RETURN(*part, rewriter.Rewrite(*part));
    }
  }
  Relation relation = aggregated.relation;
  if (having) {
    relation.node =
        MakeCalc(relation.node, having, AllInputs(*relation.node), FieldNames(*relation.node), select.position);
  }
  LEAT_RETURN_IF_ERROR(AddOvers(overs, &relation, &items));
  return Project(relation, nullptr, items, select.position);
}

// The hint names the table whose groups are to be forgotten; of a join it means the sides of the join.
absl::Status QueryAnalyser::ApplyStateTtl(const Select& select, const Relation& input, Relation* grouped) const {
  if (grouped->node->kind != plan::NodeKind::kGroupAggregate || !input.qualifiers.empty()) return absl::OkStatus();
  for (const Option& option : select.state_ttl) {
    if (option.key.text != input.alias) continue;
    LEAT_ASSIGN_OR_RETURN(const int64_t ttl_ms, ReadStateTtl(option, diagnostics_));
    auto node = std::make_shared<plan::Node>(*grouped->node);
    node->ttl_ms = ttl_ms;
    grouped->node = node;
  }
  return absl::OkStatus();
}

// An aggregate without GROUP BY whose conditions equal its columns with outer ones: grouped by these, and joined by
// them.
absl::StatusOr<QueryAnalyser::Subquery> QueryAnalyser::AnalyseCorrelatedAggregate(const Relation& outer,
                                                                                  const Query& query) {
  const Select& select = query.select;
  Subquery result;
  LEAT_ASSIGN_OR_RETURN(const CorrelatedInput input, AnalyseCorrelatedInput(outer, select));
  const int outer_width = static_cast<int>(outer.fields().size());
  std::vector<ExpressionPtr> keys;
  std::vector<ExpressionPtr> outer_keys;
  for (const ExpressionPtr& conjunct : input.correlated) {
    if (conjunct->kind != plan::Expression::Kind::kCall || conjunct->function != plan::FunctionId::kEqual) {
      return CorrelatedTooFreely(select.position);
    }
    const auto reads = [&](const ExpressionPtr& side, bool outer_side) {
      std::vector<int> inputs;
      CollectInputs(*side, &inputs);
      return std::ranges::all_of(inputs, [&](int i) { return (i < outer_width) == outer_side; });
    };
    ExpressionPtr own = conjunct->arguments[0];
    ExpressionPtr other = conjunct->arguments[1];
    if (reads(own, true)) std::swap(own, other);
    if (!reads(own, false) || !reads(other, true)) return CorrelatedTooFreely(select.position);
    keys.push_back(ShiftInputs(own, -outer_width));
    outer_keys.push_back(other);
  }
  std::vector<AggregateCall> calls;
  LEAT_ASSIGN_OR_RETURN(auto items, AnalyseItems(select, input.relation, &calls, nullptr));
  LEAT_ASSIGN_OR_RETURN(Aggregated aggregated, Aggregate(input.relation, keys, calls, select.position, diagnostics_));
  const std::vector<ExpressionPtr> none;  // there is no GROUP BY whose keys an item could name
  const GroupedRewriter rewriter(input.relation, none, aggregated, diagnostics_);
  for (NamedExpression& item : items) {
    LEAT_ASSIGN_OR_RETURN(item.expression, rewriter.Rewrite(item.expression));
  }
  result.listed = static_cast<int>(items.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const int column = aggregated.key_columns[i];
    const ExpressionPtr key = plan::Input(column, aggregated.relation.fields()[column].type);
    const ExpressionPtr joined = plan::Input(outer_width + static_cast<int>(items.size()), key->type);
    items.push_back({key, StrCat("correlated$", i)});
    result.conjuncts.push_back(
        plan::Call(plan::FunctionId::kEqual, {outer_keys[i], joined}, data::Boolean(), select.position));
  }
  LEAT_ASSIGN_OR_RETURN(result.relation, Project(aggregated.relation, nullptr, items, select.position));
  return result;
}

absl::Status QueryAnalyser::AddOvers(const std::vector<OverCall>& overs, Relation* relation,
                                     std::vector<NamedExpression>* items) {
  if (overs.empty()) return absl::OkStatus();
  const int width = static_cast<int>(relation->fields().size());
  LEAT_ASSIGN_OR_RETURN(*relation, AddOverColumns(*relation, overs, diagnostics_));
  for (NamedExpression& item : *items) item.expression = ReplaceOverCalls(item.expression, *relation, width);
  return absl::OkStatus();
}

absl::StatusOr<Relation> QueryAnalyser::ApplyTail(Relation relation, const Query& query) {
  std::vector<OverOrder> keys;
  for (const OrderItem& item : query.order) {
    ExpressionPtr key;
    size_t ordinal = 0;
    if (item.expr->kind == Expr::Kind::kNumber) {
      if (!absl::SimpleAtoi(ToAbsl(item.expr->text), &ordinal) || ordinal < 1 || ordinal > relation.fields().size()) {
        return diagnostics_.Error(item.expr->position, "ORDER BY: there is no column ", item.expr->text);
      }
      key = plan::Input(static_cast<int>(ordinal) - 1, relation.fields()[ordinal - 1].type);
    } else {
      ExpressionAnalyser analyser(diagnostics_, &relation, nullptr, budget_);
      LEAT_ASSIGN_OR_RETURN(key, analyser.Analyse(*item.expr));
    }
    if (key->type.kind == data::TypeKind::kRow) return diagnostics_.Unsupported(item.expr->position, "ORDER BY a ROW");
    keys.push_back({std::move(key), item.descending, item.nulls_first});
  }
  return AddOrderAndLimit(relation, query, keys, diagnostics_);
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseValues(const Query& query) {
  std::vector<std::vector<ExpressionPtr>> rows;
  bool literals = true;
  for (const auto& row : query.rows) {
    if (row.size() != query.rows[0].size()) {
      return diagnostics_.Error(row[0]->position, "the rows of VALUES have ", query.rows[0].size(), " and ", row.size(),
                                " columns");
    }
    rows.emplace_back();
    for (const ExprPtr& value : row) {
      ExpressionAnalyser analyser(diagnostics_, nullptr, nullptr, budget_);
      LEAT_ASSIGN_OR_RETURN(ExpressionPtr analysed, analyser.Analyse(*value));
      rows.back().push_back(std::move(analysed));
    }
  }
  std::vector<data::Field> fields;
  for (size_t column = 0; column < rows[0].size(); ++column) {
    std::vector<data::Type> types;
    for (const auto& row : rows) types.push_back(row[column]->type);
    const auto common = plan::CommonType(types);
    if (!common)
      return diagnostics_.Error(query.position, "the rows of VALUES differ in the type of column ", column + 1);
    fields.push_back({StrCat("EXPR$", column), *common});
    for (auto& row : rows) {
      row[column] = CastTo(row[column], *common);
      literals = literals && row[column]->kind == plan::Expression::Kind::kLiteral;
    }
  }
  Relation relation;
  relation.tags.assign(fields.size(), WindowTag::kNone);
  relation.depth = 1;
  std::vector<std::string> names;
  for (const data::Field& field : fields) names.push_back(field.name);
  if (literals) {
    auto node = MakeNode(plan::NodeKind::kValues, {}, std::move(fields), query.position);
    for (const auto& row : rows) {
      node->rows.emplace_back();
      for (const ExpressionPtr& value : row) node->rows.back().push_back(value->literal);
    }
    relation.node = node;
    return relation;
  }
  std::vector<plan::NodePtr> inputs;
  for (const auto& row : rows) {
    inputs.push_back(MakeCalc(OneRow(query.position).node, nullptr, row, names, query.position));
  }
  relation.node = inputs.size() == 1
                      ? inputs[0]
                      : MakeNode(plan::NodeKind::kUnionAll, std::move(inputs), std::move(fields), query.position);
  return relation;
}

}  // namespace leat::sql
