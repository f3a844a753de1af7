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

struct NamedAggregate {
  std::string_view name;
  AggregateKind kind;
};
constexpr NamedAggregate kAggregates[] = {{"COUNT", AggregateKind::kCount},
                                          {"SUM", AggregateKind::kSum},
                                          {"AVG", AggregateKind::kAvg},
                                          {"MIN", AggregateKind::kMin},
                                          {"MAX", AggregateKind::kMax},
                                          {"FIRST_VALUE", AggregateKind::kFirstValue},
                                          {"LAST_VALUE", AggregateKind::kLastValue},
                                          {"VAR_POP", AggregateKind::kVarPop},
                                          {"VAR_SAMP", AggregateKind::kVarSamp},
                                          {"VARIANCE", AggregateKind::kVarSamp},
                                          {"STDDEV_POP", AggregateKind::kStddevPop},
                                          {"STDDEV_SAMP", AggregateKind::kStddevSamp},
                                          {"STDDEV", AggregateKind::kStddevSamp},
                                          {"LISTAGG", AggregateKind::kListAgg},
                                          {"COLLECT", AggregateKind::kCollect},
                                          {"ARRAY_AGG", AggregateKind::kArrayAgg},
                                          {"JSON_ARRAYAGG", AggregateKind::kJsonArrayAgg},
                                          {"JSON_OBJECTAGG", AggregateKind::kJsonObjectAgg}};

// Flink's, not ours yet: refused by name and never taken for a typing error.
constexpr std::string_view kToCome[] = {"ARRAY_EXCEPT",
                                        "ARRAY_INTERSECT",
                                        "CUBE",
                                        "CUMULATE",
                                        "CURRENT_DATABASE",
                                        "DECODE",
                                        "DENSE_RANK",
                                        "ENCODE",
                                        "GROUPING",
                                        "GROUPING_ID",
                                        "HOP",
                                        "HOP_END",
                                        "HOP_START",
                                        "IS_ALPHA",
                                        "IS_DECIMAL",
                                        "IS_DIGIT",
                                        "JSON",
                                        "LAG",
                                        "LEAD",
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
                                        "TUMBLE",
                                        "TUMBLE_END",
                                        "TUMBLE_START",
                                        "TRY_PARSE_JSON",
                                        "TYPEOF",
                                        "UUID"};

ExpressionPtr UnitLiteral(const std::string& unit) {
  return plan::Literal(data::Value{unit}, data::Char(static_cast<int>(unit.size())).AsNotNull());
}

bool SameOrNone(const ExpressionPtr& a, const ExpressionPtr& b) { return a && b ? SameExpression(*a, *b) : !a && !b; }
bool SameCall(const AggregateCall& a, const AggregateCall& b) {
  return a.kind == b.kind && a.distinct == b.distinct && a.separator == b.separator && a.takes_nulls == b.takes_nulls &&
         SameOrNone(a.argument, b.argument) && SameOrNone(a.filter, b.filter);
}

F ChooseFloorOrCeil(std::string_view name) { return name == "FLOOR" ? F::kFloorTo : F::kCeilTo; }

}  // namespace

std::optional<AggregateKind> AggregateByName(std::string_view upper) {
  for (const NamedAggregate& aggregate : kAggregates) {
    if (aggregate.name == upper) return aggregate.kind;
  }
  return std::nullopt;
}

std::vector<std::string_view> AggregateNames() {
  std::vector<std::string_view> names;
  for (const NamedAggregate& aggregate : kAggregates) names.push_back(aggregate.name);
  return names;
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
    case AggregateKind::kVarPop:
    case AggregateKind::kVarSamp:
    case AggregateKind::kStddevPop:
    case AggregateKind::kStddevSamp: {
      // That of AVG; of a single value there is no sample variance.
      auto average = AggregateType(AggregateKind::kAvg, argument);
      const bool sample = kind == AggregateKind::kVarSamp || kind == AggregateKind::kStddevSamp;
      if (average && sample) average->nullable = true;
      return average;
    }
    case AggregateKind::kListAgg: {
      if (!argument.IsCharacter()) return std::nullopt;
      Type text = data::String();
      text.nullable = argument.nullable;
      return text;
    }
    case AggregateKind::kCollect:
    case AggregateKind::kArrayAgg:
      if (argument.kind == TypeKind::kNull) return std::nullopt;
      if (kind == AggregateKind::kArrayAgg) return data::Array(type);
      return data::Multiset(type.AsNotNull()).AsNotNull();
    case AggregateKind::kJsonArrayAgg:
    case AggregateKind::kJsonObjectAgg:
      return data::Varchar(2000).AsNotNull();  // Flink's; longer texts are not cut
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
  if (plain && expr.arguments.empty() && (name == "CURRENT_TIME" || name == "LOCALTIME")) {
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr now, MakeCall(F::kLocalTimestamp, {}, expr.position));
    return CastTo(now, data::Time().AsNotNull());
  }
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
  if (expr.form == Expr::Form::kJson) {
    LEAT_RETURN_IF_ERROR(inner.AnalyseJsonAggregate(expr, &call));
  } else if (expr.form == Expr::Form::kStar) {
    if (kind != AggregateKind::kCount) return diagnostics_.Error(expr.position, name, " takes a column, not *");
    call.kind = AggregateKind::kCountStar;
    call.type = data::BigInt().AsNotNull();
  } else {
    LEAT_RETURN_IF_ERROR(inner.AnalyseAggregateArguments(expr, &call));
  }
  if (expr.filter) {
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr filter, inner.Condition(*expr.filter, "FILTER"));
    call.filter = call.filter ? Both(call.filter, filter) : filter;
    if (kind != AggregateKind::kCount && kind != AggregateKind::kCollect) call.type.nullable = true;
  }
  auto found = std::find_if(aggregates_->begin(), aggregates_->end(),
                            [&](const AggregateCall& other) { return SameCall(call, other); });
  if (found == aggregates_->end()) found = aggregates_->insert(found, call);
  const int index = static_cast<int>(found - aggregates_->begin());
  auto slot = std::make_shared<plan::Expression>(*plan::Input(kAggregateBase + index, call.type));
  slot->position = expr.position;
  return slot;
}

