// Type names, and conversion of literals.
#include <array>

#include "sql/lexer.h"
#include "sql/literals.h"
#include "stream/data/decimal.h"
#include "stream/data/number_text.h"

namespace leat::sql {

using data::Type;
using data::TypeKind;
using data::Value;
using plan::ExpressionPtr;

namespace {

struct SimpleType {
  std::string_view word;
  Type (*make)();
};
constexpr SimpleType kSimple[] = {
    {"BOOLEAN", data::Boolean},   {"TINYINT", data::TinyInt},
    {"SMALLINT", data::SmallInt}, {"INT", data::Int},
    {"INTEGER", data::Int},       {"BIGINT", data::BigInt},
    {"FLOAT", data::Float},       {"REAL", data::Float},
    {"DOUBLE", data::Double},     {"DOUBLE PRECISION", data::Double},
    {"STRING", data::String},     {"BYTES", data::Bytes},
    {"DATE", data::Date},
};

constexpr std::string_view kKnownTypes[] = {"BOOLEAN",   "TINYINT",       "SMALLINT", "INT",       "INTEGER", "BIGINT",
                                            "FLOAT",     "DOUBLE",        "DECIMAL",  "NUMERIC",   "CHAR",    "VARCHAR",
                                            "STRING",    "BYTES",         "BINARY",   "VARBINARY", "DATE",    "TIME",
                                            "TIMESTAMP", "TIMESTAMP_LTZ", "INTERVAL", "ROW"};
constexpr std::string_view kTypesToCome[] = {"ARRAY", "MAP", "MULTISET", "VARIANT", "RAW", "BITMAP"};

// The only number of `type`, within [low, high], or `otherwise` if there is none.
absl::StatusOr<int> OneNumber(const TypeSyntax& type, int low, int high, int otherwise,
                              const Diagnostics& diagnostics) {
  if (type.numbers.empty()) return otherwise;
  if (type.numbers.size() > 1 || type.numbers[0] < low || type.numbers[0] > high) {
    return diagnostics.Error(type.position, type.word, " takes one number from ", low, " to ", high);
  }
  return static_cast<int>(type.numbers[0]);
}

absl::StatusOr<Type> ResolveDecimal(const TypeSyntax& type, const Diagnostics& diagnostics) {
  const int64_t precision = type.numbers.empty() ? 10 : type.numbers[0];
  const int64_t scale = type.numbers.size() < 2 ? 0 : type.numbers[1];
  if (precision < 1 || precision > data::kMaxDecimalPrecision || scale < 0 || scale > precision) {
    return diagnostics.Error(type.position, "expected DECIMAL(precision from 1 to 38, scale from 0 to precision)");
  }
  return data::Decimal(static_cast<int>(precision), static_cast<int>(scale));
}

absl::StatusOr<Type> ResolveTimestamp(const TypeSyntax& type, const Diagnostics& diagnostics) {
  LEAT_ASSIGN_OR_RETURN(const int precision, OneNumber(type, 0, 9, 6, diagnostics));
  if (precision > 6) {
    return diagnostics.Unsupported(type.position, StrCat(type.word, " with more than 6 digits of a second"));
  }
  return type.word == "TIMESTAMP" ? data::Timestamp(precision) : data::TimestampLtz(precision);
}

absl::StatusOr<Type> ResolveRow(const TypeSyntax& type, const Diagnostics& diagnostics) {
  std::vector<data::Field> fields;
  for (const auto& [name, syntax] : type.fields) {
    LEAT_ASSIGN_OR_RETURN(Type field, ResolveType(syntax, diagnostics));
    for (const data::Field& other : fields) {
      if (other.name == name.text) {
        return diagnostics.Error(name.position, "field '", name.text, "' is there twice");
      }
    }
    fields.push_back({name.text, std::move(field)});
  }
  return data::Row(std::move(fields));
}

absl::Status UnknownType(const TypeSyntax& type, const Diagnostics& diagnostics) {
  for (const std::string_view word : kTypesToCome) {
    if (word == type.word) return diagnostics.Unsupported(type.position, type.word);
  }
  const std::vector<std::string_view> known(std::begin(kKnownTypes), std::end(kKnownTypes));
  const std::string_view nearest = Nearest(type.word, known);
  return diagnostics.Error(type.position, "there is no type ", type.word,
                           nearest.empty() ? "" : StrCat("; did you mean ", nearest, "?"));
}

absl::StatusOr<Type> ResolveBase(const TypeSyntax& type, const Diagnostics& diagnostics) {
  for (const SimpleType& simple : kSimple) {
    if (simple.word != type.word) continue;
    if (!type.numbers.empty()) return diagnostics.Error(type.position, type.word, " takes no number");
    return simple.make();
  }
  if (type.word == "DECIMAL" || type.word == "DEC" || type.word == "NUMERIC") return ResolveDecimal(type, diagnostics);
  if (type.word == "TIMESTAMP" || type.word == "TIMESTAMP_LTZ") return ResolveTimestamp(type, diagnostics);
  if (type.word == "ROW") return ResolveRow(type, diagnostics);
  if (type.word == "TIME") {
    LEAT_RETURN_IF_ERROR(OneNumber(type, 0, 0, 0, diagnostics).status());
    return data::Time();
  }
  if (type.word == "CHAR" || type.word == "CHARACTER" || type.word == "BINARY") {
    LEAT_ASSIGN_OR_RETURN(const int length, OneNumber(type, 1, data::kMaxLength, 1, diagnostics));
    if (type.word != "BINARY") return data::Char(length);
    Type binary = data::Bytes();
    binary.length = length;
    return binary;
  }
  if (type.word == "VARCHAR" || type.word == "CHARACTER VARYING" || type.word == "CHAR VARYING") {
    LEAT_ASSIGN_OR_RETURN(const int length, OneNumber(type, 1, data::kMaxLength, 1, diagnostics));
    return data::Varchar(length);
  }
  if (type.word == "VARBINARY") {
    Type bytes = data::Bytes();
    LEAT_ASSIGN_OR_RETURN(bytes.length, OneNumber(type, 1, data::kMaxLength, 1, diagnostics));
    return bytes;
  }
  if (type.word.starts_with("INTERVAL ")) {
    const std::string first = CanonicalUnit(type.word.substr(9, type.word.find(' ', 9) - 9));
    if (first == "YEAR" || first == "MONTH") return data::IntervalYearMonth();
    if (first == "DAY" || first == "HOUR" || first == "MINUTE" || first == "SECOND") return data::IntervalDayTime();
  }
  return UnknownType(type, diagnostics);
}

std::optional<data::Int128> WholeNumber(const Value& value) {
  if (const auto* i = std::get_if<int32_t>(&value.v)) return *i;
  if (const auto* l = std::get_if<int64_t>(&value.v)) return *l;
  return std::nullopt;
}

// The literal as a value of the other type, when nothing is lost; nullopt: leave the CAST to run time.
std::optional<Value> ConvertLiteral(const Value& value, const Type& from, const Type& to) {
  if (value.is_null()) return value;
  if (from.IsCharacter() && to.kind == TypeKind::kVarchar && to.length >= from.length) return value;
  if (from.kind == TypeKind::kDecimal && to.kind == TypeKind::kDecimal && to.scale >= from.scale) {
    data::Int128 out = 0;
    const auto result = data::RescaleDecimal(std::get<data::Int128>(value.v), from.scale, to.precision, to.scale, &out);
    if (result == data::DecimalResult::kOk) return Value{out};
  }
  if (from.kind == TypeKind::kDecimal && to.kind == TypeKind::kDouble) {
    return Value{data::DecimalToDouble(std::get<data::Int128>(value.v), from.scale)};
  }
  if (from.IsTimestamp() && to.kind == from.kind && to.precision >= from.precision) return value;
  if (!from.IsInteger()) return std::nullopt;
  const auto number = WholeNumber(value);
  if (!number) return std::nullopt;
  if (to.kind == TypeKind::kBigInt) return Value{static_cast<int64_t>(*number)};
  if (to.kind == TypeKind::kDouble) return Value{static_cast<double>(*number)};
  if (to.kind == TypeKind::kInt && *number >= INT32_MIN && *number <= INT32_MAX) {
    return Value{static_cast<int32_t>(*number)};
  }
  if (to.kind == TypeKind::kSmallInt && *number >= INT16_MIN && *number <= INT16_MAX) {
    return Value{static_cast<int32_t>(*number)};
  }
  if (to.kind == TypeKind::kTinyInt && *number >= INT8_MIN && *number <= INT8_MAX) {
    return Value{static_cast<int32_t>(*number)};
  }
  if (to.kind == TypeKind::kDecimal) {
    data::Int128 out = 0;
    if (data::RescaleDecimal(*number, 0, to.precision, to.scale, &out) == data::DecimalResult::kOk) return Value{out};
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Type> ResolveType(const TypeSyntax& syntax, const Diagnostics& diagnostics) {
  LEAT_ASSIGN_OR_RETURN(Type type, ResolveBase(syntax, diagnostics));
  type.nullable = syntax.nullable;
  return type;
}

ExpressionPtr CastTo(const ExpressionPtr& expr, const Type& to) {
  if (data::SameIgnoringNullability(expr->type, to)) return expr;
  Type target = to;
  target.rowtime = false;
  target.proctime = false;
  target.nullable = expr->type.nullable || expr->type.kind == TypeKind::kNull;
  if (expr->kind == plan::Expression::Kind::kLiteral) {
    if (auto value = ConvertLiteral(expr->literal, expr->type, to)) return plan::Literal(std::move(*value), target);
  }
  return plan::Call(plan::FunctionId::kCast, {expr}, target, expr->position);
}

}  // namespace leat::sql
