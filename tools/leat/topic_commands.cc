#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/commands.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

struct TopicOptions {
  std::string name;
  int32_t partitions = 0;
  int32_t replication_factor = 0;
  std::vector<std::string> assign;
  std::vector<std::string> configs;
  std::vector<std::string> delete_configs;
  bool internal = false;
  bool yes = false;
  int32_t partition = 0;
  int64_t before = 0;
};

std::map<std::string, std::string> Configs(const TopicOptions& options) {
  std::map<std::string, std::string> configs;
  for (const std::string& text : options.configs) configs.insert(SplitAssignment("--config", text));
  return configs;
}

// "1,2,3" into broker ids; wrong usage if it is anything else.
std::vector<int32_t> BrokerIds(const std::string& text) {
  std::vector<int32_t> ids;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (!absl::SimpleAtoi(part, &ids.emplace_back())) {
      ThrowUsage(StrCat("--assign: expected the ids of brokers, such as 1,2,3, got '", text, "'"));
    }
  }
  return ids;
}

std::vector<std::vector<int32_t>> Assignments(const TopicOptions& options) {
  std::vector<std::vector<int32_t>> assignments;
  for (const std::string& text : options.assign) assignments.push_back(BrokerIds(text));
  return assignments;
}

json::array Ids(const std::vector<int32_t>& ids) { return json::array(ids.begin(), ids.end()); }
std::string IdsText(const std::vector<int32_t>& ids) { return ids.empty() ? "-" : absl::StrJoin(ids, ","); }
// The broker that was asked knows the offsets of its own copies only.
std::string OffsetText(int64_t offset) { return offset < 0 ? "-" : StrCat(offset); }

json::object ToJson(const client::TopicInfo& topic) {
  json::array partitions;
  for (const client::PartitionInfo& p : topic.partitions) {
    partitions.push_back({{"partition", p.partition},
                          {"leader", p.leader},
                          {"leader_epoch", p.leader_epoch},
                          {"replicas", Ids(p.replicas)},
                          {"isr", Ids(p.isr)},
                          {"eligible", Ids(p.eligible)},
                          {"offline", Ids(p.offline)},
                          {"adding", Ids(p.adding)},
                          {"removing", Ids(p.removing)},
                          {"begin_offset", p.begin_offset},
                          {"end_offset", p.end_offset},
                          {"size_bytes", p.size_bytes},
                          {"segments", p.segments},
                          {"error", p.error}});
  }
  json::object configs;
  for (const auto& [name, config] : topic.configs) {
    configs[name] = {{"value", config.value}, {"is_default", config.is_default}};
  }
  return {{"name", topic.name},
          {"id", topic.id},
          {"internal", topic.internal},
          {"partitions", std::move(partitions)},
          {"configs", std::move(configs)}};
}

std::string StateText(const client::PartitionInfo& partition) {
  if (!partition.error.empty()) return partition.error;
  if (!partition.adding.empty() || !partition.removing.empty()) {
    return StrCat("moving", partition.adding.empty() ? "" : StrCat(" to ", IdsText(partition.adding)),
                  partition.removing.empty() ? "" : StrCat(" from ", IdsText(partition.removing)));
  }
  return partition.isr.size() < partition.replicas.size() ? "under-replicated" : "ok";
}

// A command without an answer of its own says what it did: to a person a sentence, to a program an object.
void Say(const Context& context, const std::string& sentence, const json::object& object) {
  context.json() ? PrintJson(object) : Print(StrCat(sentence, "\n"));
}

absl::Status Create(Context* context, const TopicOptions& options) {
  client::Admin admin(context->connection());
  LEAT_RETURN_IF_ERROR(admin.CreateTopic({.name = options.name,
                                          .partitions = options.partitions,
                                          .configs = Configs(options),
                                          .replication_factor = options.replication_factor,
                                          .assignments = Assignments(options)}));
  LEAT_ASSIGN_OR_RETURN(const client::TopicInfo topic, admin.DescribeTopic(options.name));
  Say(*context, StrCat("created topic ", topic.name, " with ", topic.partitions.size(), " partitions"), ToJson(topic));
  return absl::OkStatus();
}

