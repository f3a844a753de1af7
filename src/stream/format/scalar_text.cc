#include "stream/format/scalar_text.h"

#include <absl/strings/escaping.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "stream/data/decimal.h"
#include "stream/data/number_text.h"
#include "stream/format/options.h"

namespace leat::format {
namespace {

using data::Column;
using data::Int128;
using data::Type;
using data::TypeKind;

constexpr size_t kShownBytes = 80;
constexpr int64_t kMicrosPerMilli = 1000;

struct Range {
  int64_t low;
  int64_t high;
};

template <typename T>
constexpr Range RangeOf() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}

// What an integer column of this type holds. INTERVAL DAY TO SECOND is milliseconds in text.
Range IntegerRange(TypeKind kind) {
  switch (kind) {
    case TypeKind::kTinyInt:
      return RangeOf<int8_t>();
    case TypeKind::kSmallInt:
      return RangeOf<int16_t>();
    case TypeKind::kBigInt:
      return RangeOf<int64_t>();
    case TypeKind::kIntervalDayTime:
      return {INT64_MIN / kMicrosPerMilli, INT64_MAX / kMicrosPerMilli};
    default:
      return RangeOf<int32_t>();
  }
}

bool IsIntegerLike(TypeKind kind) {
  return kind == TypeKind::kTinyInt || kind == TypeKind::kSmallInt || kind == TypeKind::kInt ||
         kind == TypeKind::kBigInt || kind == TypeKind::kIntervalYearMonth || kind == TypeKind::kIntervalDayTime;
}

Parsed AppendInteger(int64_t value, Column* column) {
  const Type& type = column->type();
  const Range range = IntegerRange(type.kind);
  if (value < range.low || value > range.high) return Parsed::kOutOfRange;
  if (type.kind == TypeKind::kIntervalDayTime) value *= kMicrosPerMilli;
  if (type.storage() == data::Storage::kInt32) {
    column->Append(static_cast<int32_t>(value));
  } else {
    column->Append(value);
  }
  return Parsed::kOk;
}

// [+-]digits, all of the text.
Parsed ParseInteger(std::string_view text, int64_t* value) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return Parsed::kMalformed;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (text.empty() || end != text.data() + text.size()) return Parsed::kMalformed;
  if (error == std::errc::result_out_of_range) return Parsed::kOutOfRange;
  return error == std::errc() ? Parsed::kOk : Parsed::kMalformed;
}

Parsed ParseDouble(std::string_view text, double* value) {
  const bool plus = !text.empty() && text[0] == '+';
  if (plus) text.remove_prefix(1);
  const bool minus = !text.empty() && text[0] == '-';
  const std::string_view magnitude = minus ? text.substr(1) : text;
  if (magnitude == "NaN" || magnitude == "Infinity") {
    *value = magnitude == "NaN" ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    if (minus) *value = -*value;
    return Parsed::kOk;
  }
  // from_chars would also take its own spellings of infinity.
  if (magnitude.empty() || (magnitude[0] != '.' && (magnitude[0] < '0' || magnitude[0] > '9')) || (plus && minus)) {
    return Parsed::kMalformed;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (end != text.data() + text.size()) return Parsed::kMalformed;
  if (error == std::errc::result_out_of_range) {
    // Too small is zero, as in Java; too large is refused, since infinity is not what was written.
    const size_t e = text.find_first_of("eE");
    const bool tiny =
        (e != std::string_view::npos && text.substr(e + 1).starts_with('-')) || magnitude.starts_with("0.");
    if (!tiny) return Parsed::kOutOfRange;
    *value = minus ? -0.0 : 0.0;
  }
  return Parsed::kOk;
}

Parsed AppendDouble(double value, Column* column) {
  if (column->type().kind == TypeKind::kFloat) {
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow) && !std::isinf(value)) return Parsed::kOutOfRange;
    value = static_cast<double>(narrow);
  }
  column->Append(value);
  return Parsed::kOk;
}

Parsed AppendDecimalText(std::string_view text, Column* column) {
  const Type& type = column->type();
  Int128 value = 0;
  switch (data::ParseDecimal(text, type.precision, type.scale, &value)) {
    case data::DecimalResult::kMalformed:
      return Parsed::kMalformed;
    case data::DecimalResult::kOverflow:
      return Parsed::kOutOfRange;
    case data::DecimalResult::kOk:
      break;
  }
  column->Append(value);
  return Parsed::kOk;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

Parsed AppendTime(std::string_view text, data::TimeSyntax syntax, Column* column) {
  const Type& type = column->type();
  int32_t small = 0;
  int64_t micros = 0;
  bool ok = false;
  switch (type.kind) {
    case TypeKind::kDate:
      ok = data::ParseDate(text, data::TimeSyntax::kSql, &small);
      break;
    case TypeKind::kTime:
      ok = data::ParseTime(text, data::TimeSyntax::kSql, &small);
      break;
    case TypeKind::kTimestamp:
      ok = data::ParseTimestamp(text, syntax, &micros);
      break;
    default:
      ok = data::ParseTimestampLtz(text, syntax, &micros);
      break;
  }
  if (!ok) return Parsed::kMalformed;
  if (type.storage() == data::Storage::kInt32) {
    column->Append(small);
  } else {
    column->Append(data::TruncateMicros(micros, type.precision));
  }
  return Parsed::kOk;
}

Parsed AppendBase64(std::string_view text, Column* column) {
  std::string bytes;
  if (!absl::Base64Unescape(ToAbsl(text), &bytes)) return Parsed::kMalformed;
  column->AppendText(bytes);
  return Parsed::kOk;
}

}  // namespace

