#include "config/keys.h"

#include <array>

#include "config/key_types.h"

namespace leat::config {
namespace {

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;
constexpr int64_t kTiB = int64_t{1} << 40;

// KEY(Int, limits.topics, ...) names the key limits.topics and stores into options.limits.topics: the two cannot
// differ.
#define KEY(Type, path, ...) \
  Type(                      \
      #path, [](auto& options) -> auto& { return options.path; }, __VA_ARGS__)

using Count = Range<int64_t>;
using Span = Range<Duration>;

Duration ms(int64_t n) { return absl::Milliseconds(n); }
const Duration year = absl::Hours(24 * 365);

// What the broker is, where it listens, and what it keeps.
std::vector<Key> NodeKeys() {
  return {
      KEY(Int, node_id, (Count{0, INT32_MAX}), "Identity of this broker, different on every node of a cluster."),
      KEY(Text, data_dir, Presence::kRequired,
          "Folder for topics, metadata and the state of jobs; made if missing, used by one broker only."),
      KEY(Int, shards, (Count{0, 1024}), "Threads that own partitions; 0 takes one for each core."),

      KEY(Listener, listeners.grpc, Presence::kRequired,
          "Where clients of Leat connect; port 0 is chosen by the system."),
      KEY(Listeners, listeners.kafka, "Where Kafka clients connect, as one or more listeners; empty turns them off."),
      KEY(Listener, listeners.admin, Presence::kRequired, "Where health, metrics and the REST interface are served."),
      KEY(Listener, listeners.internal, Presence::kOptional,
          "Where the other nodes of the cluster connect, and nobody else; empty for a broker alone."),

      KEY(Listeners, advertised.kafka,
          "Where Kafka clients are told to connect, for each listener by its name; by default where it listens."),
      KEY(Listener, advertised.internal, Presence::kOptional,
          "Where the other nodes are told to connect; by default the node's own entry in cluster.voters, or where it "
          "listens."),

      KEY(Voters, cluster.voters,
          "The nodes that keep the cluster's metadata, the same list on every node; three or five of them survive the "
          "loss of one or two. Other nodes find the cluster through them."),
      KEY(Text, cluster.secret_file, Presence::kOptional,
          "File with the secret that all nodes share, 16 to 4096 bytes; who does not know it is refused by "
          "listeners.internal."),
      KEY(Text, cluster.rack, Presence::kOptional,
          "Name of what this node shares with others that fail together with it; replicas of a partition are placed in "
          "different ones."),

      KEY(OneOf, log.durability,
          (Names<log::Durability>{{"fsync", log::Durability::kFsync}, {"page-cache", log::Durability::kPageCache}}),
          "When a record counts as acknowledged: on disk, or in the page cache; of topics that do not say, "
          "and of the logs of groups and transactions."),
      KEY(Bytes, log.segment_bytes, (Count{kMiB, kTiB}), "Size at which a partition starts a new segment file."),
      KEY(Time, log.segment_age, (Span{absl::Seconds(1), 10 * year}),
          "Age at which a partition starts a new segment file."),
      KEY(Bytes, log.retention_bytes, (Count{0, 1024 * kTiB}), "Bytes that a partition keeps; older segments go first.",
          Unlimited::kAllowed),
      KEY(Time, log.retention_age, (Span{absl::Seconds(1), 100 * year}), "How long a partition keeps its records.",
          Unlimited::kAllowed),
      KEY(Bytes, log.index_interval_bytes, (Count{64, kGiB}), "Bytes between two entries of a segment's index."),
      KEY(Bytes, log.max_batch_bytes, (Count{kKiB, kGiB}), "Largest record batch that is taken, as it is sent."),
      KEY(Bytes, log.max_decompressed_batch_bytes, (Count{kKiB, 2 * kGiB}),
          "Largest record batch that is taken, when decompressed."),
      KEY(Time, log.producer_expiration, (Span{absl::Seconds(1), 10 * year}),
          "After this time without a batch a partition forgets a producer, unless it has a transaction open."),
      KEY(Int, log.max_producers, (Count{1, 10000000}),
          "Producers that a partition remembers; beyond it, the one that was silent longest is forgotten."),
      KEY(Time, log.checkpoint_interval, (Span{absl::Seconds(1), absl::Hours(24)}),
          "How often the point is written from which recovery after a crash has to read."),
      KEY(Time, log.retention_check_interval, (Span{ms(100), absl::Hours(24)}),
          "How often segments past their retention are looked for."),
      KEY(Time, log.compaction_check_interval, (Span{ms(100), absl::Hours(24)}),
          "How often partitions that are due for compaction are looked for."),
      KEY(Bytes, log.compaction_memory, (Count{kKiB, 64 * kGiB}),
          "Memory of each shard for the keys of the partition that it compacts, while it does; what does not fit takes "
          "another pass."),
      KEY(Bytes, log.compaction_rate, (Count{64 * kKiB, kTiB}),
          "Bytes a second that compaction reads and writes on each shard at most."),
  };
}

// Topics and transactions, what it refuses, its jobs and its own log.
std::vector<Key> TopicAndJobKeys() {
  return {
      KEY(Bool, topics.auto_create, "Whether the first use of a topic that does not exist makes it."),
      KEY(Int, topics.default_partitions, (Count{1, 100000}),
          "Partitions of a topic made without a number of its own."),
      KEY(Int, topics.replication_factor, (Count{0, 1000}),
          "Copies of a topic made without a number of its own, and of the broker's own topics; 0 takes three, or as "
          "many as there are voters, or one for a broker alone."),
      KEY(Int, topics.min_insync_replicas, (Count{1, 1000}),
          "Copies in sync that a write with acks=all needs, of topics that do not say."),

      KEY(Time, transactions.max_timeout, (Span{ms(1000), absl::Hours(24)}),
          "Longest transaction timeout that a producer may ask for; after its timeout a transaction is aborted."),
      KEY(Time, transactions.id_expiration, (Span{absl::Minutes(1), 10 * year}),
          "After this time without use a transactional id is forgotten."),
      KEY(Int, transactions.max_ids, (Count{1, 100000000}), "Transactional ids that are remembered; more are refused."),
      KEY(Bytes, transactions.max_id_bytes, (Count{1, 32 * kKiB - 1}), "Longest transactional id."),
      KEY(Int, transactions.max_partitions, (Count{1, 1000000}), "Partitions that one transaction may write to."),

      KEY(Int, limits.connections, (Count{1, 1000000}),
          "Client connections of a listener at a time, and streams over gRPC; more are refused."),
      KEY(Time, limits.connection_idle, (Span{ms(100), 10 * year}),
          "How long a Kafka client may be silent before its connection is closed."),
      KEY(Bytes, limits.request_bytes, (Count{kKiB, kGiB}), "Largest request that is read."),
      KEY(Bytes, limits.inflight_bytes, (Count{kMiB, kTiB}),
          "Memory of all requests and answers at a time; over it, requests wait or are refused."),
      KEY(Bytes, limits.fetch_max_bytes, (Count{kKiB, kGiB}), "Most bytes in the answer to one fetch."),
      KEY(Time, limits.fetch_max_wait, (Span{ms(0), absl::Hours(1)}), "Longest that a fetch may wait for new records."),
      KEY(Int, limits.http_connections, (Count{1, 100000}), "HTTP connections at a time; more are answered with 503."),
      KEY(Bytes, limits.http_header_bytes, (Count{kKiB, kMiB}), "Largest header of an HTTP request."),
      KEY(Bytes, limits.http_body_bytes, (Count{0, kGiB}), "Largest body of an HTTP request."),
      KEY(Int, limits.topics, (Count{1, 1000000}),
          "Topics that may exist, beside those that the broker keeps for itself."),
      KEY(Int, limits.partitions_per_topic, (Count{1, 100000}), "Partitions that one topic may have."),
      KEY(Int, limits.partitions, (Count{1, 10000000}), "Partitions that all topics may have together."),

      KEY(Time, groups.initial_rebalance_delay, (Span{ms(0), absl::Minutes(5)}),
          "How long the first members of an empty group wait for others before they share its partitions."),
      KEY(Time, groups.min_session_timeout, (Span{ms(1), absl::Hours(1)}),
          "Shortest time without a heartbeat after which a member may ask to be counted as gone."),
      KEY(Time, groups.max_session_timeout, (Span{ms(1), absl::Hours(24)}), "The longest such time."),
      KEY(Int, groups.max_members, (Count{1, 1000000}), "Members that one group may have."),
      KEY(Time, groups.offsets_retention, (Span{absl::Seconds(1), 100 * year}),
          "How long the offsets of a group without members are kept."),
      KEY(Time, groups.retention_check_interval, (Span{absl::Seconds(1), absl::Hours(24)}),
          "How often offsets past their retention are looked for."),

      KEY(Bytes, jobs.memory_limit, (Count{kMiB, kTiB}), "Memory that one job may use before it is stopped."),
      KEY(Time, jobs.checkpoint_interval, (Span{ms(1), absl::Hours(1)}),
          "How often a job commits its outputs, state and offsets together; SET in a job overrides it."),
      KEY(Int, jobs.threads, (Count{0, 1024}), "Threads that run jobs; 0 takes one for each core."),
      KEY(Int, jobs.max_restarts, (Count{0, 1000000}),
          "Failures in a row after which a job is parked with its error shown."),
      KEY(Time, jobs.restart_backoff, (Span{ms(1), absl::Hours(1)}),
          "Wait before a failed job starts again; it doubles with every failure in a row."),
      KEY(Time, jobs.restart_backoff_max, (Span{ms(1), absl::Hours(24)}),
          "Longest wait before a failed job starts again."),
      KEY(Folders, jobs.filesystem_folders,
          "Folders of this node in which tables with the connector filesystem may read and write, with all that lies "
          "in them; empty forbids it."),

      KEY(OneOf, logging.level,
          (Names<LogLevel>{{"debug", LogLevel::kDebug},
                           {"info", LogLevel::kInfo},
                           {"warning", LogLevel::kWarning},
                           {"error", LogLevel::kError}}),
          "Least important line that is written to standard error."),
  };
}
#undef KEY

std::vector<Key> MakeKeys() {
  std::vector<Key> keys = NodeKeys();
  std::vector<Key> more = TopicAndJobKeys();
  for (Key& key : more) keys.push_back(std::move(key));
  return keys;
}

struct Group {
  std::string_view name;
  std::string_view help;
};
constexpr std::array<Group, 10> kGroups = {{
    {"listeners", "Addresses to listen on, as host:port."},
    {"advertised", "Addresses that clients are told, where they differ from those listened on."},
    {"cluster", "The other nodes; config/cluster has an example of three. Without them the broker is alone."},
    {"log", "Defaults of partition logs; topics may override them."},
    {"topics", "Making topics."},
    {"transactions", "Producers with transactions."},
    {"limits", "What the broker refuses, so that no client can exhaust it."},
    {"groups", "Consumer groups."},
    {"jobs", "SQL jobs."},
    {"logging", "The broker's own log."},
}};

}  // namespace

const std::vector<Key>& Keys() {
  static const std::vector<Key> keys = MakeKeys();
  return keys;
}

const Key* FindKey(std::string_view name) {
  for (const Key& key : Keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string_view GroupOf(std::string_view key_name) {
  const size_t dot = key_name.find('.');
  return dot == std::string_view::npos ? std::string_view() : key_name.substr(0, dot);
}

std::string_view GroupHelp(std::string_view group) {
  for (const Group& one : kGroups) {
    if (one.name == group) return one.help;
  }
  return {};
}

}  // namespace leat::config
