#include "meta/brokers.h"

#include <algorithm>
#include <set>

#include "meta/settle.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

using model::ErrorCode;
using model::WithCode;

bool HasUuid(const std::vector<model::Uuid>& ids, const model::Uuid& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool ShareDirectory(const BrokerRegistered& a, const BrokerRegistered& b) {
  return std::any_of(a.directories.begin(), a.directories.end(),
                     [&](const model::Uuid& id) { return HasUuid(b.directories, id); });
}

absl::Status CheckShape(const BrokerRegistered& broker, const Limits& limits) {
  const auto bad = [&](const auto&... what) {
    return WithCode(InvalidArgument("registration of broker ", broker.id, ": ", what...),
                    ErrorCode::kInvalidRegistration);
  };
  const auto most = static_cast<size_t>(limits.listeners_per_broker);
  if (broker.id.value() < 0) return bad("expected a node.id of at least 0");
  if (broker.incarnation.is_zero()) return bad("expected an incarnation, got none");
  if (broker.listeners.size() > most) {
    return bad("expected at most ", most, " listeners, got ", broker.listeners.size());
  }
  for (const Listener& listener : broker.listeners) {
    const bool fits = !listener.name.empty() && listener.name.size() <= 100 && !listener.host.empty() &&
                      listener.host.size() <= 255 && listener.port >= 1 && listener.port <= 65535;
    if (!fits) {
      return bad("expected a listener with a name, a host and a port in 1..65535, got '", listener.name.substr(0, 100),
                 "' ", listener.host.substr(0, 255), ":", listener.port);
    }
  }
  if (broker.rack.size() > 255) return bad("expected a rack of at most 255 bytes, got ", broker.rack.size());
  if (broker.directories.empty() || broker.directories.size() > most) {
    return bad("expected the ids of 1 to ", most, " log directories, got ", broker.directories.size());
  }
  if (std::any_of(broker.directories.begin(), broker.directories.end(), [](const auto& id) { return id.is_zero(); })) {
    return bad("expected directory ids that are not zero");
  }
  return absl::OkStatus();
}

absl::Status CheckBelongs(const Image& image, const RegisterBroker& command) {
  const BrokerRegistered& broker = command.broker;
  if (command.cluster_id != image.cluster_id()) {
    return WithCode(FailedPrecondition("broker ", broker.id, " belongs to cluster ", command.cluster_id,
                                       ", this is cluster ", image.cluster_id(),
                                       ": its controller addresses are wrong, or its data_dir comes from elsewhere"),
                    ErrorCode::kInconsistentClusterId);
  }
  if (image.feature_level() < broker.oldest_feature_level || image.feature_level() > broker.newest_feature_level) {
    return WithCode(FailedPrecondition("broker ", broker.id, " knows the feature levels ", broker.oldest_feature_level,
                                       " to ", broker.newest_feature_level, ", the cluster is at level ",
                                       image.feature_level(), ": start a version of leatd that knows it"),
                    ErrorCode::kUnsupportedVersion);
  }
  for (const BrokerPtr& other : image.Brokers()) {
    if (other->id() == broker.id || !ShareDirectory(other->registration, broker)) continue;
    return WithCode(AlreadyExists("broker ", broker.id, " has a data directory of broker ", other->id(),
                                  ": it was copied; give each broker a directory of its own"),
                    ErrorCode::kDuplicateBrokerRegistration);
  }
  return absl::OkStatus();
}

// Against the registration that there is under the same id, by another process.
absl::Status CheckSuccession(const Broker& registered, const RegisterBroker& command, Session session) {
  const BrokerRegistered& broker = command.broker;
  if (session == Session::kAlive) {
    const std::vector<Listener>& listeners = registered.registration.listeners;
    const std::string where = listeners.empty() ? "" : StrCat(", at ", listeners[0].host, ":", listeners[0].port);
    return WithCode(
        AlreadyExists("node ", broker.id, " is alive as another process", where,
                      ": if two nodes have this node.id, give one of them another; if this one just restarted, it is ",
                      "let in once the session of the one before it ends"),
        ErrorCode::kDuplicateBrokerRegistration);
  }
  if (ShareDirectory(registered.registration, broker) &&
      !HasUuid(command.known_incarnations, registered.registration.incarnation)) {
    return WithCode(
        FailedPrecondition("broker ", broker.id, ": its disk does not remember the registration of incarnation ",
                           registered.registration.incarnation.ToString(),
                           ", which the cluster has: the directory was rolled back to an older copy, or this request "
                           "is of an older process; restore the newest copy, or empty data_dir to fetch all again"),
        ErrorCode::kInvalidRegistration);
  }
  return absl::OkStatus();
}

// But for where it takes connections.
bool IsSameLife(const BrokerRegistered& a, BrokerRegistered b) {
  b.epoch = a.epoch;
  b.listeners = a.listeners;
  return a == b;
}

// Somebody else may still have what this copy held. The last one that may have it stays what it is, damaged as it is.
bool OthersMayHave(const Partition& partition, NodeId id) {
  const auto other = [&](const NodeList& nodes) { return !Without(nodes, {id}).empty(); };
  return other(partition.isr) || other(partition.elr) || other(partition.last_known_elr);
}

// What a process says that is registered already: where it takes connections, if it could not say so before (an older
// request of it, from before it knew them, changes nothing); which of its copies it has found damaged since.
Records NewsOf(const Image& image, const BrokerRegistered& registered, const RegisterBroker& command,
               const Policy& policy) {
  Settler settler(image, policy);
  if (!command.broker.listeners.empty() && command.broker.listeners != registered.listeners) {
    BrokerRegistered record = registered;
    record.listeners = command.broker.listeners;
    settler.Add(std::move(record));
  }
  const NodeId id = registered.id;
  settler.goes = id;  // nor is a copy that is damaged the one to begin anew from, where unclean leaders are allowed
  for (const PartitionKey& key : std::set<PartitionKey>(command.damaged.begin(), command.damaged.end())) {
    const Partition* partition = image.FindPartition(key);
    if (partition == nullptr || !Contains(partition->replicas, id) || !OthersMayHave(*partition, id)) continue;
    Wish wish(*partition);
    wish.isr = Without(wish.isr, {id});
    wish.lost_all = {id};
    settler.Settle(key, wish);
  }
  return settler.Take();
}

// What a new process of a registered broker means for what it held.
void Succeed(const Image& image, const Broker& before, const RegisterBroker& command, const Policy& policy,
             Settler& settler) {
  const NodeId id = before.id();
  const bool other_disk = !ShareDirectory(before.registration, command.broker);
  const bool other_life = before.registration.incarnation != command.broker.incarnation;
  const bool unclean = other_life && command.clean_shutdown_epoch != before.epoch();
  for (const PartitionKey& key : image.partitions().HeldBy(id)) {
    Wish wish(*image.FindPartition(key));
    wish.isr = Without(wish.isr, {id});
    const bool synced = policy.after_unclean_shutdown == AfterUncleanShutdown::kTrustSynced &&
                        IsSynced(image, *image.FindTopic(key.topic), policy);
    const bool damaged = std::find(command.damaged.begin(), command.damaged.end(), key) != command.damaged.end();
    if (other_disk || (damaged && OthersMayHave(*image.FindPartition(key), id))) {
      wish.lost_all = {id};
    } else if (unclean && !synced) {
      wish.lost_unsynced = {id};
    }
    settler.Settle(key, wish);
  }
}

absl::StatusOr<BrokerPtr> RequireRegistered(const Image& image, NodeId id) {
  if (BrokerPtr broker = image.FindBroker(id)) return broker;
  return WithCode(NotFound("broker ", id, " is not registered"), ErrorCode::kBrokerIdNotRegistered);
}

// The broker leads nothing from here on, and no acknowledgement waits for it.
void TakeOut(const Image& image, NodeId broker, const Policy& policy, Settler& settler) {
  settler.goes = broker;
  for (const PartitionKey& key : image.partitions().HeldBy(broker)) {
    const Partition& partition = *image.FindPartition(key);
    if (!Contains(partition.isr, broker)) continue;
    Wish wish(partition);
    if (policy.bug != Bug::kKeepFencedInIsr) wish.isr = Without(wish.isr, {broker});
    settler.Settle(key, wish);
  }
}

}  // namespace

