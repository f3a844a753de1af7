#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/status.h"
#include "leat/client/admin.h"
#include "leat/client/consumer.h"
#include "tools/leat/commands.h"
#include "tools/leat/start_position.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

struct GroupOptions {
  std::string group;
  std::string topic;
  std::vector<std::string> to;
  ResetTarget target;
  bool yes = false;
};

absl::Status List(Context* context, const GroupOptions&) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> groups, admin.ListGroups());
  if (context->json()) {
    PrintJson(json::array(groups.begin(), groups.end()));
    return absl::OkStatus();
  }
  Table table({Left("GROUP")});
  for (const std::string& group : groups) table.Add({group});
  Print(table.Render());
  return absl::OkStatus();
}

std::string PartitionsText(const std::vector<client::TopicPartition>& partitions) {
  std::string text;
  for (const client::TopicPartition& partition : partitions) {
    StrAppend(&text, text.empty() ? "" : " ", partition.topic, "-", partition.partition);
  }
  return text;
}

absl::Status Members(Context* context, const GroupOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::GroupInfo group, admin.DescribeGroup(options.group));
  json::array list;
  Table table({Left("MEMBER"), Left("INSTANCE"), Left("CLIENT"), Left("HOST"), Left("PARTITIONS")});
  for (const client::GroupMemberInfo& member : group.members) {
    json::array partitions;
    for (const client::TopicPartition& one : member.partitions) {
      partitions.push_back({{"topic", one.topic}, {"partition", one.partition}});
    }
    list.push_back({{"member", member.member},
                    {"instance", member.instance},
                    {"client_id", member.client_id},
                    {"client_host", member.client_host},
                    {"partitions", std::move(partitions)}});
    table.Add(
        {member.member, member.instance, member.client_id, member.client_host, PartitionsText(member.partitions)});
  }
  if (context->json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Print(StrCat("state: ", group.state, group.protocol.empty() ? "" : ", assignor: ", group.protocol, "\n",
               table.Render()));
  return absl::OkStatus();
}

absl::Status Delete(Context* context, const GroupOptions& options) {
  client::Admin admin(context->connection());
  if (Declined(StrCat("Delete group ", options.group, " and its positions?"), options.yes)) {
    return FailedPrecondition("group ", options.group, " was not deleted");
  }
  return admin.DeleteGroup(options.group);
}

