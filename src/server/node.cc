#include "server/node.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <future>

#include "admin/broker_routes.h"
#include "admin/endpoints.h"
#include "admin/page.h"
#include "admin/server.h"
#include "admin/stream_routes.h"
#include "admin/view_routes.h"
#include "base/check.h"
#include "base/logging.h"
#include "broker/broker.h"
#include "broker/meta_properties.h"
#include "broker/views.h"
#include "config/relations.h"
#include "config/values.h"
#include "grpc/server.h"
#include "kafka/server.h"
#include "runtime/acceptor.h"
#include "runtime/asio_shard.h"
#include "runtime/peer_network.h"
#include "runtime/peer_secret.h"
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
  out.compaction_check_interval = options.log.compaction_check_interval;
  out.compaction_memory_bytes = static_cast<size_t>(options.log.compaction_memory);
  out.compaction_bytes_per_second = static_cast<uint64_t>(options.log.compaction_rate);
  out.auto_create_topics = options.topics.auto_create;
  out.default_partitions = static_cast<int32_t>(options.topics.default_partitions);
  out.groups.initial_rebalance_delay = options.groups.initial_rebalance_delay;
  out.groups.min_session_timeout = options.groups.min_session_timeout;
  out.groups.max_session_timeout = options.groups.max_session_timeout;
  out.groups.limits.members = static_cast<size_t>(options.groups.max_members);
  out.groups.offsets_retention = options.groups.offsets_retention;
  out.groups.retention_check_interval = options.groups.retention_check_interval;
  out.max_transaction_timeout = options.transactions.max_timeout;
  out.transactional_id_expiration = options.transactions.id_expiration;
  out.transactional_ids = static_cast<size_t>(options.transactions.max_ids);
  out.transactional_id_bytes = static_cast<size_t>(options.transactions.max_id_bytes);
  out.partitions_per_transaction = static_cast<size_t>(options.transactions.max_partitions);
  out.limits.inflight_bytes = static_cast<size_t>(options.limits.inflight_bytes);
  out.limits.fetch_max_bytes = static_cast<size_t>(options.limits.fetch_max_bytes);
  out.limits.fetch_max_wait = options.limits.fetch_max_wait;
  out.limits.topics = static_cast<int32_t>(options.limits.topics);
  out.limits.partitions_per_topic = static_cast<int32_t>(options.limits.partitions_per_topic);
  out.limits.partitions = static_cast<int32_t>(options.limits.partitions);
  out.jobs.memory_limit_bytes = static_cast<size_t>(options.jobs.memory_limit);
  out.jobs.checkpoint_interval = options.jobs.checkpoint_interval;
  out.jobs.parallelism = static_cast<int>(options.jobs.threads);
  out.jobs.max_restarts = static_cast<int>(options.jobs.max_restarts);
  out.jobs.restart_backoff = options.jobs.restart_backoff;
  out.jobs.restart_backoff_max = options.jobs.restart_backoff_max;
  out.jobs.filesystem_folders = options.jobs.filesystem_folders;
  out.jobs.state_dir = env::JoinPath(options.data_dir, "state");
  out.rack = options.cluster.rack;
  for (const std::string& text : options.cluster.voters) {
    const absl::StatusOr<config::Voter> voter = config::ParseVoter(text);
    LEAT_CHECK(voter.ok()) << "the configuration was checked: " << voter.status().ToString();
    out.voters.push_back({model::NodeId(voter->node), voter->address.host, voter->address.port});
  }
  // With three copies of everything any one node may be lost.
  out.replication_factor = static_cast<int32_t>(config::ReplicationFactorOf(options));
  out.log_defaults.min_insync_replicas = static_cast<int32_t>(options.topics.min_insync_replicas);
  return out;
}

// Half of the node's memory for requests is for those that are being read, which the broker has not seen; the other
// half is for those that it has taken.
kafka::ServerOptions KafkaOptionsOf(const config::BrokerOptions& options) {
  kafka::ServerOptions out;
  const config::LimitOptions& limits = options.limits;
  out.max_connections = static_cast<size_t>(limits.connections);
  out.max_request_bytes = static_cast<size_t>(limits.request_bytes);
  out.inflight_bytes = static_cast<size_t>(limits.inflight_bytes) / 2;
  out.output_bytes = static_cast<size_t>(limits.inflight_bytes);
  out.fetch_max_bytes = static_cast<size_t>(limits.fetch_max_bytes);
  out.max_idle = limits.connection_idle;
  out.auto_create_topics = options.topics.auto_create;
  for (const std::string& text : options.listeners.kafka) {
    const absl::StatusOr<config::NamedAddress> at = config::ParseNamedAddress(text);
    LEAT_CHECK(at.ok()) << "the configuration was checked: " << at.status().ToString();
    out.listeners.push_back({.name = at->name, .host = at->address.host, .port = at->address.port});
  }
  for (const std::string& text : options.advertised.kafka) {
    const absl::StatusOr<config::NamedAddress> advertised = config::ParseNamedAddress(text);
    LEAT_CHECK(advertised.ok()) << "the configuration was checked: " << advertised.status().ToString();
    for (kafka::ListenerConfig& listener : out.listeners) {
      if (listener.name != advertised->name) continue;
      listener.advertised_host = advertised->address.host;
      listener.advertised_port = advertised->address.port;
    }
  }
  return out;
}

