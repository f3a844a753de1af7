#include "stream/plan/expression.h"

#include <utility>

#include "base/strings.h"

namespace leat::plan {

ExpressionPtr Input(int column, data::Type type) {
  auto made = std::make_shared<Expression>();
  made->kind = Expression::Kind::kInput;
  made->input = column;
  made->type = std::move(type);
  return made;
}

ExpressionPtr Literal(data::Value value, data::Type type) {
  auto made = std::make_shared<Expression>();
  made->kind = Expression::Kind::kLiteral;
  made->literal = std::move(value);
  made->type = std::move(type);
  return made;
}

ExpressionPtr Call(FunctionId function, std::vector<ExpressionPtr> arguments, data::Type type, Position position) {
  auto made = std::make_shared<Expression>();
  made->kind = Expression::Kind::kCall;
  made->function = function;
  made->arguments = std::move(arguments);
  made->type = std::move(type);
  made->type.rowtime = false;
  made->type.proctime = function == FunctionId::kProcTime;
  made->position = position;
  return made;
}

namespace {

std::string QuoteText(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

std::string LiteralText(const Expression& expression) {
  const data::Value& value = expression.literal;
  if (value.is_null()) return "NULL";
  if (expression.type.IsCharacter()) return QuoteText(std::get<std::string>(value.v));
  const std::string text = data::FormatValue(value, expression.type);
  switch (expression.type.kind) {
    case data::TypeKind::kDate:
      return StrCat("DATE '", text, "'");
    case data::TypeKind::kTime:
      return StrCat("TIME '", text, "'");
    case data::TypeKind::kTimestamp:
      return StrCat("TIMESTAMP '", text, "'");
    case data::TypeKind::kIntervalYearMonth:
    case data::TypeKind::kIntervalDayTime:
      return StrCat("INTERVAL '", text, "'");
    default:
      return text;
  }
}

}  // namespace

std::string ToString(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::kInput:
      return StrCat("$", expression.input);
    case Expression::Kind::kLiteral:
      return LiteralText(expression);
    case Expression::Kind::kCall:
      break;
  }
  std::string text = StrCat(GetFunctionInfo(expression.function).name, "(");
  for (size_t i = 0; i < expression.arguments.size(); ++i) {
    if (i > 0) text += ", ";
    text += ToString(*expression.arguments[i]);
  }
  if (expression.function == FunctionId::kCast || expression.function == FunctionId::kTryCast) {
    text += StrCat(" AS ", expression.type.AsNullable().ToString());
  }
  return text + ")";
}

}  // namespace leat::plan
