#include "meta/topic_config.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace leat::meta {
namespace {

constexpr double kMaxInt = 2147483647.0;
constexpr double kMaxLong = 9223372036854775807.0;
using enum ConfigType;

constexpr ConfigDefinition kTable[] = {
    {"cleanup.policy", kChoices, "delete", 0, 0, "delete|compact",
     "What happens to old records: delete removes segments by retention, compact keeps the last record of each key; "
     "both may be named."},
    {"compression.gzip.level", kLong, "-1", -1, 9, "",
     "Level of gzip where the broker compresses; no effect: the codec's default is taken."},
    {"compression.lz4.level", kLong, "9", 1, 17, "",
     "Level of lz4 where the broker compresses; no effect: the codec's default is taken."},
    {"compression.type", kChoice, "producer", 0, 0, "producer|uncompressed|gzip|snappy|lz4|zstd",
     "producer keeps batches as they were sent; with another value the broker compresses those that differ anew."},
    {"compression.zstd.level", kLong, "3", -131072, 22, "",
     "Level of zstd where the broker compresses; no effect: the codec's default is taken."},
    {"delete.retention.ms", kLong, "86400000", 0, kMaxLong, "",
     "How long compaction keeps tombstones and transaction markers once it has met them, ms."},
    {"file.delete.delay.ms", kLong, "60000", 0, kMaxLong, "",
     "Wait before a removed segment's file is deleted, ms; no effect: it goes at once, open readers keep it."},
    {"flush.messages", kLong, "9223372036854775807", 1, kMaxLong, "",
     "Records between forced syncs: 1 makes the topic as durable as leat.durability=fsync; other values have no "
     "effect."},
    {"flush.ms", kLong, "9223372036854775807", 0, kMaxLong, "",
     "Time between forced syncs, ms; no effect: leat.durability decides."},
    {"follower.replication.throttled.replicas", kChoices, "", 0, 0, "",
     "No effect: of every topic the replicas that are not in sync are throttled."},
    {"index.interval.bytes", kLong, "4096", 0, kMaxInt, "", "Log bytes between two index entries."},
    {"leader.replication.throttled.replicas", kChoices, "", 0, 0, "",
     "No effect: of every topic the replicas that are not in sync are throttled."},
    {"leat.durability", kChoice, "fsync", 0, 0, "fsync|page-cache",
     "When a record counts as written: fsync, on disk; page-cache, in the operating system's memory."},
    {"leat.view", kBoolean, "false", 0, 0, "",
     "Whether the brokers keep a table of the last value of each key, a view; cleanup.policy has to be compact."},
    {"local.retention.bytes", kLong, "-2", -2, kMaxLong, "",
     "Bytes that stay local with tiered storage; no effect: there is none."},
    {"local.retention.ms", kLong, "-2", -2, kMaxLong, "",
     "Age up to which records stay local with tiered storage, ms; no effect: there is none."},
    {"max.compaction.lag.ms", kLong, "9223372036854775807", 1, kMaxLong, "",
     "Longest time a record stays uncompacted, ms."},
    {"max.message.bytes", kLong, "1048588", 0, kMaxInt, "", "Largest record batch, bytes."},
    {"message.timestamp.after.max.ms", kLong, "3600000", 0, kMaxLong, "",
     "How far behind the broker's clock's present a producer's timestamp may lie, that is in the future, ms."},
    {"message.timestamp.before.max.ms", kLong, "9223372036854775807", 0, kMaxLong, "",
     "How far in the past a producer's timestamp may lie, by the broker's clock, ms."},
    {"message.timestamp.type", kChoice, "CreateTime", 0, 0, "CreateTime|LogAppendTime",
     "Whose clock stamps the records: the producer's or the broker's."},
    {"min.cleanable.dirty.ratio", kDouble, "0.5", 0, 1, "", "Share of a log not yet compacted before it is compacted."},
    {"min.compaction.lag.ms", kLong, "0", 0, kMaxLong, "", "Shortest time a record stays uncompacted, ms."},
    {"min.insync.replicas", kLong, "1", 1, kMaxInt, "",
     "Copies that must hold a record that a producer sends with acks=all; one node keeps one copy, so that with a "
     "larger value such records are refused."},
    {"preallocate", kBoolean, "false", 0, 0, "",
     "Whether a segment's file is allocated when it is made; no effect: it grows."},
    {"remote.log.copy.disable", kBoolean, "false", 0, 0, "",
     "Whether tiered storage takes nothing more; no effect: there is none."},
    {"remote.log.delete.on.disable", kBoolean, "false", 0, 0, "",
     "Whether what tiered storage holds goes when it is turned off; no effect: there is none."},
    {"remote.storage.enable", kBoolean, "false", 0, 0, "false",
     "Tiered storage; there is none, so that it stays false."},
    {"retention.bytes", kLong, "-1", -1, kMaxLong, "",
     "Size of a partition above which old segments go, bytes; -1 is unlimited."},
    {"retention.ms", kLong, "604800000", -1, kMaxLong, "", "Age above which old segments go, ms; -1 is unlimited."},
    {"segment.bytes", kLong, "1073741824", 1024, kMaxInt, "", "Size at which a new segment begins, bytes."},
    {"segment.index.bytes", kLong, "10485760", 4, kMaxInt, "",
     "Largest index of a segment, bytes; no effect: an index grows with its segment."},
    {"segment.jitter.ms", kLong, "0", 0, kMaxLong, "", "Random part of segment.ms, ms; no effect."},
    {"segment.ms", kLong, "604800000", 1, kMaxLong, "", "Age at which a new segment begins, ms."},
    {"unclean.leader.election.enable", kBoolean, "false", 0, 0, "",
     "Whether a copy that lags may lead; no effect: one node has one copy."},
};

absl::Status CheckNumber(const ConfigDefinition& definition, std::string_view value) {
  double number = 0;
  int64_t whole = 0;
  const bool parsed =
      definition.type == kLong ? absl::SimpleAtoi(ToAbsl(value), &whole) : absl::SimpleAtod(ToAbsl(value), &number);
  if (definition.type == kLong) number = static_cast<double>(whole);
  if (parsed && number >= definition.low && number <= definition.high) return absl::OkStatus();
  const std::string_view kind = definition.type == kLong ? "a whole number" : "a number";
  if (definition.high >= kMaxLong) {
    return InvalidArgument("config ", definition.name, ": expected ", kind, " of at least ", definition.low, ", got '",
                           value, "'");
  }
  const auto text = [](double bound) { return StrCat(static_cast<int64_t>(bound)); };
  return InvalidArgument("config ", definition.name, ": expected ", kind, " in ", text(definition.low), "..",
                         text(definition.high), ", got '", value, "'");
}

absl::Status CheckChoice(const ConfigDefinition& definition, std::string_view value) {
  if (definition.choices.empty()) return absl::OkStatus();
  const std::vector<std::string> known = absl::StrSplit(ToAbsl(definition.choices), '|');
  if (std::find(known.begin(), known.end(), value) != known.end()) return absl::OkStatus();
  return InvalidArgument("config ", definition.name, ": expected one of ", definition.choices, ", got '", value, "'");
}

absl::Status CheckValue(const ConfigDefinition& definition, std::string_view value) {
  switch (definition.type) {
    case kLong:
    case kDouble:
      return CheckNumber(definition, value);
    case kBoolean:
      if (!definition.choices.empty()) return CheckChoice(definition, value);
      if (value == "true" || value == "false") return absl::OkStatus();
      return InvalidArgument("config ", definition.name, ": expected true or false, got '", value, "'");
    case kChoice:
      return CheckChoice(definition, value);
    case kChoices:
      for (const absl::string_view part : absl::StrSplit(ToAbsl(value), ',')) {
        LEAT_RETURN_IF_ERROR(CheckChoice(definition, ToStd(absl::StripAsciiWhitespace(part))));
      }
      return absl::OkStatus();
  }
  return Internal("config ", definition.name, ": unknown type");
}

// What retention removes would stay in a table, until the table is made anew.
absl::Status CheckView(const Configs& configs) {
  const auto view = configs.find("leat.view");
  if (view == configs.end() || view->second != "true") return absl::OkStatus();
  const auto policy = configs.find("cleanup.policy");
  if (policy != configs.end() && policy->second == "compact") return absl::OkStatus();
  return InvalidArgument("config leat.view: a view is of a topic that keeps the last record of each key: expected ",
                         "cleanup.policy=compact among the topic's own configs, got ",
                         policy == configs.end() ? "none" : StrCat("'", policy->second, "'"));
}

double Fraction(std::string_view name, const Configs& configs, const Configs& defaults) {
  const ConfigDefinition* definition = FindTopicConfig(name);
  LEAT_CHECK(definition != nullptr) << name;
  double value = 0;
  LEAT_CHECK(absl::SimpleAtod(ToAbsl(ConfigInForce(*definition, configs, defaults)), &value)) << name;
  return value;
}

int64_t Number(std::string_view name, const Configs& configs, const Configs& defaults) {
  const ConfigDefinition* definition = FindTopicConfig(name);
  LEAT_CHECK(definition != nullptr) << name;
  int64_t value = 0;
  LEAT_CHECK(absl::SimpleAtoi(ToAbsl(ConfigInForce(*definition, configs, defaults)), &value)) << name;
  return value;
}

std::string_view Text(std::string_view name, const Configs& configs, const Configs& defaults) {
  const ConfigDefinition* definition = FindTopicConfig(name);
  LEAT_CHECK(definition != nullptr) << name;
  return ConfigInForce(*definition, configs, defaults);
}

}  // namespace

