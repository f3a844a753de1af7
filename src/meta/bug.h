// Defects that a test can plant into the decisions, to show that its checks find them. A driver never names one.
#pragma once

#include <cstdint>

namespace leat::meta {

enum class Bug : uint8_t {
  kNone,
  kAcceptStaleBrokerEpoch,   // a broker's earlier life enters the in-sync set
  kElectOutsideIsr,          // a clean election takes the first live replica
  kForgetPartitionEpoch,     // a change leaves the partition epoch as it was
  kKeepFencedInIsr,          // a broker that is fenced stays in the in-sync sets
  kUncleanAlthoughOff,       // an unclean election where the topic does not allow it
  kKeepUncleanInElr,         // a broker that lost what was not synced stays eligible
  kForgetLeaderEpoch,        // a new leader has the leader epoch of the one before it
  kFinishReassignmentEarly,  // old replicas leave before the new ones are in sync
  kLeaveLeaderless,          // a broker that comes back does not take up its leaderless partitions
  kStopWithoutOthers,        // a broker may stop before the others know its partitions' new leaders
};

}  // namespace leat::meta
