#include "tools/leat/time_text.h"

#include <absl/strings/numbers.h>

#include <cstdio>

#include "base/status.h"

namespace leat::tool {

absl::StatusOr<int64_t> ParseTimeText(std::string_view text) {
  int64_t time_ms = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &time_ms) && text.find('+') == std::string_view::npos) return time_ms;
  std::string normal(text);
  if (normal.size() > 10 && normal[10] == ' ') normal[10] = 'T';
  absl::Time time;
  std::string error;
  for (const char* format :
       {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d%ET%H:%M:%E*S", "%Y-%m-%d%ET%H:%M%Ez", "%Y-%m-%d%ET%H:%M", "%Y-%m-%d"}) {
    // Anything else that absl reads (infinite-future, blanks around) is not a time here.
    const bool is_date = normal.size() >= 10 && normal[0] >= '0' && normal[0] <= '9' && normal.back() != ' ';
    if (is_date && absl::ParseTime(format, normal, absl::UTCTimeZone(), &time, &error)) {
      return absl::ToUnixMillis(time);
    }
  }
  return InvalidArgument("expected a time like 2024-01-31T12:30:00Z or milliseconds since 1970, got '", text, "'");
}

absl::StatusOr<absl::Duration> ParseDurationText(std::string_view text) {
  absl::Duration duration;
  double seconds = 0;
  bool valid = absl::ParseDuration(std::string(text), &duration);
  if (!valid && absl::SimpleAtod(ToAbsl(text), &seconds)) {
    duration = absl::Seconds(seconds);
    valid = true;
  }
  if (!valid || duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    return InvalidArgument("expected a duration like 500ms, 60s or 5m, got '", text, "'");
  }
  return duration;
}

std::string TimeText(int64_t time_ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixMillis(time_ms), absl::UTCTimeZone());
}

std::string DurationText(absl::Duration duration) {
  const int64_t ms = absl::ToInt64Milliseconds(duration);
  const int64_t seconds = ms / 1000;
  if (ms < 1000) return StrCat(ms, "ms");
  if (seconds < 60) return StrCat(seconds, ".", ms % 1000 / 100, "s");
  if (seconds < 3600) return StrCat(seconds / 60, "m ", seconds % 60, "s");
  if (seconds < 86400) return StrCat(seconds / 3600, "h ", seconds % 3600 / 60, "m");
  return StrCat(seconds / 86400, "d ", seconds % 86400 / 3600, "h");
}

std::string BytesText(uint64_t bytes) {
  if (bytes < 1024) return StrCat(bytes, " B");
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(units)) {
    size /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", size, units[unit]);
  return text;
}

}  // namespace leat::tool
