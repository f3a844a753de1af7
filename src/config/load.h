// Configuration text -> BrokerOptions, checked whole before anything starts. Every mistake is reported, not only the
// first; each is one line, "config: broker.yaml:14: listeners.kafka: expected ..., got '...'".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/options.h"
#include "env/disk.h"

namespace leat::config {

struct ConfigFile {
  std::string name;  // for error messages
  std::string text;  // YAML; maps inside maps spell dotted keys
};

inline constexpr uint64_t kMaxConfigFileBytes = 1 << 20;

// The defaults, changed by the file, changed by the overrides ("limits.topics=5", from --set). kInvalidArgument: a key
// that is unknown (with the nearest known one), given twice, mistyped or out of its range, two values that cannot both
// hold, or text that is not YAML.
absl::StatusOr<BrokerOptions> ParseBrokerOptions(const ConfigFile& file, const std::vector<std::string>& overrides);

// The same with the file at `path` read first; an empty path means no file. Also reads cluster.secret_file, if there is
// one: kInvalidArgument says why it cannot be used.
absl::StatusOr<BrokerOptions> LoadBrokerOptions(env::Disk& disk, const std::string& path,
                                                const std::vector<std::string>& overrides);

}  // namespace leat::config
