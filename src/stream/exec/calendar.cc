#include "stream/exec/calendar.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace leat::exec {
namespace {

using data::CivilDate;
using data::CivilFromDays;
using data::DaysFromCivil;
using data::kMicrosPerDay;
using data::kMicrosPerSecond;

constexpr std::pair<std::string_view, TimeUnit> kNames[] = {
    {"MILLENNIUM", TimeUnit::kMillennium},
    {"CENTURY", TimeUnit::kCentury},
    {"DECADE", TimeUnit::kDecade},
    {"YEAR", TimeUnit::kYear},
    {"QUARTER", TimeUnit::kQuarter},
    {"MONTH", TimeUnit::kMonth},
    {"WEEK", TimeUnit::kWeek},
    {"DAY", TimeUnit::kDay},
    {"HOUR", TimeUnit::kHour},
    {"MINUTE", TimeUnit::kMinute},
    {"SECOND", TimeUnit::kSecond},
    {"MILLISECOND", TimeUnit::kMillisecond},
    {"MICROSECOND", TimeUnit::kMicrosecond},
    {"DOY", TimeUnit::kDayOfYear},
    {"DOW", TimeUnit::kDayOfWeek},
    {"ISODOW", TimeUnit::kIsoDayOfWeek},
    {"ISOYEAR", TimeUnit::kIsoYear},
    {"EPOCH", TimeUnit::kEpoch},
};

struct Point {
  int64_t days;
  int64_t of_day;  // microseconds
};
Point Split(int64_t micros) {
  const int64_t days = FloorDiv(micros, kMicrosPerDay);
  return {days, micros - days * kMicrosPerDay};
}
int64_t Join(int64_t days, int64_t of_day) { return SaturatingAdd(SaturatingMultiply(days, kMicrosPerDay), of_day); }

// 1 is Monday, 7 is Sunday. 1970-01-01 was a Thursday.
int64_t IsoDayOfWeek(int64_t days) { return FloorMod(days + 3, 7) + 1; }

struct IsoWeek {
  int64_t year;
  int64_t week;
};
IsoWeek IsoWeekOf(int64_t days) {
  const int64_t thursday = days - IsoDayOfWeek(days) + 4;  // the week belongs to the year of its Thursday
  const int64_t year = CivilFromDays(thursday).year;
  return {year, (thursday - DaysFromCivil({year, 1, 1})) / 7 + 1};
}

// Microseconds of a unit of fixed length; 0 for calendar units.
int64_t FixedMicros(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kWeek:
      return 7 * kMicrosPerDay;
    case TimeUnit::kDay:
      return kMicrosPerDay;
    case TimeUnit::kHour:
      return 3600 * kMicrosPerSecond;
    case TimeUnit::kMinute:
      return 60 * kMicrosPerSecond;
    case TimeUnit::kSecond:
      return kMicrosPerSecond;
    case TimeUnit::kMillisecond:
      return 1000;
    case TimeUnit::kMicrosecond:
      return 1;
    default:
      return 0;
  }
}

// Months of a calendar unit; 0 for others.
int64_t UnitMonths(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillennium:
      return 12'000;
    case TimeUnit::kCentury:
      return 1'200;
    case TimeUnit::kDecade:
      return 120;
    case TimeUnit::kYear:
      return 12;
    case TimeUnit::kQuarter:
      return 3;
    case TimeUnit::kMonth:
      return 1;
    default:
      return 0;
  }
}

int64_t MonthIndex(const CivilDate& date) { return date.year * 12 + date.month - 1; }

// The first day of a month counted from year 0.
int64_t DaysOfMonthIndex(int64_t index) {
  return DaysFromCivil({FloorDiv(index, 12), static_cast<int>(FloorMod(index, 12)) + 1, 1});
}

// Centuries and millennia count from year 1: 2001 begins one.
int64_t FloorMonths(TimeUnit unit, int64_t month_index) {
  const int64_t length = UnitMonths(unit);
  const int64_t origin = unit == TimeUnit::kCentury || unit == TimeUnit::kMillennium ? 12 : 0;
  return month_index - FloorMod(month_index - origin, length);
}

int64_t ExtractDate(TimeUnit unit, int64_t days) {
  const CivilDate date = CivilFromDays(days);
  switch (unit) {
    case TimeUnit::kMillennium:
      return FloorDiv(date.year + 999, 1000);
    case TimeUnit::kCentury:
      return FloorDiv(date.year + 99, 100);
    case TimeUnit::kDecade:
      return FloorDiv(date.year, 10);
    case TimeUnit::kYear:
      return date.year;
    case TimeUnit::kQuarter:
      return (date.month + 2) / 3;
    case TimeUnit::kMonth:
      return date.month;
    case TimeUnit::kWeek:
      return IsoWeekOf(days).week;
    case TimeUnit::kIsoYear:
      return IsoWeekOf(days).year;
    case TimeUnit::kDay:
      return date.day;
    case TimeUnit::kDayOfYear:
      return days - DaysFromCivil({date.year, 1, 1}) + 1;
    case TimeUnit::kDayOfWeek:
      return IsoDayOfWeek(days) % 7 + 1;
    default:
      return IsoDayOfWeek(days);
  }
}

}  // namespace

