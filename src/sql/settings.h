// The keys of SET.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/plan/plan.h"

namespace leat::sql {

// The keys that a job reads or that change nothing in Leat.
std::span<const std::string_view> KnownSettings();
// What to tell about a key that nothing reads; empty for a known one.
std::string SettingWarning(std::string_view key);
// kUnimplemented for values of known keys that would change results and that Leat cannot honour.
absl::Status CheckSetting(std::string_view key, std::string_view value);

// table.local-time-zone; empty: UTC.
std::string LocalTimeZone(const std::map<std::string, std::string>& settings);
// table.exec.emit.*. kInvalidArgument: values that do not go together.
absl::StatusOr<plan::EmitSpec> EmitSettings(const std::map<std::string, std::string>& settings);
// table.exec.state.ttl; 0: state is kept for ever.
int64_t StateTtlMillis(const std::map<std::string, std::string>& settings);
// "1 d", "30 min", "100": Flink's durations in milliseconds. nullopt: it is none.
std::optional<int64_t> ParseDuration(std::string_view text);

}  // namespace leat::sql
