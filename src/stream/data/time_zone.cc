#include "stream/data/time_zone.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "stream/data/time_text.h"

namespace leat::data {
namespace {

constexpr std::string_view kUtcNames[] = {"UTC", "Z", "GMT", "Etc/UTC", "UCT", "Zulu", "Universal", "Greenwich"};
// Beyond these years no rule changes and sums could overflow: the wall shows UTC.
constexpr int64_t kFarthestMicros = 100'000 * int64_t{366} * kMicrosPerDay;
bool IsFar(int64_t micros) { return micros > kFarthestMicros || micros < -kFarthestMicros; }

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::optional<int> TakeNumber(std::string_view text, int most) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.size() > 2 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value >= 0 && value <= most ? std::optional(value) : std::nullopt;
}

// The seconds of "+08:00", "-3:30" or "+8".
std::optional<int> OffsetOf(std::string_view text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const size_t colon = std::min(text.find(':'), text.size());
  const auto hours = TakeNumber(text.substr(0, colon), 18);
  const auto minutes = colon == text.size() ? std::optional(0) : TakeNumber(text.substr(colon + 1), 59);
  if (!hours || !minutes || (colon != text.size() && text.size() - colon != 3)) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

bool IsZoneName(std::string_view name) {
  return !name.empty() && name.find("..") == std::string_view::npos && name.front() >= 'A' && name.front() <= 'Z' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
                  c == '-' || c == '+';
         });
}

}  // namespace

absl::StatusOr<TimeZone> TimeZone::Load(std::string_view name) {
  if (std::ranges::find(kUtcNames, name) != std::end(kUtcNames)) return Utc();
  std::string_view offset = name;
  if (offset.starts_with("GMT") || offset.starts_with("UTC")) offset.remove_prefix(3);
  if (const auto seconds = OffsetOf(offset)) return *seconds == 0 ? Utc() : TimeZone(absl::FixedTimeZone(*seconds));
  absl::TimeZone zone;
  if (IsZoneName(name) && absl::LoadTimeZone(std::string(name), &zone)) return TimeZone(zone);
  return InvalidArgument("there is no time zone '", name,
                         "': expected a name such as 'Europe/Berlin', an offset such as 'GMT+08:00', or 'UTC'");
}

int64_t TimeZone::OffsetSeconds(int64_t epoch_seconds) const {
  return zone_.At(absl::FromUnixSeconds(epoch_seconds)).offset;
}

int64_t TimeZone::ToLocal(int64_t epoch_micros) const {
  if (utc_ || IsFar(epoch_micros)) return epoch_micros;
  return epoch_micros + OffsetSeconds(FloorDivide(epoch_micros, kMicrosPerSecond)) * kMicrosPerSecond;
}

int64_t TimeZone::ToEpoch(int64_t local_micros) const {
  if (utc_ || IsFar(local_micros)) return local_micros;
  const int64_t seconds = FloorDivide(local_micros, kMicrosPerSecond);
  return absl::ToUnixSeconds(InfoOf(seconds).pre) * kMicrosPerSecond + (local_micros - seconds * kMicrosPerSecond);
}

int64_t TimeZone::ToLastEpoch(int64_t local_micros) const {
  if (utc_ || IsFar(local_micros)) return local_micros;
  const int64_t seconds = FloorDivide(local_micros, kMicrosPerSecond);
  const absl::TimeZone::TimeInfo info = InfoOf(seconds);
  const absl::Time at = info.kind == absl::TimeZone::TimeInfo::REPEATED ? info.post : info.pre;
  return absl::ToUnixSeconds(at) * kMicrosPerSecond + (local_micros - seconds * kMicrosPerSecond);
}

int64_t TimeZone::LocalWatermarkMillis(int64_t epoch_ms) const {
  constexpr int64_t kMicrosPerMs = 1000;
  if (utc_ || epoch_ms > kFarthestMicros / kMicrosPerMs || epoch_ms < -kFarthestMicros / kMicrosPerMs) return epoch_ms;
  const int64_t local_ms = FloorDivide(ToLocal(epoch_ms * kMicrosPerMs), kMicrosPerMs);
  const int64_t seconds = FloorDivide(local_ms, 1000);
  const absl::TimeZone::TimeInfo info = InfoOf(seconds);
  if (info.kind != absl::TimeZone::TimeInfo::REPEATED) return local_ms;
  const int64_t transition_ms = absl::ToUnixMillis(info.trans);
  if (epoch_ms >= transition_ms) return local_ms;
  // The first of the two: what comes twice begins where the wall stands behind the transition.
  return FloorDivide(ToLocal(transition_ms * kMicrosPerMs), kMicrosPerMs) - 1;
}

}  // namespace leat::data
