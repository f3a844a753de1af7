#include "stream/run/table_options.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>

#include "stream/plan/changelog.h"

namespace leat::run {
namespace {

std::string Option(const plan::Table& table, const std::string& key, std::string_view fallback = "") {
  const auto it = table.options.find(key);
  return it == table.options.end() ? std::string(fallback) : it->second;
}

absl::Status Bad(const plan::Table& table, std::string_view key, std::string_view expected, std::string_view got) {
  return InvalidArgument("table ", table.name, ": option '", key, "': expected ", expected, ", got '", got, "'");
}

// The options below "<prefix>." with the prefix removed.
format::FormatOptions Below(const plan::Table& table, const std::string& prefix) {
  format::FormatOptions below;
  for (const auto& [key, value] : table.options) {
    if (key.starts_with(prefix + ".")) below[key.substr(prefix.size() + 1)] = value;
  }
  return below;
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    parts.emplace_back(absl::StripAsciiWhitespace(part));
  }
  return parts;
}

absl::StatusOr<int64_t> IntOption(const plan::Table& table, const std::string& key) {
  const std::string text = Option(table, key);
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return Bad(table, key, "a whole number", text);
  return value;
}

// partition:0,offset:42;partition:1,offset:300
absl::StatusOr<std::map<int32_t, int64_t>> OffsetsOption(const plan::Table& table, const std::string& key) {
  std::map<int32_t, int64_t> offsets;
  for (const std::string& part : SplitList(Option(table, key))) {
    const std::vector<std::string> sides = absl::StrSplit(part, ',');
    int32_t partition = 0;
    int64_t offset = 0;
    if (sides.size() != 2 || !sides[0].starts_with("partition:") || !sides[1].starts_with("offset:") ||
        !absl::SimpleAtoi(sides[0].substr(10), &partition) || !absl::SimpleAtoi(sides[1].substr(7), &offset)) {
      return Bad(table, key, "partition:0,offset:42;partition:1,offset:300", part);
    }
    offsets[partition] = offset;
  }
  if (offsets.empty()) return Bad(table, key, "at least one partition and offset", "");
  return offsets;
}

absl::Status ParseStartup(const plan::Table& table, KafkaTable* out) {
  const std::string mode = Option(table, "scan.startup.mode", out->upsert ? "earliest-offset" : "group-offsets");
  if (mode == "group-offsets")
    out->startup = Startup::kGroupOffsets;
  else if (mode == "earliest-offset")
    out->startup = Startup::kEarliest;
  else if (mode == "latest-offset")
    out->startup = Startup::kLatest;
  else if (mode == "timestamp") {
    out->startup = Startup::kTimestamp;
    LEAT_ASSIGN_OR_RETURN(out->startup_timestamp_ms, IntOption(table, "scan.startup.timestamp-millis"));
  } else if (mode == "specific-offsets") {
    out->startup = Startup::kSpecificOffsets;
    LEAT_ASSIGN_OR_RETURN(out->startup_offsets, OffsetsOption(table, "scan.startup.specific-offsets"));
  } else {
    return Bad(table, "scan.startup.mode",
               "group-offsets, earliest-offset, latest-offset, timestamp or specific-offsets", mode);
  }
  return absl::OkStatus();
}

absl::Status ParseBounded(const plan::Table& table, KafkaTable* out) {
  const std::string mode = Option(table, "scan.bounded.mode", "unbounded");
  if (mode == "unbounded")
    out->bounded = Bounded::kUnbounded;
  else if (mode == "latest-offset")
    out->bounded = Bounded::kLatest;
  else if (mode == "group-offsets")
    out->bounded = Bounded::kGroupOffsets;
  else if (mode == "timestamp") {
    out->bounded = Bounded::kTimestamp;
    LEAT_ASSIGN_OR_RETURN(out->bounded_timestamp_ms, IntOption(table, "scan.bounded.timestamp-millis"));
  } else if (mode == "specific-offsets") {
    out->bounded = Bounded::kSpecificOffsets;
    LEAT_ASSIGN_OR_RETURN(out->bounded_offsets, OffsetsOption(table, "scan.bounded.specific-offsets"));
  } else {
    return Bad(table, "scan.bounded.mode", "unbounded, latest-offset, group-offsets, timestamp or specific-offsets",
               mode);
  }
  return absl::OkStatus();
}

absl::Status ParseColumns(const plan::Table& table, KafkaTable* out) {
  const std::vector<std::string> key_fields = out->upsert ? table.primary_key : SplitList(Option(table, "key.fields"));
  out->key_prefix = Option(table, "key.fields-prefix");
  for (const std::string& field : key_fields) {
    const auto it = std::find_if(table.columns.begin(), table.columns.end(),
                                 [&](const plan::TableColumn& column) { return column.name == field; });
    if (it == table.columns.end() || it->kind != plan::TableColumn::Kind::kPhysical) {
      return Bad(table, "key.fields", "names of physical columns", field);
    }
    out->key_columns.push_back(static_cast<int>(it - table.columns.begin()));
  }
  if (!out->key_format.empty() && key_fields.empty()) {
    return InvalidArgument("table ", table.name, ": 'key.format' needs 'key.fields': which columns make the key");
  }
  if (out->key_format.empty() && !key_fields.empty()) {
    return InvalidArgument("table ", table.name, ": 'key.fields' needs 'key.format'");
  }
  const std::string include = Option(table, "value.fields-include", "ALL");
  if (include != "ALL" && include != "EXCEPT_KEY") {
    return Bad(table, "value.fields-include", "ALL or EXCEPT_KEY", include);
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const int index = static_cast<int>(i);
    const bool is_key = std::find(out->key_columns.begin(), out->key_columns.end(), index) != out->key_columns.end();
    if (table.columns[i].kind != plan::TableColumn::Kind::kPhysical) continue;
    if (include == "ALL" || !is_key) out->value_columns.push_back(index);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> ParseDurationMillis(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  if (digits == 0 || !absl::SimpleAtoi(ToAbsl(text.substr(0, digits)), &number)) {
    return InvalidArgument("expected a duration like '5 s' or '100 ms', got '", text, "'");
  }
  const std::string_view unit = ToStd(absl::StripAsciiWhitespace(ToAbsl(text.substr(digits))));
  struct Unit {
    int64_t millis;
    std::vector<std::string_view> names;
  };
  static const std::vector<Unit> kUnits = {
      {1, {"", "ms", "milli", "millis", "millisecond", "milliseconds"}},
      {1000, {"s", "sec", "secs", "second", "seconds"}},
      {60'000, {"min", "m", "minute", "minutes"}},
      {3'600'000, {"h", "hour", "hours"}},
      {86'400'000, {"d", "day", "days"}},
  };
  for (const Unit& known : kUnits) {
    if (std::find(known.names.begin(), known.names.end(), unit) == known.names.end()) continue;
    if (number > INT64_MAX / known.millis) break;
    return number * known.millis;
  }
  return InvalidArgument("expected a duration in ms, s, min, h or d, got '", text, "'");
}

bool IsKafkaTable(const plan::Table& table) {
  const std::string connector = Option(table, "connector");
  return connector == "kafka" || connector == "upsert-kafka";
}

absl::StatusOr<KafkaTable> ParseKafkaTable(const plan::Table& table) {
  KafkaTable out;
  out.upsert = plan::ChangesOf(table) == plan::TableChanges::kUpserts;
  out.topics = SplitList(Option(table, "topic"));
  if (out.topics.empty()) return InvalidArgument("table ", table.name, ": option 'topic' is missing");
  for (const std::string& topic : out.topics) {
    if (!model::IsValidTopicName(topic)) {
      return Bad(table, "topic", "1 to 249 letters, digits, dots, dashes and underscores", topic);
    }
  }
  out.group_id = Option(table, "properties.group.id");
  out.value_format = Option(table, "value.format", Option(table, "format"));
  if (out.value_format.empty()) return InvalidArgument("table ", table.name, ": option 'format' is missing");
  out.key_format = Option(table, "key.format");
  out.value_options = Below(table, out.value_format);
  for (const auto& [key, value] : Below(table, "value." + out.value_format)) out.value_options[key] = value;
  if (out.upsert && out.key_format.empty())
    return InvalidArgument("table ", table.name, ": option 'key.format' is missing");
  if (!out.key_format.empty()) out.key_options = Below(table, "key." + out.key_format);
  LEAT_RETURN_IF_ERROR(ParseStartup(table, &out));
  LEAT_RETURN_IF_ERROR(ParseBounded(table, &out));
  LEAT_RETURN_IF_ERROR(ParseColumns(table, &out));
  const std::string isolation = Option(table, "properties.isolation.level", "read_committed");
  if (isolation != "read_committed" && isolation != "read_uncommitted") {
    return Bad(table, "properties.isolation.level", "read_committed or read_uncommitted", isolation);
  }
  out.isolation = isolation == "read_committed" ? model::Isolation::kReadCommitted : model::Isolation::kReadUncommitted;
  const std::string strategy = Option(table, "scan.watermark.emit.strategy", "on-periodic");
  if (strategy != "on-periodic" && strategy != "on-event") {
    return Bad(table, "scan.watermark.emit.strategy", "on-periodic or on-event", strategy);
  }
  out.watermark_on_event = strategy == "on-event";
  if (const std::string idle = Option(table, "scan.watermark.idle-timeout"); !idle.empty()) {
    absl::StatusOr<int64_t> millis = ParseDurationMillis(idle);
    if (!millis.ok()) return Bad(table, "scan.watermark.idle-timeout", "a duration like '5 s'", idle);
    out.idle_timeout_ms = *millis;
  }
  return out;
}

}  // namespace leat::run
