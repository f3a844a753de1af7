// Brokers come, are lost, come back and leave. Each function gives the records of one such event: the broker's own, and
// what follows for the partitions that it holds. Nobody else's partitions are looked at.
//
// Errors carry Kafka's code (model::CodeOf) where clients or brokers act on it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "meta/image.h"
#include "meta/policy.h"

namespace leat::meta {

// A broker's process introduces itself. What its disk remembers tells a restart from a rolled-back or copied disk: a
// broker writes its new incarnation to its data directory before it registers, and keeps those before it that it knows
// to have been registered or that may have been.
struct RegisterBroker {
  std::string cluster_id;
  BrokerRegistered broker;                        // its epoch is not read
  std::vector<model::Uuid> known_incarnations{};  // earlier ones, by its disk
  // The epoch of its last registration, if its disk says that it then stopped in order; -1: it did not (KIP-966).
  int64_t clean_shutdown_epoch = -1;
  // Its copies that are damaged: where another replica may have the records these count as lost with all they held.
  std::vector<PartitionKey> damaged{};
  friend bool operator==(const RegisterBroker&, const RegisterBroker&) = default;
};
// Whether the broker that is registered under the id is alive: BrokerSessions knows.
enum class Session : bool { kNone, kAlive };

// Fenced at first; ask image.FindBroker(id)->epoch() after the records. No records: this very registration is in force.
// The same process may come again with its listeners, if it did not know them before: it keeps its epoch, and is not
// fenced.
// Refused:
//   INCONSISTENT_CLUSTER_ID        it belongs to another cluster
//   DUPLICATE_BROKER_REGISTRATION  another process is alive under its id, or has its directory
//   INVALID_REGISTRATION           its disk was rolled back, or something in it is wrong
//   UNSUPPORTED_VERSION            it does not know the cluster's feature level
absl::StatusOr<Records> Decide(const Image& image, const RegisterBroker& command, Session session,
                               const Policy& policy);

// BROKER_ID_NOT_REGISTERED or STALE_BROKER_EPOCH unless the broker is registered with this epoch.
absl::StatusOr<BrokerPtr> RequireBroker(const Image& image, NodeId id, int64_t epoch);

// It leaves every in-sync set, and its partitions get other leaders. No records if it is fenced. kNotFound.
absl::StatusOr<Records> FenceBroker(const Image& image, NodeId broker, const Policy& policy);
// It may lead again, and leads what has no leader. No records if it is not fenced. kNotFound.
absl::StatusOr<Records> UnfenceBroker(const Image& image, NodeId broker, const Policy& policy);
// As FenceBroker, but it lives on to hand over. No records if it is fenced or shutting down. kNotFound.
absl::StatusOr<Records> BeginControlledShutdown(const Image& image, NodeId broker, const Policy& policy);

// The broker is gone for good (key 64). Refused while it is live or holds replicas: it is drained first.
// BROKER_ID_NOT_REGISTERED, or kFailedPrecondition with what to do.
absl::StatusOr<Records> UnregisterBroker(const Image& image, NodeId broker);

// Gives the partitions that were made before there were brokers to `node`, which leads them from epoch 0. For the one
// node that held them all. REQUIRES: the node is live.
Records AdoptPartitions(const Image& image, NodeId node);

// The cluster goes to another feature level. FEATURE_UPDATE_FAILED: a broker or this program does not know it, or it
// would go back.
absl::StatusOr<Records> RaiseFeatureLevel(const Image& image, int32_t level);

// Dynamic configs: the throttles of one broker, and with kNobody the defaults of all.
struct AlterBrokerConfigs {
  NodeId broker = kNobody;
  Configs set{};
  std::vector<std::string> remove{};
  enum class Others : bool { kKeep, kRemove } others = Others::kKeep;
  friend bool operator==(const AlterBrokerConfigs&, const AlterBrokerConfigs&) = default;
};
// The configs that there are, by name. Bytes per second where no throttle is set: no limit.
std::vector<std::string_view> BrokerConfigNames();
// INVALID_CONFIG, BROKER_ID_NOT_REGISTERED.
absl::StatusOr<Records> Decide(const Image& image, const AlterBrokerConfigs& command, const Policy& policy);

}  // namespace leat::meta
