// UNION, INTERSECT, EXCEPT. Without ALL each is a group of all columns: INTERSECT and EXCEPT count in it how often the
// row is on either side, so that rows taken back from a side are counted too.
#include <algorithm>

#include "sql/literals.h"
#include "sql/queries.h"

namespace leat::sql {

using plan::ExpressionPtr;
using F = plan::FunctionId;

namespace {

std::string_view NameOf(Query::Kind kind) {
  switch (kind) {
    case Query::Kind::kUnionAll:
      return "UNION ALL";
    case Query::Kind::kUnion:
      return "UNION";
    case Query::Kind::kIntersect:
      return "INTERSECT";
    case Query::Kind::kIntersectAll:
      return "INTERSECT ALL";
    case Query::Kind::kExcept:
      return "EXCEPT";
    default:
      return "EXCEPT ALL";
  }
}

ExpressionPtr Long(int64_t value) { return plan::Literal(data::Value{value}, data::BigInt().AsNotNull()); }

// The relation with two columns behind its own: 1 for the side it is.
Relation Marked(const Relation& side, bool left, Position position) {
  std::vector<ExpressionPtr> columns = AllInputs(*side.node);
  std::vector<std::string> names = FieldNames(*side.node);
  columns.push_back(Long(left ? 1 : 0));
  columns.push_back(Long(left ? 0 : 1));
  names.emplace_back("left$");
  names.emplace_back("right$");
  Relation marked = side;
  marked.node = MakeCalc(side.node, nullptr, std::move(columns), names, position);
  // The groups have no end: a row that is on one side now may be on the other later.
  marked.tags.assign(names.size(), WindowTag::kNone);
  marked.window_attached = false;
  return marked;
}

}  // namespace

absl::StatusOr<Relation> QueryAnalyser::AnalyseSetOperation(const Query& query) {
  std::vector<Relation> inputs;
  for (const QueryPtr& input : query.inputs) {
    LEAT_ASSIGN_OR_RETURN(Relation relation, Analyse(*input));
    if (!inputs.empty() && relation.fields().size() != inputs[0].fields().size()) {
      return diagnostics_.Error(input->position, "the sides of ", NameOf(query.kind), " have ",
                                inputs[0].fields().size(), " and ", relation.fields().size(), " columns");
    }
    inputs.push_back(std::move(relation));
  }
  switch (query.kind) {
    case Query::Kind::kUnionAll:
      return UnionAll(inputs, NameOf(query.kind), query.position);
    case Query::Kind::kUnion: {
      LEAT_ASSIGN_OR_RETURN(Relation all, UnionAll(inputs, NameOf(query.kind), query.position));
      // Windows of two inputs are no windows that one aggregate could end.
      all.tags.assign(all.tags.size(), WindowTag::kNone);
      all.window_attached = false;
      return Distinct(all, query.position);
    }
    default:
      return IntersectOrExcept(query, inputs);
  }
}

absl::StatusOr<Relation> QueryAnalyser::UnionAll(const std::vector<Relation>& inputs, std::string_view name,
                                                 Position position) {
  Relation result = inputs[0];
  std::vector<data::Field> fields = inputs[0].CopyFields();
  for (size_t i = 0; i < fields.size(); ++i) {
    std::vector<data::Type> types;
    bool rowtime = true;
    bool proctime = true;
    for (const Relation& input : inputs) {
      types.push_back(input.fields()[i].type);
      rowtime = rowtime && types.back().rowtime;
      proctime = proctime && types.back().proctime;
      if (input.tags[i] != result.tags[i]) result.tags[i] = WindowTag::kNone;
    }
    const auto common = plan::CommonType(types);
    if (!common) {
      return diagnostics_.Error(position, "column ", i + 1, " (", fields[i].name, ") of ", name, " is ",
                                types.front().AsNullable().ToString(), " on one side and ",
                                types.back().AsNullable().ToString(), " on another; CAST one of them");
    }
    fields[i].type = *common;
    fields[i].type.rowtime = rowtime && types[0].kind == common->kind;
    fields[i].type.proctime = proctime;
  }
  std::vector<plan::NodePtr> nodes;
  for (const Relation& input : inputs) {
    result.depth = std::max(result.depth, input.depth);
    result.window_attached = result.window_attached || input.window_attached;
    result.windows_by_clock = result.windows_by_clock || input.windows_by_clock;
    std::vector<ExpressionPtr> columns = AllInputs(*input.node);
    bool same = true;
    for (size_t i = 0; i < columns.size(); ++i) {
      const ExpressionPtr cast = CastTo(columns[i], fields[i].type);
      same = same && cast == columns[i];
      columns[i] = cast;
    }
    nodes.push_back(same ? input.node : MakeCalc(input.node, nullptr, columns, FieldNames(*inputs[0].node), position));
  }
  result.node = MakeNode(plan::NodeKind::kUnionAll, std::move(nodes), std::move(fields), position);
  result.alias.clear();
  result.depth += 1;
  return result;
}

absl::StatusOr<Relation> QueryAnalyser::Distinct(const Relation& relation, Position position) {
  const std::vector<std::string> names = FieldNames(*relation.node);
  LEAT_ASSIGN_OR_RETURN(const Aggregated distinct,
                        Aggregate(relation, AllInputs(*relation.node), {}, position, diagnostics_));
  std::vector<NamedExpression> items;
  for (size_t i = 0; i < names.size(); ++i) {
    const int column = distinct.key_columns[i];
    items.push_back({plan::Input(column, distinct.relation.fields()[column].type), names[i]});
  }
  return Project(distinct.relation, nullptr, items, position);
}

// With ALL each row comes as often as it is on both sides, or more often on the left.
absl::StatusOr<Relation> QueryAnalyser::Repeated(const Query& query, const Relation& all, const Aggregated& counted) {
  const Position at = query.position;
  const auto column = [&](int i) -> ExpressionPtr { return plan::Input(i, counted.relation.fields()[i].type); };
  const ExpressionPtr left = column(counted.aggregate_columns[0]);
  const ExpressionPtr right = column(counted.aggregate_columns[1]);
  const ExpressionPtr times = query.kind == Query::Kind::kIntersectAll
                                  ? plan::Call(F::kLeast, {left, right}, data::BigInt(), at)
                                  : plan::Call(F::kSubtract, {left, right}, data::BigInt(), at);
  const size_t width = counted.key_columns.size();
  std::vector<ExpressionPtr> columns;
  std::vector<std::string> names;
  for (size_t i = 0; i < width; ++i) {
    columns.push_back(column(counted.key_columns[i]));
    names.push_back(all.fields()[i].name);
  }
  columns.push_back(times);
  names.emplace_back("times$");
  const plan::NodePtr below = MakeCalc(counted.relation.node, nullptr, std::move(columns), names, at);
  auto repeated = MakeNode(plan::NodeKind::kUnnest, {below}, below->schema->fields, at);
  repeated->keys = {static_cast<int>(width)};
  Relation result = counted.relation;
  result.node = repeated;
  result.tags.assign(width + 1, WindowTag::kNone);
  std::vector<NamedExpression> items;
  for (size_t i = 0; i < width; ++i) {
    items.push_back({plan::Input(static_cast<int>(i), below->schema->fields[i].type), names[i]});
  }
  return Project(result, nullptr, items, at);
}

absl::StatusOr<Relation> QueryAnalyser::IntersectOrExcept(const Query& query, const std::vector<Relation>& inputs) {
  const Position at = query.position;
  const size_t width = inputs[0].fields().size();
  LEAT_ASSIGN_OR_RETURN(const Relation all,
                        UnionAll({Marked(inputs[0], true, at), Marked(inputs[1], false, at)}, NameOf(query.kind), at));
  std::vector<ExpressionPtr> keys = AllInputs(*all.node);
  std::vector<AggregateCall> counts;
  for (size_t side = width; side < width + 2; ++side) {
    AggregateCall& call = counts.emplace_back();
    call.kind = plan::AggregateKind::kSum;
    call.argument = keys[side];
    call.type = data::BigInt();
  }
  keys.resize(width);
  LEAT_ASSIGN_OR_RETURN(const Aggregated counted, Aggregate(all, keys, counts, at, diagnostics_));
  const auto column = [&](int i) -> ExpressionPtr { return plan::Input(i, counted.relation.fields()[i].type); };
  const auto compare = [&](F function, size_t side) {
    return plan::Call(function, {column(counted.aggregate_columns[side]), Long(0)}, data::Boolean(), at);
  };
  if (query.kind == Query::Kind::kIntersectAll || query.kind == Query::Kind::kExceptAll) {
    return Repeated(query, all, counted);
  }
  const ExpressionPtr condition =
      Both(compare(F::kGreater, 0), compare(query.kind == Query::Kind::kIntersect ? F::kGreater : F::kEqual, 1));
  std::vector<NamedExpression> items;
  for (size_t i = 0; i < width; ++i) {
    items.push_back({column(counted.key_columns[i]), all.fields()[i].name});
  }
  return Project(counted.relation, condition, items, at);
}

}  // namespace leat::sql