std::span<const ConfigDefinition> TopicConfigTable() { return kTable; }

const ConfigDefinition* FindTopicConfig(std::string_view name) {
  for (const ConfigDefinition& definition : kTable) {
    if (definition.name == name) return &definition;
  }
  return nullptr;
}

absl::Status CheckTopicConfig(std::string_view name, std::string_view value) {
  if (const ConfigDefinition* definition = FindTopicConfig(name)) return CheckValue(*definition, value);
  std::vector<std::string_view> names;
  for (const ConfigDefinition& definition : kTable) names.push_back(definition.name);
  const std::string_view nearest = Nearest(name, names);
  if (nearest.empty()) return InvalidArgument("config ", name, ": no topic config has this name");
  return InvalidArgument("config ", name, ": no topic config has this name; did you mean ", nearest, "?");
}

absl::Status CheckTopicConfigs(const Configs& configs) {
  for (const auto& [name, value] : configs) LEAT_RETURN_IF_ERROR(CheckTopicConfig(name, value));
  return CheckView(configs);
}

std::string_view ConfigInForce(const ConfigDefinition& definition, const Configs& configs, const Configs& defaults) {
  const std::string name(definition.name);
  if (const auto it = configs.find(name); it != configs.end()) return it->second;
  if (const auto it = defaults.find(name); it != defaults.end()) return it->second;
  return definition.default_value;
}

