// DATE, TIME and TIMESTAMP as text, and the civil calendar (proleptic Gregorian) under them. Years 0001 to 9999 are
// read; anything is printed. Storage units are those of Storage: days, milliseconds of the day, microseconds.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leat::data {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
inline constexpr int32_t kMillisPerDay = 86'400'000;

struct CivilDate {
  int64_t year = 1970;
  int month = 1;
  int day = 1;
  friend bool operator==(const CivilDate&, const CivilDate&) = default;
};
// Days since 1970-01-01. REQUIRES: 1 <= month <= 12; the day may be past the month's end.
int64_t DaysFromCivil(CivilDate date);
CivilDate CivilFromDays(int64_t days);
int DaysInMonth(int64_t year, int month);

// How strictly text is read.
enum class TimeSyntax : uint8_t {
  kSql,   // yyyy-MM-dd HH:mm:ss[.f{1,9}]        the json format's SQL standard
  kIso,   // yyyy-MM-ddTHH:mm[:ss[.f{1,9}]]      the json format's ISO-8601 standard
  kCast,  // as CAST reads it: yyyy-M-d[ H:m:s[.f]]; DATE also yyyy, yyyy-M and with a time behind it
};

// All return false if the text has another form or names a time that does not exist; *out is then unspecified.
// Fraction digits beyond the unit are cut off.
bool ParseDate(std::string_view text, TimeSyntax syntax, int32_t* days);
bool ParseTime(std::string_view text, TimeSyntax syntax, int32_t* millis_of_day);
bool ParseTimestamp(std::string_view text, TimeSyntax syntax, int64_t* micros);
// An instant: the same with `Z` or (kIso, kCast) an offset +hh:mm behind it; kCast takes UTC without either.
bool ParseTimestampLtz(std::string_view text, TimeSyntax syntax, int64_t* micros);

// Cuts to `precision` fraction digits (towards the past), 0 to 6.
int64_t TruncateMicros(int64_t micros, int precision);

inline constexpr int kFractionAsNeeded = -1;  // no trailing zeros; no point when there is no fraction
struct TimestampStyle {
  char separator = ' ';
  int fraction_digits = kFractionAsNeeded;
  std::string_view suffix = "";  // "Z" for an instant
};
void AppendDate(int64_t days, std::string* out);
void AppendTime(int32_t millis_of_day, int fraction_digits, std::string* out);
void AppendTimestamp(int64_t micros, const TimestampStyle& style, std::string* out);

}  // namespace leat::data
