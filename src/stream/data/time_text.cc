#include "stream/data/time_text.h"

#include <algorithm>
#include <charconv>

namespace leat::data {
namespace {

// Reads pieces of a text from the front; every piece that does not match leaves ok() false for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }
  bool Complete() const { return ok_ && rest_.empty(); }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) { ok_ = Take(c) && ok_; }
  // Between min and max digits, as many as there are.
  int Number(size_t min_digits, size_t max_digits) {
    int value = 0;
    size_t n = 0;
    while (n < max_digits && n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9')
      value = value * 10 + (rest_[n++] - '0');
    rest_.remove_prefix(n);
    ok_ = ok_ && n >= min_digits;
    return value;
  }
  // .f with 1 to 9 digits, in nanoseconds; 0 if there is no point.
  int64_t Fraction() {
    if (!Take('.')) return 0;
    int64_t nanos = 0;
    int n = 0;
    while (n < 9 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      nanos = nanos * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
      ++n;
    }
    ok_ = ok_ && n > 0;
    for (; n < 9; ++n) nanos *= 10;
    return nanos;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

enum class PastTheEnd { kRefuse, kLastOfMonth };

bool MakeDays(CivilDate date, PastTheEnd rule, int64_t* days) {
  if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return false;
  if (const int last = DaysInMonth(date.year, date.month); date.day > last) {
    if (rule == PastTheEnd::kRefuse) return false;
    date.day = last;
  }
  *days = DaysFromCivil(date);
  return true;
}

bool ScanDate(Scanner& scanner, TimeSyntax syntax, PastTheEnd rule, int64_t* days) {
  const size_t min_digits = syntax == TimeSyntax::kCast ? 1 : 2;
  CivilDate date;
  date.year = scanner.Number(4, 4);
  scanner.Expect('-');
  date.month = scanner.Number(min_digits, 2);
  scanner.Expect('-');
  date.day = scanner.Number(min_digits, 2);
  return scanner.ok() && MakeDays(date, rule, days);
}

// The time of day in nanoseconds.
bool ScanTime(Scanner& scanner, TimeSyntax syntax, int64_t* nanos) {
  const size_t min_digits = syntax == TimeSyntax::kCast ? 1 : 2;
  const int hour = scanner.Number(min_digits, 2);
  scanner.Expect(':');
  const int minute = scanner.Number(min_digits, 2);
  int second = 0;
  int64_t fraction = 0;
  if (syntax != TimeSyntax::kIso || (!scanner.done() && scanner.Take(':'))) {
    if (syntax != TimeSyntax::kIso) scanner.Expect(':');
    second = scanner.Number(min_digits, 2);
    fraction = scanner.Fraction();
  }
  if (!scanner.ok() || hour > 23 || minute > 59 || second > 59) return false;
  *nanos = (int64_t{hour} * 3600 + minute * 60 + second) * 1'000'000'000 + fraction;
  return true;
}

bool ScanTimestamp(Scanner& scanner, TimeSyntax syntax, int64_t* micros) {
  int64_t days = 0;
  int64_t nanos = 0;
  // 30 February is its last day, as java.time reads it when it is not told to be strict.
  if (!ScanDate(scanner, syntax, PastTheEnd::kLastOfMonth, &days)) return false;
  if (syntax != TimeSyntax::kCast || !scanner.done()) {
    scanner.Expect(syntax == TimeSyntax::kIso ? 'T' : ' ');
    if (!scanner.ok() || !ScanTime(scanner, syntax, &nanos)) return false;
  }
  *micros = days * kMicrosPerDay + nanos / 1000;
  return true;
}

char* PutTwo(char* to, int value) {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
  return to + 2;
}

char* PutDate(char* to, int64_t days) {
  const CivilDate date = CivilFromDays(days);
  int64_t year = date.year;
  if (year >= 0 && year <= 9999) {
    to = PutTwo(to, static_cast<int>(year / 100));
    to = PutTwo(to, static_cast<int>(year % 100));
  } else {
    if (year < 0) *to++ = '-';
    year = year < 0 ? -year : year;
    for (int64_t limit = 1000; limit > std::max<int64_t>(year, 1); limit /= 10) *to++ = '0';
    to = std::to_chars(to, to + 20, year).ptr;
  }
  *to++ = '-';
  to = PutTwo(to, date.month);
  *to++ = '-';
  return PutTwo(to, date.day);
}

// HH:mm:ss and the fraction.
char* PutTime(char* to, int64_t micros_of_day, int fraction_digits) {
  const int seconds = static_cast<int>(micros_of_day / kMicrosPerSecond);
  const int fraction = static_cast<int>(micros_of_day % kMicrosPerSecond);
  to = PutTwo(to, seconds / 3600);
  *to++ = ':';
  to = PutTwo(to, seconds / 60 % 60);
  *to++ = ':';
  to = PutTwo(to, seconds % 60);
  if (fraction_digits == 0 || (fraction_digits == kFractionAsNeeded && fraction == 0)) return to;
  *to++ = '.';
  PutTwo(PutTwo(PutTwo(to, fraction / 10'000), fraction / 100 % 100), fraction % 100);
  if (fraction_digits != kFractionAsNeeded) {
    for (int i = 6; i < fraction_digits; ++i) to[i] = '0';
    return to + fraction_digits;
  }
  int digits = 6;
  while (to[digits - 1] == '0') --digits;
  return to + digits;
}

}  // namespace

int64_t DaysFromCivil(CivilDate date) {
  // Years that begin in March put the leap day last, so a month's first day is a linear function of its number.
  const int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

CivilDate CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool ParseDate(std::string_view text, TimeSyntax syntax, int32_t* days) {
  int64_t wide = 0;
  if (syntax != TimeSyntax::kCast) {
    Scanner scanner(text);
    if (!ScanDate(scanner, syntax, PastTheEnd::kRefuse, &wide) || !scanner.Complete()) return false;
  } else {
    Scanner scanner(text.substr(0, text.find(' ')));
    CivilDate date;
    date.year = scanner.Number(1, 4);
    if (scanner.Take('-')) {
      date.month = scanner.Number(1, 2);
      if (scanner.Take('-')) date.day = scanner.Number(1, 2);
    }
    if (!scanner.Complete() || !MakeDays(date, PastTheEnd::kRefuse, &wide)) return false;
  }
  *days = static_cast<int32_t>(wide);
  return true;
}

bool ParseTime(std::string_view text, TimeSyntax syntax, int32_t* millis_of_day) {
  if (syntax == TimeSyntax::kCast && text.find(':') == std::string_view::npos) {
    Scanner scanner(text);
    const int hour = scanner.Number(1, 2);
    if (!scanner.Complete() || hour > 23) return false;
    *millis_of_day = hour * 3'600'000;
    return true;
  }
  Scanner scanner(text);
  int64_t nanos = 0;
  if (!ScanTime(scanner, syntax, &nanos) || !scanner.Complete()) return false;
  *millis_of_day = static_cast<int32_t>(nanos / 1'000'000);
  return true;
}

bool ParseTimestamp(std::string_view text, TimeSyntax syntax, int64_t* micros) {
  Scanner scanner(text);
  return ScanTimestamp(scanner, syntax, micros) && scanner.Complete();
}

bool ParseTimestampLtz(std::string_view text, TimeSyntax syntax, int64_t* micros) {
  Scanner scanner(text);
  if (!ScanTimestamp(scanner, syntax, micros)) return false;
  if (scanner.done()) return syntax == TimeSyntax::kCast;
  if (scanner.Take('Z')) return scanner.done();
  if (syntax == TimeSyntax::kSql) return false;
  int64_t sign = 1;
  if (scanner.Take('-')) {
    sign = -1;
  } else {
    scanner.Expect('+');
  }
  const int hours = scanner.Number(2, 2);
  scanner.Expect(':');
  const int minutes = scanner.Number(2, 2);
  if (!scanner.Complete() || hours > 18 || minutes > 59) return false;
  *micros -= sign * (int64_t{hours} * 3600 + minutes * 60) * kMicrosPerSecond;
  return true;
}

int64_t TruncateMicros(int64_t micros, int precision) {
  constexpr int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  const int64_t unit = kUnits[std::clamp(precision, 0, 6)];
  const int64_t rest = micros % unit;
  return micros - (rest < 0 ? rest + unit : rest);
}

void AppendDate(int64_t days, std::string* out) {
  char text[40];
  out->append(text, static_cast<size_t>(PutDate(text, days) - text));
}

void AppendTime(int32_t millis_of_day, int fraction_digits, std::string* out) {
  char text[40];
  const int64_t micros = int64_t{millis_of_day} * 1000;
  out->append(text, static_cast<size_t>(PutTime(text, micros, std::min(fraction_digits, 9)) - text));
}

void AppendTimestamp(int64_t micros, const TimestampStyle& style, std::string* out) {
  char text[64];
  int64_t days = micros / kMicrosPerDay;
  int64_t of_day = micros % kMicrosPerDay;
  if (of_day < 0) {
    of_day += kMicrosPerDay;
    --days;
  }
  char* end = PutDate(text, days);
  *end++ = style.separator;
  end = PutTime(end, of_day, std::min(style.fraction_digits, 9));
  out->append(text, static_cast<size_t>(end - text));
  out->append(style.suffix);
}

}  // namespace leat::data
