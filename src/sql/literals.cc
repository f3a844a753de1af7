#include "sql/literals.h"

#include <charconv>
#include <cstdlib>

#include "sql/lexer.h"
#include "stream/data/decimal.h"
#include "stream/data/time_text.h"

namespace leat::sql {

using data::Type;
using data::TypeKind;
using data::Value;
using plan::ExpressionPtr;

namespace {

std::optional<int64_t> ToInteger(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

absl::StatusOr<ExpressionPtr> DecimalLiteral(const Expr& expr, const Diagnostics& diagnostics) {
  std::string_view digits = expr.text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  const size_t point = digits.find('.');
  const int scale = point == std::string_view::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  const int precision = static_cast<int>(digits.size()) - (point == std::string_view::npos ? 0 : 1);
  if (precision > data::kMaxDecimalPrecision) {
    return diagnostics.Error(expr.position, "a number has at most 38 digits, got ", precision);
  }
  data::Int128 unscaled = 0;
  const auto result = data::ParseDecimal(expr.text, precision, scale, &unscaled);
  if (result != data::DecimalResult::kOk) return diagnostics.Error(expr.position, "'", expr.text, "' is no number");
  return plan::Literal(Value{unscaled}, data::Decimal(std::max(precision, 1), scale).AsNotNull());
}

}  // namespace

absl::StatusOr<ExpressionPtr> NumberLiteral(const Expr& expr, const Diagnostics& diagnostics) {
  if (expr.text.find_first_of("eE") != std::string::npos) {
    char* end = nullptr;
    const double number = std::strtod(expr.text.c_str(), &end);
    if (*end != '\0' || number > 1.7e308 || number < -1.7e308) {
      return diagnostics.Error(expr.position, "'", expr.text, "' is no DOUBLE");
    }
    return plan::Literal(Value{number}, data::Double().AsNotNull());
  }
  if (expr.text.find('.') != std::string::npos) return DecimalLiteral(expr, diagnostics);
  const auto integer = ToInteger(expr.text);
  if (!integer) {
    return diagnostics.Error(expr.position, "the whole number ", expr.text,
                             " is out of the range of BIGINT; with a point "
                             "behind it, ",
                             expr.text, ".0, it is a DECIMAL");
  }
  if (*integer >= INT32_MIN && *integer <= INT32_MAX) {
    return plan::Literal(Value{static_cast<int32_t>(*integer)}, data::Int().AsNotNull());
  }
  return plan::Literal(Value{*integer}, data::BigInt().AsNotNull());
}

ExpressionPtr StringLiteral(const std::string& text) {
  int length = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++length;
  }
  return plan::Literal(Value{text}, data::Char(length).AsNotNull());
}

absl::StatusOr<ExpressionPtr> TimeLiteral(const Expr& expr, const Diagnostics& diagnostics) {
  const auto wrong = [&](std::string_view form) {
    return diagnostics.Error(expr.position, "expected ", expr.word, " '", form, "', got '", expr.text, "'");
  };
  if (expr.word == "DATE") {
    int32_t days = 0;
    if (!data::ParseDate(expr.text, data::TimeSyntax::kSql, &days)) return wrong("yyyy-MM-dd");
    return plan::Literal(Value{days}, data::Date().AsNotNull());
  }
  if (expr.word == "TIME") {
    int32_t millis = 0;
    if (!data::ParseTime(expr.text, data::TimeSyntax::kSql, &millis)) return wrong("HH:mm:ss");
    return plan::Literal(Value{millis}, data::Time().AsNotNull());
  }
  int64_t micros = 0;
  int32_t day = 0;
  if (!data::ParseTimestamp(expr.text, data::TimeSyntax::kSql, &micros) ||
      !data::ParseDate(std::string_view(expr.text).substr(0, 10), data::TimeSyntax::kSql, &day)) {
    return wrong("yyyy-MM-dd HH:mm:ss");
  }
  const size_t point = expr.text.find('.');
  const int digits = point == std::string::npos ? 0 : static_cast<int>(expr.text.size() - point - 1);
  return plan::Literal(Value{micros}, data::Timestamp(std::min(digits, 6)).AsNotNull());
}

std::string CanonicalUnit(std::string_view word) {
  static constexpr std::string_view kUnits[] = {"YEAR",        "QUARTER",     "MONTH", "WEEK",   "DAY",
                                                "DOY",         "DOW",         "HOUR",  "MINUTE", "SECOND",
                                                "MILLISECOND", "MICROSECOND", "EPOCH"};
  std::string upper = ToUpper(word);
  for (const std::string_view unit : kUnits) {
    if (upper == unit || upper == StrCat(unit, "S")) return std::string(unit);
  }
  return {};
}

namespace {

constexpr std::string_view kIntervalUnits[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
// What separates a part from the one before it: YEAR-MONTH, DAY HOUR:MINUTE:SECOND.
constexpr char kSeparators[] = {0, '-', 0, ' ', ':', ':'};
constexpr int64_t kMicros[] = {
    0, 0, data::kMicrosPerDay, 3600 * data::kMicrosPerSecond, 60 * data::kMicrosPerSecond, data::kMicrosPerSecond};
constexpr int64_t kLargestPart = 100'000'000;

int UnitIndex(std::string_view word) {
  const std::string unit = CanonicalUnit(word);
  for (int i = 0; i < 6; ++i) {
    if (kIntervalUnits[i] == unit) return i;
  }
  return -1;
}

// One number of an interval; SECOND may have a fraction. In units of the part, times 10^6 for SECOND.
std::optional<int64_t> ReadPart(std::string_view text, int unit) {
  std::string fraction = "000000";
  if (const size_t point = text.find('.'); unit == 5 && point != std::string_view::npos) {
    const std::string_view digits = text.substr(point + 1);
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    for (size_t i = 0; i < digits.size(); ++i) {
      if (digits[i] < '0' || digits[i] > '9') return std::nullopt;
      if (i < 6) fraction[i] = digits[i];
    }
    text = text.substr(0, point);
  }
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto number = ToInteger(text);
  if (!number || *number > kLargestPart) return std::nullopt;
  return unit == 5 ? *number * data::kMicrosPerSecond + *ToInteger(fraction) : *number;
}

}  // namespace

absl::StatusOr<ExpressionPtr> IntervalLiteral(const Expr& expr, const Diagnostics& diagnostics) {
  const size_t to = expr.word.find(" TO ");
  const int first = UnitIndex(expr.word.substr(0, to));
  const int last = to == std::string::npos ? first : UnitIndex(expr.word.substr(to + 4));
  // WEEK and QUARTER are single units of their own.
  const std::string single = CanonicalUnit(expr.word);
  if (single == "WEEK" || single == "QUARTER") {
    const auto number = ToInteger(expr.text);
    if (!number || std::abs(*number) > kLargestPart) {
      return diagnostics.Error(expr.position, "expected a number of ", single, "s, got '", expr.text, "'");
    }
    if (single == "WEEK") {
      return plan::Literal(Value{*number * 7 * data::kMicrosPerDay}, data::IntervalDayTime().AsNotNull());
    }
    return plan::Literal(Value{static_cast<int32_t>(*number * 3)}, data::IntervalYearMonth().AsNotNull());
  }
  if (first < 0 || last < first || (first < 2) != (last < 2)) {
    return diagnostics.Error(expr.position, "expected an interval of YEAR, MONTH, DAY, HOUR, MINUTE or SECOND, or of ",
                             "two of them such as DAY TO SECOND, got ", expr.word);
  }
  std::string_view rest = expr.text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  int64_t total = 0;
  for (int unit = first; unit <= last; ++unit) {
    const size_t end = unit == last ? std::string_view::npos : rest.find(kSeparators[unit + 1]);
    const auto part = ReadPart(rest.substr(0, end), unit);
    if (!part || (unit < last && end == std::string_view::npos)) {
      return diagnostics.Error(expr.position, "'", expr.text, "' is no INTERVAL of ", expr.word);
    }
    total += unit < 2 ? *part * (unit == 0 ? 12 : 1) : unit == 5 ? *part : *part * kMicros[unit];
    rest.remove_prefix(unit == last ? rest.size() : end + 1);
  }
  if (negative) total = -total;
  if (first < 2) return plan::Literal(Value{static_cast<int32_t>(total)}, data::IntervalYearMonth().AsNotNull());
  return plan::Literal(Value{total}, data::IntervalDayTime().AsNotNull());
}

}  // namespace leat::sql
