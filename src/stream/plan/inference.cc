#include "stream/plan/inference.h"

#include <algorithm>

#include "base/check.h"

namespace leat::plan {

using data::Type;
using data::TypeKind;

namespace {

bool IsTime(const Type& type) {
  return type.kind == TypeKind::kDate || type.kind == TypeKind::kTime || type.IsTimestamp();
}
bool IsInterval(const Type& type) {
  return type.kind == TypeKind::kIntervalYearMonth || type.kind == TypeKind::kIntervalDayTime;
}

// Place in the order TINYINT < SMALLINT < INT < BIGINT < DECIMAL < FLOAT < DOUBLE.
int Width(const Type& type) {
  switch (type.kind) {
    case TypeKind::kTinyInt:
      return 0;
    case TypeKind::kSmallInt:
      return 1;
    case TypeKind::kInt:
      return 2;
    case TypeKind::kBigInt:
      return 3;
    case TypeKind::kDecimal:
      return 4;
    case TypeKind::kFloat:
      return 5;
    default:
      return 6;
  }
}

std::optional<Type> CommonNumber(const Type& a, const Type& b) {
  if (a.kind == TypeKind::kDecimal || b.kind == TypeKind::kDecimal) {
    if (Width(a) > 4 || Width(b) > 4) return data::Double();
    const Type x = AsDecimal(a);
    const Type y = AsDecimal(b);
    const int scale = std::max(x.scale, y.scale);
    return BoundedDecimal(std::max(x.precision - x.scale, y.precision - y.scale) + scale, scale);
  }
  if (a.kind == b.kind) return a;
  // An integer and a FLOAT meet in FLOAT only up to SMALLINT's digits; DOUBLE keeps INT exact.
  return Width(a) > Width(b) ? a : b;
}

std::optional<Type> CommonRow(const Type& a, const Type& b) {
  if (a.fields->size() != b.fields->size()) return std::nullopt;
  std::vector<data::Field> fields;
  for (size_t i = 0; i < a.fields->size(); ++i) {
    const Type pair[] = {(*a.fields)[i].type, (*b.fields)[i].type};
    auto common = CommonType(pair);
    if (!common) return std::nullopt;
    fields.push_back({(*a.fields)[i].name, *common});
  }
  Type row = data::Row(std::move(fields));
  row.kind = a.kind;
  return row;
}

std::optional<Type> CommonOfTwo(const Type& a, const Type& b) {
  if (a.kind == TypeKind::kNull) return b;
  if (b.kind == TypeKind::kNull) return a;
  if (a.IsNumeric() && b.IsNumeric()) return CommonNumber(a, b);
  if (a.IsCharacter() && b.IsCharacter()) {
    if (a.kind == TypeKind::kChar && b.kind == TypeKind::kChar && a.length == b.length) return a;
    return data::Varchar(std::max(a.length, b.length));
  }
  if (a.IsTimestamp() && b.IsTimestamp()) {
    if (a.kind != b.kind) return std::nullopt;
    return a.precision >= b.precision ? a : b;
  }
  if (a.kind == TypeKind::kDate && b.IsTimestamp()) return b;
  if (b.kind == TypeKind::kDate && a.IsTimestamp()) return a;
  if (a.kind == b.kind && (a.kind == TypeKind::kRow || a.IsCollection())) return CommonRow(a, b);
  if (a.kind == b.kind) return a.precision >= b.precision && a.length >= b.length ? a : b;
  return std::nullopt;
}

}  // namespace

Type AsDecimal(const Type& type) {
  switch (type.kind) {
    case TypeKind::kTinyInt:
      return data::Decimal(3, 0);
    case TypeKind::kSmallInt:
      return data::Decimal(5, 0);
    case TypeKind::kInt:
      return data::Decimal(10, 0);
    case TypeKind::kBigInt:
      return data::Decimal(19, 0);
    default:
      LEAT_CHECK(type.kind == TypeKind::kDecimal) << type.ToString();
      return type;
  }
}

Type BoundedDecimal(int precision, int scale) {
  if (precision <= data::kMaxDecimalPrecision) return data::Decimal(precision, scale);
  const int whole = precision - scale;
  const int kept = std::max(data::kMaxDecimalPrecision - whole, std::min(scale, 6));
  return data::Decimal(data::kMaxDecimalPrecision, kept);
}

Type RoundedDecimal(const Type& type, int digits) {
  if (digits >= type.scale) return data::Decimal(type.precision, type.scale);
  const int kept = std::max(digits, 0);
  const int precision = std::min(data::kMaxDecimalPrecision, 1 + type.precision - type.scale + kept);
  return data::Decimal(precision, kept);
}

std::optional<Type> CommonType(std::span<const Type> types) {
  Type common = data::NullType();
  bool nullable = false;
  for (const Type& type : types) {
    nullable = nullable || type.nullable || type.kind == TypeKind::kNull;
    const auto next = CommonOfTwo(common, type);
    if (!next) return std::nullopt;
    common = *next;
  }
  common.nullable = nullable;
  common.rowtime = false;
  common.proctime = false;
  return common;
}

std::optional<Type> ComparisonType(const Type& a, const Type& b) {
  const Type pair[] = {a, b};
  if (auto common = CommonType(pair)) return common;
  const auto readable = [](const Type& type) {
    return type.IsNumeric() || IsTime(type) || type.kind == TypeKind::kBoolean;
  };
  Type chosen;
  if (a.IsCharacter() && readable(b)) {
    chosen = b;
  } else if (b.IsCharacter() && readable(a)) {
    chosen = a;
  } else if (a.IsTimestamp() && b.IsTimestamp()) {
    // What the wall shows, as an instant.
    chosen = data::TimestampLtz(std::max(a.precision, b.precision));
  } else {
    return std::nullopt;
  }
  chosen.nullable = a.nullable || b.nullable;
  chosen.rowtime = false;
  chosen.proctime = false;
  return chosen;
}

namespace {

bool RowsCastable(const Type& from, const Type& to, bool (*castable)(const Type&, const Type&)) {
  if (from.fields->size() != to.fields->size()) return false;
  for (size_t i = 0; i < from.fields->size(); ++i) {
    if (!castable((*from.fields)[i].type, (*to.fields)[i].type)) return false;
  }
  return true;
}

}  // namespace

bool CanCastImplicitly(const Type& from, const Type& to) {
  if (from.kind == TypeKind::kNull) return true;
  if (from.kind == to.kind && (from.kind == TypeKind::kRow || from.IsCollection())) {
    return RowsCastable(from, to, CanCastImplicitly);
  }
  if (from.IsNumeric() && to.IsNumeric()) {
    // Every number fits DECIMAL and DOUBLE for Flink; otherwise numbers only widen.
    return to.kind == TypeKind::kDecimal || to.kind == TypeKind::kDouble || Width(from) <= Width(to);
  }
  if (from.IsCharacter() && to.IsCharacter()) return to.kind == TypeKind::kVarchar || from.kind == TypeKind::kChar;
  if (from.kind == TypeKind::kTimestamp && (to.kind == TypeKind::kDate || to.kind == TypeKind::kTime)) return true;
  if (from.IsTimestamp() && to.IsTimestamp()) return true;
  return from.kind == to.kind;
}

bool CanCastExplicitly(const Type& from, const Type& to) {
  if (CanCastImplicitly(from, to)) return true;
  if (from.kind == to.kind && (from.kind == TypeKind::kRow || from.IsCollection())) {
    return RowsCastable(from, to, CanCastExplicitly);
  }
  if (to.kind == TypeKind::kRow || to.IsCollection()) return false;
  if (to.IsCharacter()) return true;  // everything can be printed
  if (from.IsCharacter()) return !IsInterval(to);
  if (from.kind == TypeKind::kDate) return to.IsTimestamp();
  if (from.IsNumeric()) return to.IsNumeric() || to.kind == TypeKind::kBoolean;
  if (from.kind == TypeKind::kBoolean) return to.IsNumeric();
  if (from.IsTimestamp()) return to.kind == TypeKind::kDate || to.kind == TypeKind::kTime || to.IsTimestamp();
  return false;
}

}  // namespace leat::plan
