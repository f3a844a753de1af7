// Times and durations as people write them on a command line, and back. Pure.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace leat::tool {

// Milliseconds since 1970 UTC: a whole number, or ISO 8601 with a T or a blank: 2024-01-31, 2024-01-31T12:30,
// 2024-01-31T12:30:00.5, with Z or +02:00 at the end; without a zone it is UTC. kInvalidArgument otherwise.
absl::StatusOr<int64_t> ParseTimeText(std::string_view text);
// "60s", "1.5h", "250ms", or a plain number of seconds; not negative. kInvalidArgument otherwise.
absl::StatusOr<absl::Duration> ParseDurationText(std::string_view text);

// 2024-01-31T12:30:00.500Z
std::string TimeText(int64_t time_ms);
// Two units at most, for people: "3d 4h", "2m 5s", "1.5s", "20ms".
std::string DurationText(absl::Duration duration);
// "1.5 MiB", "312 B"
std::string BytesText(uint64_t bytes);

}  // namespace leat::tool
