// UNNEST and LATERAL: tables in FROM that read the columns of the tables before them.
#include <algorithm>

#include "sql/queries.h"

namespace leat::sql {

using data::TypeKind;
using plan::ExpressionPtr;
using plan::JoinType;

namespace {

// The columns that the values of a collection make.
std::vector<data::Field> FieldsOf(const data::Type& type, bool padded) {
  std::vector<data::Field> fields;
  const data::Type& element = (*type.fields)[0].type;
  if (type.kind == TypeKind::kMap) {
    fields = {{"KEY", element}, {"VALUE", (*type.fields)[1].type}};
  } else if (element.kind == TypeKind::kRow && type.kind == TypeKind::kArray) {
    fields = *element.fields;
    for (data::Field& field : fields) field.type.nullable = field.type.nullable || element.nullable;
  } else {
    fields = {{"EXPR$0", element}};
  }
  for (data::Field& field : fields) field.type.nullable = field.type.nullable || padded;
  return fields;
}

bool IsTrue(const ExprPtr& on) { return !on || (on->kind == Expr::Kind::kBoolean && on->text == "TRUE"); }

}  // namespace

absl::StatusOr<Relation> QueryAnalyser::AnalyseUnnest(const TableRef& from) {
  const Relation one = OneRow(from.position);
  LEAT_ASSIGN_OR_RETURN(Relation unnested, AddUnnested(one, from, JoinType::kInner));
  // Without the column that the row was made of.
  std::vector<ExpressionPtr> columns = AllInputs(*unnested.node);
  std::vector<std::string> names = FieldNames(*unnested.node);
  columns.erase(columns.begin());
  names.erase(names.begin());
  Relation result;
  result.node = MakeCalc(unnested.node, nullptr, std::move(columns), names, from.position);
  result.tags.assign(names.size(), WindowTag::kNone);
  result.SetAlias(from.alias ? from.alias->text : "");
  return result;
}

absl::StatusOr<Relation> QueryAnalyser::ApplyLateral(const Relation& left, const TableRef& join) {
  if (join.join == TableRef::Join::kRight || join.join == TableRef::Join::kFull || join.natural ||
      !join.columns_used.empty()) {
    return diagnostics_.Error(join.position, "UNNEST and LATERAL go with CROSS JOIN, JOIN and LEFT JOIN .. ON TRUE");
  }
  const JoinType type = join.join == TableRef::Join::kLeft ? JoinType::kLeft : JoinType::kInner;
  const TableRef& right = *join.right;
  if (!IsTrue(join.on)) {
    return diagnostics_.Error(join.on->position,
                              "the condition of a JOIN with UNNEST or LATERAL must be TRUE, here as on Flink; what is "
                              "to be chosen stands in WHERE");
  }
  return right.kind == TableRef::Kind::kUnnest ? AddUnnested(left, right, type) : JoinLateral(left, join, type);
}

absl::StatusOr<Relation> QueryAnalyser::AddUnnested(const Relation& left, const TableRef& unnest, JoinType type) {
  ExpressionAnalyser analyser(diagnostics_, &left, nullptr, budget_);
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr value, analyser.Analyse(*unnest.arguments[0]));
  if (!value->type.IsCollection()) {
    return diagnostics_.Error(unnest.arguments[0]->position, "UNNEST takes an ARRAY, a MAP or a MULTISET, got ",
                              value->type.AsNullable().ToString());
  }
  std::vector<data::Field> made = FieldsOf(value->type, type == JoinType::kLeft);
  if (unnest.ordinality)
    made.push_back({"ORDINALITY", type == JoinType::kLeft ? data::Int() : data::Int().AsNotNull()});
  if (unnest.alias && unnest.columns.empty() && made.size() == 1) made[0].name = unnest.alias->text;
  if (!unnest.columns.empty()) {
    if (unnest.columns.size() != made.size()) {
      return diagnostics_.Error(unnest.columns[0].position, "UNNEST gives ", made.size(), " columns, but ",
                                unnest.columns.size(), " names are given");
    }
    for (size_t i = 0; i < made.size(); ++i) made[i].name = unnest.columns[i].text;
  }
  // The collection stands behind the columns, if it is none of them itself.
  std::vector<ExpressionPtr> columns = AllInputs(*left.node);
  std::vector<std::string> names = FieldNames(*left.node);
  plan::NodePtr below = left.node;
  int column = value->input;
  if (value->kind != plan::Expression::Kind::kInput) {
    column = static_cast<int>(columns.size());
    std::vector<ExpressionPtr> with = columns;
    std::vector<std::string> with_names = names;
    with.push_back(value);
    with_names.emplace_back("unnest$");
    below = MakeCalc(left.node, nullptr, std::move(with), with_names, unnest.position);
  }
  std::vector<data::Field> fields = below->schema->fields;
  const int first = static_cast<int>(fields.size());
  fields.insert(fields.end(), made.begin(), made.end());
  auto node = MakeNode(plan::NodeKind::kUnnest, {below}, std::move(fields), unnest.position);
  node->keys = {column};
  node->join.type = type;
  node->rank.with_rank = unnest.ordinality;
  Relation result = left;
  result.qualifiers.clear();
  for (size_t i = 0; i < left.fields().size(); ++i) result.qualifiers.push_back(left.QualifierOf(i));
  for (size_t i = 0; i < made.size(); ++i) {
    columns.push_back(plan::Input(first + static_cast<int>(i), made[i].type));
    names.push_back(made[i].name);
    result.qualifiers.push_back(unnest.alias ? unnest.alias->text : "");
  }
  result.node = MakeCalc(node, nullptr, std::move(columns), names, unnest.position);
  result.alias.clear();
  result.MatchColumns();
  return result;
}

absl::StatusOr<Relation> QueryAnalyser::JoinLateral(const Relation& left, const TableRef& join, JoinType type) {
  const TableRef& right = *join.right;
  LEAT_ASSIGN_OR_RETURN(Subquery subquery, AnalyseSubquery(left, *right.query));
  const auto listed = static_cast<size_t>(subquery.listed);
  if (!right.columns.empty() && right.columns.size() != listed) {
    return diagnostics_.Error(right.columns[0].position, "the query has ", listed, " columns, but ",
                              right.columns.size(), " names are given");
  }
  const JoinRequest request{
      .type = type, .conjuncts = std::move(subquery.conjuncts), .position = join.position, .state_ttl = state_ttl_};
  LEAT_ASSIGN_OR_RETURN(Relation joined, MakeJoin(left, subquery.relation, request, diagnostics_));
  // What only the conditions read goes.
  const size_t width = left.fields().size() + listed;
  std::vector<ExpressionPtr> columns = AllInputs(*joined.node);
  std::vector<std::string> names = FieldNames(*joined.node);
  columns.resize(width);
  names.resize(width);
  for (size_t i = left.fields().size(); i < width; ++i) {
    joined.qualifiers[i] = right.alias ? right.alias->text : "";
    if (!right.columns.empty()) names[i] = right.columns[i - left.fields().size()].text;
  }
  joined.node = MakeCalc(joined.node, nullptr, std::move(columns), names, join.position);
  joined.MatchColumns();
  return joined;
}

}  // namespace leat::sql
