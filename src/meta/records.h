// What can happen to the cluster's metadata. A sequence of these records is the metadata: the image is a function of
// it. Records state facts that were decided before they were written; applying one never asks a question.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "meta/partition.h"
#include "model/ids.h"
#include "model/uuid.h"

namespace leat::meta {

using Configs = std::map<std::string, std::string>;

// The newest set of record kinds and meanings that this program reads and writes, and the oldest that it can work at.
//   1  one node: topics, jobs, producer ids        2  brokers, and partitions with replicas and leaders
//   3  jobs whose SQL has been replaced            4  what of the state was given up for that
inline constexpr int32_t kFeatureLevel = 4;
inline constexpr int32_t kOldestFeatureLevel = 1;
inline constexpr int32_t kClusterFeatureLevel = 2;  // from here on there are brokers
inline constexpr int32_t kJobUpgradeFeatureLevel = 3;
inline constexpr int32_t kDroppedStateFeatureLevel = 4;

struct ClusterCreated {
  std::string cluster_id;
  friend bool operator==(const ClusterCreated&, const ClusterCreated&) = default;
};
struct FeatureLevel {
  int32_t level = kFeatureLevel;
  friend bool operator==(const FeatureLevel&, const FeatureLevel&) = default;
};
struct TopicCreated {
  model::TopicId id;
  std::string name;
  int32_t partitions = 1;
  Configs configs;                    // only what differs from the defaults
  std::vector<Partition> assigned{};  // of each partition; empty: of none, as before there were brokers
  friend bool operator==(const TopicCreated&, const TopicCreated&) = default;
};
struct TopicDeleted {
  model::TopicId id;
  friend bool operator==(const TopicDeleted&, const TopicDeleted&) = default;
};
struct TopicConfigsChanged {
  model::TopicId id;
  Configs configs;  // the whole set after the change
  friend bool operator==(const TopicConfigsChanged&, const TopicConfigsChanged&) = default;
};
struct PartitionsAdded {
  model::TopicId id;
  int32_t total = 0;
  std::vector<Partition> assigned{};  // of the new ones, or empty
  friend bool operator==(const PartitionsAdded&, const PartitionsAdded&) = default;
};
enum class DesiredState { kRunning, kStopped };
struct JobSubmitted {  // desired: running
  std::string name;
  std::string sql;
  int64_t created_ms = 0;
  friend bool operator==(const JobSubmitted&, const JobSubmitted&) = default;
};
struct JobStateChanged {
  std::string name;
  DesiredState desired = DesiredState::kRunning;
  friend bool operator==(const JobStateChanged&, const JobStateChanged&) = default;
};
struct JobUpgraded {  // from feature level 3 on
  std::string name;
  std::string sql;       // in the place of what the job had
  int64_t revision = 0;  // of the SQL; above the one before
  // Names of the operators whose state goes, and of no others. None: the record is of level 3, which did not say.
  std::optional<std::vector<std::string>> dropped{};
  friend bool operator==(const JobUpgraded&, const JobUpgraded&) = default;
};
struct JobDeleted {
  std::string name;
  friend bool operator==(const JobDeleted&, const JobDeleted&) = default;
};

// Producer ids below `end` are spoken for: a coordinator that gives them out has its block in memory only, so that what
// is left of a block when it stops is never used.
struct ProducerIdsReserved {
  int64_t end = 0;
  friend bool operator==(const ProducerIdsReserved&, const ProducerIdsReserved&) = default;
};

// Where a node takes connections. The names are those of the config's listeners.
struct Listener {
  std::string name;
  std::string host;
  int32_t port = 0;
  friend bool operator==(const Listener&, const Listener&) = default;
};

// A broker, or a new life of one: it is fenced, and in no controlled shutdown, until records say otherwise. With the
// epoch and the incarnation that the broker has already: where that process takes connections now, nothing else.
struct BrokerRegistered {
  NodeId id;
  model::Uuid incarnation;  // of its process
  int64_t epoch = 0;        // of this registration; above all earlier ones of the cluster
  std::vector<Listener> listeners{};
  std::string rack{};  // may be empty
  int32_t oldest_feature_level = kOldestFeatureLevel, newest_feature_level = kFeatureLevel;
  std::vector<model::Uuid> directories{};  // of its logs; one is made with each directory
  friend bool operator==(const BrokerRegistered&, const BrokerRegistered&) = default;
};
struct BrokerUnregistered {
  NodeId id;
  int64_t epoch = 0;
  friend bool operator==(const BrokerUnregistered&, const BrokerUnregistered&) = default;
};
// The epochs in these name the registration that they are about.
struct BrokerFenced {
  NodeId id;
  int64_t epoch = 0;
  friend bool operator==(const BrokerFenced&, const BrokerFenced&) = default;
};
struct BrokerUnfenced {
  NodeId id;
  int64_t epoch = 0;
  friend bool operator==(const BrokerUnfenced&, const BrokerUnfenced&) = default;
};
struct BrokerInControlledShutdown {
  NodeId id;
  int64_t epoch = 0;
  friend bool operator==(const BrokerInControlledShutdown&, const BrokerInControlledShutdown&) = default;
};
// A draining broker gets no new replicas; those that it has are moved away. Outlives its registrations.
struct BrokerDraining {
  NodeId id;
  bool draining = true;
  friend bool operator==(const BrokerDraining&, const BrokerDraining&) = default;
};
// The whole set of the dynamic configs of one broker, or with the node kNobody those of all.
struct BrokerConfigsChanged {
  NodeId broker = kNobody;
  Configs configs;
  friend bool operator==(const BrokerConfigsChanged&, const BrokerConfigsChanged&) = default;
};
// Broker epochs up to this one were given. In snapshots only: brokers that are gone may have had higher ones than those
// that are there.
struct BrokerEpochsGiven {
  int64_t last = 0;
  friend bool operator==(const BrokerEpochsGiven&, const BrokerEpochsGiven&) = default;
};

// Why a partition's leader was chosen: kept in the log as an audit.
enum class Election : uint8_t {
  kNone,       // the leader stayed, or there is none now
  kClean,      // from the in-sync set
  kEligible,   // from the eligible replicas: nothing that was acknowledged with acks=all is missing
  kLastKnown,  // nobody in sync or eligible is left: the last leader, back after an unclean shutdown
  kUnclean,    // a replica that lags: records may be lost
};
// The partition's state after the change. Also gives one to a partition that was made before there were brokers.
struct PartitionChanged {
  TopicId topic;
  PartitionId partition;
  Partition state;
  Election election = Election::kNone;
  friend bool operator==(const PartitionChanged&, const PartitionChanged&) = default;
};

// The controller's voters, for those who ask; the quorum itself has them from its own log.
struct Voter {
  NodeId id;
  model::Uuid directory;
  std::vector<Listener> listeners{};
  friend bool operator==(const Voter&, const Voter&) = default;
};
struct VotersChanged {
  std::vector<Voter> voters;  // all of them
  friend bool operator==(const VotersChanged&, const VotersChanged&) = default;
};

using Record =
    std::variant<ClusterCreated, FeatureLevel, TopicCreated, TopicDeleted, TopicConfigsChanged, PartitionsAdded,
                 JobSubmitted, JobStateChanged, JobDeleted, ProducerIdsReserved, BrokerRegistered, BrokerUnregistered,
                 BrokerFenced, BrokerUnfenced, BrokerInControlledShutdown, BrokerDraining, BrokerConfigsChanged,
                 BrokerEpochsGiven, PartitionChanged, VotersChanged, JobUpgraded>;
using Records = std::vector<Record>;

}  // namespace leat::meta
