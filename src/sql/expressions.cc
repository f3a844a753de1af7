#include "sql/expressions.h"

#include <algorithm>

#include "sql/literals.h"

namespace leat::sql {

using data::Type;
using data::TypeKind;
using plan::Expression;
using plan::ExpressionPtr;
using F = plan::FunctionId;

namespace {

ExpressionPtr At(const ExpressionPtr& expr, Position position) {
  auto copy = std::make_shared<Expression>(*expr);
  copy->position = position;
  return copy;
}

std::string PathText(const Path& path) {
  std::string text;
  for (const Name& name : path) StrAppend(&text, text.empty() ? "" : ".", name.text);
  return text;
}

}  // namespace

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::Analyse(const Expr& expr) {
  if (--*budget_ < 0) {
    return diagnostics_.Error(expr.position, "the script has more than ", kMaxAnalysedExpressions, " expressions");
  }
  switch (expr.kind) {
    case Expr::Kind::kName:
      return match_ != nullptr ? match_->Name(expr.path) : AnalyseName(expr.path);
    case Expr::Kind::kNumber:
      return NumberLiteral(expr, diagnostics_);
    case Expr::Kind::kString:
      return StringLiteral(expr.text);
    case Expr::Kind::kBoolean:
      if (expr.text == "UNKNOWN") return plan::Literal(data::Value::Null(), data::Boolean());
      return plan::Literal(data::Value{expr.text == "TRUE"}, data::Boolean().AsNotNull());
    case Expr::Kind::kNull:
      return plan::Literal(data::Value::Null(), data::NullType());
    case Expr::Kind::kTime:
      return TimeLiteral(expr, diagnostics_);
    case Expr::Kind::kInterval:
      return IntervalLiteral(expr, diagnostics_);
    case Expr::Kind::kOperator: {
      LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
      return MakeCall(expr.function, std::move(arguments), expr.position);
    }
    case Expr::Kind::kCase: {
      LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
      return MakeCall(F::kCase, std::move(arguments), expr.position);
    }
    case Expr::Kind::kFunction:
      if (match_ != nullptr) {
        LEAT_ASSIGN_OR_RETURN(ExpressionPtr call, match_->Call(expr));
        if (call) return call;
      }
      return AnalyseFunction(expr);
    case Expr::Kind::kCast:
      return AnalyseCast(expr);
    case Expr::Kind::kRow: {
      LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
      return MakeCall(F::kRowOf, std::move(arguments), expr.position);
    }
    case Expr::Kind::kField: {
      LEAT_ASSIGN_OR_RETURN(ExpressionPtr row, Analyse(*expr.arguments[0]));
      return FieldOf(std::move(row), {{"the value", expr.position}, expr.path[0]}, 1);
    }
    case Expr::Kind::kSubquery:
    case Expr::Kind::kIn:
    case Expr::Kind::kExists:
      if (relation_ != nullptr && relation_->scalars.contains(&expr)) {
        const int column = relation_->scalars.at(&expr);
        return At(plan::Input(column, relation_->fields()[column].type), expr.position);
      }
      return diagnostics_.Unsupported(expr.position,
                                      StrCat(expr.kind == Expr::Kind::kIn       ? "IN with a sub-query"
                                             : expr.kind == Expr::Kind::kExists ? "EXISTS"
                                                                                : "a sub-query as a value",
                                             " other than in WHERE, HAVING and a select list"));
    case Expr::Kind::kUnit:
      return diagnostics_.Error(expr.position, "expected a value, got ", expr.word);
    case Expr::Kind::kStar:
      return diagnostics_.Error(expr.position, "* is only for a select list and COUNT(*)");
    case Expr::Kind::kTable:
    case Expr::Kind::kDescriptor:
    case Expr::Kind::kNamed:
      return diagnostics_.Error(expr.position, "this argument is for table functions in FROM");
  }
  return Internal("unknown kind of expression");
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::Condition(const Expr& expr, std::string_view clause) {
  LEAT_ASSIGN_OR_RETURN(ExpressionPtr condition, Analyse(expr));
  if (condition->type.kind == TypeKind::kNull) return CastTo(condition, data::Boolean());
  if (condition->type.kind != TypeKind::kBoolean) {
    return diagnostics_.Error(expr.position, clause, " takes a BOOLEAN, got ", condition->type.ToString());
  }
  return condition;
}

absl::StatusOr<std::vector<ExpressionPtr>> ExpressionAnalyser::AnalyseAll(const std::vector<ExprPtr>& arguments) {
  std::vector<ExpressionPtr> analysed;
  for (const ExprPtr& argument : arguments) {
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr one, Analyse(*argument));
    analysed.push_back(std::move(one));
  }
  return analysed;
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::MakeCall(F id, std::vector<ExpressionPtr> arguments, Position at) {
  std::vector<Type> types;
  for (const ExpressionPtr& argument : arguments) types.push_back(argument->type);
  std::vector<Type> casts;
  auto type = plan::InferCall(id, types, &casts);
  if (!type.ok()) return diagnostics_.At(at, type.status());
  for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = CastTo(arguments[i], casts[i]);
  // ROUND to a written number of digits has their scale; the types alone do not say it.
  if ((id == F::kRound || id == F::kTruncate) && type->kind == TypeKind::kDecimal && arguments.size() == 2) {
    const Expression& digits = *arguments[1];
    if (digits.kind == Expression::Kind::kLiteral && !digits.literal.is_null()) {
      Type rounded = plan::RoundedDecimal(arguments[0]->type, std::get<int32_t>(digits.literal.v));
      rounded.nullable = type->nullable;
      type = rounded;
    }
  }
  return plan::Call(id, std::move(arguments), *std::move(type), at);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseName(const Path& path) {
  if (relation_ == nullptr) {
    return diagnostics_.Error(path[0].position, "there is no column '", PathText(path), "' here");
  }
  const auto& fields = relation_->fields();
  const auto find = [&](const Name& name, const std::string* qualifier) -> absl::StatusOr<int> {
    int found = -1;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name != name.text) continue;
      if (qualifier != nullptr ? relation_->QualifierOf(i) != *qualifier : relation_->IsHidden(i)) continue;
      if (found >= 0) {
        return diagnostics_.Error(name.position, "column '", name.text, "' is ambiguous: there are two of that name");
      }
      found = static_cast<int>(i);
    }
    return found;
  };
  const auto qualifies = [&] {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!relation_->QualifierOf(i).empty() && relation_->QualifierOf(i) == path[0].text) return true;
    }
    return false;
  };
  for (size_t at = path.size() > 1 && qualifies() ? 1 : 0;; at = 0) {
    LEAT_ASSIGN_OR_RETURN(const int column, find(path[at], at == 1 ? &path[0].text : nullptr));
    if (column >= 0) return FieldOf(At(plan::Input(column, fields[column].type), path[0].position), path, at + 1);
    if (at == 0) break;
  }
  return UnknownName(path);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::FieldOf(ExpressionPtr row, const Path& path, size_t from) {
  for (size_t i = from; i < path.size(); ++i) {
    if (row->type.kind != TypeKind::kRow) {
      return diagnostics_.Error(path[i].position, "'", path[i - 1].text, "' is ", row->type.AsNullable().ToString(),
                                " and has no field '", path[i].text, "'");
    }
    const auto& fields = *row->type.fields;
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const data::Field& f) { return f.name == path[i].text; });
    if (found == fields.end()) {
      return diagnostics_.Error(path[i].position, "'", path[i - 1].text, "' has no field '", path[i].text, "': it is ",
                                row->type.AsNullable().ToString());
    }
    Type type = found->type;
    type.nullable = type.nullable || row->type.nullable;
    const auto index = static_cast<int32_t>(found - fields.begin());
    row = plan::Call(F::kField, {row, plan::Literal(data::Value{index}, data::Int().AsNotNull())}, type,
                     path[i].position);
  }
  return row;
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::UnknownName(const Path& path) {
  std::vector<std::string_view> names;
  for (const data::Field& field : relation_->fields()) names.push_back(field.name);
  const Name& last = path.back();
  const std::string_view nearest = Nearest(last.text, names);
  std::string hint = nearest.empty() ? std::string() : StrCat("; did you mean '", nearest, "'?");
  if (nearest.empty() && !names.empty() && names.size() <= 12) {
    hint = "; the columns are ";
    for (size_t i = 0; i < names.size(); ++i) StrAppend(&hint, i == 0 ? "" : ", ", names[i]);
  }
  return diagnostics_.Error(path[0].position, "there is no column '", PathText(path), "'", hint);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseCast(const Expr& expr) {
  LEAT_ASSIGN_OR_RETURN(ExpressionPtr value, Analyse(*expr.arguments[0]));
  LEAT_ASSIGN_OR_RETURN(Type to, ResolveType(expr.type, diagnostics_));
  if (!plan::CanCastExplicitly(value->type, to)) {
    return diagnostics_.Error(expr.position, "cannot CAST ", value->type.AsNullable().ToString(), " to ",
                              to.AsNullable().ToString());
  }
  to.nullable = value->type.nullable || value->type.kind == TypeKind::kNull || expr.function == F::kTryCast;
  if (expr.function == F::kTryCast) return plan::Call(F::kTryCast, {value}, to, expr.position);
  // A CAST to its own type is no time attribute any more.
  if (data::SameIgnoringNullability(value->type, to)) {
    auto copy = std::make_shared<Expression>(*value);
    if (!copy->type.rowtime && !copy->type.proctime) return copy;
    return plan::Call(F::kCast, {value}, to, expr.position);
  }
  auto folded = CastTo(value, to);
  return At(folded, expr.position);
}

}  // namespace leat::sql
