#include "stream/exec/java_time_pattern.h"

#include <array>

#include "base/strings.h"
#include "stream/exec/calendar.h"

namespace leat::exec {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::string_view kLetters = "yuMLdDHhkKmsSnEa";
constexpr size_t kShortName = 3;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void AppendPadded(int64_t value, int width, std::string* out) {
  if (value < 0) {
    out->push_back('-');
    value = -value;
  }
  const std::string digits = StrCat(value);
  if (static_cast<int>(digits.size()) < width) out->append(static_cast<size_t>(width) - digits.size(), '0');
  out->append(digits);
}

// What reading collects; -1 is absent.
struct Fields {
  int64_t year = -1;
  int64_t month = -1;
  int64_t day = -1;
  int64_t day_of_year = -1;
  int64_t hour = -1;
  int64_t half_hour = -1;  // 0 to 11
  int64_t afternoon = -1;  // 0 or 1
  int64_t minute = 0;
  int64_t second = 0;
  int64_t micros = 0;
};

bool Assemble(const Fields& fields, int64_t* micros) {
  const int64_t year = fields.year < 0 ? 1970 : fields.year;
  const int64_t month = fields.month < 0 ? 1 : fields.month;
  const int64_t day = fields.day < 0 ? 1 : fields.day;
  int64_t hour = fields.hour;
  if (hour < 0) hour = fields.half_hour < 0 ? 0 : fields.half_hour + (fields.afternoon == 1 ? 12 : 0);
  if (month < 1 || month > 12 || day < 1 || day > data::DaysInMonth(year, static_cast<int>(month))) return false;
  if (hour > 23 || fields.minute > 59 || fields.second > 59) return false;
  int64_t days = data::DaysFromCivil({year, static_cast<int>(month), static_cast<int>(day)});
  if (fields.day_of_year >= 0) {
    days = data::DaysFromCivil({year, 1, 1}) + fields.day_of_year - 1;
    if (fields.day_of_year < 1 || days >= data::DaysFromCivil({year + 1, 1, 1})) return false;
  }
  const int64_t seconds = (days * 24 + hour) * 3600 + fields.minute * 60 + fields.second;
  *micros = seconds * data::kMicrosPerSecond + fields.micros;
  return true;
}

// Takes between `least` and `most` digits from the front.
bool TakeDigits(std::string_view* text, size_t least, size_t most, int64_t* value) {
  size_t n = 0;
  *value = 0;
  while (n < most && n < text->size() && (*text)[n] >= '0' && (*text)[n] <= '9') {
    *value = *value * 10 + ((*text)[n++] - '0');
  }
  text->remove_prefix(n);
  return n >= least;
}

template <size_t N>
bool TakeName(std::string_view* text, const std::array<std::string_view, N>& names, bool full, int64_t* index) {
  for (size_t i = 0; i < N; ++i) {
    const std::string_view name = full ? names[i] : names[i].substr(0, kShortName);
    if (!text->starts_with(name)) continue;
    text->remove_prefix(name.size());
    *index = static_cast<int64_t>(i);
    return true;
  }
  return false;
}

bool TakeFraction(std::string_view* text, int count, int64_t* micros) {
  const auto digits = static_cast<size_t>(count);
  int64_t value = 0;
  if (digits > 9 || !TakeDigits(text, digits, digits, &value)) return false;
  for (size_t i = digits; i < 6; ++i) value *= 10;
  for (size_t i = 6; i < digits; ++i) value /= 10;
  *micros = value;
  return true;
}

bool TakeYear(std::string_view* text, int count, int64_t* year) {
  if (count == 2) {
    if (!TakeDigits(text, 2, 2, year)) return false;
    *year += 2000;
    return true;
  }
  const auto least = static_cast<size_t>(count);
  return TakeDigits(text, least, least == 1 ? 6 : least, year) && *year <= 294'000;
}

bool TakeHour(char letter, int64_t value, Fields* fields) {
  switch (letter) {
    case 'H':
      fields->hour = value;
      return value <= 23;
    case 'k':
      fields->hour = value % 24;
      return value >= 1 && value <= 24;
    case 'K':
      fields->half_hour = value;
      return value <= 11;
    default:  // h
      fields->half_hour = value % 12;
      return value >= 1 && value <= 12;
  }
}

bool TakeField(char letter, int count, std::string_view* text, Fields* fields) {
  int64_t value = 0;
  const size_t least = count == 1 ? 1 : static_cast<size_t>(count);
  const size_t most = count == 1 ? 9 : static_cast<size_t>(count);
  switch (letter) {
    case 'y':
    case 'u':
      return TakeYear(text, count, &fields->year);
    case 'M':
    case 'L':
      if (count < 3) return TakeDigits(text, least, count == 1 ? 2 : most, &fields->month);
      if (!TakeName(text, kMonths, count > 3, &value)) return false;
      fields->month = value + 1;
      return true;
    case 'E':
      return TakeName(text, kDays, count > 3, &value);
    case 'a': {
      constexpr std::array<std::string_view, 2> kHalves = {"AM", "PM"};
      return TakeName(text, kHalves, true, &fields->afternoon);
    }
    case 'S':
      return TakeFraction(text, count, &fields->micros);
    case 'd':
      return TakeDigits(text, least, count == 1 ? 2 : most, &fields->day);
    case 'D':
      return TakeDigits(text, least, count == 1 ? 3 : most, &fields->day_of_year);
    case 'm':
      return TakeDigits(text, least, count == 1 ? 2 : most, &fields->minute);
    case 's':
      return TakeDigits(text, least, count == 1 ? 2 : most, &fields->second);
    case 'n':
      if (!TakeDigits(text, least, 9, &value)) return false;
      fields->micros = value / 1000;
      return true;
    default:
      return TakeDigits(text, least, count == 1 ? 2 : most, &value) && TakeHour(letter, value, fields);
  }
}

void AppendName(std::string_view name, bool full, std::string* out) {
  out->append(full ? name : name.substr(0, kShortName));
}

void AppendField(char letter, int count, int64_t micros, std::string* out) {
  const int64_t hour = Extract(TimeUnit::kHour, micros);
  switch (letter) {
    case 'y':
    case 'u': {
      const int64_t year = Extract(TimeUnit::kYear, micros);
      return AppendPadded(count == 2 ? FloorMod(year, 100) : year, count, out);
    }
    case 'M':
    case 'L': {
      const int64_t month = Extract(TimeUnit::kMonth, micros);
      if (count < 3) return AppendPadded(month, count, out);
      return AppendName(kMonths[static_cast<size_t>(month - 1)], count > 3, out);
    }
    case 'E':
      return AppendName(kDays[static_cast<size_t>(Extract(TimeUnit::kIsoDayOfWeek, micros) - 1)], count > 3, out);
    case 'a':
      return AppendName(hour < 12 ? "AM" : "PM", true, out);
    case 'd':
      return AppendPadded(Extract(TimeUnit::kDay, micros), count, out);
    case 'D':
      return AppendPadded(Extract(TimeUnit::kDayOfYear, micros), count, out);
    case 'H':
      return AppendPadded(hour, count, out);
    case 'k':
      return AppendPadded(hour == 0 ? 24 : hour, count, out);
    case 'K':
      return AppendPadded(hour % 12, count, out);
    case 'h':
      return AppendPadded(hour % 12 == 0 ? 12 : hour % 12, count, out);
    case 'm':
      return AppendPadded(Extract(TimeUnit::kMinute, micros), count, out);
    case 's':
      return AppendPadded(Extract(TimeUnit::kSecond, micros), count, out);
    case 'n':
      return AppendPadded(Extract(TimeUnit::kMicrosecond, micros) * 1000, count, out);
    default: {  // S
      std::string digits;
      AppendPadded(Extract(TimeUnit::kMicrosecond, micros), 6, &digits);
      digits.append("000");
      out->append(digits, 0, static_cast<size_t>(count));
    }
  }
}

}  // namespace

