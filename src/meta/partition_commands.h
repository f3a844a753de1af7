// What happens to partitions while brokers come and go: their leaders change the in-sync set, operators ask for other
// leaders and other replicas. Command in, records out; each is about one partition, and a request for several is
// decided one after the other, each against the image that the ones before it make.
//
// Errors carry Kafka's code (model::CodeOf).
#pragma once

#include <optional>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "meta/image.h"
#include "meta/policy.h"
#include "meta/settle.h"

namespace leat::meta {

// A leader wants another in-sync set (KIP-497, 841, 903).
struct AlterPartition {
  struct Member {
    NodeId broker;
    int64_t epoch = -1;  // of the registration under which it fetched
    friend bool operator==(const Member&, const Member&) = default;
  };
  NodeId broker;  // who asks
  int64_t broker_epoch = -1;
  PartitionKey key;
  LeaderEpoch leader_epoch;
  int32_t partition_epoch = 0;
  std::vector<Member> isr;
  friend bool operator==(const AlterPartition&, const AlterPartition&) = default;
};
// No records: it is so already. Refused:
//   STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED  the asker
//   UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION
//   FENCED_LEADER_EPOCH, INVALID_UPDATE_VERSION   it decided on an old state: it looks again
//   NOT_CONTROLLER                                it knows a newer state than this image
//   INVALID_REQUEST                               it does not lead, or names what is no replica
//   INELIGIBLE_REPLICA                            a member is fenced, shuts down, or is of an earlier life
absl::StatusOr<Records> Decide(const Image& image, const AlterPartition& command, const Policy& policy);
// The part of it that says who may ask now: the asker, the partition, and that it decided on the state that there is.
absl::Status CheckAsker(const Image& image, const AlterPartition& command);

// A leader that cannot lead in this epoch (its log is damaged, or may lack records): another replica in sync leads, or
// itself in a new epoch. STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION;
// FENCED_LEADER_EPOCH: it leads no more.
struct GiveUpLeadership {
  NodeId broker;
  int64_t broker_epoch = -1;
  PartitionKey key;
  LeaderEpoch leader_epoch;
  friend bool operator==(const GiveUpLeadership&, const GiveUpLeadership&) = default;
};
absl::StatusOr<Records> Decide(const Image& image, const GiveUpLeadership& command, const Policy& policy);

// ElectLeaders (key 43). REQUIRES: wish is not kKeep.
struct ElectLeader {
  PartitionKey key;
  ElectionWish wish = ElectionWish::kPreferred;
  friend bool operator==(const ElectLeader&, const ElectLeader&) = default;
};
// ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION.
absl::StatusOr<Records> Decide(const Image& image, const ElectLeader& command, const Policy& policy);

// Gives brokers back the partitions that prefer them, of every broker that does not lead more than `percent` of them.
// At most `most` partitions: call it again for the others. Empty: all is well.
struct Imbalance {
  int32_t percent = 10;
  size_t most = 1000;
};
Records RebalanceLeaders(const Image& image, const Imbalance& allowed, const Policy& policy);

// Partitions without a leader that may have one now, because a config allows it since: at most `most`.
Records ElectLeaderless(const Image& image, size_t most, const Policy& policy);

// AlterPartitionReassignments (key 45, KIP-455): the replicas become `target` once all new ones are in sync.
struct Reassign {
  PartitionKey key;
  std::optional<NodeList> target;  // nullopt: back to what was before the reassignment under way
  enum class Factor : bool { kMayChange, kMustStay } factor = Factor::kMayChange;
  friend bool operator==(const Reassign&, const Reassign&) = default;
};
// INVALID_REPLICA_ASSIGNMENT, NO_REASSIGNMENT_IN_PROGRESS, INVALID_REPLICATION_FACTOR, UNKNOWN_TOPIC_OR_PARTITION.
absl::StatusOr<Records> Decide(const Image& image, const Reassign& command, const Policy& policy);

// ListPartitionReassignments (key 46): those under way, at most `most`, in order.
std::vector<PartitionKey> Reassignments(const Image& image, size_t most);

// Moves the copies of a broker elsewhere, and gives it none from now on: at most `most` partitions at a time, so that
// the call is repeated while `left` > 0. It is empty, and may be unregistered, when image.partitions().HeldCount is 0.
// INVALID_REPLICA_ASSIGNMENT: there are not enough other brokers; BROKER_ID_NOT_REGISTERED.
struct Drained {
  Records records;
  size_t left = 0;  // partitions that wait for a later call
};
absl::StatusOr<Drained> DrainBroker(const Image& image, NodeId broker, size_t most, const Policy& policy,
                                    Random& random);
// Takes the broker's draining back; reassignments under way go on.
absl::StatusOr<Records> StopDraining(const Image& image, NodeId broker);

}  // namespace leat::meta
