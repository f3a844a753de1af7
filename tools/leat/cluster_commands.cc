#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/commands.h"
#include "tools/leat/local_cluster.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

constexpr absl::Duration kPollInterval = absl::Milliseconds(300);

struct ClusterOptions {
  int32_t id = 0;
  std::string at;
  std::string directory;
  bool check = false;
  bool cancel = false;
  bool yes = false;
  std::string timeout = "10m";
};

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

json::array BrokersJson(const client::ClusterInfo& cluster) {
  json::array brokers;
  for (const client::BrokerInfo& broker : cluster.brokers) {
    brokers.push_back({{"id", broker.id},
                       {"grpc", broker.grpc},
                       {"kafka", broker.kafka},
                       {"admin", broker.admin},
                       {"rack", broker.rack},
                       {"epoch", broker.epoch},
                       {"state", broker.state},
                       {"controller", broker.id == cluster.controller},
                       {"replicas", broker.replicas},
                       {"leaders", broker.leaders}});
  }
  return brokers;
}

std::string BrokersTable(const client::ClusterInfo& cluster) {
  Table table({Right("BROKER"), Left("STATE"), Left("RACK"), Left("GRPC"), Left("KAFKA"), Left("ADMIN"),
               Right("LEADERS"), Right("REPLICAS"), Left("ROLE")});
  for (const client::BrokerInfo& broker : cluster.brokers) {
    table.Add({StrCat(broker.id), broker.state, OrDash(broker.rack), OrDash(broker.grpc), OrDash(broker.kafka),
               OrDash(broker.admin), StrCat(broker.leaders), StrCat(broker.replicas),
               broker.id == cluster.controller ? "controller" : ""});
  }
  return table.Render();
}

// What an operator looks at first; empty: all is well.
std::string Troubles(const client::ClusterInfo& cluster) {
  std::string text;
  const auto add = [&](uint64_t count, std::string_view what) {
    if (count > 0) StrAppend(&text, text.empty() ? "" : ", ", count, " ", what);
  };
  add(cluster.leaderless, "without a leader");
  add(cluster.under_replicated, "with replicas out of sync");
  uint64_t fenced = 0;
  for (const client::BrokerInfo& broker : cluster.brokers) fenced += broker.state == "fenced" ? 1 : 0;
  if (fenced > 0) StrAppend(&text, text.empty() ? "" : "; ", fenced, " of the brokers not heard of");
  if (cluster.controller >= 0) return text;
  return StrCat(
      "no active controller: until more than half of the voters run (leat cluster quorum) nothing can be changed, "
      "and this is what was known last",
      text.empty() ? "" : ": ", text);
}

absl::Status Status(Context* context, const ClusterOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, admin.DescribeCluster());
  const absl::Duration uptime = absl::Now() - absl::FromUnixMillis(cluster.start_time_ms);
  const std::string troubles = Troubles(cluster);
  if (context->json()) {
    PrintJson(json::object{{"cluster_id", cluster.cluster_id},
                           {"version", cluster.version},
                           {"controller", cluster.controller},
                           {"start_time_ms", cluster.start_time_ms},
                           {"uptime_seconds", absl::ToInt64Seconds(uptime)},
                           {"feature_level", cluster.feature_level},
                           {"metadata_offset", cluster.metadata_offset},
                           {"topics", cluster.topics},
                           {"partitions", cluster.partitions},
                           {"leaderless", cluster.leaderless},
                           {"under_replicated", cluster.under_replicated},
                           {"not_preferred", cluster.not_preferred},
                           {"reassigning", cluster.reassigning},
                           {"healthy", troubles.empty()},
                           {"brokers", BrokersJson(cluster)}});
  } else {
    Print(StrCat("cluster ", cluster.cluster_id, ", version ", cluster.version, ", up ", DurationText(uptime), "\n",
                 cluster.partitions, " partitions of ", cluster.topics,
                 " topics: ", troubles.empty() ? "all have a leader, and their replicas are in sync" : troubles, "\n\n",
                 BrokersTable(cluster)));
  }
  if (options.check && !troubles.empty()) return FailedPrecondition("the cluster is not well: ", troubles);
  return absl::OkStatus();
}

absl::Status Brokers(Context* context, const ClusterOptions&) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, admin.DescribeCluster());
  context->json() ? PrintJson(BrokersJson(cluster)) : Print(BrokersTable(cluster));
  return absl::OkStatus();
}

json::array MembersJson(const std::vector<client::QuorumMember>& members) {
  json::array list;
  for (const client::QuorumMember& member : members) {
    json::array listeners;
    for (const std::string& at : member.listeners) listeners.emplace_back(at);
    list.push_back({{"id", member.id},
                    {"directory", member.directory},
                    {"log_end_offset", member.log_end_offset},
                    {"last_fetch_ms", member.last_fetch_ms},
                    {"last_caught_up_ms", member.last_caught_up_ms},
                    {"listeners", std::move(listeners)}});
  }
  return list;
}