absl::Status List(Context* context, const TopicOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<client::TopicInfo> topics, admin.ListTopics());
  json::array list;
  Table table({Left("TOPIC"), Right("PARTITIONS"), Right("RECORDS"), Right("SIZE")});
  for (const client::TopicInfo& topic : topics) {
    if (topic.internal && !options.internal) continue;
    int64_t records = 0;
    uint64_t bytes = 0;
    for (const client::PartitionInfo& partition : topic.partitions) {
      records += std::max<int64_t>(partition.end_offset - partition.begin_offset, 0);
      bytes += partition.size_bytes;
    }
    list.push_back(ToJson(topic));
    table.Add({topic.name, StrCat(topic.partitions.size()), StrCat(records), BytesText(bytes)});
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

absl::Status Describe(Context* context, const TopicOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::TopicInfo topic, admin.DescribeTopic(options.name));
  if (context->json()) {
    PrintJson(ToJson(topic));
    return absl::OkStatus();
  }
  Print(StrCat("topic ", topic.name, ", id ", topic.id, topic.internal ? ", internal" : "", "\n\n"));
  Table partitions({Right("PARTITION"), Right("LEADER"), Left("REPLICAS"), Left("ISR"), Right("BEGIN"), Right("END"),
                    Right("SIZE"), Right("SEGMENTS"), Left("STATE")});
  for (const client::PartitionInfo& p : topic.partitions) {
    partitions.Add({StrCat(p.partition), OffsetText(p.leader), IdsText(p.replicas), IdsText(p.isr),
                    OffsetText(p.begin_offset), OffsetText(p.end_offset), BytesText(p.size_bytes), StrCat(p.segments),
                    StateText(p)});
  }
  Print(partitions.Render());
  Table configs({Left("CONFIG"), Left("VALUE"), Left("SET BY")});
  for (const auto& [name, config] : topic.configs) {
    configs.Add({name, config.value, config.is_default ? "default" : "topic"});
  }
  if (!configs.empty()) Print(StrCat("\n", configs.Render()));
  return absl::OkStatus();
}

absl::Status Alter(Context* context, const TopicOptions& options) {
  client::Admin admin(context->connection());
  LEAT_RETURN_IF_ERROR(admin.AlterTopic(options.name, Configs(options), options.delete_configs, options.partitions));
  LEAT_ASSIGN_OR_RETURN(const client::TopicInfo topic, admin.DescribeTopic(options.name));
  Say(*context, StrCat("altered topic ", options.name), ToJson(topic));
  return absl::OkStatus();
}

absl::Status Delete(Context* context, const TopicOptions& options) {
  if (Declined(StrCat("Delete topic ", options.name, " and all its records?"), options.yes)) {
    return FailedPrecondition("topic ", options.name, " was not deleted");
  }
  client::Admin admin(context->connection());
  LEAT_RETURN_IF_ERROR(admin.DeleteTopic(options.name));
  Say(*context, StrCat("deleted topic ", options.name), {{"deleted", options.name}});
  return absl::OkStatus();
}

absl::Status DeleteRecords(Context* context, const TopicOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const int64_t begin, admin.DeleteRecords({options.name, options.partition}, options.before));
  Say(*context, StrCat(options.name, "-", options.partition, " now begins at offset ", begin),
      {{"topic", options.name}, {"partition", options.partition}, {"begin_offset", begin}});
  return absl::OkStatus();
}

using Action = absl::Status (*)(Context*, const TopicOptions&);