absl::StatusOr<BrokerPtr> RequireBroker(const Image& image, NodeId id, int64_t epoch) {
  LEAT_ASSIGN_OR_RETURN(BrokerPtr broker, RequireRegistered(image, id));
  if (broker->epoch() == epoch) return broker;
  return WithCode(FailedPrecondition("broker ", id, " is registered with epoch ", broker->epoch(), ", not ", epoch,
                                     ": the request is of an earlier registration"),
                  ErrorCode::kStaleBrokerEpoch);
}

absl::StatusOr<Records> Decide(const Image& image, const RegisterBroker& command, Session session,
                               const Policy& policy) {
  LEAT_RETURN_IF_ERROR(RequireClusterLevel(image));
  LEAT_RETURN_IF_ERROR(CheckShape(command.broker, policy.limits));
  LEAT_RETURN_IF_ERROR(CheckBelongs(image, command));
  const BrokerPtr before = image.FindBroker(command.broker.id);
  if (before == nullptr && image.broker_count() >= static_cast<size_t>(policy.limits.brokers)) {
    return WithCode(ResourceExhausted("broker ", command.broker.id, ": the cluster has ", image.broker_count(),
                                      " brokers, and limits.brokers allows ", policy.limits.brokers,
                                      ": unregister those that are gone or raise the limit"),
                    ErrorCode::kInvalidRegistration);
  }
  if (before != nullptr && IsSameLife(before->registration, command.broker)) {
    return NewsOf(image, before->registration, command, policy);
  }
  if (before != nullptr && before->registration.incarnation != command.broker.incarnation) {
    LEAT_RETURN_IF_ERROR(CheckSuccession(*before, command, session));
  }
  Settler settler(image, policy);
  settler.goes = command.broker.id;
  BrokerRegistered record = command.broker;
  record.epoch = image.last_broker_epoch() + 1;
  settler.Add(std::move(record));
  if (before != nullptr) Succeed(image, *before, command, policy, settler);
  return settler.Take();
}

