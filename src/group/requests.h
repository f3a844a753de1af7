// What is asked of a group's coordinator and what it answers, free of any wire format. Fields that a reply does not
// need when it failed keep their defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace leat::group {

// The outcome of one item. `message` is empty on success.
struct Outcome {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::string message;
};

// --- membership (the classic protocol) ---
struct Protocol {
  std::string name;      // of an assignor, e.g. "range"
  std::string metadata;  // the member's subscription in the assignor's own format: opaque here
  friend bool operator==(const Protocol&, const Protocol&) = default;
};
enum class FirstJoin { kAddAtOnce, kAskForId };  // kAskForId: JoinGroup 4 and newer; a first join is only given an id
enum class SkipAssignment { kUnknown, kSupported };  // kSupported: JoinGroup 9 and newer

struct JoinRequest {
  std::string group;
  std::string member;                   // empty: has no id yet
  std::optional<std::string> instance;  // a static member's name
  std::string client_id;
  std::string client_host;
  std::string protocol_type;  // "consumer", "connect", ..
  std::vector<Protocol> protocols;
  Duration session_timeout;
  Duration rebalance_timeout;
  FirstJoin first_join = FirstJoin::kAddAtOnce;
  SkipAssignment skip_assignment = SkipAssignment::kUnknown;
};
struct JoinedMember {
  std::string member;
  std::optional<std::string> instance;
  std::string metadata;
};
struct JoinReply {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::string member;  // also with MEMBER_ID_REQUIRED
  int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string leader;
  SkipAssignment skip_assignment = SkipAssignment::kUnknown;  // kSupported: the leader keeps the assignment
  std::vector<JoinedMember> members;                          // for the leader only
};

struct SyncRequest {
  struct Assignment {
    std::string member;
    std::string bytes;
  };
  std::string group;
  std::string member;
  std::optional<std::string> instance;
  int32_t generation = -1;
  std::optional<std::string> protocol_type;  // absent: not checked
  std::optional<std::string> protocol;
  std::vector<Assignment> assignments;  // from the leader only
};
struct SyncReply {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string assignment;
};

struct HeartbeatRequest {
  std::string group;
  std::string member;
  std::optional<std::string> instance;
  int32_t generation = -1;
};
struct HeartbeatReply {
  model::ErrorCode code = model::ErrorCode::kNone;
};

struct LeavingMember {
  std::string member;  // empty: the static member of this instance, whatever its id
  std::optional<std::string> instance;
};
struct LeaveRequest {
  std::string group;
  std::vector<LeavingMember> members;
};
struct LeaveReply {
  struct Member {
    std::string member;
    std::optional<std::string> instance;
    model::ErrorCode code = model::ErrorCode::kNone;
  };
  model::ErrorCode code = model::ErrorCode::kNone;
  std::vector<Member> members;  // in the order of the request
};

// --- offsets ---
// A commit of a member says who it is and of which generation; one without membership (an admin tool, a job, a consumer
// that assigns its own partitions) leaves `member` empty and `generation` -1, and is taken while the group has no
// members.
struct CommitCommand {
  struct Item {
    model::TopicPartition partition;
    model::Offset offset;
    std::string metadata;
    model::LeaderEpoch leader_epoch{-1};
  };
  std::string group;
  std::vector<Item> items;
  std::string member;
  std::optional<std::string> instance;
  int32_t generation = -1;
};
// The same inside a producer's transaction (TxnOffsetCommit): pending until the transaction's marker.
struct TxnCommitCommand {
  CommitCommand commit;
  model::ProducerId producer{-1};
  int16_t producer_epoch = -1;
};
struct CommitReply {
  std::vector<Outcome> outcomes;  // of each item, in order
};
struct DeleteOffsetsRequest {
  std::string group;
  std::vector<model::TopicPartition> partitions;
};
struct DeleteOffsetsReply {
  Outcome outcome;                // of the whole request
  std::vector<Outcome> outcomes;  // of each partition, when the whole went well
};

// --- groups ---
enum class GroupState { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable, kDead };
struct DescribedMember {
  std::string member;
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  std::string metadata;    // of the chosen protocol; empty unless the group is stable
  std::string assignment;  // the same
};
struct GroupDescription {
  Outcome outcome;  // GROUP_ID_NOT_FOUND with state kDead
  std::string group;
  GroupState state = GroupState::kDead;
  std::string protocol_type;  // empty: the group has offsets only
  std::string protocol;       // empty unless stable
  int32_t generation = -1;
  std::vector<DescribedMember> members;
};
struct GroupListing {
  std::string group;
  std::string protocol_type;
  GroupState state = GroupState::kEmpty;
};
struct DeleteReply {
  Outcome outcome;
};

using RequestId = StrongId<struct RequestIdTag, uint64_t>;  // the driver's: which request an answer belongs to
using Reply =
    std::variant<JoinReply, SyncReply, HeartbeatReply, LeaveReply, CommitReply, DeleteOffsetsReply, DeleteReply>;

// As Kafka prints it: Stable, PreparingRebalance, ..
std::string_view StateName(GroupState state);

}  // namespace leat::group
