#include "stream/data/value.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "stream/data/collection.h"
#include "stream/data/decimal.h"
#include "stream/data/number_text.h"
#include "stream/data/time_text.h"

namespace leat::data {
namespace {

template <typename T>
const T& Get(const Value& value, const Type& type) {
  const T* held = std::get_if<T>(&value.v);
  LEAT_CHECK(held != nullptr) << "a value of another storage than " << type.ToString();
  return *held;
}

// +years-months
void AppendYearMonth(int32_t months, std::string* out) {
  const int64_t magnitude = std::abs(int64_t{months});
  StrAppend(out, months < 0 ? "-" : "+", magnitude / 12, "-", magnitude % 12 < 10 ? "0" : "", magnitude % 12);
}

// +days hours:minutes:seconds.millis
void AppendDayTime(int64_t micros, std::string* out) {
  const bool negative = micros < 0;
  const uint64_t magnitude = negative ? uint64_t{0} - static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  const auto days = magnitude / static_cast<uint64_t>(kMicrosPerDay);
  const auto rest = static_cast<int64_t>(magnitude % static_cast<uint64_t>(kMicrosPerDay));
  std::string time;
  AppendTimestamp(rest, {.fraction_digits = rest % 1000 == 0 ? 3 : 6}, &time);
  StrAppend(out, negative ? "-" : "+", days, time.substr(std::string_view("1970-01-01").size()));
}

}  // namespace

std::string FormatValue(const Value& value, const Type& type) {
  if (value.is_null()) return "NULL";
  std::string text;
  switch (type.kind) {
    case TypeKind::kNull:
      return "NULL";
    case TypeKind::kBoolean:
      return Get<bool>(value, type) ? "TRUE" : "FALSE";
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
      return StrCat(Get<int32_t>(value, type));
    case TypeKind::kBigInt:
      return StrCat(Get<int64_t>(value, type));
    case TypeKind::kFloat:
      AppendJavaFloat(static_cast<float>(Get<double>(value, type)), &text);
      return text;
    case TypeKind::kDouble:
      AppendJavaDouble(Get<double>(value, type), &text);
      return text;
    case TypeKind::kDecimal:
      return FormatDecimal(Get<Int128>(value, type), type.scale);
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kBytes:
      return Get<std::string>(value, type);
    case TypeKind::kDate:
      AppendDate(Get<int32_t>(value, type), &text);
      return text;
    case TypeKind::kTime:
      AppendTime(Get<int32_t>(value, type), type.precision, &text);
      return text;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      AppendTimestamp(Get<int64_t>(value, type), {.fraction_digits = type.precision}, &text);
      return text;
    case TypeKind::kIntervalYearMonth:
      AppendYearMonth(Get<int32_t>(value, type), &text);
      return text;
    case TypeKind::kIntervalDayTime:
      AppendDayTime(Get<int64_t>(value, type), &text);
      return text;
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
      return FormatCollection(Get<std::string>(value, type), type);
    case TypeKind::kRow:
      break;
  }
  LEAT_CHECK(false) << "a ROW is no single value; format its columns";
  return text;
}

}  // namespace leat::data
