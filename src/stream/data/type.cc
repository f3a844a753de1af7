#include "stream/data/type.h"

namespace leat::data {
namespace {

std::string RowText(const Type& type) {
  std::string text = "ROW<";
  bool first = true;
  for (const Field& field : *type.fields) {
    StrAppend(&text, first ? "" : ", ", "`", field.name, "` ", field.type.ToString());
    first = false;
  }
  return text + ">";
}

std::string WithLength(std::string_view name, std::string_view unbounded, int length) {
  if (!unbounded.empty() && length == kMaxLength) return std::string(unbounded);
  return StrCat(name, "(", length, ")");
}

std::string KindText(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull:
      return "NULL";
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kTinyInt:
      return "TINYINT";
    case TypeKind::kSmallInt:
      return "SMALLINT";
    case TypeKind::kInt:
      return "INT";
    case TypeKind::kBigInt:
      return "BIGINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return StrCat("DECIMAL(", type.precision, ", ", type.scale, ")");
    case TypeKind::kChar:
      return WithLength("CHAR", "", type.length);
    case TypeKind::kVarchar:
      return WithLength("VARCHAR", "STRING", type.length);
    case TypeKind::kBytes:
      return WithLength("VARBINARY", "BYTES", type.length);
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTime:
      return StrCat("TIME(", type.precision, ")");
    case TypeKind::kTimestamp:
      return StrCat("TIMESTAMP(", type.precision, ")");
    case TypeKind::kTimestampLtz:
      return StrCat("TIMESTAMP_LTZ(", type.precision, ")");
    case TypeKind::kIntervalYearMonth:
      return "INTERVAL YEAR TO MONTH";
    case TypeKind::kIntervalDayTime:
      return "INTERVAL DAY TO SECOND";
    case TypeKind::kRow:
      return RowText(type);
  }
  return "?";
}

Type OfKind(TypeKind kind) {
  Type type;
  type.kind = kind;
  return type;
}

Type OfLength(TypeKind kind, int length) {
  Type type = OfKind(kind);
  type.length = length;
  return type;
}

Type OfPrecision(TypeKind kind, int precision) {
  Type type = OfKind(kind);
  type.precision = precision;
  return type;
}

}  // namespace

Storage Type::storage() const {
  switch (kind) {
    case TypeKind::kNull:
    case TypeKind::kBoolean:
      return Storage::kBool;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kIntervalYearMonth:
      return Storage::kInt32;
    case TypeKind::kBigInt:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
    case TypeKind::kIntervalDayTime:
      return Storage::kInt64;
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      return Storage::kDouble;
    case TypeKind::kDecimal:
      return Storage::kInt128;
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kBytes:
      return Storage::kText;
    case TypeKind::kRow:
      return Storage::kRow;
  }
  return Storage::kBool;
}

std::string Type::ToString() const {
  return StrCat(KindText(*this), nullable ? "" : " NOT NULL", rowtime ? " *ROWTIME*" : "",
                proctime ? " *PROCTIME*" : "");
}

Type Type::AsNullable() const {
  Type type = *this;
  type.nullable = true;
  return type;
}

Type Type::AsNotNull() const {
  Type type = *this;
  type.nullable = false;
  return type;
}

bool Type::IsNumeric() const {
  return IsInteger() || kind == TypeKind::kFloat || kind == TypeKind::kDouble || kind == TypeKind::kDecimal;
}

bool Type::IsInteger() const {
  return kind == TypeKind::kTinyInt || kind == TypeKind::kSmallInt || kind == TypeKind::kInt ||
         kind == TypeKind::kBigInt;
}

bool Type::IsCharacter() const { return kind == TypeKind::kChar || kind == TypeKind::kVarchar; }

bool Type::IsTimestamp() const { return kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampLtz; }

bool SameIgnoringNullability(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.precision != b.precision || a.scale != b.scale || a.length != b.length) return false;
  if (a.fields == b.fields) return true;
  if (a.fields == nullptr || b.fields == nullptr || a.fields->size() != b.fields->size()) return false;
  for (size_t i = 0; i < a.fields->size(); ++i) {
    const Field& left = (*a.fields)[i];
    const Field& right = (*b.fields)[i];
    if (left.name != right.name || !SameIgnoringNullability(left.type, right.type)) return false;
  }
  return true;
}

bool operator==(const Type& a, const Type& b) {
  if (a.nullable != b.nullable || a.kind != b.kind || a.precision != b.precision || a.scale != b.scale ||
      a.length != b.length) {
    return false;
  }
  if (a.fields == b.fields) return true;
  return a.fields != nullptr && b.fields != nullptr && *a.fields == *b.fields;
}

Type NullType() { return OfKind(TypeKind::kNull); }
Type Boolean() { return OfKind(TypeKind::kBoolean); }
Type TinyInt() { return OfKind(TypeKind::kTinyInt); }
Type SmallInt() { return OfKind(TypeKind::kSmallInt); }
Type Int() { return OfKind(TypeKind::kInt); }
Type BigInt() { return OfKind(TypeKind::kBigInt); }
Type Float() { return OfKind(TypeKind::kFloat); }
Type Double() { return OfKind(TypeKind::kDouble); }
Type Decimal(int precision, int scale) {
  Type type = OfPrecision(TypeKind::kDecimal, precision);
  type.scale = scale;
  return type;
}
Type Char(int length) { return OfLength(TypeKind::kChar, length); }
Type Varchar(int length) { return OfLength(TypeKind::kVarchar, length); }
Type String() { return Varchar(kMaxLength); }
Type Bytes() { return OfLength(TypeKind::kBytes, kMaxLength); }
Type Date() { return OfKind(TypeKind::kDate); }
Type Time() { return OfKind(TypeKind::kTime); }
Type Timestamp(int precision) { return OfPrecision(TypeKind::kTimestamp, precision); }
Type TimestampLtz(int precision) { return OfPrecision(TypeKind::kTimestampLtz, precision); }
Type IntervalYearMonth() { return OfKind(TypeKind::kIntervalYearMonth); }
Type IntervalDayTime() { return OfKind(TypeKind::kIntervalDayTime); }
Type Row(std::vector<Field> fields) {
  Type type = OfKind(TypeKind::kRow);
  type.fields = std::make_shared<const std::vector<Field>>(std::move(fields));
  return type;
}

}  // namespace leat::data
