// Calls by name: the special syntaxes, EXTRACT's other names, aggregates, and refusals.
#include <algorithm>
#include <set>

#include "sql/expressions.h"
#include "sql/lexer.h"
#include "sql/literals.h"

namespace leat::sql {

using data::Type;
using data::TypeKind;
using plan::AggregateKind;
using plan::ExpressionPtr;
using F = plan::FunctionId;

namespace {

struct NamedUnit {
  std::string_view name;
  std::string_view unit;
};
constexpr NamedUnit kExtracts[] = {
    {"DAYOFMONTH", "DAY"}, {"DAYOFWEEK", "DOW"},   {"DAYOFYEAR", "DOY"}, {"HOUR", "HOUR"}, {"MINUTE", "MINUTE"},
    {"MONTH", "MONTH"},    {"QUARTER", "QUARTER"}, {"SECOND", "SECOND"}, {"WEEK", "WEEK"}, {"YEAR", "YEAR"}};

// Flink's, not ours yet: refused by name and never taken for a typing error.
constexpr std::string_view kToCome[] = {"APPROX_COUNT_DISTINCT",
                                        "ARRAY_AGG",
                                        "ARRAY_EXCEPT",
                                        "ARRAY_INTERSECT",
                                        "COLLECT",
                                        "CONVERT_TZ",
                                        "CUBE",
                                        "CUMULATE",
                                        "CURRENT_DATABASE",
                                        "DECODE",
                                        "DENSE_RANK",
                                        "ENCODE",
                                        "FIRST_VALUE",
                                        "GROUPING",
                                        "GROUPING_ID",
                                        "HOP",
                                        "HOP_END",
                                        "HOP_START",
                                        "IS_ALPHA",
                                        "IS_DECIMAL",
                                        "IS_DIGIT",
                                        "JSON",
                                        "JSON_ARRAYAGG",
                                        "JSON_OBJECTAGG",
                                        "LAG",
                                        "LAST_VALUE",
                                        "LEAD",
                                        "LISTAGG",
                                        "NTILE",
                                        "PARSE_JSON",
                                        "PARSE_URL",
                                        "PERCENTILE",
                                        "PRINTF",
                                        "RAND",
                                        "RAND_INTEGER",
                                        "RANK",
                                        "REGEXP_EXTRACT_ALL",
                                        "ROLLUP",
                                        "ROW_NUMBER",
                                        "SESSION",
                                        "SESSION_END",
                                        "SESSION_START",
                                        "STDDEV_POP",
                                        "STDDEV_SAMP",
                                        "TUMBLE",
                                        "TUMBLE_END",
                                        "TUMBLE_START",
                                        "TRY_PARSE_JSON",
                                        "TYPEOF",
                                        "UUID",
                                        "VARIANCE",
                                        "VAR_POP",
                                        "VAR_SAMP"};

ExpressionPtr UnitLiteral(const std::string& unit) {
  return plan::Literal(data::Value{unit}, data::Char(static_cast<int>(unit.size())).AsNotNull());
}

bool SameOrNone(const ExpressionPtr& a, const ExpressionPtr& b) { return a && b ? SameExpression(*a, *b) : !a && !b; }
bool SameCall(const AggregateCall& a, const AggregateCall& b) {
  return a.kind == b.kind && a.distinct == b.distinct && SameOrNone(a.argument, b.argument) &&
         SameOrNone(a.filter, b.filter);
}

F ChooseFloorOrCeil(std::string_view name) { return name == "FLOOR" ? F::kFloorTo : F::kCeilTo; }

}  // namespace

std::optional<AggregateKind> AggregateByName(std::string_view upper) {
  if (upper == "COUNT") return AggregateKind::kCount;
  if (upper == "SUM") return AggregateKind::kSum;
  if (upper == "AVG") return AggregateKind::kAvg;
  if (upper == "MIN") return AggregateKind::kMin;
  if (upper == "MAX") return AggregateKind::kMax;
  return std::nullopt;
}

std::optional<std::string_view> ExtractFunctionUnit(std::string_view upper_name) {
  for (const NamedUnit& extract : kExtracts) {
    if (extract.name == upper_name) return extract.unit;
  }
  return std::nullopt;
}

std::vector<std::string_view> ExtractFunctionNames() {
  std::vector<std::string_view> names;
  for (const NamedUnit& extract : kExtracts) names.push_back(extract.name);
  return names;
}

namespace {

// BETWEEN shares its operand, so a tree can have far more paths than nodes: each node is looked at once.
bool FindAggregate(const Expr& expr, std::set<const Expr*>* seen) {
  if (!seen->insert(&expr).second) return false;
  if (expr.kind == Expr::Kind::kFunction && !expr.over && AggregateByName(ToUpper(expr.word))) return true;
  const auto in = [&](const ExprPtr& part) { return FindAggregate(*part, seen); };
  if (expr.over && (std::ranges::any_of(expr.over->partition, in) ||
                    std::ranges::any_of(expr.over->order, [&](const OrderItem& item) { return in(item.expr); }))) {
    return true;
  }
  return std::any_of(expr.arguments.begin(), expr.arguments.end(),
                     [&](const ExprPtr& argument) { return FindAggregate(*argument, seen); });
}

}  // namespace

bool HasAggregate(const Expr& expr) {
  std::set<const Expr*> seen;
  return FindAggregate(expr, &seen);
}

std::optional<Type> AggregateType(AggregateKind kind, const Type& argument) {
  Type type = argument;
  type.rowtime = false;
  type.proctime = false;
  switch (kind) {
    case AggregateKind::kCountStar:
    case AggregateKind::kCount:
      return data::BigInt().AsNotNull();
    case AggregateKind::kSum:
      if (!argument.IsNumeric()) return std::nullopt;
      if (argument.kind == TypeKind::kDecimal) type.precision = data::kMaxDecimalPrecision;
      return type;
    case AggregateKind::kAvg:
      if (!argument.IsNumeric()) return std::nullopt;
      if (argument.kind == TypeKind::kDecimal) {
        type.precision = data::kMaxDecimalPrecision;
        type.scale = std::max(6, argument.scale);
      }
      return type;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      if (argument.kind == TypeKind::kRow || argument.kind == TypeKind::kNull || argument.kind == TypeKind::kBytes ||
          argument.IsCollection()) {
        return std::nullopt;
      }
      return type;
    case AggregateKind::kFirstValue:
    case AggregateKind::kLastValue:
    case AggregateKind::kLag:
      if (argument.kind == TypeKind::kNull) return std::nullopt;
      type.nullable = true;
      return type;
    case AggregateKind::kRowNumber:
      return data::BigInt().AsNotNull();
  }
  return std::nullopt;
}

absl::StatusOr<std::string> ExpressionAnalyser::UnitOf(const Expr& expr) {
  std::string word;
  if (expr.kind == Expr::Kind::kUnit) word = expr.word;
  if (expr.kind == Expr::Kind::kName && expr.path.size() == 1) word = expr.path[0].text;
  std::string unit = CanonicalUnit(word);
  for (const std::string_view date_unit : {"MILLENNIUM", "CENTURY", "DECADE", "ISOYEAR", "ISODOW"}) {
    if (ToUpper(word) == date_unit) unit = date_unit;
  }
  if (unit.empty()) {
    return diagnostics_.Error(expr.position, "expected a unit: YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND",
                              word.empty() ? "" : StrCat(", got ", word));
  }
  return unit;
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseFunction(const Expr& expr) {
  if (expr.form == Expr::Form::kJson) return AnalyseJson(expr);
  const std::string name = ToUpper(expr.word);
  if (expr.over) return AnalyseOver(expr);
  if (const auto aggregate = AggregateByName(name)) return AnalyseAggregate(expr, *aggregate);
  const bool plain = expr.form == Expr::Form::kPlain;
  const auto id = plan::FindFunction(name);
  const auto extract = ExtractFunctionUnit(name);
  if (!id && !extract && name != "EXTRACT") return UnknownFunction(expr, name);
  if (expr.distinct || expr.filter || expr.form == Expr::Form::kStar) {
    return diagnostics_.Error(expr.position, "DISTINCT, FILTER and * are for aggregate functions; ", name, " is none");
  }
  if (!plain) return AnalyseShaped(expr, name);
  if (name == "EXTRACT" || name == "TIMESTAMPADD" || name == "TIMESTAMPDIFF") return AnalyseUnitCall(expr, name);
  LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
  if (extract) {
    arguments.insert(arguments.begin(), UnitLiteral(std::string(*extract)));
    return MakeCall(F::kExtract, std::move(arguments), expr.position);
  }
  if (*id == F::kCoalesce && name == "IFNULL" && arguments.size() != 2) {
    return diagnostics_.Error(expr.position, "IFNULL takes two values, got ", arguments.size());
  }
  if (*id == F::kCurrentWatermark && arguments.size() == 1 && !arguments[0]->type.rowtime) {
    return diagnostics_.Error(expr.position, "CURRENT_WATERMARK takes a column with a WATERMARK");
  }
  return MakeCall(*id, std::move(arguments), expr.position);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseUnitCall(const Expr& expr, const std::string& name) {
  if (name == "EXTRACT" || expr.arguments.size() != 3) {
    return diagnostics_.Error(expr.position, "expected ",
                              name == "EXTRACT" ? "EXTRACT(unit FROM time)" : StrCat(name, "(unit, .., ..)"));
  }
  LEAT_ASSIGN_OR_RETURN(const std::string unit, UnitOf(*expr.arguments[0]));
  LEAT_ASSIGN_OR_RETURN(ExpressionPtr second, Analyse(*expr.arguments[1]));
  LEAT_ASSIGN_OR_RETURN(ExpressionPtr third, Analyse(*expr.arguments[2]));
  const bool finer_than_day = unit == "HOUR" || unit == "MINUTE" || unit == "SECOND" || unit == "MILLISECOND";
  if (name == "TIMESTAMPADD" && third->type.kind == TypeKind::kDate && finer_than_day) {
    third = CastTo(third, data::Timestamp(0));
  }
  return MakeCall(*plan::FindFunction(name), {UnitLiteral(unit), second, third}, expr.position);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseShaped(const Expr& expr, const std::string& name) {
  const auto wrong = [&] { return diagnostics_.Error(expr.position, "this form of arguments is not for ", name); };
  if (expr.form == Expr::Form::kFrom && name == "EXTRACT") {
    if (expr.arguments.size() != 2) return wrong();
    LEAT_ASSIGN_OR_RETURN(const std::string unit, UnitOf(*expr.arguments[0]));
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr time, Analyse(*expr.arguments[1]));
    return MakeCall(F::kExtract, {UnitLiteral(unit), std::move(time)}, expr.position);
  }
  if (expr.form == Expr::Form::kTo) {
    if (name != "FLOOR" && name != "CEIL" && name != "CEILING") return wrong();
    LEAT_ASSIGN_OR_RETURN(const std::string unit, UnitOf(*expr.arguments[1]));
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr time, Analyse(*expr.arguments[0]));
    return MakeCall(ChooseFloorOrCeil(name), {std::move(time), UnitLiteral(unit)}, expr.position);
  }
  LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
  if (expr.form == Expr::Form::kTrim && name == "TRIM") {
    const F id = expr.text == "LEADING" ? F::kTrimLeading : expr.text == "TRAILING" ? F::kTrimTrailing : F::kTrimBoth;
    return MakeCall(id, std::move(arguments), expr.position);
  }
  if (expr.form == Expr::Form::kFrom && name == "TRIM" && arguments.size() == 2) {
    std::swap(arguments[0], arguments[1]);
    return MakeCall(F::kTrimBoth, std::move(arguments), expr.position);
  }
  if (expr.form == Expr::Form::kFrom && (name == "SUBSTRING" || name == "SUBSTR")) {
    return MakeCall(F::kSubstring, std::move(arguments), expr.position);
  }
  if (expr.form == Expr::Form::kPlacing && name == "OVERLAY") {
    return MakeCall(F::kOverlay, std::move(arguments), expr.position);
  }
  return wrong();
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseAggregate(const Expr& expr, AggregateKind kind) {
  const std::string name = ToUpper(expr.word);
  if (aggregates_ == nullptr) {
    return diagnostics_.Error(expr.position, "the aggregate ", name,
                              " is not allowed here: not in WHERE, GROUP BY, FILTER or another aggregate");
  }
  ExpressionAnalyser inner(diagnostics_, relation_, nullptr, budget_);
  AggregateCall call{.kind = kind, .distinct = expr.distinct};
  if (expr.form == Expr::Form::kStar) {
    if (kind != AggregateKind::kCount) return diagnostics_.Error(expr.position, name, " takes a column, not *");
    call.kind = AggregateKind::kCountStar;
    call.type = data::BigInt().AsNotNull();
  } else {
    if (expr.form != Expr::Form::kPlain || expr.arguments.size() != 1) {
      if (kind == AggregateKind::kCount && expr.arguments.size() > 1) {
        return diagnostics_.Unsupported(expr.position, "COUNT of several columns");
      }
      return diagnostics_.Error(expr.position, name, " takes one argument");
    }
    LEAT_ASSIGN_OR_RETURN(call.argument, inner.Analyse(*expr.arguments[0]));
    const auto type = AggregateType(kind, call.argument->type);
    if (!type) {
      return diagnostics_.Error(expr.position, name, " does not take ", call.argument->type.AsNullable().ToString());
    }
    call.type = *type;
  }
  if (expr.filter) {
    LEAT_ASSIGN_OR_RETURN(call.filter, inner.Condition(*expr.filter, "FILTER"));
    if (kind != AggregateKind::kCount) call.type.nullable = true;
  }
  auto found = std::find_if(aggregates_->begin(), aggregates_->end(),
                            [&](const AggregateCall& other) { return SameCall(call, other); });
  if (found == aggregates_->end()) found = aggregates_->insert(found, call);
  const int index = static_cast<int>(found - aggregates_->begin());
  auto slot = std::make_shared<plan::Expression>(*plan::Input(kAggregateBase + index, call.type));
  slot->position = expr.position;
  return slot;
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::UnknownFunction(const Expr& expr, const std::string& name) {
  if (std::find(std::begin(kToCome), std::end(kToCome), name) != std::end(kToCome)) {
    return diagnostics_.Unsupported(expr.position, StrCat("the function ", name));
  }
  std::vector<std::string_view> names(plan::FunctionNames().begin(), plan::FunctionNames().end());
  for (const std::string_view extract : ExtractFunctionNames()) names.push_back(extract);
  for (const std::string_view aggregate : {"COUNT", "SUM", "AVG", "MIN", "MAX", "EXTRACT"}) names.push_back(aggregate);
  const std::string_view nearest = Nearest(name, names);
  return diagnostics_.Error(expr.position, "there is no function ", name,
                            nearest.empty() ? "" : StrCat("; did you mean ", nearest, "?"));
}

}  // namespace leat::sql