std::string AgeText(int64_t time_ms) {
  if (time_ms < 0) return "-";
  return DurationText(std::max(absl::Now() - absl::FromUnixMillis(time_ms), absl::ZeroDuration()));
}

absl::Status Quorum(Context* context, const ClusterOptions&) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::QuorumInfo quorum, admin.DescribeQuorum());
  if (context->json()) {
    PrintJson(json::object{{"leader", quorum.leader},
                           {"epoch", quorum.epoch},
                           {"high_watermark", quorum.high_watermark},
                           {"voters", MembersJson(quorum.voters)},
                           {"observers", MembersJson(quorum.observers)}});
    return absl::OkStatus();
  }
  Table table(
      {Right("NODE"), Left("ROLE"), Right("LOG END"), Right("LAG"), Right("CAUGHT UP"), Left("DIRECTORY"), Left("AT")});
  const auto add = [&](const client::QuorumMember& member, std::string_view role) {
    const bool known = member.log_end_offset >= 0;
    std::string listeners;
    for (const std::string& at : member.listeners) StrAppend(&listeners, listeners.empty() ? "" : " ", at);
    table.Add({StrCat(member.id), std::string(member.id == quorum.leader ? "leader" : role),
               known ? StrCat(member.log_end_offset) : "-",
               known ? StrCat(std::max<int64_t>(quorum.high_watermark - member.log_end_offset, 0)) : "-",
               AgeText(member.last_caught_up_ms), OrDash(member.directory), OrDash(listeners)});
  };
  for (const client::QuorumMember& voter : quorum.voters) add(voter, "voter");
  for (const client::QuorumMember& observer : quorum.observers) add(observer, "observer");
  Print(StrCat(quorum.leader < 0 ? "no leader now" : StrCat("leader ", quorum.leader), ", epoch ", quorum.epoch,
               ", committed up to ", quorum.high_watermark, "\n\n", table.Render()));
  return absl::OkStatus();
}

// A command without an answer of its own says what it did: to a person a sentence, to a program an object.
void Say(const Context& context, const std::string& sentence, const json::object& object) {
  context.json() ? PrintJson(object) : Print(StrCat(sentence, "\n"));
}

absl::Status AddVoter(Context* context, const ClusterOptions& options) {
  const size_t colon = options.at.rfind(':');
  client::VoterSpec voter{.id = options.id, .directory = options.directory};
  voter.host = options.at.substr(0, colon);
  voter.port = std::stoi(options.at.substr(colon + 1));
  client::Admin admin(context->connection());
  LEAT_RETURN_IF_ERROR(admin.AddVoter(voter));
  Say(*context, StrCat("node ", options.id, " is a voter"), {{"added", options.id}});
  return absl::OkStatus();
}

absl::Status RemoveVoter(Context* context, const ClusterOptions& options) {
  if (Declined(StrCat("Take the vote of node ", options.id, " away?"), options.yes)) {
    return FailedPrecondition("node ", options.id, " is still a voter");
  }
  client::Admin admin(context->connection());
  LEAT_RETURN_IF_ERROR(admin.RemoveVoter(options.id, options.directory));
  Say(*context, StrCat("node ", options.id, " is no voter any more"), {{"removed", options.id}});
  return absl::OkStatus();
}

// Until the broker holds nothing, or the time is over.
absl::Status Drain(client::Admin* admin, const ClusterOptions& options) {
  const absl::Time deadline = absl::Now() + ParseDurationText(options.timeout).value_or(absl::Minutes(10));
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const uint64_t held, admin->DrainBroker(options.id));
    if (held == 0) return absl::OkStatus();
    if (Interrupted()) return Cancelled("interrupted; broker ", options.id, " still gives up its replicas");
    if (absl::Now() + kPollInterval >= deadline) {
      return DeadlineExceeded("broker ", options.id, " still holds ", held, " replicas after ", options.timeout,
                              ": they go on moving; run the command again to wait longer, or with --cancel to stop it");
    }
    absl::SleepFor(kPollInterval);
  }
}

absl::Status Decommission(Context* context, const ClusterOptions& options) {
  client::Admin admin(context->connection());
  if (options.cancel) {
    LEAT_RETURN_IF_ERROR(admin.CancelDrain(options.id));
    Say(*context, StrCat("broker ", options.id, " takes replicas again"), {{"cancelled", options.id}});
    return absl::OkStatus();
  }
  if (Declined(StrCat("Move everything away from broker ", options.id, "?"), options.yes)) {
    return FailedPrecondition("broker ", options.id, " was left as it is");
  }
  InstallInterrupt();
  LEAT_RETURN_IF_ERROR(Drain(&admin, options));
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, admin.DescribeCluster());
  for (const client::BrokerInfo& broker : cluster.brokers) {
    if (broker.id != options.id || broker.state == "fenced") continue;
    Say(*context,
        StrCat("broker ", options.id, " holds no replicas: stop it, and run the command again to take it off the list"),
        {{"drained", options.id}, {"unregistered", false}});
    return absl::OkStatus();
  }
  LEAT_RETURN_IF_ERROR(admin.UnregisterBroker(options.id));
  Say(*context, StrCat("broker ", options.id, " is gone"), {{"drained", options.id}, {"unregistered", true}});
  return absl::OkStatus();
}

