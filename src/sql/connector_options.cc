#include "sql/connector_options.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/strings.h"
#include "stream/plan/changelog.h"

namespace leat::sql {

namespace {

using K = OptionKind;
constexpr OptionNeed kRequired = OptionNeed::kRequired;
constexpr OptionNeed kOptional = OptionNeed::kOptional;

constexpr OptionSpec kOptions[] = {
    {"kafka", "connector", K::kText, kRequired},
    {"kafka", "topic"},
    {"kafka", "topic-pattern", K::kText, kOptional, "", "*"},
    {"kafka", "properties.*"},
    {"kafka", "format"},
    {"kafka", "value.format"},
    {"kafka", "key.format"},
    {"kafka", "key.fields"},
    {"kafka", "key.fields-prefix"},
    {"kafka", "value.fields-include", K::kChoice, kOptional, "ALL|EXCEPT_KEY"},
    {"kafka", "scan.startup.mode", K::kChoice, kOptional,
     "group-offsets|earliest-offset|latest-offset|timestamp|specific-offsets"},
    {"kafka", "scan.startup.timestamp-millis", K::kInteger},
    {"kafka", "scan.startup.specific-offsets"},
    {"kafka", "scan.bounded.mode", K::kChoice, kOptional,
     "unbounded|latest-offset|group-offsets|timestamp|specific-offsets"},
    {"kafka", "scan.bounded.timestamp-millis", K::kInteger},
    {"kafka", "scan.bounded.specific-offsets"},
    {"kafka", "scan.topic-partition-discovery.interval", K::kDuration},
    {"kafka", "scan.parallelism", K::kInteger},
    {"kafka", "scan.watermark.emit.strategy", K::kChoice, kOptional, "on-periodic|on-event"},
    {"kafka", "scan.watermark.emit.on-event.gap", K::kInteger},
    {"kafka", "scan.watermark.idle-timeout", K::kDuration},
    {"kafka", "scan.watermark.alignment.group", K::kText, kOptional, "", "*"},
    {"kafka", "scan.watermark.alignment.max-drift", K::kText, kOptional, "", "*"},
    {"kafka", "scan.watermark.alignment.update-interval", K::kText, kOptional, "", "*"},
    {"kafka", "sink.partitioner", K::kChoice, kOptional, "default|fixed|round-robin"},
    {"kafka", "sink.delivery-guarantee", K::kChoice, kOptional, "exactly-once|at-least-once"},
    {"kafka", "sink.transactional-id-prefix"},
    {"kafka", "sink.transaction-naming-strategy"},
    {"kafka", "sink.parallelism", K::kInteger},
    {"upsert-kafka", "connector", K::kText, kRequired},
    {"upsert-kafka", "topic", K::kText, kRequired},
    {"upsert-kafka", "topic-pattern", K::kText, kOptional, "", "*"},
    {"upsert-kafka", "properties.*"},
    {"upsert-kafka", "key.format", K::kText, kRequired},
    {"upsert-kafka", "key.fields-prefix"},
    {"upsert-kafka", "value.format", K::kText, kRequired},
    {"upsert-kafka", "value.fields-include", K::kChoice, kOptional, "ALL|EXCEPT_KEY"},
    {"upsert-kafka", "scan.bounded.mode", K::kChoice, kOptional,
     "unbounded|latest-offset|group-offsets|timestamp|specific-offsets"},
    {"upsert-kafka", "scan.bounded.timestamp-millis", K::kInteger},
    {"upsert-kafka", "scan.bounded.specific-offsets"},
    {"upsert-kafka", "scan.parallelism", K::kInteger},
    {"upsert-kafka", "scan.watermark.emit.strategy", K::kChoice, kOptional, "on-periodic|on-event"},
    {"upsert-kafka", "scan.watermark.emit.on-event.gap", K::kInteger},
    {"upsert-kafka", "scan.watermark.idle-timeout", K::kDuration},
    {"upsert-kafka", "sink.parallelism", K::kInteger},
    {"upsert-kafka", "sink.buffer-flush.max-rows", K::kInteger},
    {"upsert-kafka", "sink.buffer-flush.interval", K::kDuration},
    {"upsert-kafka", "sink.delivery-guarantee", K::kChoice, kOptional, "exactly-once|at-least-once"},
    {"upsert-kafka", "sink.transactional-id-prefix"},
    {"upsert-kafka", "sink.transaction-naming-strategy"},
    {"print", "connector", K::kText, kRequired},
    {"print", "print-identifier"},
    {"print", "standard-error", K::kBoolean},
    {"print", "sink.parallelism", K::kInteger},
    {"blackhole", "connector", K::kText, kRequired},
    {"filesystem", "connector", K::kText, kRequired},
    {"filesystem", "path", K::kText, kRequired},
    {"filesystem", "format", K::kChoice, kRequired, "json|csv|raw"},
    {"filesystem", "source.monitor-interval", K::kDuration},
    {"filesystem", "source.path.regex-pattern", K::kText, kOptional, "", "*"},
    {"filesystem", "scan.parallelism", K::kInteger},
    {"filesystem", "scan.watermark.emit.strategy", K::kChoice, kOptional, "on-periodic|on-event"},
    {"filesystem", "sink.rolling-policy.file-size"},
    {"filesystem", "sink.rolling-policy.rollover-interval", K::kDuration},
    {"filesystem", "sink.rolling-policy.check-interval", K::kDuration},
    {"filesystem", "sink.rolling-policy.inactivity-interval", K::kText, kOptional, "", "*"},
    {"filesystem", "sink.parallelism", K::kInteger},
    {"filesystem", "auto-compaction", K::kChoice, kOptional, "false"},
    {"datagen", "connector", K::kText, kRequired},
    {"datagen", "rows-per-second", K::kInteger},
    {"datagen", "number-of-rows", K::kInteger},
    {"datagen", "scan.parallelism", K::kInteger},
    {"datagen", "scan.watermark.emit.strategy", K::kChoice, kOptional, "on-periodic|on-event"},
    {"datagen", "scan.watermark.idle-timeout", K::kDuration},
    {"datagen", "fields.*"},
};
constexpr std::string_view kConnectors[] = {"blackhole", "datagen", "filesystem", "kafka", "print", "upsert-kafka"};
constexpr std::string_view kConnectorsToCome[] = {"jdbc",    "hbase-2.2", "elasticsearch-7", "opensearch",
                                                  "kinesis", "pulsar",    "mongodb",         "faker"};
constexpr std::string_view kFieldSuffixes[] = {"kind",   "min",      "max",       "start",  "end",
                                               "length", "max-past", "null-rate", "var-len"};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool Contains(const std::vector<std::string_view>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

const std::string* Find(const plan::Table& table, std::string_view key) {
  const auto found = table.options.find(std::string(key));
  return found == table.options.end() ? nullptr : &found->second;
}

bool IsDuration(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  static constexpr std::string_view kUnits[] = {"",       "ms",      "s", "sec",  "second", "seconds", "min", "m",
                                                "minute", "minutes", "h", "hour", "hours",  "d",       "day", "days"};
  return digits > 0 && digits < 16 && std::find(std::begin(kUnits), std::end(kUnits), unit) != std::end(kUnits);
}

absl::Status CheckValue(const OptionSpec& spec, std::string_view value) {
  if (spec.to_come == "*") return Unimplemented("the option '", spec.key, "' is not supported yet; see docs/sql.md");
  switch (spec.kind) {
    case K::kText:
      return absl::OkStatus();
    case K::kChoice: {
      const auto choices = Split(spec.choices, '|');
      if (!spec.to_come.empty() && Contains(Split(spec.to_come, '|'), value)) {
        return Unimplemented("'", spec.key, "' = '", value, "' is not supported yet; see docs/sql.md");
      }
      if (Contains(choices, value)) return absl::OkStatus();
      std::string all;
      for (const std::string_view choice : choices) {
        if (!Contains(Split(spec.to_come, '|'), choice)) StrAppend(&all, all.empty() ? "" : ", ", choice);
      }
      return InvalidArgument("'", spec.key, "' takes one of ", all, ", got '", value, "'");
    }
    case K::kInteger: {
      int64_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error == std::errc() && end == value.data() + value.size() && number >= 0) return absl::OkStatus();
      return InvalidArgument("'", spec.key, "' takes a whole number, got '", value, "'");
    }
    case K::kDuration:
      if (IsDuration(value)) return absl::OkStatus();
      return InvalidArgument("'", spec.key, "' takes a duration such as '5 s' or '10 min', got '", value, "'");
    case K::kBoolean:
      if (value == "true" || value == "false") return absl::OkStatus();
      return InvalidArgument("'", spec.key, "' takes true or false, got '", value, "'");
  }
  return absl::OkStatus();
}

// 'json.ignore-parse-errors' belongs to the format json, and so on for value.json. and key.json. Their names and values
// are checked with the format.
bool IsFormatOption(const plan::Table& table, std::string_view key) {
  const auto belongs = [&](std::string_view format_key, std::string_view prefix) {
    const std::string* format = Find(table, format_key);
    return format != nullptr && key.starts_with(StrCat(prefix, *format, "."));
  };
  return belongs("format", "") || belongs("value.format", "value.") || belongs("key.format", "key.");
}

absl::Status CheckFieldOption(const plan::Table& table, std::string_view key) {
  for (const plan::TableColumn& column : table.columns) {
    const std::string prefix = StrCat("fields.", column.name, ".");
    if (!key.starts_with(prefix)) continue;
    const std::vector<std::string_view> known(std::begin(kFieldSuffixes), std::end(kFieldSuffixes));
    if (Contains(known, key.substr(prefix.size()))) return absl::OkStatus();
    return InvalidArgument("unknown option '", key, "'; a field has kind, min, max, start, end, length");
  }
  return InvalidArgument("the option '", key, "' names no column of the table");
}

OptionError CheckKey(const plan::Table& table, std::string_view connector, const std::string& key,
                     std::string_view value) {
  std::vector<std::string_view> known;
  for (const OptionSpec& spec : kOptions) {
    if (spec.connector != connector) continue;
    known.push_back(spec.key);
    if (spec.key == key) return {key, CheckValue(spec, value)};
    if (spec.key.ends_with('*') && key.starts_with(spec.key.substr(0, spec.key.size() - 1))) {
      return {key, connector == "datagen" ? CheckFieldOption(table, key) : absl::OkStatus()};
    }
  }
  if (IsFormatOption(table, key)) return {};
  const std::string_view nearest = Nearest(key, known);
  return {key, InvalidArgument("unknown option '", key, "' for the connector '", connector, "'",
                               nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"))};
}

// The options whose presence depends on others.
OptionError CheckKafkaTogether(const plan::Table& table) {
  const auto need = [&](std::string_view at, std::string_view missing) -> OptionError {
    return {std::string(at), InvalidArgument("the option '", missing, "' is missing")};
  };
  if (Find(table, "topic") == nullptr) return need("connector", "topic");
  if (Find(table, "topic")->empty()) return {"topic", InvalidArgument("'topic' is empty")};
  const bool format = Find(table, "format") != nullptr;
  if (!format && Find(table, "value.format") == nullptr) return need("connector", "format");
  if (format && Find(table, "value.format") != nullptr) {
    return {"value.format", InvalidArgument("'format' and 'value.format' are the same option; give one of them")};
  }
  const std::string* key_fields = Find(table, "key.fields");
  if (Find(table, "key.format") != nullptr && key_fields == nullptr) return need("key.format", "key.fields");
  if (key_fields != nullptr && Find(table, "key.format") == nullptr) return need("key.fields", "key.format");
  if (key_fields != nullptr) {
    const std::string* prefix = Find(table, "key.fields-prefix");
    for (const std::string_view field : Split(*key_fields, ';')) {
      const bool found = std::any_of(table.columns.begin(), table.columns.end(), [&](const plan::TableColumn& column) {
        return column.kind == plan::TableColumn::Kind::kPhysical && column.name == field;
      });
      if (!found)
        return {"key.fields", InvalidArgument("'key.fields' names '", field, "', which is no physical column")};
      if (prefix != nullptr && !field.starts_with(*prefix)) {
        return {"key.fields", InvalidArgument("'", field, "' does not begin with 'key.fields-prefix'")};
      }
    }
  }
  const std::pair<std::string_view, std::string_view> modes[] = {{"scan.startup.mode", "scan.startup."},
                                                                 {"scan.bounded.mode", "scan.bounded."}};
  for (const auto& [mode_key, prefix] : modes) {
    const std::string* mode = Find(table, mode_key);
    if (mode == nullptr) continue;
    const std::string timestamp = StrCat(prefix, "timestamp-millis");
    const std::string offsets = StrCat(prefix, "specific-offsets");
    if (*mode == "timestamp" && Find(table, timestamp) == nullptr) return need(mode_key, timestamp);
    if (*mode == "specific-offsets" && Find(table, offsets) == nullptr) return need(mode_key, offsets);
  }
  if (!table.primary_key.empty() && plan::ChangesOf(table) == plan::TableChanges::kInserts) {
    return {"connector", InvalidArgument("the kafka connector takes no PRIMARY KEY with these formats: every row is an "
                                         "insert; the connector 'upsert-kafka' and the format "
                                         "'debezium-json' have keyed tables")};
  }
  return {};
}

OptionError CheckUpsertKafkaTogether(const plan::Table& table) {
  for (const std::string_view key : {"topic", "key.format", "value.format"}) {
    const std::string* value = Find(table, key);
    if (value == nullptr) return {"connector", InvalidArgument("the option '", key, "' is missing")};
    if (value->empty()) return {std::string(key), InvalidArgument("'", key, "' is empty")};
  }
  if (table.primary_key.empty()) {
    return {"connector", InvalidArgument("a table of the connector 'upsert-kafka' needs PRIMARY KEY (..) NOT ENFORCED: "
                                         "it becomes the key of the records")};
  }
  if (*Find(table, "value.format") == "debezium-json" || *Find(table, "key.format") == "debezium-json") {
    return {"value.format",
            InvalidArgument("the records of an upsert-kafka table are rows: 'debezium-json' goes with the "
                            "connector 'kafka'")};
  }
  const std::string* prefix = Find(table, "key.fields-prefix");
  for (const std::string& column : table.primary_key) {
    if (prefix != nullptr && !column.starts_with(*prefix)) {
      return {"key.fields-prefix", InvalidArgument("'", column, "' does not begin with 'key.fields-prefix'")};
    }
  }
  return {};
}

}  // namespace

std::span<const OptionSpec> ConnectorOptions() { return kOptions; }
std::span<const std::string_view> ConnectorNames() { return kConnectors; }

OptionError CheckConnectorOptions(const plan::Table& table) {
  const std::string* connector = Find(table, "connector");
  if (connector == nullptr)
    return {"", InvalidArgument("the option 'connector' is missing: kafka, upsert-kafka, filesystem, print, "
                                "blackhole or datagen")};
  const std::vector<std::string_view> known(std::begin(kConnectors), std::end(kConnectors));
  if (!Contains(known, *connector)) {
    const std::vector<std::string_view> later(std::begin(kConnectorsToCome), std::end(kConnectorsToCome));
    if (Contains(later, *connector)) {
      return {"connector", Unimplemented("the connector '", *connector, "' is not supported yet; see docs/sql.md")};
    }
    const std::string_view nearest = Nearest(*connector, known);
    return {
        "connector",
        InvalidArgument("unknown connector '", *connector, "'",
                        nearest.empty() ? "; there are kafka, upsert-kafka, filesystem, print, blackhole and datagen"
                                        : StrCat("; did you mean '", nearest, "'?"))};
  }
  for (const auto& [key, value] : table.options) {
    OptionError error = CheckKey(table, *connector, key, value);
    if (!error.status.ok()) return error;
  }
  if (*connector == "upsert-kafka") return CheckUpsertKafkaTogether(table);
  return *connector == "kafka" ? CheckKafkaTogether(table) : OptionError{};
}

absl::Status CheckReadable(const plan::Table& table) {
  const std::string& connector = table.options.at("connector");
  if (connector != "print" && connector != "blackhole") return absl::OkStatus();
  return InvalidArgument("table '", table.name, "' has the connector '", connector, "', which is only written to");
}

absl::Status CheckWritable(const plan::Table& table) {
  const std::string& connector = table.options.at("connector");
  if (connector == "datagen") {
    return InvalidArgument("table '", table.name, "' has the connector 'datagen', which is only read from");
  }
  if ((connector == "kafka" || connector == "upsert-kafka") &&
      table.options.at("topic").find(';') != std::string::npos) {
    return InvalidArgument("table '", table.name, "' has several topics; INSERT needs one");
  }
  return absl::OkStatus();
}

bool AcceptsUpdates(const plan::Table& table) {
  const std::string& connector = table.options.at("connector");
  return connector == "print" || connector == "blackhole" || plan::ChangesOf(table) != plan::TableChanges::kInserts;
}

}  // namespace leat::sql
