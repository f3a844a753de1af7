// The keys of SET.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::sql {

// The keys that a job reads or that change nothing in Leat.
std::span<const std::string_view> KnownSettings();
// What to tell about a key that nothing reads; empty for a known one.
std::string SettingWarning(std::string_view key);
// kUnimplemented for values of known keys that would change results and that Leat cannot honour.
absl::Status CheckSetting(std::string_view key, std::string_view value);

}  // namespace leat::sql