absl::Status ExpressionAnalyser::AnalyseAggregateArguments(const Expr& expr, AggregateCall* call) {
  const std::string name = ToUpper(expr.word);
  const bool lists = call->kind == AggregateKind::kListAgg;
  if (!expr.text.empty() && call->kind != AggregateKind::kArrayAgg) {
    return diagnostics_.Error(expr.position, expr.text, " NULLS is for ARRAY_AGG, not for ", name);
  }
  if (call->kind == AggregateKind::kCount && expr.form == Expr::Form::kPlain && expr.arguments.size() > 1) {
    if (expr.distinct) return diagnostics_.Unsupported(expr.position, "COUNT(DISTINCT ..) of several columns");
    call->kind = AggregateKind::kCountStar;
    call->type = data::BigInt().AsNotNull();
    LEAT_ASSIGN_OR_RETURN(call->filter, NoneIsNull(expr));
    return absl::OkStatus();
  }
  if (expr.form != Expr::Form::kPlain || expr.arguments.empty() || expr.arguments.size() > (lists ? 2 : 1)) {
    return diagnostics_.Error(expr.position, name, lists ? " takes a text and a separator" : " takes one argument");
  }
  LEAT_ASSIGN_OR_RETURN(call->argument, Analyse(*expr.arguments[0]));
  const auto type = AggregateType(call->kind, call->argument->type);
  if (!type) {
    return diagnostics_.Error(expr.position, name, " does not take ", call->argument->type.AsNullable().ToString(),
                              lists ? "; CAST it to STRING" : "");
  }
  call->type = *type;
  const bool one = call->kind == AggregateKind::kFirstValue || call->kind == AggregateKind::kLastValue;
  if (one) call->type.nullable = call->argument->type.nullable;
  // Of all values, each once or as often as it comes, the first is the same.
  if (one) call->distinct = false;
  call->takes_nulls = call->kind == AggregateKind::kArrayAgg && expr.text != "IGNORE";
  if (call->kind == AggregateKind::kArrayAgg) call->type.nullable = !call->takes_nulls && call->argument->type.nullable;
  if (!lists) return absl::OkStatus();
  call->separator = ",";
  if (expr.arguments.size() == 1) return absl::OkStatus();
  if (expr.arguments[1]->kind != Expr::Kind::kString) {
    return diagnostics_.Error(expr.arguments[1]->position, "the separator of LISTAGG is a text in quotes");
  }
  call->separator = expr.arguments[1]->text;
  return absl::OkStatus();
}

// COUNT of several columns counts the rows in which none is NULL.
absl::StatusOr<ExpressionPtr> ExpressionAnalyser::NoneIsNull(const Expr& expr) {
  ExpressionPtr all;
  for (const ExprPtr& argument : expr.arguments) {
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr value, Analyse(*argument));
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr there, MakeCall(F::kIsNotNull, {value}, argument->position));
    all = Both(all, there);
  }
  return all;
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::UnknownFunction(const Expr& expr, const std::string& name) {
  if (std::find(std::begin(kToCome), std::end(kToCome), name) != std::end(kToCome)) {
    return diagnostics_.Unsupported(expr.position, StrCat("the function ", name));
  }
  if (name == "APPROX_COUNT_DISTINCT") {
    return diagnostics_.Error(expr.position, name, " is not for streams, here as on Flink; COUNT(DISTINCT ..) is");
  }
  std::vector<std::string_view> names(plan::FunctionNames().begin(), plan::FunctionNames().end());
  for (const std::string_view extract : ExtractFunctionNames()) names.push_back(extract);
  for (const std::string_view aggregate : AggregateNames()) names.push_back(aggregate);
  names.push_back("EXTRACT");
  const std::string_view nearest = Nearest(name, names);
  return diagnostics_.Error(expr.position, "there is no function ", name,
                            nearest.empty() ? "" : StrCat("; did you mean ", nearest, "?"));
}

}  // namespace leat::sql
