#include <absl/strings/escaping.h>
#include <simdjson.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/status.h"
#include "leat/client/views.h"
#include "tools/leat/json_line.h"
#include "tools/leat/table.h"
#include "tools/leat/view_commands.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

struct ViewCommand {
  std::string name;
  std::string key;
  std::optional<std::string> prefix, from, to;
  std::optional<int32_t> partition;
  int64_t limit = 0;  // 0: all rows
};

constexpr int32_t kPageRows = 1000;

bool IsText(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

// "name":"..", or "name_base64":"..".
std::string TextField(std::string_view name, std::string_view bytes) {
  if (IsText(bytes)) return StrCat("\"", name, "\":", JsonString(bytes));
  return StrCat("\"", name, "_base64\":\"", absl::Base64Escape(ToAbsl(bytes)), "\"");
}

// As the HTTP endpoint has it: "value" is JSON, "value_text" and "value_base64" say what it is.
std::string ValueField(const std::string& value) {
  if (CheckJsonLine(value).ok()) {
    std::string line = value;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return StrCat("\"value\":", line);
  }
  return IsText(value) ? TextField("value_text", value) : TextField("value", value);
}

std::string RowJson(const client::ViewRow& row) {
  return StrCat("{\"partition\":", row.partition, ",\"offset\":", row.offset, ",\"timestamp_ms\":", row.timestamp_ms,
                ",", TextField("key", row.key), ",", ValueField(row.value), "}");
}

std::string Shown(const std::string& bytes) {
  return IsText(bytes) ? bytes : StrCat("base64:", absl::Base64Escape(bytes));
}

std::string OffsetsJson(const std::map<int32_t, int64_t>& offsets) {
  std::string out;
  for (const auto& [partition, offset] : offsets) {
    StrAppend(&out, out.empty() ? "" : ",", "{\"partition\":", partition, ",\"offset\":", offset, "}");
  }
  return StrCat("\"offsets\":[", out, "]");
}

absl::Status Create(Context* context, const ViewCommand& command) {
  LEAT_RETURN_IF_ERROR(client::Views(context->connection()).Create(command.name));
  context->json() ? PrintJson(json::object{{"created", command.name}})
                  : Print(StrCat("created view ", command.name, "\n"));
  return absl::OkStatus();
}

absl::Status Delete(Context* context, const ViewCommand& command) {
  LEAT_RETURN_IF_ERROR(client::Views(context->connection()).Delete(command.name));
  context->json() ? PrintJson(json::object{{"deleted", command.name}})
                  : Print(StrCat("deleted view ", command.name, "; the topic is as it was\n"));
  return absl::OkStatus();
}

absl::Status List(Context* context, const ViewCommand&) {
  client::Views views(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, views.List());
  json::array list;
  Table table({Left("VIEW"), Right("PARTITION"), Right("LEADER"), Right("APPLIED"), Right("END"), Left("STATE")});
  for (const std::string& name : names) {
    const absl::StatusOr<client::ViewInfo> view = views.Describe(name);
    if (absl::IsNotFound(view.status())) continue;  // it has just gone
    LEAT_RETURN_IF_ERROR(view.status());
    json::array partitions;
    for (const client::ViewPartition& p : view->partitions) {
      partitions.push_back({{"partition", p.partition},
                            {"leader", p.leader},
                            {"applied_offset", p.applied_offset},
                            {"end_offset", p.end_offset},
                            {"error", p.error}});
      const bool complete = p.applied_offset >= p.end_offset;
      const auto number = [](int64_t value) { return value < 0 ? std::string("-") : StrCat(value); };
      table.Add({name, StrCat(p.partition), number(p.leader), number(p.applied_offset), number(p.end_offset),
                 !p.error.empty() ? p.error
                 : complete       ? "ok"
                                  : "being made"});
    }
    list.push_back(json::object{{"name", name}, {"partitions", std::move(partitions)}});
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

absl::Status Get(Context* context, const ViewCommand& command) {
  client::Views views(context->connection());
  client::ViewScan scan{.range = client::ViewRange::Key(command.key), .partition = command.partition};
  LEAT_ASSIGN_OR_RETURN(const client::ViewPage page, views.Scan(command.name, scan));
  if (page.rows.empty()) {
    std::string offsets;
    for (const auto& [partition, offset] : page.applied_offsets) {
      StrAppend(&offsets, offsets.empty() ? "" : ", ", partition, " at ", offset);
    }
    return NotFound("view '", command.name, "' has no row with key '", Shown(command.key), "' (partition ", offsets,
                    ")");
  }
  for (const client::ViewRow& row : page.rows) {
    if (!context->json()) {
      Print(StrCat(Shown(row.value), "\n"));
      continue;
    }
    const std::string text = RowJson(row);
    Print(StrCat(text.substr(0, text.size() - 1), ",", OffsetsJson(page.applied_offsets), "}\n"));
  }
  return absl::OkStatus();
}

client::ViewRange RangeOf(const ViewCommand& command) {
  client::ViewRange range;
  if (command.prefix) range = client::ViewRange::Prefix(*command.prefix);
  if (command.from && *command.from > range.begin) range.begin = *command.from;
  if (command.to && (!range.end || *command.to < *range.end)) range.end = command.to;
  return range;
}

// Page by page; each page's rows are of one offset of each partition.
absl::Status Scan(Context* context, const ViewCommand& command) {
  client::Views views(context->connection());
  client::ViewScan scan{.range = RangeOf(command), .partition = command.partition};
  int64_t left = command.limit == 0 ? INT64_MAX : command.limit;
  InstallInterrupt();
  while (left > 0 && !Interrupted()) {
    scan.max_rows = static_cast<int32_t>(std::min<int64_t>(left, kPageRows));
    LEAT_ASSIGN_OR_RETURN(const client::ViewPage page, views.Scan(command.name, scan));
    std::string out;
    for (const client::ViewRow& row : page.rows) {
      StrAppend(&out, context->json() ? RowJson(row) : StrCat(Shown(row.key), "\t", Shown(row.value)), "\n");
    }
    // The rows come first, so that a program that reads lines meets what they are of when it has them.
    if (context->json()) StrAppend(&out, "{", OffsetsJson(page.applied_offsets), "}\n");
    Print(out);
    if (!page.next) break;
    scan.range.begin = *page.next;
    left -= static_cast<int64_t>(page.rows.size());
  }
  return absl::OkStatus();
}

using Action = absl::Status (*)(Context*, const ViewCommand&);
struct Added {
  CLI::App* command;
  std::shared_ptr<ViewCommand> options;
};
Added Add(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added{AddCommand(group, text), std::make_shared<ViewCommand>()};
  added.command->callback(
      [context, action, options = added.options] { context->command = [=] { return action(context, *options); }; });
  return added;
}
void AddName(const Added& added, const char* what) {
  added.command->add_option("name", added.options->name, what)->required();
}
void AddPartition(const Added& added) {
  added.command->add_option("--partition", added.options->partition, "of this partition only")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace

void AddViewCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddGroup(app, {.name = "view",
                                   .description = "Look up the last value of each key of a compacted topic",
                                   .examples = "  leat view create users\n  leat view get users 42"});
  AddName(Add(group, context, Create,
              {.name = "create",
               .description = "Have the brokers keep a table of the last value of each key of a topic",
               .examples = "  leat topic create users --partitions 4 --config cleanup.policy=compact\n"
                           "  leat view create users"}),
          "the topic; its cleanup.policy has to be compact");
  Add(group, context, List,
      {.name = "list",
       .description = "List the views, and how far the table of each partition is",
       .examples = "  leat view list\n  leat view list -o json"});
  const Added get = Add(group, context, Get,
                        {.name = "get",
                         .description = "Print the value of a key; exit code 3 if there is none",
                         .examples = "  leat view get users 42\n  leat view get users 42 -o json"});
  AddName(get, "the view");
  get.command->add_option("key", get.options->key, "the key")->required();
  AddPartition(get);
  const Added scan = Add(group, context, Scan,
                         {.name = "scan",
                          .description = "Print rows in the order of their keys: key, a tab, value",
                          .examples = "  leat view scan users --prefix 4 --limit 10\n"
                                      "  leat view scan users --from a --to n -o json"});
  AddName(scan, "the view");
  scan.command->add_option("--prefix", scan.options->prefix, "keys that begin with this");
  scan.command->add_option("--from", scan.options->from, "the first key");
  scan.command->add_option("--to", scan.options->to, "the first key that is not printed");
  scan.command->add_option("--limit", scan.options->limit, "about so many rows; 0: all")->check(CLI::NonNegativeNumber);
  AddPartition(scan);
  AddName(Add(group, context, Delete,
              {.name = "delete",
               .description = "End a view; the topic and its records stay",
               .examples = "  leat view delete users"}),
          "the view");
}

}  // namespace leat::tool