Parsed AppendParsed(std::string_view text, data::TimeSyntax syntax, Column* column) {
  const TypeKind kind = column->type().kind;
  switch (kind) {
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      column->AppendText(text);
      return Parsed::kOk;
    case TypeKind::kBytes:
      return AppendBase64(text, column);
    case TypeKind::kBoolean: {
      const std::string_view trimmed = Trim(text);
      const bool is_true = EqualsIgnoringCase(trimmed, "true");
      if (!is_true && !EqualsIgnoringCase(trimmed, "false")) return Parsed::kMalformed;
      column->Append<uint8_t>(is_true ? 1 : 0);
      return Parsed::kOk;
    }
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      double value = 0;
      const Parsed parsed = ParseDouble(Trim(text), &value);
      return parsed == Parsed::kOk ? AppendDouble(value, column) : parsed;
    }
    case TypeKind::kDecimal:
      return AppendDecimalText(Trim(text), column);
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return AppendTime(text, syntax, column);
    case TypeKind::kNull:
    case TypeKind::kRow:
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
      return Parsed::kMalformed;
    default:
      break;
  }
  int64_t value = 0;
  const Parsed parsed = ParseInteger(Trim(text), &value);
  return parsed == Parsed::kOk ? AppendInteger(value, column) : parsed;
}

Parsed AppendNumber(std::string_view number, Column* column) {
  const TypeKind kind = column->type().kind;
  if (kind == TypeKind::kDecimal) return AppendDecimalText(number, column);
  if (column->type().IsCharacter()) {
    column->AppendText(number);
    return Parsed::kOk;
  }
  double value = 0;
  if (kind == TypeKind::kDouble || kind == TypeKind::kFloat) {
    const Parsed parsed = ParseDouble(number, &value);
    return parsed == Parsed::kOk ? AppendDouble(value, column) : parsed;
  }
  if (!IsIntegerLike(kind)) return Parsed::kMalformed;
  int64_t whole = 0;
  const Parsed parsed = ParseInteger(number, &whole);
  if (parsed == Parsed::kOk) return AppendInteger(whole, column);
  if (parsed == Parsed::kOutOfRange || ParseDouble(number, &value) != Parsed::kOk) return Parsed::kOutOfRange;
  // 2^63 is the first double beyond BIGINT.
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return Parsed::kOutOfRange;
  return AppendInteger(static_cast<int64_t>(value), column);
}

bool IsJsonNumber(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i > from;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

std::string Shown(std::string_view text) {
  const bool cut = text.size() > kShownBytes;
  if (cut) {
    size_t end = kShownBytes;
    while (end > kShownBytes - 4 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  for (char& c : out) {
    if (static_cast<uint8_t>(c) < ' ' || c == 0x7f) c = '?';
  }
  return cut ? out + "..." : out;
}

std::string Mismatch(Parsed parsed, const Type& type, std::string_view shown) {
  return StrCat("expected ", type.AsNullable().ToString(), ", got ", shown,
                parsed == Parsed::kOutOfRange ? ", which is out of range" : "");
}

void AppendScalar(const Column& column, size_t row, char separator, std::string* out) {
  const Type& type = column.type();
  switch (type.kind) {
    case TypeKind::kBoolean:
      out->append(column.values<uint8_t>()[row] != 0 ? "true" : "false");
      return;
    case TypeKind::kFloat:
      return data::AppendJavaFloat(static_cast<float>(column.values<double>()[row]), out);
    case TypeKind::kDouble:
      return data::AppendJavaDouble(column.values<double>()[row], out);
    case TypeKind::kDecimal:
      return data::AppendDecimal(column.values<Int128>()[row], type.scale, out);
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      out->append(column.values<std::string_view>()[row]);
      return;
    case TypeKind::kBytes:
      out->append(absl::Base64Escape(ToAbsl(column.values<std::string_view>()[row])));
      return;
    case TypeKind::kDate:
      return data::AppendDate(column.values<int32_t>()[row], out);
    case TypeKind::kTime:
      return data::AppendTime(column.values<int32_t>()[row], data::kFractionAsNeeded, out);
    case TypeKind::kTimestamp:
      return data::AppendTimestamp(column.values<int64_t>()[row], {.separator = separator}, out);
    case TypeKind::kTimestampLtz:
      return data::AppendTimestamp(column.values<int64_t>()[row], {.separator = separator, .suffix = "Z"}, out);
    case TypeKind::kNull:
    case TypeKind::kRow:
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
      LEAT_CHECK(false) << type.ToString() << " is no single value";
      return;
    default:
      break;
  }
  int64_t value = 0;
  if (type.storage() == data::Storage::kInt32) {
    value = column.values<int32_t>()[row];
  } else {
    value = column.values<int64_t>()[row];
    if (type.kind == TypeKind::kIntervalDayTime) value /= kMicrosPerMilli;
  }
  char digits[24];
  out->append(digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof(digits), value).ptr - digits));
}

}  // namespace leat::format