constexpr size_t kLongestClusterId = 100;

// Of the cluster that the directory belongs to; empty if it belongs to none yet. The broker complains of a damaged
// file.
std::string KnownClusterId(env::Disk& disk, const std::string& data_dir) {
  const std::string path = env::JoinPath(data_dir, "meta.properties");
  if (!disk.Exists(path).value_or(false)) return {};
  const absl::StatusOr<std::string> text = env::ReadWholeFile(disk, path);
  std::string id = text.ok() ? broker::ParseProperties(*text)["cluster.id"] : std::string();
  return id.size() <= kLongestClusterId ? id : std::string();
}

// A frame is a request, or the answer to a fetch, with what our own protocol adds; a batch is never cut in two.
constexpr size_t kBesideRecords = size_t{1} << 20;

absl::StatusOr<runtime::PeerOptions> PeerOptionsOf(const config::BrokerOptions& options, env::Disk& disk) {
  runtime::PeerOptions out;
  out.node_id = static_cast<int32_t>(options.node_id);
  out.listen = options.listeners.internal;
  out.max_frame_bytes =
      kBesideRecords + static_cast<size_t>(std::max({options.limits.request_bytes, options.limits.fetch_max_bytes,
                                                     int64_t{options.log.max_batch_bytes}}));
  out.max_bytes = std::max(out.max_bytes, out.max_frame_bytes);
  if (out.listen.empty()) return out;
  absl::StatusOr<std::string> secret = runtime::ReadPeerSecret(disk, options.cluster.secret_file);
  if (!secret.ok()) return Annotate(secret.status(), "cluster.secret_file");
  out.secret = *std::move(secret);
  out.cluster_id = KnownClusterId(disk, options.data_dir);
  return out;
}

// All nodes of a cluster that has not begun must call it the same, and no two clusters may: what its nodes share, and
// no others do, is the secret.
std::string ClusterIdOf(std::string_view secret) {
  const std::string bytes = runtime::FingerprintOf(secret);
  uint64_t halves[2];
  static_assert(sizeof(halves) == 16);
  std::memcpy(halves, bytes.data(), sizeof(halves));
  return model::TopicId{halves[0], halves[1]}.ToString();
}

void WarnOfOpenSecret(const std::string& path) {
  constexpr auto kOthers = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  std::error_code error;
  const std::filesystem::perms perms = std::filesystem::status(path, error).permissions();
  if (error || (perms & kOthers) == std::filesystem::perms::none) return;
  LogWarning("server", "cluster.secret_file ", path, " can be read by other users of this machine: chmod 600 ", path);
}

// Runs a callback-style call from the main thread, which no shard waits for.
template <typename Reply, typename Start>
Reply Await(Start start) {
  std::promise<Reply> promise;
  start([&promise](Reply reply) { promise.set_value(std::move(reply)); });
  return promise.get_future().get();
}

// What a start waits for: the broker says how it went, or somebody wants it to end. The first of them counts.
class Starting {
 public:
  void End(const absl::Status& status) {
    try {
      promise_.set_value(status);
    } catch (const std::future_error&) {
      // It had ended.
    }
  }
  absl::Status Wait() { return promise_.get_future().get(); }

 private:
  std::promise<absl::Status> promise_;
};

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
  absl::Status StartPeers();
  absl::Status StartAdmin();
  absl::StatusOr<std::string> StartKafka();
  absl::Status Stop();

  const config::BrokerOptions options;
  runtime::PosixDisk disk;
  runtime::PrometheusMetrics metrics{{}};
  runtime::ShardSet shards;
  std::unique_ptr<runtime::PeerNetwork> peers;  // never null once started
  std::string new_cluster_id;                   // see broker::Options
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<broker::Views> views;  // null until the broker serves
  std::unique_ptr<rpc::GrpcServer> grpc;
  std::unique_ptr<kafka::KafkaServer> kafka;
  std::unique_ptr<admin::HttpServer> admin;
  const std::shared_ptr<Starting> starting = std::make_shared<Starting>();
  bool kafka_listening = false;
  bool broker_started = false;
  bool admin_listening = false;
};

