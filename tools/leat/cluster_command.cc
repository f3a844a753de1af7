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

absl::Status Show(Context* context) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, admin.DescribeCluster());
  const absl::Duration uptime = absl::Now() - absl::FromUnixMillis(cluster.start_time_ms);
  json::array brokers;
  Table table({Right("BROKER"), Left("GRPC"), Left("KAFKA"), Left("ADMIN"), Left("ROLE")});
  for (const client::BrokerInfo& broker : cluster.brokers) {
    const bool controller = broker.id == cluster.controller;
    brokers.push_back({{"id", broker.id}, {"grpc", broker.grpc}, {"kafka", broker.kafka}, {"admin", broker.admin}});
    table.Add({StrCat(broker.id), broker.grpc, broker.kafka.empty() ? "-" : broker.kafka,
               broker.admin.empty() ? "-" : broker.admin, controller ? "controller" : ""});
  }
  if (context->json()) {
    PrintJson(json::object{{"cluster_id", cluster.cluster_id},
                           {"version", cluster.version},
                           {"controller", cluster.controller},
                           {"start_time_ms", cluster.start_time_ms},
                           {"uptime_seconds", absl::ToInt64Seconds(uptime)},
                           {"brokers", std::move(brokers)}});
    return absl::OkStatus();
  }
  Print(StrCat("cluster ", cluster.cluster_id, ", version ", cluster.version, ", up ", DurationText(uptime), "\n\n",
               table.Render()));
  return absl::OkStatus();
}

}  // namespace

void AddClusterCommand(CLI::App* app, Context* context) {
  CLI::App* command = AddCommand(app, {.name = "cluster",
                                       .description = "Show the cluster's id, version, brokers and uptime",
                                       .examples = "  leat cluster\n  leat cluster -o json"});
  command->callback([=] { context->command = [=] { return Show(context); }; });
}

}  // namespace leat::tool
