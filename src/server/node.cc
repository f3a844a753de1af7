#include "server/node.h"

#include <future>

#include "admin/broker_routes.h"
#include "admin/endpoints.h"
#include "admin/server.h"
#include "base/logging.h"
#include "broker/broker.h"
#include "config/values.h"
#include "grpc/server.h"
#include "runtime/acceptor.h"
#include "runtime/asio_shard.h"
#include "runtime/posix_disk.h"
#include "runtime/prometheus_metrics.h"
#include "runtime/shard_set.h"

namespace leat::server {
namespace {

constexpr Duration kPatience = absl::Seconds(5);  // for requests in progress at a stop

broker::Options BrokerOptionsOf(const config::BrokerOptions& options) {
  broker::Options out;
  out.node_id = model::NodeId{static_cast<int32_t>(options.node_id)};
  out.data_dir = options.data_dir;
  out.log_defaults = options.log;
  out.checkpoint_interval = options.log.checkpoint_interval;
  out.retention_check_interval = options.log.retention_check_interval;
  out.auto_create_topics = options.topics.auto_create;
  out.default_partitions = static_cast<int32_t>(options.topics.default_partitions);
  out.limits.inflight_bytes = static_cast<size_t>(options.limits.inflight_bytes);
  out.limits.fetch_max_bytes = static_cast<size_t>(options.limits.fetch_max_bytes);
  out.limits.fetch_max_wait = options.limits.fetch_max_wait;
  out.limits.topics = static_cast<int32_t>(options.limits.topics);
  out.limits.partitions_per_topic = static_cast<int32_t>(options.limits.partitions_per_topic);
  out.jobs.memory_limit_bytes = static_cast<size_t>(options.jobs.memory_limit);
  out.jobs.checkpoint_interval = options.jobs.checkpoint_interval;
  out.jobs.parallelism = static_cast<int>(options.jobs.threads);
  out.jobs.max_restarts = static_cast<int>(options.jobs.max_restarts);
  out.jobs.restart_backoff = options.jobs.restart_backoff;
  out.jobs.restart_backoff_max = options.jobs.restart_backoff_max;
  out.jobs.state_dir = env::JoinPath(options.data_dir, "state");
  return out;
}

// Runs a callback-style call from the main thread, which no shard waits for.
template <typename Reply, typename Start>
Reply Await(Start start) {
  std::promise<Reply> promise;
  start([&promise](Reply reply) { promise.set_value(std::move(reply)); });
  return promise.get_future().get();
}

constexpr size_t kFilesOfOurOwn = 512;  // beside the connections, when there are few partitions

void WarnOfFileLimit(size_t connections) {
  const size_t files = runtime::RaiseFileLimit();
  if (files >= connections + kFilesOfOurOwn) return;
  LogWarning("server", "limits.connections is ", connections, ", but this process may open only ", files,
             " files: raise the limit of open files (ulimit -n, LimitNOFILE), or lower limits.connections");
}

}  // namespace

struct Node::State {
  explicit State(const config::BrokerOptions& from)
      : options(from), shards({.shards = static_cast<size_t>(from.shards), .disk_threads = {}}) {}

  absl::StatusOr<Addresses> Start();
  absl::Status StartAdmin();
  absl::Status Stop();

  const config::BrokerOptions options;
  runtime::PosixDisk disk;
  runtime::PrometheusMetrics metrics{{}};
  runtime::ShardSet shards;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<rpc::GrpcServer> grpc;
  std::unique_ptr<admin::HttpServer> admin;
  bool broker_started = false;
  bool admin_listening = false;
};

absl::Status Node::State::StartAdmin() {
  admin::Router router;
  admin::AddBrokerRoutes(router, *broker);
  admin::AddHealthRoutes(router, admin::BrokerReadyCheck(*broker));
  admin::AddMetricsRoute(router, shards.shard(0), metrics);
  admin::HttpServer::Options http;
  LEAT_ASSIGN_OR_RETURN(const config::Address address, config::ParseAddress(options.listeners.admin));
  http.host = address.host;
  http.port = address.port;
  http.max_connections = static_cast<size_t>(options.limits.http_connections);
  http.max_header_bytes = static_cast<size_t>(options.limits.http_header_bytes);
  http.max_body_bytes = static_cast<size_t>(options.limits.http_body_bytes);
  admin = std::make_unique<admin::HttpServer>(shards.shard(0), std::move(router), http, metrics);
  LEAT_RETURN_IF_ERROR(Annotate(admin->Listen(), "listeners.admin"));
  admin_listening = true;
  return absl::OkStatus();
}

absl::StatusOr<Addresses> Node::State::Start() {
  LEAT_RETURN_IF_ERROR(CheckSupported(options));
  shards.Start();
  std::vector<env::Shard*> pointers;
  for (size_t i = 0; i < shards.size(); ++i) pointers.push_back(&shards.shard(i));
  broker = broker::Broker::Create(BrokerOptionsOf(options), disk, std::move(pointers), metrics);
  LEAT_RETURN_IF_ERROR(Await<absl::Status>([&](auto done) { broker->Start(std::move(done)); }));
  broker_started = true;
  Addresses addresses;
  if (!options.listeners.grpc.empty()) {
    rpc::ServerOptions server;
    server.address = options.listeners.grpc;
    server.max_message_bytes = static_cast<size_t>(options.limits.request_bytes);
    server.max_answer_bytes = static_cast<size_t>(options.limits.fetch_max_bytes);
    server.max_connections = static_cast<size_t>(options.limits.connections);
    server.max_streams = server.max_connections;
    WarnOfFileLimit(server.max_connections);
    grpc = std::make_unique<rpc::GrpcServer>(server, *broker);
    LEAT_ASSIGN_OR_RETURN(addresses.grpc, grpc->Start());
  }
  if (!options.listeners.admin.empty()) {
    LEAT_RETURN_IF_ERROR(StartAdmin());
    addresses.admin = admin->address();
  }
  broker->SetAdvertised(addresses.grpc, addresses.kafka, addresses.admin);
  return addresses;
}

absl::Status Node::State::Stop() {
  if (admin_listening) {
    Await<int>([&](auto done) { admin->Stop([done = std::move(done)]() mutable { done(0); }); });
    admin_listening = false;
  }
  if (grpc != nullptr) grpc->Stop(kPatience);
  grpc.reset();
  absl::Status status;
  if (broker_started) status = Await<absl::Status>([&](auto done) { broker->Stop(std::move(done)); });
  broker_started = false;
  shards.Stop();
  admin.reset();
  broker.reset();
  return status;
}

absl::Status CheckSupported(const config::BrokerOptions& options) {
  if (options.listeners.kafka.empty()) return absl::OkStatus();
  return Unimplemented("config: listeners.kafka: this build has no Kafka listener; leave the key empty, got '",
                       options.listeners.kafka, "'");
}

Node::Node(const config::BrokerOptions& options) : state_(std::make_unique<State>(options)) {}
Node::~Node() = default;

absl::StatusOr<Addresses> Node::Start() {
  absl::StatusOr<Addresses> addresses = state_->Start();
  if (!addresses.ok()) {
    const absl::Status stopped = state_->Stop();
    if (!stopped.ok()) LogWarning("server", "stopping after a failed start: ", Message(stopped));
  }
  return addresses;
}

absl::Status Node::Stop() { return state_->Stop(); }
std::string Node::MetricsReference() const { return state_->metrics.RenderMetricsReference(); }

}  // namespace leat::server
