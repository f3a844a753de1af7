// What the broker core can be told; filled from the configuration.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "broker/replica_fetcher.h"
#include "group/options.h"
#include "log/options.h"
#include "model/ids.h"
#include "replication/options.h"
#include "stream/run/options.h"

namespace leat::broker {

struct Limits {
  size_t inflight_bytes =
      size_t{256} << 20;  // of produce requests not yet answered; above it: THROTTLING_QUOTA_EXCEEDED
  size_t fetch_max_bytes = size_t{50} << 20;  // of one fetch reply
  Duration fetch_max_wait = absl::Seconds(30);
  int32_t topics = 10000;
  int32_t partitions_per_topic = 1000;
  int32_t partitions = 100000;    // of all topics together
  size_t parked_fetches = 10000;  // long polls waiting at once, of the whole node; above it they are answered at once
};

// A node of the controllers' quorum, and where it listens for the other nodes.
struct VoterAddress {
  model::NodeId id;
  std::string host;
  uint16_t port = 0;
};

struct Options {
  model::NodeId node_id{1};
  std::string data_dir = "./leat-data";
  std::string rack;                  // of this node; replicas of a partition are placed in different ones
  std::vector<VoterAddress> voters;  // the same list on every node; empty: this node alone
  std::string internal_address;      // host:port where the other nodes reach this one; empty: nowhere
  // What the cluster of a directory that belongs to none yet is called, on all its nodes; empty: a random id.
  std::string new_cluster_id;
  int32_t replication_factor = 1;                       // of topics that name none, those of the broker itself included
  Duration session_timeout = absl::Milliseconds(1500);  // of a broker that is not heard of
  log::LogOptions log_defaults;
  Duration checkpoint_interval = absl::Seconds(60);  // of the log directory's recovery points
  // At a start a shard opens so many partitions that nobody has asked for yet, does what else there is to do, and rests
  // so long. With what a disk's cache answers, sixteen are some milliseconds.
  size_t opened_in_one_turn = 16;
  Duration opening_rest;
  Duration retention_check_interval = absl::Minutes(5);
  Duration compaction_check_interval = absl::Seconds(15);
  size_t compaction_memory_bytes = size_t{16} << 20;          // of each shard, while it compacts
  uint64_t compaction_bytes_per_second = uint64_t{64} << 20;  // of each shard, read and written
  bool auto_create_topics = true;                             // on produce and on a job's sink topics
  int32_t default_partitions = 1;
  Limits limits;
  run::Options jobs;
  int32_t offsets_partitions = 1;       // of __consumer_offsets, when it is made
  int32_t transactions_partitions = 1;  // of __transaction_state, the same
  Duration max_transaction_timeout = absl::Minutes(15);
  Duration transactional_id_expiration = absl::Hours(7 * 24);
  size_t transactional_ids = 1'000'000;
  size_t transactional_id_bytes = 1024;
  size_t partitions_per_transaction = 10'000;
  group::Options groups;
  replication::Options replication;
  ReplicaFetcher::Limits replica_fetch;
  uint64_t random_seed = 0;  // of topic and cluster ids; mixed with the clocks
};

}  // namespace leat::broker
