#include "broker/log_config.h"

#include <limits>

namespace leat::broker {
namespace {

std::string MillisText(Duration duration) {
  return duration == absl::InfiniteDuration() ? "-1" : StrCat(absl::ToInt64Milliseconds(duration));
}

// Kafka's largest number stands for "never".
Duration LimitOf(int64_t millis) {
  return millis == std::numeric_limits<int64_t>::max() ? absl::InfiniteDuration() : absl::Milliseconds(millis);
}

std::string PolicyText(const log::LogOptions& options) {
  if (options.compact) return options.delete_old ? "compact,delete" : "compact";
  return "delete";
}

Duration AgeOf(int64_t millis) { return millis < 0 ? absl::InfiniteDuration() : absl::Milliseconds(millis); }

}  // namespace

meta::Configs DefaultConfigs(const log::LogOptions& defaults) {
  return {
      {"leat.durability", defaults.durability == log::Durability::kFsync ? "fsync" : "page-cache"},
      {"segment.bytes", StrCat(defaults.segment_bytes)},
      {"segment.ms", MillisText(defaults.segment_age)},
      {"retention.bytes", StrCat(defaults.retention_bytes)},
      {"retention.ms", MillisText(defaults.retention_age)},
      {"index.interval.bytes", StrCat(defaults.index_interval_bytes)},
      {"max.message.bytes", StrCat(defaults.max_batch_bytes)},
      {"message.timestamp.type",
       defaults.timestamp_type == log::TimestampType::kCreateTime ? "CreateTime" : "LogAppendTime"},
      {"cleanup.policy", PolicyText(defaults)},
      {"min.insync.replicas", StrCat(defaults.min_insync_replicas)},
  };
}

std::vector<ConfigEntry> TopicConfigEntries(const meta::Configs& configs, const log::LogOptions& log_defaults) {
  const meta::Configs defaults = DefaultConfigs(log_defaults);
  std::vector<ConfigEntry> entries;
  for (const meta::ConfigDefinition& definition : meta::TopicConfigTable()) {
    ConfigEntry entry;
    entry.name = std::string(definition.name);
    entry.value = std::string(meta::ConfigInForce(definition, configs, defaults));
    if (configs.contains(entry.name)) {
      entry.source = ConfigEntry::Source::kTopic;
    } else if (entry.value != definition.default_value) {
      entry.source = ConfigEntry::Source::kBroker;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

log::LogOptions TopicLogOptions(const meta::Configs& configs, const log::LogOptions& defaults) {
  const meta::TopicConfig config = meta::ResolveTopicConfig(configs, DefaultConfigs(defaults));
  log::LogOptions options = defaults;
  options.durability =
      config.durability == meta::Durability::kFsync ? log::Durability::kFsync : log::Durability::kPageCache;
  options.segment_bytes = config.segment_bytes;
  options.segment_age = AgeOf(config.segment_ms);
  options.retention_bytes = config.retention_bytes;
  options.retention_age = AgeOf(config.retention_ms);
  options.index_interval_bytes = config.index_interval_bytes;
  options.max_batch_bytes = config.max_message_bytes;
  options.timestamp_type =
      config.log_append_time ? log::TimestampType::kLogAppendTime : log::TimestampType::kCreateTime;
  options.delete_old = config.delete_old;
  options.compact = config.compact;
  options.min_dirty_ratio = config.min_dirty_ratio;
  options.min_compaction_lag = absl::Milliseconds(config.min_compaction_lag_ms);
  options.max_compaction_lag = LimitOf(config.max_compaction_lag_ms);
  options.delete_retention = LimitOf(config.delete_retention_ms);
  options.timestamp_before_max = LimitOf(config.timestamp_before_max_ms);
  options.timestamp_after_max = LimitOf(config.timestamp_after_max_ms);
  options.compression.reset();
  if (config.compression == "uncompressed") {
    options.compression = model::Compression::kNone;
  } else if (config.compression != "producer") {
    options.compression = model::ParseCompression(config.compression).value();
  }
  options.min_insync_replicas = config.min_insync_replicas;
  return options;
}

log::LogOptions InternalLogOptions() {
  log::LogOptions options;
  options.durability = log::Durability::kFsync;
  options.segment_bytes = int64_t{16} << 20;
  options.segment_age = absl::InfiniteDuration();
  options.retention_bytes = -1;
  options.retention_age = absl::InfiniteDuration();
  options.max_batch_bytes = int64_t{8} << 20;  // a job's SQL, or the offsets of a thousand partitions
  options.delete_old = false;
  return options;
}

log::LogOptions CoordinatedLogOptions(const log::LogOptions& defaults) {
  log::LogOptions options = InternalLogOptions();
  options.durability = defaults.durability;
  options.compact = true;
  options.producer_expiration = defaults.producer_expiration;
  options.max_producers = defaults.max_producers;
  options.min_insync_replicas = defaults.min_insync_replicas;
  return options;
}

}  // namespace leat::broker
