// What decisions take from the configuration of the node that decides. Two nodes may differ in it: records state what
// was decided, not why.
#pragma once

#include <string_view>

#include "meta/bug.h"
#include "meta/image.h"

namespace leat::meta {

struct Limits {
  int32_t topics = 10000;
  int32_t partitions_per_topic = 1000;
  int32_t jobs = 1000;
  size_t sql_bytes = size_t{1} << 20;
  int32_t partitions = 100000;  // of the cluster
  int32_t brokers = 200;
  int32_t replicas = 16;              // of one partition
  int32_t listeners_per_broker = 16;  // also of directories
};

// What of a broker's copies is trusted after it ended without a controlled shutdown (KIP-966).
enum class AfterUncleanShutdown : uint8_t {
  kTrustNothing,  // it leaves every in-sync set and is no longer eligible
  kTrustSynced,   // it keeps its place in topics of durability class F: what it acknowledged is on its disk
};

struct Policy {
  Limits limits;
  Configs topic_defaults;          // of the brokers, below the dynamic ones of the cluster and the topics' own
  int32_t replication_factor = 1;  // of topics that name none
  AfterUncleanShutdown after_unclean_shutdown = AfterUncleanShutdown::kTrustNothing;
  Bug bug = Bug::kNone;  // tests only
};

// A topic config in force: the topic's, the cluster's dynamic one, the policy's, the table's.
// REQUIRES: the name is in the table.
std::string_view TopicConfigInForce(const Image& image, const Topic& topic, const Policy& policy,
                                    std::string_view name);
int32_t MinInsync(const Image& image, const Topic& topic, const Policy& policy);
bool UncleanElectionAllowed(const Image& image, const Topic& topic, const Policy& policy);
// Of class F: what is acknowledged is on disk.
bool IsSynced(const Image& image, const Topic& topic, const Policy& policy);

// kFailedPrecondition below the feature level that knows brokers.
absl::Status RequireClusterLevel(const Image& image);

}  // namespace leat::meta