TopicConfig ResolveTopicConfig(const Configs& configs, const Configs& defaults) {
  TopicConfig config;
  config.retention_ms = Number("retention.ms", configs, defaults);
  config.retention_bytes = Number("retention.bytes", configs, defaults);
  config.segment_bytes = Number("segment.bytes", configs, defaults);
  config.segment_ms = Number("segment.ms", configs, defaults);
  config.index_interval_bytes = Number("index.interval.bytes", configs, defaults);
  config.max_message_bytes = Number("max.message.bytes", configs, defaults);
  config.log_append_time = Text("message.timestamp.type", configs, defaults) == "LogAppendTime";
  config.delete_old = Text("cleanup.policy", configs, defaults).find("delete") != std::string_view::npos;
  config.compact = Text("cleanup.policy", configs, defaults).find("compact") != std::string_view::npos;
  config.min_dirty_ratio = Fraction("min.cleanable.dirty.ratio", configs, defaults);
  config.min_compaction_lag_ms = Number("min.compaction.lag.ms", configs, defaults);
  config.max_compaction_lag_ms = Number("max.compaction.lag.ms", configs, defaults);
  config.delete_retention_ms = Number("delete.retention.ms", configs, defaults);
  config.timestamp_before_max_ms = Number("message.timestamp.before.max.ms", configs, defaults);
  config.timestamp_after_max_ms = Number("message.timestamp.after.max.ms", configs, defaults);
  config.compression = Text("compression.type", configs, defaults);
  config.min_insync_replicas = static_cast<int32_t>(Number("min.insync.replicas", configs, defaults));
  config.durability =
      Text("leat.durability", configs, defaults) == "fsync" ? Durability::kFsync : Durability::kPageCache;
  if (Number("flush.messages", configs, defaults) == 1) config.durability = Durability::kFsync;
  return config;
}

}  // namespace leat::meta