// A command of the group with its options; `action` runs when the line was parsed.
struct Added {
  CLI::App* command;
  std::shared_ptr<TopicOptions> options;
};
Added Add(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added{AddCommand(group, text), std::make_shared<TopicOptions>()};
  added.command->callback([context, action, options = added.options] {
    // Wrong usage must show before anything is done.
    Configs(*options);
    Assignments(*options);
    context->command = [=] { return action(context, *options); };
  });
  return added;
}

void AddName(const Added& added) { added.command->add_option("name", added.options->name, "the topic")->required(); }

void AddAlter(CLI::App* group, Context* context) {
  const Added alter = Add(group, context, Alter,
                          {.name = "alter",
                           .description = "Change a topic's configuration or add partitions",
                           .examples = "  leat topic alter clicks --config retention.ms=3600000\n"
                                       "  leat topic alter clicks --delete-config retention.ms --partitions 8"});
  AddName(alter);
  AddRepeated(alter.command, "--config", &alter.options->configs, "NAME=VALUE to set; may be repeated");
  AddRepeated(alter.command, "--delete-config", &alter.options->delete_configs,
              "NAME to set back to its default; may be repeated");
  alter.command->add_option("--partitions", alter.options->partitions, "the new number of partitions, more than before")
      ->check(CLI::PositiveNumber);
  alter.command->parse_complete_callback([options = alter.options] {
    if (options->configs.empty() && options->delete_configs.empty() && options->partitions == 0) {
      ThrowUsage("nothing to change: give --config, --delete-config or --partitions");
    }
  });
}

void AddRemoving(CLI::App* group, Context* context) {
  const Added remove = Add(group, context, Delete,
                           {.name = "delete",
                            .description = "Delete a topic and its records",
                            .examples = "  leat topic delete clicks\n  leat topic delete clicks --yes"});
  AddName(remove);
  remove.command->add_flag("--yes", remove.options->yes, "do not ask");
  const Added records = Add(group, context, DeleteRecords,
                            {.name = "delete-records",
                             .description = "Delete the oldest records of a partition",
                             .examples = "  leat topic delete-records clicks --partition 0 --before 1000"});
  AddName(records);
  records.command->add_option("--partition", records.options->partition, "the partition")
      ->required()
      ->check(CLI::NonNegativeNumber);
  records.command->add_option("--before", records.options->before, "the first offset to keep; -1: keep none")
      ->required();
}

}  // namespace

void AddTopicCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddGroup(app, {.name = "topic",
                                   .description = "Create, look at, change and delete topics",
                                   .examples = "  leat topic create clicks --partitions 4\n  leat topic list"});
  const Added create = Add(group, context, Create,
                           {.name = "create",
                            .description = "Create a topic",
                            .examples = "  leat topic create clicks --partitions 4\n"
                                        "  leat topic create audit --config leat.durability=fsync "
                                        "--config retention.ms=86400000\n"
                                        "  leat topic create orders --partitions 6 --replication-factor 3"});
  AddName(create);
  create.command->add_option("--partitions", create.options->partitions, "how many; without it, the broker's default")
      ->check(CLI::PositiveNumber);
  AddRepeated(create.command, "--config", &create.options->configs, "NAME=VALUE, Kafka's names; may be repeated");
  create.command
      ->add_option("--replication-factor", create.options->replication_factor,
                   "copies of each partition; without it, the broker's default")
      ->check(CLI::PositiveNumber);
  AddRepeated(create.command, "--assign", &create.options->assign,
              "the brokers of a partition's copies, ID,ID,.., the leader first; once for each partition");

  const Added list = Add(group, context, List,
                         {.name = "list",
                          .description = "List the topics",
                          .examples = "  leat topic list\n  leat topic list --internal -o json"});
  list.command->add_flag("--internal", list.options->internal, "the broker's own topics too");

  const Added describe = Add(group, context, Describe,
                             {.name = "describe",
                              .description = "Show a topic's partitions and configuration",
                              .examples = "  leat topic describe clicks"});
  AddName(describe);
  AddAlter(group, context);
  AddRemoving(group, context);
}

}  // namespace leat::tool