absl::StatusOr<Records> FenceBroker(const Image& image, NodeId id, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const BrokerPtr broker, RequireRegistered(image, id));
  if (broker->fenced) return Records();
  Settler settler(image, policy);
  settler.Add(BrokerFenced{id, broker->epoch()});
  TakeOut(image, id, policy, settler);
  return settler.Take();
}

absl::StatusOr<Records> UnfenceBroker(const Image& image, NodeId id, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const BrokerPtr broker, RequireRegistered(image, id));
  if (!broker->fenced) return Records();
  if (broker->in_controlled_shutdown) {
    return WithCode(FailedPrecondition("broker ", id, " was told to stop: it comes back by a new registration"),
                    ErrorCode::kStaleBrokerEpoch);
  }
  Settler settler(image, policy);
  settler.comes = id;
  settler.Add(BrokerUnfenced{id, broker->epoch()});
  if (policy.bug == Bug::kLeaveLeaderless) return settler.Take();
  for (const PartitionKey& key : image.partitions().HeldBy(id)) {
    const Partition& partition = *image.FindPartition(key);
    if (partition.leader == kNobody) settler.Settle(key, Wish(partition));
  }
  return settler.Take();
}

absl::StatusOr<Records> BeginControlledShutdown(const Image& image, NodeId id, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const BrokerPtr broker, RequireRegistered(image, id));
  if (!broker->is_active()) return Records();
  Settler settler(image, policy);
  settler.Add(BrokerInControlledShutdown{id, broker->epoch()});
  TakeOut(image, id, policy, settler);
  return settler.Take();
}

absl::StatusOr<Records> UnregisterBroker(const Image& image, NodeId id) {
  LEAT_ASSIGN_OR_RETURN(const BrokerPtr broker, RequireRegistered(image, id));
  if (!broker->fenced) {
    return FailedPrecondition("broker ", id, " is live: stop it before it is unregistered");
  }
  if (const size_t held = image.partitions().HeldCount(id); held > 0) {
    return FailedPrecondition("broker ", id, " holds copies of ", held,
                              " partitions: move them away with `leat cluster ", "decommission ", id, "` first");
  }
  Records records;
  if (!image.BrokerConfigs(id).empty()) records.push_back(BrokerConfigsChanged{id, {}});
  records.push_back(BrokerUnregistered{id, broker->epoch()});
  return records;
}

Records AdoptPartitions(const Image& image, NodeId node) {
  Records records;
  for (const TopicPtr& topic : image.Topics()) {
    for (int32_t i = 0; i < topic->partitions; ++i) {
      const PartitionKey key{topic->id, PartitionId(i)};
      if (image.FindPartition(key) != nullptr) continue;
      records.push_back(PartitionChanged{key.topic, key.partition, NewPartition({node}, {node}), Election::kClean});
    }
  }
  return records;
}

absl::StatusOr<Records> RaiseFeatureLevel(const Image& image, int32_t level) {
  const auto bad = [](absl::Status status) { return WithCode(std::move(status), ErrorCode::kFeatureUpdateFailed); };
  if (level == image.feature_level()) return Records();
  if (level < image.feature_level() || level > kFeatureLevel) {
    return bad(InvalidArgument("feature level: expected ", image.feature_level(), " (where the cluster is) to ",
                               kFeatureLevel, " (the newest that the controller knows), got ", level));
  }
  for (const BrokerPtr& broker : image.Brokers()) {
    if (broker->registration.newest_feature_level >= level) continue;
    return bad(FailedPrecondition("feature level ", level, ": broker ", broker->id(), " knows levels up to ",
                                  broker->registration.newest_feature_level, ": upgrade it first"));
  }
  return Records{FeatureLevel{level}};
}

}  // namespace leat::meta