absl::Status Node::State::StartPeers() {
  LEAT_ASSIGN_OR_RETURN(runtime::PeerOptions peer_options, PeerOptionsOf(options, disk));
  if (!peer_options.listen.empty()) {
    WarnOfOpenSecret(options.cluster.secret_file);
    new_cluster_id = ClusterIdOf(peer_options.secret);
  }
  std::vector<runtime::AsioShard*> all;
  for (size_t i = 0; i < shards.size(); ++i) all.push_back(&shards.shard(i));
  peers = std::make_unique<runtime::PeerNetwork>(std::move(all), std::move(peer_options), metrics);
  return Annotate(peers->Listen(), "listeners.internal");
}

absl::Status Node::State::StartAdmin() {
  admin::Router router;
  admin::AddPageRoute(router);
  admin::AddBrokerRoutes(router, *broker);
  admin::AddViewRoutes(router, *views);
  admin::AddStreamRoutes(router, *views);
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

absl::StatusOr<std::string> Node::State::StartKafka() {
  std::vector<runtime::AsioShard*> all;
  for (size_t i = 0; i < shards.size(); ++i) all.push_back(&shards.shard(i));
  kafka = std::make_unique<kafka::KafkaServer>(std::move(all), *broker, KafkaOptionsOf(options), metrics);
  LEAT_RETURN_IF_ERROR(Annotate(kafka->Listen(), "listeners.kafka"));
  kafka_listening = true;
  std::string addresses;
  for (const std::string& address : kafka->addresses()) StrAppend(&addresses, addresses.empty() ? "" : ",", address);
  return addresses;
}

absl::StatusOr<Addresses> Node::State::Start() {
  shards.Start();
  LEAT_RETURN_IF_ERROR(StartPeers());
  std::vector<env::Shard*> pointers;
  for (size_t i = 0; i < shards.size(); ++i) pointers.push_back(&shards.shard(i));
  broker::Options broker_options = BrokerOptionsOf(options);
  std::vector<env::Transport*> transports;
  broker_options.new_cluster_id = new_cluster_id;
  if (!broker_options.voters.empty()) {
    broker_options.internal_address =
        options.advertised.internal.empty() ? peers->address() : options.advertised.internal;
    transports = peers->transports();
  }
  broker = broker::Broker::Create(broker_options, disk, std::move(pointers), metrics, std::move(transports));
  broker->Start([starting = starting](const absl::Status& status) { starting->End(status); });
  LEAT_RETURN_IF_ERROR(starting->Wait());
  broker_started = true;
  views = broker::Views::Create(*broker, {});
  views->Start();
  peers->SetClusterId(KnownClusterId(disk, options.data_dir));
  Addresses addresses;
  addresses.internal = peers->address();
  if (!options.listeners.grpc.empty()) {
    rpc::ServerOptions server;
    server.address = options.listeners.grpc;
    server.max_message_bytes = static_cast<size_t>(options.limits.request_bytes);
    server.max_answer_bytes = static_cast<size_t>(options.limits.fetch_max_bytes);
    server.max_connections = static_cast<size_t>(options.limits.connections);
    server.max_streams = server.max_connections;
    WarnOfFileLimit(server.max_connections);
    grpc = std::make_unique<rpc::GrpcServer>(server, *broker, views.get());
    LEAT_ASSIGN_OR_RETURN(addresses.grpc, grpc->Start());
  }
  if (!options.listeners.kafka.empty()) {
    LEAT_ASSIGN_OR_RETURN(addresses.kafka, StartKafka());
  }
  if (!options.listeners.admin.empty()) {
    LEAT_RETURN_IF_ERROR(StartAdmin());
    addresses.admin = admin->address();
  }
  broker->SetAdvertised(addresses.grpc, kafka == nullptr ? "" : kafka->advertised(), addresses.admin, "");
  return addresses;
}

absl::Status Node::State::Stop() {
  if (admin_listening) {
    Await<int>([&](auto done) { admin->Stop([done = std::move(done)]() mutable { done(0); }); });
    admin_listening = false;
  }
  if (kafka_listening) {
    Await<int>([&](auto done) { kafka->Stop([done = std::move(done)]() mutable { done(0); }); });
    kafka_listening = false;
  }
  if (grpc != nullptr) grpc->Stop(kPatience);
  grpc.reset();
  if (views != nullptr) Await<int>([&](auto done) { views->Stop([done = std::move(done)]() mutable { done(0); }); });
  absl::Status status;
  if (broker_started) status = Await<absl::Status>([&](auto done) { broker->Stop(std::move(done)); });
  broker_started = false;
  if (peers != nullptr) Await<int>([&](auto done) { peers->Stop([done = std::move(done)]() mutable { done(0); }); });
  shards.Stop();
  admin.reset();
  views.reset();
  // What the broker drops unanswered goes to a connection that is still there.
  broker.reset();
  peers.reset();
  kafka.reset();
  return status;
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

void Node::GiveUpStarting() { state_->starting->End(absl::CancelledError("the start was given up")); }

absl::Status Node::Stop() { return state_->Stop(); }
std::string Node::MetricsReference() const { return state_->metrics.RenderMetricsReference(); }

}  // namespace leat::server