std::optional<TimeUnit> ParseTimeUnit(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  std::string_view key = upper;
  constexpr std::string_view kPrefix = "SQL_TSI_";
  if (key.starts_with(kPrefix)) key.remove_prefix(kPrefix.size());
  for (const auto& [known, unit] : kNames) {
    if (key == known) return unit;
  }
  return std::nullopt;
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t SaturatingMultiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) != (b < 0) ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t Extract(TimeUnit unit, int64_t micros) {
  const Point point = Split(micros);
  switch (unit) {
    case TimeUnit::kHour:
      return point.of_day / (3600 * kMicrosPerSecond);
    case TimeUnit::kMinute:
      return point.of_day / (60 * kMicrosPerSecond) % 60;
    case TimeUnit::kSecond:
      return point.of_day / kMicrosPerSecond % 60;
    case TimeUnit::kMillisecond:
      return point.of_day / 1000 % 1000;
    case TimeUnit::kMicrosecond:
      return point.of_day % kMicrosPerSecond;
    case TimeUnit::kEpoch:
      return FloorDiv(micros, kMicrosPerSecond);
    default:
      return ExtractDate(unit, point.days);
  }
}

int64_t FloorTo(TimeUnit unit, int64_t micros) {
  const Point point = Split(micros);
  if (unit == TimeUnit::kWeek) return Join(point.days - FloorMod(point.days + 4, 7), 0);  // weeks begin on Sunday
  if (const int64_t fixed = FixedMicros(unit); fixed > 0) return micros - FloorMod(micros, fixed);
  if (UnitMonths(unit) == 0) return micros;
  return Join(DaysOfMonthIndex(FloorMonths(unit, MonthIndex(CivilFromDays(point.days)))), 0);
}

int64_t CeilTo(TimeUnit unit, int64_t micros) {
  const int64_t floor = FloorTo(unit, micros);
  // From weeks on only the day counts, as on Flink: noon of a month's first day stays in that month.
  const int64_t looked_at =
      FixedMicros(unit) == 0 || unit == TimeUnit::kWeek ? FloorTo(TimeUnit::kDay, micros) : micros;
  if (floor == looked_at) return floor;
  return AddUnits(unit, floor, 1).value_or(micros);
}

int64_t AddMonths(int64_t micros, int64_t months) {
  constexpr int64_t kMostMonths = 12 * 400'000;  // beyond every storable time
  const Point point = Split(micros);
  const CivilDate date = CivilFromDays(point.days);
  const int64_t index = MonthIndex(date) + std::clamp(months, -2 * kMostMonths, 2 * kMostMonths);
  const int64_t year = FloorDiv(index, 12);
  const int month = static_cast<int>(FloorMod(index, 12)) + 1;
  const int day = std::min(date.day, data::DaysInMonth(year, month));
  return Join(DaysFromCivil({year, month, day}), point.of_day);
}

std::optional<int64_t> AddUnits(TimeUnit unit, int64_t micros, int64_t count) {
  if (const int64_t fixed = FixedMicros(unit); fixed > 0) {
    return SaturatingAdd(micros, SaturatingMultiply(fixed, count));
  }
  const int64_t months = UnitMonths(unit);
  if (months == 0) return std::nullopt;
  return AddMonths(micros, SaturatingMultiply(months, count));
}

std::optional<int64_t> UnitsBetween(TimeUnit unit, int64_t from, int64_t to) {
  if (const int64_t fixed = FixedMicros(unit); fixed > 0) {
    int64_t difference = 0;
    if (__builtin_sub_overflow(to, from, &difference))
      difference = SaturatingAdd(to, from == INT64_MIN ? INT64_MAX : -from);
    return difference / fixed;
  }
  const int64_t months = UnitMonths(unit);
  if (months == 0) return std::nullopt;
  int64_t between = MonthIndex(CivilFromDays(Split(to).days)) - MonthIndex(CivilFromDays(Split(from).days));
  // Only whole months count.
  if (between > 0 && AddMonths(from, between) > to) --between;
  if (between < 0 && AddMonths(from, between) < to) ++between;
  return between / months;
}

}  // namespace leat::exec
