#include "sql/settings.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "sql/lexer.h"

namespace leat::sql {

namespace {

constexpr std::string_view kKnown[] = {
    "execution.checkpointing.interval",
    "execution.checkpointing.mode",
    "execution.checkpointing.timeout",
    "execution.runtime-mode",
    "parallelism.default",
    "pipeline.auto-watermark-interval",
    "pipeline.name",
    "sql-client.execution.result-mode",
    "table.dml-sync",
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

constexpr std::string_view kUtcNames[] = {"UTC", "Z", "GMT", "Etc/UTC", "GMT+00:00", "UTC+00:00", "+00:00"};

}  // namespace

std::span<const std::string_view> KnownSettings() { return kKnown; }

std::string SettingWarning(std::string_view key) {
  if (std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown)) return {};
  const std::string_view nearest = Nearest(key, std::vector<std::string_view>(std::begin(kKnown), std::end(kKnown)));
  return StrCat("SET '", key, "' is read by nothing", nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
}

absl::Status CheckSetting(std::string_view key, std::string_view value) {
  if (key == "execution.runtime-mode" && !EqualsIgnoreCase(value, "streaming")) {
    return Unimplemented("'execution.runtime-mode' = '", value,
                         "' is not supported yet, only streaming; see "
                         "docs/sql.md");
  }
  if (key == "table.local-time-zone" &&
      std::find(std::begin(kUtcNames), std::end(kUtcNames), value) == std::end(kUtcNames)) {
    return Unimplemented("'table.local-time-zone' = '", value, "' is not supported yet, only UTC; see docs/sql.md");
  }
  return absl::OkStatus();
}

}  // namespace leat::sql
