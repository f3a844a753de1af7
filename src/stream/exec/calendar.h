// Arithmetic on points in time, in microseconds since 1970-01-01T00:00 without a zone. Saturates at the ends of int64
// instead of wrapping. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stream/data/time_text.h"

namespace leat::exec {

enum class TimeUnit : uint8_t {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kDayOfYear,
  kDayOfWeek,  // Sunday is 1
  kIsoDayOfWeek,
  kIsoYear,
  kEpoch,
};
// Any case; also SQL_TSI_<unit>.
std::optional<TimeUnit> ParseTimeUnit(std::string_view name);

inline int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0); }
inline int64_t FloorMod(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
int64_t SaturatingAdd(int64_t a, int64_t b);
int64_t SaturatingMultiply(int64_t a, int64_t b);

int64_t Extract(TimeUnit unit, int64_t micros);
int64_t FloorTo(TimeUnit unit, int64_t micros);
int64_t CeilTo(TimeUnit unit, int64_t micros);
// The day is cut to the length of the month it lands in.
int64_t AddMonths(int64_t micros, int64_t months);
// nullopt for units that no time moves by (DOW, EPOCH).
std::optional<int64_t> AddUnits(TimeUnit unit, int64_t micros, int64_t count);
std::optional<int64_t> UnitsBetween(TimeUnit unit, int64_t from, int64_t to);

}  // namespace leat::exec