absl::Status Describe(Context* context, const GroupOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<client::CommittedOffset> offsets, admin.GroupOffsets(options.group));
  if (offsets.empty())
    return NotFound("group ", options.group, " has committed nothing; `leat group list` shows the groups");
  json::array list;
  Table table({Left("TOPIC"), Right("PARTITION"), Right("COMMITTED"), Left("METADATA")});
  for (const client::CommittedOffset& offset : offsets) {
    list.push_back({{"group", options.group},
                    {"topic", offset.partition.topic},
                    {"partition", offset.partition.partition},
                    {"committed", offset.offset},
                    {"metadata", offset.metadata}});
    table.Add({offset.partition.topic, StrCat(offset.partition.partition), StrCat(offset.offset), offset.metadata});
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

absl::Status Reset(Context* context, const GroupOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<client::Consumer> consumer,
                        client::Consumer::Create(context->connection(), {}));
  LEAT_RETURN_IF_ERROR(consumer->AssignTopic(options.topic));
  LEAT_ASSIGN_OR_RETURN(const auto targets, PositionsOf(consumer.get(), options.target));
  if (Declined(StrCat("Set ", targets.size(), " positions of group ", options.group, " in topic ", options.topic, "?"),
               options.yes)) {
    return FailedPrecondition("group ", options.group, " was not reset");
  }
  client::Admin admin(context->connection());
  json::array list;
  Table table({Left("TOPIC"), Right("PARTITION"), Right("COMMITTED")});
  for (const auto& [partition, offset] : targets) {
    LEAT_RETURN_IF_ERROR(admin.CommitGroupOffset(options.group, partition, offset));
    list.push_back({{"group", options.group},
                    {"topic", partition.topic},
                    {"partition", partition.partition},
                    {"committed", offset}});
    table.Add({partition.topic, StrCat(partition.partition), StrCat(offset)});
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

void AddMembersAndDelete(CLI::App* group, Context* context) {
  CLI::App* members = AddCommand(group, {.name = "members",
                                         .description = "Show a group's state, its members and what each one reads",
                                         .examples = "  leat group members billing"});
  auto options = std::make_shared<GroupOptions>();
  members->add_option("group", options->group, "the group")->required();
  members->callback([=] { context->command = [=] { return Members(context, *options); }; });

  CLI::App* remove = AddCommand(group, {.name = "delete",
                                        .description = "Delete a group that has no members, and its positions",
                                        .examples = "  leat group delete billing --yes"});
  remove->add_option("group", options->group, "the group")->required();
  remove->add_flag("--yes", options->yes, "do not ask");
  remove->callback([=] { context->command = [=] { return Delete(context, *options); }; });
}

void AddReset(CLI::App* group, Context* context) {
  CLI::App* reset =
      AddCommand(group, {.name = "reset",
                         .description = "Set a group's committed positions in a topic",
                         .examples = "  leat group reset billing --topic clicks --to earliest\n"
                                     "  leat group reset billing --topic clicks --to offset 1200 --yes\n"
                                     "  leat group reset billing --topic clicks --to time 2024-01-31T12:00:00Z"});
  auto options = std::make_shared<GroupOptions>();
  reset->add_option("group", options->group, "the group")->required();
  reset->add_option("--topic", options->topic, "the topic")->required();
  reset->add_option("--to", options->to, "earliest, latest, offset N, or time T")->required()->expected(1, 2);
  reset->add_flag("--yes", options->yes, "do not ask");
  reset->callback([=] {
    const absl::StatusOr<ResetTarget> target = ParseResetTarget(options->to);
    if (!target.ok()) ThrowUsage(StrCat("--to: ", Message(target.status())));
    options->target = *target;
    context->command = [=] { return Reset(context, *options); };
  });
}

// --- offsets -------------------------------------------------------------------------------------------------------

struct OffsetsOptions {
  std::string topic;
  std::string time;
  std::optional<int64_t> time_ms;
};

absl::Status Offsets(Context* context, const OffsetsOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<client::Consumer> consumer,
                        client::Consumer::Create(context->connection(), {}));
  LEAT_RETURN_IF_ERROR(consumer->AssignTopic(options.topic));
  LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
  if (options.time_ms) LEAT_RETURN_IF_ERROR(consumer->SeekToTime(*options.time_ms));
  json::array list;
  std::vector<Table::Column> columns = {Right("PARTITION"), Right("BEGIN"), Right("END"), Right("RECORDS")};
  if (options.time_ms) columns.push_back(Right("AT TIME"));
  Table table(columns);
  for (const auto& [partition, range] : ranges) {
    json::object object = {{"topic", partition.topic},
                           {"partition", partition.partition},
                           {"begin_offset", range.begin},
                           {"end_offset", range.end}};
    std::vector<std::string> row = {StrCat(partition.partition), StrCat(range.begin), StrCat(range.end),
                                    StrCat(range.end - range.begin)};
    if (options.time_ms) {
      const int64_t at = consumer->Position(partition);
      object["offset_at_time"] = at;
      row.push_back(StrCat(at));
    }
    list.push_back(std::move(object));
    table.Add(std::move(row));
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

}  // namespace

void AddGroupCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddGroup(app, {.name = "group",
                                   .description = "Look at consumer groups, set their committed positions, delete them",
                                   .examples = "  leat group list\n  leat group describe billing"});
  CLI::App* list =
      AddCommand(group, {.name = "list", .description = "List the groups", .examples = "  leat group list -o json"});
  list->callback([=] { context->command = [=] { return List(context, {}); }; });

  CLI::App* describe = AddCommand(group, {.name = "describe",
                                          .description = "Show what a group has committed",
                                          .examples = "  leat group describe billing"});
  auto options = std::make_shared<GroupOptions>();
  describe->add_option("group", options->group, "the group")->required();
  describe->callback([=] { context->command = [=] { return Describe(context, *options); }; });
  AddMembersAndDelete(group, context);
  AddReset(group, context);
}

void AddOffsetsCommand(CLI::App* app, Context* context) {
  CLI::App* command = AddCommand(app, {.name = "offsets",
                                       .description = "Show where a topic's partitions begin and end",
                                       .examples = "  leat offsets clicks\n"
                                                   "  leat offsets clicks --time 2024-01-31T12:00:00Z -o json"});
  auto options = std::make_shared<OffsetsOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  command->add_option("--time", options->time,
                      "also the first offset at or after this time: ISO 8601 or ms since 1970");
  command->callback([=] {
    if (!options->time.empty()) {
      const absl::StatusOr<int64_t> time = ParseTimeText(options->time);
      if (!time.ok()) ThrowUsage(StrCat("--time: ", Message(time.status())));
      options->time_ms = *time;
    }
    context->command = [=] { return Offsets(context, *options); };
  });
}

}  // namespace leat::tool
