// CAST from and to text. Text that is no value of the target type fails its row.
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "stream/data/decimal.h"
#include "stream/data/number_text.h"
#include "stream/data/time_text.h"
#include "stream/exec/cast.h"
#include "stream/exec/storage.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using data::Int128;
using data::Storage;
using data::Type;
using data::TypeKind;

constexpr size_t kMaxQuoted = 100;  // bytes of a value that an error message repeats

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string Failure(std::string_view text, const Type& to) {
  const std::string type = to.AsNullable().ToString();
  const std::string_view shown = text.substr(0, kMaxQuoted);
  return StrCat("CAST('", shown, shown.size() < text.size() ? ".." : "", "' AS ", type, "): this text is no ", type,
                "; TRY_CAST gives NULL instead");
}

// An integer, with a fraction that is cut off as Flink does.
template <typename T>
bool ParseInteger(std::string_view text, T low, T high, T* out) {
  text = Trim(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  int64_t value = 0;
  const char* last = text.data() + text.size();
  const std::from_chars_result end = std::from_chars(text.data(), last, value);
  if (end.ec != std::errc()) return false;
  const char* rest = end.ptr;
  if (rest != last && *rest == '.') {
    for (++rest; rest != last && *rest >= '0' && *rest <= '9';) ++rest;
  }
  if (rest != last || value < low || value > high) return false;
  *out = static_cast<T>(value);
  return true;
}

bool ParseDouble(std::string_view text, double* out) {
  text = Trim(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  if (text == "NaN" || text == "-NaN") {
    *out = std::nan("");
    return true;
  }
  if (text == "Infinity" || text == "-Infinity") {
    *out = text.front() == '-' ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  const char* last = text.data() + text.size();
  const size_t digits = text.starts_with('-') ? 1 : 0;
  if (digits >= text.size() || (text[digits] != '.' && (text[digits] < '0' || text[digits] > '9'))) return false;
  const std::from_chars_result end = std::from_chars(text.data(), last, *out);
  if (end.ec == std::errc::result_out_of_range && end.ptr == last) {
    *out = std::strtod(std::string(text).c_str(), nullptr);  // Java gives infinity or zero, as strtod does
    return true;
  }
  return end.ec == std::errc() && end.ptr == last;
}

bool ParseBoolean(std::string_view text, uint8_t* out) {
  std::string lower;
  for (const char c : Trim(text)) lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  for (const std::string_view word : {"true", "t", "yes", "y", "1"}) {
    if (lower == word) return *out = 1, true;
  }
  for (const std::string_view word : {"false", "f", "no", "n", "0"}) {
    if (lower == word) return *out = 0, true;
  }
  return false;
}

template <typename R, typename F>
Kernel Parsing(F parse) {
  return [parse](const KernelCall& call) {
    return MapRows<R, std::string_view>(call, [&](size_t row, R* out, std::string_view text) {
      if (parse(text, out)) return true;
      call.errors.Add(row, Failure(text, call.type));
      return false;
    });
  };
}

Kernel ParsingInt(int32_t low, int32_t high) {
  return Parsing<int32_t>(
      [low, high](std::string_view text, int32_t* out) { return ParseInteger<int32_t>(text, low, high, out); });
}

// Malformed text fails; a number that needs more digits is NULL.
Kernel ParsingDecimal(const Type& to) {
  return [precision = to.precision, scale = to.scale](const KernelCall& call) {
    return MapRows<Int128, std::string_view>(call, [&](size_t row, Int128* out, std::string_view text) {
      const data::DecimalResult result = data::ParseDecimal(Trim(text), precision, scale, out);
      if (result == data::DecimalResult::kMalformed) call.errors.Add(row, Failure(text, call.type));
      return result == data::DecimalResult::kOk;
    });
  };
}

absl::StatusOr<Kernel> FromText(const Binding& binding, const data::TimeZone& zone) {
  const Type& to = binding.call.type;
  switch (to.kind) {
    case TypeKind::kBoolean:
      return Parsing<uint8_t>(ParseBoolean);
    case TypeKind::kTinyInt:
      return ParsingInt(INT8_MIN, INT8_MAX);
    case TypeKind::kSmallInt:
      return ParsingInt(INT16_MIN, INT16_MAX);
    case TypeKind::kInt:
      return ParsingInt(INT32_MIN, INT32_MAX);
    case TypeKind::kBigInt:
      return Parsing<int64_t>(
          [](std::string_view text, int64_t* out) { return ParseInteger<int64_t>(text, INT64_MIN, INT64_MAX, out); });
    case TypeKind::kFloat:
      return Parsing<double>([](std::string_view text, double* out) {
        if (!ParseDouble(text, out)) return false;
        *out = static_cast<double>(static_cast<float>(*out));
        return true;
      });
    case TypeKind::kDouble:
      return Parsing<double>(ParseDouble);
    case TypeKind::kDecimal:
      return ParsingDecimal(to);
    case TypeKind::kDate:
      return Parsing<int32_t>([](std::string_view text, int32_t* out) {
        return data::ParseDate(Trim(text), data::TimeSyntax::kCast, out);
      });
    case TypeKind::kTime:
      return Parsing<int32_t>([](std::string_view text, int32_t* out) {
        return data::ParseTime(Trim(text), data::TimeSyntax::kCast, out);
      });
    case TypeKind::kTimestamp:
      return Parsing<int64_t>([precision = to.precision](std::string_view text, int64_t* out) {
        if (!data::ParseTimestamp(Trim(text), data::TimeSyntax::kCast, out)) return false;
        *out = data::TruncateMicros(*out, precision);
        return true;
      });
    case TypeKind::kTimestampLtz:
      return Parsing<int64_t>([precision = to.precision, zone](std::string_view text, int64_t* out) {
        // A time of the wall: text with a Z or an offset behind it is none, as on Flink.
        if (!data::ParseTimestamp(Trim(text), data::TimeSyntax::kCast, out)) return false;
        *out = data::TruncateMicros(zone.ToEpoch(*out), precision);
        return true;
      });
    default:
      return NoKernel(binding);
  }
}

// Cuts to the length of a CHAR or VARCHAR (code points) or of BYTES (bytes), and pads CHAR with spaces.
struct Width {
  explicit Width(const Type& type)
      : limit(static_cast<size_t>(type.length)),
        bytes(type.kind == TypeKind::kBytes),
        pad(type.kind == TypeKind::kChar) {}
  void Apply(std::string* text) const {
    if (bytes) {
      if (text->size() > limit) text->resize(limit);
      return;
    }
    if (text->size() > limit) text->resize(utf8::Prefix(*text, limit).size());
    if (pad) {
      const size_t have = utf8::Count(*text);
      if (have < limit) text->append(limit - have, ' ');
    }
  }
  size_t limit;
  bool bytes;
  bool pad;
};

Kernel TextToText(const Width& width) {
  if (!width.pad && !width.bytes && width.limit >= static_cast<size_t>(data::kMaxLength)) {
    return [](const KernelCall& call) {
      return MapView<std::string_view>(call, [](size_t, std::string_view* out, std::string_view text) {
        *out = text;
        return true;
      });
    };
  }
  return [width](const KernelCall& call) {
    return MapText<std::string_view>(call, [&](size_t, std::string* out, std::string_view text) {
      *out = text;
      width.Apply(out);
      return true;
    });
  };
}

template <typename T, typename F>
Kernel Printing(const Width& width, F print) {
  return [width, print](const KernelCall& call) {
    return MapText<T>(call, [&](size_t, std::string* out, T value) {
      print(value, out);
      width.Apply(out);
      return true;
    });
  };
}

absl::StatusOr<Kernel> ToText(const Binding& binding, const data::TimeZone& zone) {
  const Type& from = binding.arg(0);
  const Width width(binding.call.type);
  switch (from.storage()) {
    case Storage::kBool:
      return Printing<uint8_t>(width, [](uint8_t value, std::string* out) { *out = value != 0 ? "TRUE" : "FALSE"; });
    case Storage::kInt32:
      if (from.IsInteger()) {
        return Printing<int32_t>(width, [](int32_t value, std::string* out) { StrAppend(out, value); });
      }
      return Printing<int32_t>(width, [from](int32_t value, std::string* out) { *out = FormatValue({value}, from); });
    case Storage::kInt64:
      if (from.kind == TypeKind::kBigInt) {
        return Printing<int64_t>(width, [](int64_t value, std::string* out) { StrAppend(out, value); });
      }
      if (from.kind == TypeKind::kTimestampLtz) {
        return Printing<int64_t>(
            width, [from, zone](int64_t value, std::string* out) { *out = FormatValue({zone.ToLocal(value)}, from); });
      }
      return Printing<int64_t>(width, [from](int64_t value, std::string* out) { *out = FormatValue({value}, from); });
    case Storage::kDouble:
      return Printing<double>(width, [from](double value, std::string* out) { *out = FormatValue({value}, from); });
    case Storage::kInt128:
      return Printing<Int128>(
          width, [scale = from.scale](Int128 value, std::string* out) { data::AppendDecimal(value, scale, out); });
    default:
      return NoKernel(binding);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeTextCast(const Binding& binding) {
  const bool from_text = binding.arg(0).storage() == Storage::kText;
  const bool to_text = binding.call.type.storage() == Storage::kText;
  if (from_text && to_text) return TextToText(Width(binding.call.type));
  LEAT_ASSIGN_OR_RETURN(const data::TimeZone zone, ZoneOf(binding));
  if (to_text) return binding.call.type.kind == TypeKind::kBytes ? NoKernel(binding) : ToText(binding, zone);
  return binding.arg(0).kind == TypeKind::kBytes ? NoKernel(binding) : FromText(binding, zone);
}

}  // namespace leat::exec
