// Everything that a broker can be told, typed and with its defaults. A field's path is its key in the configuration
// (options.limits.request_bytes is limits.request_bytes): config/keys.cc gives each key its range and help. Plain data;
// made and checked by config/load.h before the first thread starts, then only read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/time.h"
#include "log/options.h"

namespace leat::config {

// host:port each; port 0 is chosen by the system.
struct ListenerOptions {
  std::string grpc = "127.0.0.1:9095";
  std::vector<std::string> kafka = {"127.0.0.1:9092"};  // host:port or name://host:port; empty: off
  std::string admin = "127.0.0.1:9096";
  std::string internal;  // empty: a broker alone
};

// What clients are told to connect to, where it is not what is listened on: [name://]host:port.
struct AdvertisedOptions {
  std::vector<std::string> kafka;
  std::string internal;  // host:port
};

// The other nodes.
struct ClusterOptions {
  std::vector<std::string> voters;  // id@host:port each; empty: a broker alone
  std::string secret_file;
  std::string rack;
};

// The defaults of every partition log; a topic may override those that Kafka lets topics override.
struct LogSection : log::LogOptions {
  Duration checkpoint_interval = absl::Seconds(60);
  Duration retention_check_interval = absl::Minutes(5);
  Duration compaction_check_interval = absl::Seconds(15);
  int64_t compaction_memory = int64_t{16} << 20;
  int64_t compaction_rate = int64_t{64} << 20;
};

struct TopicOptions {
  bool auto_create = true;
  int64_t default_partitions = 1;
  int64_t replication_factor = 0;  // 0: by the number of voters
  int64_t min_insync_replicas = 1;
};

// Kafka's names: transaction.max.timeout.ms, transactional.id.expiration.ms; it has no such limits.
struct TransactionOptions {
  Duration max_timeout = absl::Minutes(15);
  Duration id_expiration = absl::Hours(7 * 24);
  int64_t max_ids = 1'000'000;
  int64_t max_id_bytes = 1024;
  int64_t max_partitions = 10'000;
};

struct LimitOptions {
  int64_t connections = 10000;
  Duration connection_idle = absl::Minutes(10);
  int64_t request_bytes = int64_t{32} << 20;
  int64_t inflight_bytes = int64_t{256} << 20;
  int64_t fetch_max_bytes = int64_t{50} << 20;
  Duration fetch_max_wait = absl::Seconds(30);
  int64_t http_connections = 256;
  int64_t http_header_bytes = int64_t{16} << 10;
  int64_t http_body_bytes = int64_t{1} << 20;
  int64_t topics = 10000;
  int64_t partitions_per_topic = 1000;
  int64_t partitions = 100000;
};

struct JobOptions {
  int64_t memory_limit = int64_t{512} << 20;  // bytes for each job
  Duration checkpoint_interval = absl::Milliseconds(100);
  int64_t threads = 0;  // 0: one for each core
  int64_t max_restarts = 10;
  Duration restart_backoff = absl::Milliseconds(100);
  Duration restart_backoff_max = absl::Seconds(30);
  std::vector<std::string> filesystem_folders;  // none: jobs use no files
};

// Kafka's names: group.initial.rebalance.delay.ms, group.min.session.timeout.ms, group.max.session.timeout.ms,
// group.max.size, offsets.retention.minutes, offsets.retention.check.interval.ms.
struct GroupOptions {
  Duration initial_rebalance_delay = absl::Seconds(3);
  Duration min_session_timeout = absl::Seconds(6);
  Duration max_session_timeout = absl::Minutes(30);
  int64_t max_members = 10000;
  Duration offsets_retention = absl::Hours(7 * 24);
  Duration retention_check_interval = absl::Minutes(10);
};

struct LoggingOptions {
  LogLevel level = LogLevel::kInfo;
};

struct BrokerOptions {
  int64_t node_id = 1;
  std::string data_dir = "./leat-data";
  int64_t shards = 0;  // 0: one for each core
  ListenerOptions listeners;
  AdvertisedOptions advertised;
  ClusterOptions cluster;
  LogSection log;
  TopicOptions topics;
  TransactionOptions transactions;
  LimitOptions limits;
  GroupOptions groups;
  JobOptions jobs;
  LoggingOptions logging;
};

}  // namespace leat::config