absl::StatusOr<JavaTimePattern> JavaTimePattern::Parse(std::string_view pattern) {
  JavaTimePattern result;
  const auto literal = [&](std::string_view text) {
    if (result.parts_.empty() || result.parts_.back().letter != 0) result.parts_.emplace_back();
    result.parts_.back().text.append(text);
  };
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'') {
      if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
        literal("'");
        i += 2;
        continue;
      }
      const size_t end = pattern.find('\'', i + 1);
      if (end == std::string_view::npos) {
        return InvalidArgument("time pattern '", pattern, "': the quote at ", i + 1, " is not closed");
      }
      literal(pattern.substr(i + 1, end - i - 1));
      i = end + 1;
    } else if (IsLetter(c)) {
      size_t end = i;
      while (end < pattern.size() && pattern[end] == c) ++end;
      const int count = static_cast<int>(end - i);
      if (kLetters.find(c) == std::string_view::npos || count > 9) {
        return InvalidArgument("time pattern '", pattern, "': '", pattern.substr(i, end - i),
                               "' is not supported; supported letters are ", kLetters, ", and text in quotes");
      }
      result.parts_.push_back({c, count, ""});
      i = end;
    } else {
      literal(pattern.substr(i, 1));
      ++i;
    }
  }
  return result;
}

void JavaTimePattern::Format(int64_t micros, std::string* out) const {
  for (const Part& part : parts_) {
    if (part.letter == 0) {
      out->append(part.text);
    } else {
      AppendField(part.letter, part.count, micros, out);
    }
  }
}

bool JavaTimePattern::Read(std::string_view text, int64_t* micros) const {
  Fields fields;
  for (const Part& part : parts_) {
    if (part.letter == 0) {
      if (!text.starts_with(part.text)) return false;
      text.remove_prefix(part.text.size());
    } else if (!TakeField(part.letter, part.count, &text, &fields)) {
      return false;
    }
  }
  return text.empty() && Assemble(fields, micros);
}

}  // namespace leat::exec
