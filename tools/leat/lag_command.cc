#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/commands.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

// The broker measures lag when asked; how often to ask it is a matter between haste and load.
constexpr absl::Duration kPollInterval = absl::Milliseconds(200);

struct LagOptions {
  std::string group;
  std::string topic;
  bool wait = false;
  std::string timeout = "60s";
};

absl::StatusOr<std::vector<client::GroupLag>> Rows(client::Admin* admin, const LagOptions& options) {
  LEAT_ASSIGN_OR_RETURN(std::vector<client::GroupLag> rows, admin->Lag(options.group));
  if (!options.topic.empty()) {
    std::erase_if(rows, [&](const client::GroupLag& row) { return row.partition.topic != options.topic; });
  }
  return rows;
}

void PrintRows(const Context& context, const std::vector<client::GroupLag>& rows) {
  json::array list;
  Table table({Left("GROUP"), Left("TOPIC"), Right("PARTITION"), Right("COMMITTED"), Right("END"),
               Right("RECORDS BEHIND"), Right("SECONDS BEHIND"), Left("CONSUMER")});
  int64_t records = 0;
  double seconds = 0;
  for (const client::GroupLag& row : rows) {
    list.push_back({{"group", row.group},
                    {"topic", row.partition.topic},
                    {"partition", row.partition.partition},
                    {"committed", row.committed},
                    {"end_offset", row.end_offset},
                    {"lag_records", row.lag_records},
                    {"lag_seconds", row.lag_seconds},
                    {"status", row.status}});
    char text[32];
    std::snprintf(text, sizeof(text), "%.1f", row.lag_seconds);
    table.Add({row.group, row.partition.topic, StrCat(row.partition.partition),
               row.committed < 0 ? "-" : StrCat(row.committed), StrCat(row.end_offset), StrCat(row.lag_records), text,
               row.status.empty() ? "-" : row.status});
    records += row.lag_records;
    seconds = std::max(seconds, row.lag_seconds);
  }
  if (context.json()) {
    PrintJson(list);
    return;
  }
  char total[96];
  std::snprintf(total, sizeof(total), "total: %lld records behind, at most %.1f seconds\n",
                static_cast<long long>(records), seconds);
  Print(StrCat(table.Render(), total));
}

absl::Status Show(Context* context, const LagOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<client::GroupLag> rows, Rows(&admin, options));
  if (rows.empty() && !(options.group.empty() && options.topic.empty())) {
    return NotFound("no group", options.group.empty() ? "" : StrCat(" ", options.group), " has committed anything",
                    options.topic.empty() ? "" : StrCat(" in topic ", options.topic),
                    "; `leat lag` shows all there is");
  }
  PrintRows(*context, rows);
  return absl::OkStatus();
}

absl::Status Wait(Context* context, const LagOptions& options) {
  client::Admin admin(context->connection());
  const absl::Time deadline = absl::Now() + *ParseDurationText(options.timeout);
  for (;;) {
    const absl::StatusOr<std::vector<client::GroupLag>> rows = Rows(&admin, options);
    // A group that has committed nothing yet, or a broker that starts again, is what waiting is for.
    if (!rows.ok() && !absl::IsNotFound(rows.status()) && !absl::IsUnavailable(rows.status())) return rows.status();
    const bool caught_up = rows.ok() && !rows->empty() && std::all_of(rows->begin(), rows->end(), [](const auto& row) {
                             return row.lag_records == 0;
                           });
    if (caught_up) {
      PrintRows(*context, *rows);
      return absl::OkStatus();
    }
    if (absl::Now() >= deadline) {
      if (!rows.ok() && absl::IsUnavailable(rows.status())) return rows.status();
      if (rows.ok()) PrintRows(*context, *rows);
      return DeadlineExceeded("still behind after ", options.timeout,
                              rows.ok() && !rows->empty() ? "" : ": no such group has committed anything",
                              "; is its consumer or job running?");
    }
    if (Interrupted()) return Cancelled("interrupted while waiting");
    absl::SleepFor(std::min(kPollInterval, std::max(deadline - absl::Now(), absl::Milliseconds(1))));
  }
}

}  // namespace

void AddLagCommand(CLI::App* app, Context* context) {
  CLI::App* command =
      AddCommand(app, {.name = "lag",
                       .description = "Show how far groups and jobs are behind, or wait until they are not",
                       .examples = "  leat lag\n"
                                   "  leat lag --group fraud --topic transactions\n"
                                   "  leat lag --group fraud --wait --timeout 2m && echo done"});
  auto options = std::make_shared<LagOptions>();
  command->add_option("--group", options->group, "this group only, or those of this job");
  command->add_option("--topic", options->topic, "this topic only");
  command->add_flag("--wait", options->wait,
                    "return when there is a row and nothing is behind; exit code 4 on timeout");
  command->add_option("--timeout", options->timeout, "of --wait")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  command->callback([=] {
    context->command = [=] {
      if (!options->wait) return Show(context, *options);
      InstallInterrupt();
      return Wait(context, *options);
    };
  });
}

}  // namespace leat::tool
