#include "sql/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "base/strings.h"
#include "sql/lexer.h"
#include "stream/data/time_zone.h"

namespace leat::sql {

namespace {

constexpr std::string_view kKnown[] = {
    "execution.checkpointing.interval",
    "execution.checkpointing.mode",
    "execution.checkpointing.timeout",
    "execution.runtime-mode",
    "leat.cpu.limit",
    "leat.dead-letter.topic",
    "leat.late.topic",
    "leat.output.suffix",
    "leat.start.from",
    "parallelism.default",
    "pipeline.auto-watermark-interval",
    "pipeline.name",
    "sql-client.execution.result-mode",
    "table.dml-sync",
    "table.exec.emit.allow-lateness",
    "table.exec.emit.early-fire.delay",
    "table.exec.emit.early-fire.enabled",
    "table.exec.emit.late-fire.delay",
    "table.exec.emit.late-fire.enabled",
    "table.exec.mini-batch.allow-latency",
    "table.exec.mini-batch.enabled",
    "table.exec.mini-batch.size",
    "table.exec.sink.not-null-enforcer",
    "table.exec.sink.type-length-enforcer",
    "table.exec.sink.upsert-materialize",
    "table.exec.source.cdc-events-duplicate",
    "table.exec.source.idle-timeout",
    "table.exec.state.ttl",
    "table.local-time-zone",
};

}  // namespace

std::span<const std::string_view> KnownSettings() { return kKnown; }

std::string SettingWarning(std::string_view key) {
  if (std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown)) return {};
  const std::string_view nearest = Nearest(key, std::vector<std::string_view>(std::begin(kKnown), std::end(kKnown)));
  return StrCat("SET '", key, "' is read by nothing", nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
}

namespace {

constexpr std::string_view kStateTtl = "table.exec.state.ttl";
constexpr std::string_view kTimeZone = "table.local-time-zone";
constexpr std::string_view kEmit = "table.exec.emit.";

}  // namespace

std::string LocalTimeZone(const std::map<std::string, std::string>& settings) {
  const auto found = settings.find(std::string(kTimeZone));
  if (found == settings.end()) return {};
  const auto zone = data::TimeZone::Load(found->second);
  return zone.ok() && !zone->IsUtc() ? found->second : std::string();
}

int64_t StateTtlMillis(const std::map<std::string, std::string>& settings) {
  const auto found = settings.find(std::string(kStateTtl));
  return found == settings.end() ? 0 : ParseDuration(found->second).value_or(0);
}

absl::StatusOr<plan::EmitSpec> EmitSettings(const std::map<std::string, std::string>& settings) {
  const auto millis = [&](std::string_view name) -> int64_t {
    const auto found = settings.find(StrCat(kEmit, name));
    return found == settings.end() ? -1 : ParseDuration(found->second).value_or(-1);
  };
  const auto enabled = [&](std::string_view name) {
    const auto found = settings.find(StrCat(kEmit, name));
    return found != settings.end() && EqualsIgnoreCase(found->second, "true");
  };
  plan::EmitSpec emit;
  for (const std::string_view fire : {"early-fire", "late-fire"}) {
    if (!enabled(StrCat(fire, ".enabled"))) continue;
    const int64_t delay_ms = millis(StrCat(fire, ".delay"));
    if (delay_ms < 0) {
      return InvalidArgument("'", kEmit, fire, ".enabled' needs '", kEmit, fire,
                             ".delay': how often, such as '1 s'; '0 s' is with each row");
    }
    (fire == "early-fire" ? emit.early_ms : emit.late_ms) = delay_ms;
  }
  if (emit.late_ms < 0) return emit;  // allow-lateness alone changes nothing, as on Flink
  emit.lateness_ms = std::max<int64_t>(0, millis("allow-lateness"));
  if (emit.lateness_ms == 0) emit.lateness_ms = StateTtlMillis(settings);
  if (emit.lateness_ms > 0) return emit;
  return InvalidArgument("'", kEmit, "late-fire.enabled' needs '", kEmit, "allow-lateness' or '", kStateTtl,
                         "': how long late rows are taken");
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || error != std::errc()) return std::nullopt;
  text.remove_prefix(digits);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  struct Unit {
    std::string_view name;
    int64_t millis;
  };
  static constexpr Unit kUnits[] = {{"", 1},           {"ms", 1},           {"milli", 1},
                                    {"millis", 1},     {"millisecond", 1},  {"milliseconds", 1},
                                    {"s", 1000},       {"sec", 1000},       {"secs", 1000},
                                    {"second", 1000},  {"seconds", 1000},   {"min", 60'000},
                                    {"m", 60'000},     {"minute", 60'000},  {"minutes", 60'000},
                                    {"h", 3'600'000},  {"hour", 3'600'000}, {"hours", 3'600'000},
                                    {"d", 86'400'000}, {"day", 86'400'000}, {"days", 86'400'000}};
  for (const Unit& unit : kUnits) {
    if (unit.name == text && number <= INT64_MAX / unit.millis) return number * unit.millis;
  }
  return std::nullopt;
}

absl::Status CheckSetting(std::string_view key, std::string_view value) {
  if (key == "execution.runtime-mode" && !EqualsIgnoreCase(value, "streaming")) {
    return Unimplemented("'execution.runtime-mode' = '", value,
                         "' is not supported yet, only streaming; see "
                         "docs/sql.md");
  }
  if (key == kStateTtl && !ParseDuration(value)) {
    return InvalidArgument("'", key, "' takes a duration such as '1 h' or '30 min', got '", value, "'");
  }
  if (key.starts_with(kEmit)) {
    if (key.ends_with(".enabled") && !EqualsIgnoreCase(value, "true") && !EqualsIgnoreCase(value, "false")) {
      return InvalidArgument("'", key, "' takes true or false, got '", value, "'");
    }
    if (!key.ends_with(".enabled") && !ParseDuration(value)) {
      return InvalidArgument("'", key, "' takes a duration such as '1 s' or '30 min', got '", value, "'");
    }
  }
  if (key == kTimeZone) {
    if (const auto zone = data::TimeZone::Load(value); !zone.ok()) {
      return InvalidArgument("'", key, "': ", zone.status().message());
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::sql
