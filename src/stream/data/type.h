// SQL types (the names and meanings of Flink SQL) and how a column stores them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace leat::data {

__extension__ using Int128 = __int128;

enum class TypeKind : uint8_t {
  kNull,  // the type of a bare NULL literal
  kBoolean,
  kTinyInt,
  kSmallInt,
  kInt,
  kBigInt,
  kFloat,
  kDouble,
  kDecimal,  // precision <= 38, scale
  kChar,     // length
  kVarchar,  // length; STRING is VARCHAR(2147483647)
  kBytes,    // BINARY, VARBINARY, BYTES
  kDate,
  kTime,
  kTimestamp,     // without time zone; precision <= 6
  kTimestampLtz,  // an instant; precision <= 6
  kIntervalYearMonth,
  kIntervalDayTime,
  kRow,
};

// The one C++ vector type behind each SQL type:
//   kBool     uint8_t 0/1: BOOLEAN
//   kInt32    int32_t: TINYINT SMALLINT INT; DATE (days since 1970-01-01); TIME (ms of the day); INTERVAL YEAR TO MONTH
//   (months) kInt64    int64_t: BIGINT; TIMESTAMP (microseconds since 1970-01-01T00:00 on the wall, no zone);
//   TIMESTAMP_LTZ
//             (microseconds since 1970-01-01T00:00Z); INTERVAL DAY TO SECOND (microseconds)
//   kDouble   double: FLOAT (always rounded to float) and DOUBLE
//   kInt128   Int128: DECIMAL, the unscaled number
//   kText     std::string_view: CHAR VARCHAR (UTF-8) and BYTES
//   kRow      child columns
enum class Storage : uint8_t { kBool, kInt32, kInt64, kDouble, kInt128, kText, kRow };

inline constexpr int kMaxDecimalPrecision = 38;
inline constexpr int kMaxLength = 2147483647;
inline constexpr int64_t kMicrosPerMilli = 1000;

struct Field;

struct Type {
  TypeKind kind = TypeKind::kNull;
  bool nullable = true;
  int precision = 0;                                 // DECIMAL, TIME, TIMESTAMP*
  int scale = 0;                                     // DECIMAL
  int length = 0;                                    // CHAR, VARCHAR, BYTES
  std::shared_ptr<const std::vector<Field>> fields;  // ROW
  // Set by the analyser, carried for plan checks only (not part of equality): an event-time attribute.
  bool rowtime = false;
  bool proctime = false;  // likewise: the processing time, as PROCTIME() gives it

  Storage storage() const;
  std::string ToString() const;  // as Flink prints it: DECIMAL(10, 2) NOT NULL, TIMESTAMP(3) *ROWTIME*
  Type AsNullable() const;
  Type AsNotNull() const;
  bool IsNumeric() const;
  bool IsInteger() const;
  bool IsCharacter() const;
  bool IsTimestamp() const;                              // either kind
  friend bool operator==(const Type& a, const Type& b);  // ignores rowtime and proctime
};

struct Field {
  std::string name;
  Type type;
  friend bool operator==(const Field&, const Field&) = default;
};

// Short makers; all nullable.
Type NullType();
Type Boolean();
Type TinyInt();
Type SmallInt();
Type Int();
Type BigInt();
Type Float();
Type Double();
Type Decimal(int precision, int scale);
Type Char(int length);
Type Varchar(int length);
Type String();
Type Bytes();
Type Date();
Type Time();
Type Timestamp(int precision);
Type TimestampLtz(int precision);
Type IntervalYearMonth();
Type IntervalDayTime();
Type Row(std::vector<Field> fields);

// True if both have the same kind and parameters, whatever their nullability.
bool SameIgnoringNullability(const Type& a, const Type& b);

}  // namespace leat::data
