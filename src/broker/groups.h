// Consumer groups: membership, committed offsets, administration. Thread-safe: every call may be made on any thread and
// is answered exactly once, on shard 0, also when the broker stops meanwhile (then COORDINATOR_NOT_AVAILABLE). Reached
// by Broker::groups(), which owns it. Requests and replies are those of the group core (group/requests.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "group/requests.h"

namespace leat::broker {

// kRequired: a partition whose offset a transaction may still change is answered UNSTABLE_OFFSET_COMMIT (exactly-once
// consumers ask so).
enum class StableOffsets { kAsTheyAre, kRequired };

struct FetchGroupOffsets {
  std::string group;
  std::optional<std::vector<model::TopicPartition>> partitions;  // absent: all that the group has
};
struct GroupOffset {
  model::TopicPartition partition;
  Outcome outcome;
  model::Offset offset{-1};  // -1: none
  model::LeaderEpoch leader_epoch{-1};
  std::string metadata;
  int64_t commit_time_ms = -1;
};
struct GroupOffsets {
  std::string group;
  Outcome outcome;
  std::vector<GroupOffset> offsets;
};

class Groups {
 public:
  virtual ~Groups() = default;

  // Answered when the rebalance has come so far: up to the rebalance timeout later.
  virtual void Join(group::JoinRequest request, Callback<group::JoinReply> done) = 0;
  virtual void Sync(group::SyncRequest request, Callback<group::SyncReply> done) = 0;
  virtual void Heartbeat(group::HeartbeatRequest request, Callback<group::HeartbeatReply> done) = 0;
  virtual void Leave(group::LeaveRequest request, Callback<group::LeaveReply> done) = 0;

  // The outcome of every item, in order; UNKNOWN_TOPIC_OR_PARTITION for what does not exist.
  virtual void Commit(group::CommitCommand command, Callback<std::vector<Outcome>> done) = 0;
  // Inside a producer's transaction, which has been checked: see group/offset_store.h.
  virtual void CommitInTxn(group::TxnCommitCommand command, Callback<std::vector<Outcome>> done) = 0;
  virtual void FetchOffsets(std::vector<FetchGroupOffsets> groups, StableOffsets stable,
                            Callback<std::vector<GroupOffsets>> done) = 0;
  virtual void DeleteOffsets(group::DeleteOffsetsRequest request, Callback<group::DeleteOffsetsReply> done) = 0;

  virtual void Describe(std::vector<std::string> groups, Callback<std::vector<group::GroupDescription>> done) = 0;
  virtual void List(Callback<absl::StatusOr<std::vector<group::GroupListing>>> done) = 0;
  // The outcome of each, in order.
  virtual void Delete(std::vector<std::string> groups, Callback<std::vector<Outcome>> done) = 0;
};

}  // namespace leat::broker
