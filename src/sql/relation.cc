#include "sql/relation.h"

#include <utility>

#include "base/check.h"

namespace leat::sql {

using plan::Expression;
using plan::ExpressionPtr;

MutableNode MakeNode(plan::NodeKind kind, std::vector<plan::NodePtr> inputs, std::vector<data::Field> fields,
                     plan::Position position) {
  auto node = std::make_shared<plan::Node>();
  node->kind = kind;
  for (const plan::NodePtr& input : inputs) node->produces_updates = node->produces_updates || input->produces_updates;
  node->inputs = std::move(inputs);
  node->schema = std::make_shared<data::Schema>(data::Schema{std::move(fields)});
  node->position = position;
  return node;
}

plan::NodePtr MakeCalc(const plan::NodePtr& input, ExpressionPtr condition, std::vector<ExpressionPtr> expressions,
                       const std::vector<std::string>& names, plan::Position position) {
  LEAT_CHECK(names.size() == expressions.size());
  std::vector<data::Field> fields;
  for (size_t i = 0; i < names.size(); ++i) fields.push_back({names[i], expressions[i]->type});
  auto node = MakeNode(plan::NodeKind::kCalc, {input}, std::move(fields), position);
  node->condition = std::move(condition);
  node->expressions = std::move(expressions);
  return node;
}

std::vector<ExpressionPtr> AllInputs(const plan::Node& node) {
  std::vector<ExpressionPtr> inputs;
  for (size_t i = 0; i < node.schema->fields.size(); ++i) {
    inputs.push_back(plan::Input(static_cast<int>(i), node.schema->fields[i].type));
  }
  return inputs;
}

std::vector<std::string> FieldNames(const plan::Node& node) {
  std::vector<std::string> names;
  for (const data::Field& field : node.schema->fields) names.push_back(field.name);
  return names;
}

bool SameExpression(const Expression& a, const Expression& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || !data::SameIgnoringNullability(a.type, b.type)) return false;
  switch (a.kind) {
    case Expression::Kind::kInput:
      return a.input == b.input;
    case Expression::Kind::kLiteral:
      return a.literal == b.literal;
    case Expression::Kind::kCall:
      break;
  }
  if (a.function != b.function || a.arguments.size() != b.arguments.size()) return false;
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    if (!SameExpression(*a.arguments[i], *b.arguments[i])) return false;
  }
  return true;
}

ExpressionPtr Substitute(const ExpressionPtr& expr, const std::vector<ExpressionPtr>& columns) {
  if (expr->kind == Expression::Kind::kLiteral) return expr;
  if (expr->kind == Expression::Kind::kInput) {
    LEAT_CHECK(expr->input >= 0 && static_cast<size_t>(expr->input) < columns.size()) << expr->input;
    return columns[expr->input];
  }
  auto copy = std::make_shared<Expression>(*expr);
  for (ExpressionPtr& argument : copy->arguments) argument = Substitute(argument, columns);
  return copy;
}

void CollectInputs(const Expression& expr, std::vector<int>* inputs) {
  if (expr.kind == Expression::Kind::kInput) inputs->push_back(expr.input);
  for (const ExpressionPtr& argument : expr.arguments) CollectInputs(*argument, inputs);
}

ExpressionPtr Both(ExpressionPtr a, ExpressionPtr b) {
  if (!a) return b;
  if (!b) return a;
  data::Type type = data::Boolean();
  type.nullable = a->type.nullable || b->type.nullable;
  return plan::Call(plan::FunctionId::kAnd, {a, b}, type, b->position);
}

}  // namespace leat::sql
