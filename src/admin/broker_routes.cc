#include "admin/broker_routes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "broker/broker.h"

namespace leat::admin {
namespace {

namespace json = boost::json;

void Answer(Responder& respond, const json::value& body) {
  Response response;
  response.body = json::serialize(body) + "\n";
  respond(std::move(response));
}

json::value OrNull(int64_t value, int64_t none) { return value == none ? json::value(nullptr) : json::value(value); }

std::string_view SourceName(broker::ConfigEntry::Source source) {
  switch (source) {
    case broker::ConfigEntry::Source::kDefault:
      return "default";
    case broker::ConfigEntry::Source::kBroker:
      return "broker";
    case broker::ConfigEntry::Source::kTopic:
      return "topic";
  }
  return "unknown";
}

json::array Ids(const std::vector<model::NodeId>& nodes) {
  json::array ids;
  for (const model::NodeId node : nodes) ids.emplace_back(node.value());
  return ids;
}

json::object TopicJson(const broker::TopicDescription& topic) {
  json::array partitions;
  for (const broker::PartitionDescription& partition : topic.partitions) {
    json::object one{{"partition", partition.partition.value()},
                     {"leader", partition.leader.value()},
                     {"leader_epoch", partition.leader_epoch.value()},
                     {"log_start_offset", partition.log_start.value()},
                     {"high_watermark", partition.high_watermark.value()},
                     {"size_bytes", partition.size_bytes},
                     {"segments", partition.segments},
                     {"replicas", Ids(partition.replicas)},
                     {"isr", Ids(partition.isr)},
                     {"offline", Ids(partition.offline)}};
    if (!partition.outcome.ok()) one["error"] = partition.outcome.message;
    partitions.push_back(std::move(one));
  }
  json::object configs;
  for (const broker::ConfigEntry& entry : topic.configs) {
    configs[entry.name] = json::object{{"value", entry.value}, {"source", SourceName(entry.source)}};
  }
  return {{"name", topic.name},
          {"id", topic.id.ToString()},
          {"internal", topic.internal},
          {"partitions", std::move(partitions)},
          {"configs", std::move(configs)}};
}

json::object JobJson(const broker::JobDescription& job) {
  json::array inputs;
  for (const broker::PartitionProgress& input : job.inputs) {
    inputs.push_back({{"topic", input.partition.topic},
                      {"partition", input.partition.partition.value()},
                      {"offset", OrNull(input.offset.value(), -1)},
                      {"high_watermark", OrNull(input.high_watermark.value(), -1)},
                      {"watermark_ms", OrNull(input.watermark_ms, INT64_MIN)}});
  }
  return {{"name", job.name},
          {"state", broker::JobStateName(job.state)},
          {"node", OrNull(job.node.value(), -1)},
          {"error", job.error.empty() ? json::value(nullptr) : json::value(job.error)},
          {"created_ms", job.created_ms},
          {"restarts", job.restarts},
          {"rows_in", job.rows_in},
          {"rows_out", job.rows_out},
          {"rows_late", job.rows_late},
          {"rows_dead", job.rows_dead},
          {"checkpoints", job.checkpoints},
          {"checkpoint_age_ms", OrNull(job.checkpoint_age_ms, -1)},
          {"checkpoint_duration_seconds", job.checkpoint_duration_seconds},
          {"state_bytes", job.state_bytes},
          {"inputs", std::move(inputs)}};
}

json::array OperatorsJson(const broker::JobProgress& progress) {
  json::array operators;
  for (const broker::JobOperator& op : progress.operators) {
    const bool timed = op.watermark_ms != INT64_MIN && op.watermark_ms != INT64_MAX;
    operators.push_back(
        {{"id", op.id},
         {"name", op.name},
         {"rows_in", op.rows_in},
         {"rows_out", op.rows_out},
         {"rows_late", op.rows_late},
         {"rows_dead", op.rows_dead},
         {"state_bytes", op.state_bytes},
         {"watermark_ms", timed ? json::value(op.watermark_ms) : json::value(nullptr)},
         {"watermark_lag_seconds", timed ? json::value(op.watermark_lag_seconds) : json::value(nullptr)},
         {"input_ended", op.watermark_ms == INT64_MAX},
         {"busy_seconds", op.busy_seconds},
         {"backpressured_seconds", op.backpressured_seconds}});
  }
  return operators;
}

json::value LatencyJson(const broker::JobProgress& progress) {
  if (progress.latency_records == 0) return nullptr;
  return {{"records", progress.latency_records},
          {"p50_seconds", progress.latency_p50_seconds},
          {"p95_seconds", progress.latency_p95_seconds},
          {"p99_seconds", progress.latency_p99_seconds}};
}

void AddTopics(Router& router, broker::Broker& broker) {
  router.Route(Method::kGet, "/v1/topics", [&broker](const Request&, Responder respond) {
    broker.DescribeTopics({}, [respond = std::move(respond)](std::vector<broker::TopicDescription> topics) mutable {
      json::array list;
      for (const broker::TopicDescription& topic : topics) list.push_back(TopicJson(topic));
      Answer(respond, json::object{{"topics", std::move(list)}});
    });
  });
  router.Route(Method::kGet, "/v1/topics/{topic}", [&broker](const Request& request, Responder respond) {
    const std::string name = request.params.at("topic");
    broker.DescribeTopics({name}, [respond = std::move(respond)](std::vector<broker::TopicDescription> topics) mutable {
      if (topics.size() == 1 && topics.front().outcome.ok()) return Answer(respond, TopicJson(topics.front()));
      respond(ErrorResponse(404, "not_found", topics.empty() ? "no such topic" : topics.front().outcome.message));
    });
  });
}

void AddLag(Router& router, broker::Broker& broker) {
  router.Route(Method::kGet, "/v1/lag", [&broker](const Request& request, Responder respond) {
    const auto group = request.query.find("group");
    broker.DescribeLag(group == request.query.end() ? "" : group->second,
                       [respond = std::move(respond)](std::vector<broker::GroupLag> lags) mutable {
                         json::array list;
                         for (const broker::GroupLag& lag : lags) {
                           list.push_back({{"group", lag.group},
                                           {"topic", lag.partition.topic},
                                           {"partition", lag.partition.partition.value()},
                                           {"committed_offset", lag.committed.value()},
                                           {"high_watermark", lag.high_watermark.value()},
                                           {"lag_records", lag.lag_records},
                                           {"lag_seconds", lag.lag_seconds},
                                           {"status", broker::StatusName(lag.status)}});
                         }
                         Answer(respond, json::object{{"lag", std::move(list)}});
                       });
  });
}

void AddJobs(Router& router, broker::Broker& broker) {
  router.Route(Method::kGet, "/v1/jobs", [&broker](const Request&, Responder respond) {
    broker.ListJobs([respond = std::move(respond)](std::vector<broker::JobDescription> jobs) mutable {
      json::array list;
      for (const broker::JobDescription& job : jobs) list.push_back(JobJson(job));
      Answer(respond, json::object{{"jobs", std::move(list)}});
    });
  });
  router.Route(Method::kGet, "/v1/jobs/{job}", [&broker](const Request& request, Responder respond) {
    broker.DescribeJob(
        request.params.at("job"), [respond = std::move(respond)](absl::StatusOr<broker::JobDescription> job) mutable {
          if (!job.ok()) {
            return respond(ErrorResponse(404, "not_found", Message(job.status())));
          }
          json::object body = JobJson(*job);
          body["sql"] = job->sql;
          body["plan"] = job->explain;
          body["workers"] = job->progress.workers;
          body["run_seconds"] = job->progress.seconds;
          body["checkpoint_bytes"] = job->progress.checkpoint_bytes;
          body["cpu_seconds"] = job->progress.cpu_seconds;
          body["cpu_limited_seconds"] = job->progress.cpu_limited_seconds;
          body["cpu_limit"] = job->progress.cpu_limit > 0 ? json::value(job->progress.cpu_limit) : json::value(nullptr);
          body["latency"] = LatencyJson(job->progress);
          body["operators"] = OperatorsJson(job->progress);
          Answer(respond, body);
        });
  });
}

void AddCluster(Router& router, broker::Broker& broker) {
  router.Route(Method::kGet, "/v1/cluster", [&broker](const Request&, Responder respond) {
    broker.DescribeCluster([respond = std::move(respond)](const broker::ClusterDescription& cluster) mutable {
      json::array nodes;
      for (const broker::ClusterDescription::Node& node : cluster.nodes) {
        nodes.push_back({{"id", node.id.value()},
                         {"grpc", node.grpc},
                         {"kafka", node.kafka},
                         {"admin", node.admin},
                         {"rack", node.rack},
                         {"state", broker::StateName(node.state)},
                         {"replicas", node.replicas},
                         {"leaders", node.leaders}});
      }
      Answer(respond, json::object{{"cluster_id", cluster.cluster_id},
                                   {"controller", cluster.controller.value()},
                                   {"version", cluster.version},
                                   {"start_time_ms", cluster.start_time_ms},
                                   {"partitions", cluster.partitions},
                                   {"leaderless", cluster.leaderless},
                                   {"under_replicated", cluster.under_replicated},
                                   {"nodes", std::move(nodes)}});
    });
  });
}

}  // namespace

ReadyCheck BrokerReadyCheck(broker::Broker& broker) {
  return [&broker](absl::AnyInvocable<void(Reasons)> answer) {
    broker.Health([answer = std::move(answer)](const absl::Status& health) mutable {
      answer(health.ok() ? Reasons{} : Reasons{std::string(Message(health))});
    });
  };
}

void AddBrokerRoutes(Router& router, broker::Broker& broker) {
  AddTopics(router, broker);
  AddLag(router, broker);
  AddJobs(router, broker);
  AddCluster(router, broker);
}

}  // namespace leat::admin