absl::Status Rebalance(Context* context, const ClusterOptions&) {
  client::Admin admin(context->connection());
  uint64_t moved = 0;
  for (uint64_t now = 1; now > 0; moved += now) {
    LEAT_ASSIGN_OR_RETURN(now, admin.RebalanceLeaders());
  }
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, admin.DescribeCluster());
  Say(*context,
      StrCat("moved ", moved, " leaders; ",
             cluster.not_preferred == 0 ? std::string("every partition is led by its preferred replica")
                                        : StrCat(cluster.not_preferred, " partitions have a preferred replica that is ",
                                                 "not live and in sync")),
      {{"moved", moved}, {"not_preferred", cluster.not_preferred}});
  return absl::OkStatus();
}

using Action = absl::Status (*)(Context*, const ClusterOptions&);

struct Added {
  CLI::App* command;
  std::shared_ptr<ClusterOptions> options;
};
Added Add(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added{AddCommand(group, text), std::make_shared<ClusterOptions>()};
  added.command->callback(
      [context, action, options = added.options] { context->command = [=] { return action(context, *options); }; });
  return added;
}

void AddId(const Added& added, const std::string& what) {
  added.command->add_option("id", added.options->id, what)->required()->check(CLI::NonNegativeNumber);
}

void AddShowing(CLI::App* group, Context* context) {
  const Added status = Add(group, context, Status,
                           {.name = "status",
                            .description = "Show the cluster's id, version, health and brokers",
                            .examples = "  leat cluster status\n  leat cluster status --check -o json"});
  status.command->add_flag("--check", status.options->check,
                           "exit code 1 if a partition has no leader or a replica out of sync, or a broker is missing");
  Add(group, context, Brokers,
      {.name = "brokers",
       .description = "List the brokers with their addresses, and what they hold and lead",
       .examples = "  leat cluster brokers\n  leat cluster brokers -o json"});
  Add(group, context, Quorum,
      {.name = "quorum",
       .description = "Show who votes on the cluster's metadata, and how far each of them is",
       .examples = "  leat cluster quorum"});
}

void AddVoting(CLI::App* group, Context* context) {
  const Added add = Add(group, context, AddVoter,
                        {.name = "add-voter",
                         .description = "Make a node one of those that vote on the cluster's metadata",
                         .examples = "  leat cluster add-voter 4 --at broker-4:9097"});
  AddId(add, "the node's id");
  add.command->add_option("--at", add.options->at, "the node's internal listener, HOST:PORT")
      ->required()
      ->check(AddressProblem);
  add.command->add_option("--directory", add.options->directory,
                          "the id of its log's directory, to be sure that it is the one that was meant");
  const Added remove = Add(group, context, RemoveVoter,
                           {.name = "remove-voter",
                            .description = "Take a node's vote on the cluster's metadata away",
                            .examples = "  leat cluster remove-voter 4 --yes"});
  AddId(remove, "the node's id");
  remove.command->add_option("--directory", remove.options->directory, "the id of its log's directory");
  remove.command->add_flag("--yes", remove.options->yes, "do not ask");
}

void AddMoving(CLI::App* group, Context* context) {
  const Added leave = Add(group, context, Decommission,
                          {.name = "decommission",
                           .description = "Move all replicas away from a broker, and forget it once it has stopped",
                           .examples = "  leat cluster decommission 3 --yes\n  leat cluster decommission 3 --cancel"});
  AddId(leave, "the broker's id");
  leave.command->add_flag("--cancel", leave.options->cancel, "let it take replicas again; moves under way go on");
  leave.command->add_flag("--yes", leave.options->yes, "do not ask");
  leave.command->add_option("--timeout", leave.options->timeout, "how long to wait for the moves")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  Add(group, context, Rebalance,
      {.name = "rebalance",
       .description = "Let every partition be led by its preferred replica again",
       .examples = "  leat cluster rebalance"});
}

}  // namespace

void AddClusterCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddCommand(app, {.name = "cluster",
                                     .description = "Look at the cluster and change it; alone, as `status`",
                                     .examples = "  leat cluster\n"
                                                 "  leat cluster status -o json\n"
                                                 "  leat cluster start-local"});
  group->require_subcommand(0, 1);
  group->callback([=] {
    if (group->get_subcommands().empty()) context->command = [=] { return Status(context, {}); };
  });
  AddShowing(group, context);
  AddVoting(group, context);
  AddMoving(group, context);
  AddStartLocalCommand(group, context);
}

}  // namespace leat::tool
