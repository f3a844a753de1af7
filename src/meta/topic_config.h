// The configs of a topic: one table with Kafka's names, types, ranges and defaults, and what they mean as a struct.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "meta/records.h"

namespace leat::meta {

enum class ConfigType { kLong, kDouble, kBoolean, kChoice, kChoices };  // kChoices: a comma list

struct ConfigDefinition {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  double low = 0, high = 0;    // kLong, kDouble: the range, both ends included
  std::string_view choices{};  // a|b|c; kChoices, kBoolean: empty is any
  std::string_view help{};     // one sentence with the unit
};

// By name. The defaults are Kafka's, except max.message.bytes' relatives that a broker option may override.
std::span<const ConfigDefinition> TopicConfigTable();
const ConfigDefinition* FindTopicConfig(std::string_view name);

// Checks one key and value. kInvalidArgument names the config, what was expected, and the nearest key for an unknown
// one.
absl::Status CheckTopicConfig(std::string_view name, std::string_view value);
absl::Status CheckTopicConfigs(const Configs& configs);

enum class Durability { kFsync, kPageCache };

// The configs that the broker acts on. Times in ms; -1 is unlimited where Kafka says so.
struct TopicConfig {
  int64_t retention_ms = 0;
  int64_t retention_bytes = 0;
  int64_t segment_bytes = 0;
  int64_t segment_ms = 0;
  int64_t index_interval_bytes = 0;
  int64_t max_message_bytes = 0;
  bool log_append_time = false;
  bool delete_old = true;  // cleanup.policy contains delete
  bool compact = false;    // cleanup.policy contains compact
  double min_dirty_ratio = 0;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = 0;
  int64_t delete_retention_ms = 0;
  int64_t timestamp_before_max_ms = 0;
  int64_t timestamp_after_max_ms = 0;
  std::string compression;  // compression.type
  int32_t min_insync_replicas = 1;
  Durability durability = Durability::kFsync;
};
// `configs` over `defaults` over the table. REQUIRES: CheckTopicConfigs of both is OK.
TopicConfig ResolveTopicConfig(const Configs& configs, const Configs& defaults);
// The value in force of one key, by the same rule.
std::string_view ConfigInForce(const ConfigDefinition& definition, const Configs& configs, const Configs& defaults);

}  // namespace leat::meta
