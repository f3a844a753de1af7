// What the voters and observers of one quorum say to each other. Delivery may lose, repeat, delay and reorder: every
// message is safe at any time. Fields and their use: docs/internals/raft.md.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "raft/types.h"
#include "raft/voters.h"

namespace leat::raft {

enum class VoteKind : uint8_t {
  kPreVote,   // would you vote for me? changes nothing
  kVote,      // after a won pre-vote
  kTransfer,  // on the word of the leader: the promise to it does not stand in the way
};

struct VoteRequest {
  VoteKind kind = VoteKind::kPreVote;
  Term stands_for;  // a pre-vote: the sender's term + 1; otherwise the sender's term
  LogPoint tip;     // of the candidate's log
};

struct VoteReply {
  VoteKind kind = VoteKind::kPreVote;
  Term stood_for;  // as asked
  bool granted = false;
};

// Entries, or none: a heartbeat, which also probes whether the follower's log reaches `previous`.
struct AppendRequest {
  LogPoint previous;  // the log before the entries
  std::vector<Entry> entries;
  Offset commit_end;
  Offset acked_end;   // what the receiver has acknowledged to this leader in this term; 0: nothing
  int64_t round = 0;  // of the leader's broadcasts; echoed
  Instant sent_at;    // on the leader's clock; echoed
};

enum class AppendResult : uint8_t {
  kMatched,     // the log is durable and equal to the leader's up to match_end
  kMismatch,    // `previous` is not in the log: see `hint`
  kStaleTerm,   // the sender is no leader any more: the envelope's term is newer
  kRolledBack,  // this disk lacks what it had acknowledged
};

struct AppendReply {
  AppendResult result = AppendResult::kMatched;
  Offset previous_end;  // echoed
  Offset match_end;
  LogPoint hint;  // kMismatch: where the sender's log leaves the term of `previous` and older ones
  int64_t round = 0;
  Instant sent_at;
};

struct SnapshotChunk {
  LogPoint snapshot;
  VoterSet voters;  // that hold at its end
  int64_t position = 0;
  std::string bytes;
  uint32_t checksum = 0;  // CRC-32C of the snapshot from its first byte to the end of this chunk
  bool last = false;
  int64_t round = 0;
  Instant sent_at;
};

struct SnapshotReply {
  LogPoint snapshot;
  int64_t next_position = 0;  // where the receiver wants to go on
  bool installed = false;     // durable, or not needed because the log is already there
  int64_t round = 0;
  Instant sent_at;
};

// To the most advanced voter: stand now.
struct TimeoutNow {};

// Of a node without a vote to whoever may lead: send me the log.
struct Observe {};

// Of a follower to a node that is no voter and seems to know of no leader: ask this one.
struct LeaderHint {
  Peer leader;
};

enum class RefusalReason : uint8_t {
  kForeignCluster,     // the message names another cluster
  kWrongDirectory,     // it is meant for another disk under this node's id
  kUnknownDirectory,   // the sender has the id of a voter and another disk
  kDiskRolledBack,     // the disk lacks what it had acknowledged or voted
  kCommittedConflict,  // the leader contradicts entries that are committed here
  kTwoLeaders,         // two nodes claim to lead one term
  kMalformed,          // the message breaks the protocol's rules or limits
  kSnapshotDamaged,    // a chunk's checksum does not fit
  kOverloaded,         // a limit of Options is reached
};

struct Refusal {
  RefusalReason reason = RefusalReason::kMalformed;
  std::string detail;
};

using Body = std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, SnapshotChunk, SnapshotReply, TimeoutNow,
                          Observe, LeaderHint, Refusal>;

struct Message {
  model::Uuid cluster;
  Peer from;
  Peer to;    // directory zero: the sender does not know it
  Term term;  // the sender's
  Body body;
  // Where the sender, or the leader that a hint names, listens; empty: not said. For drivers: who is asked by a node
  // that no metadata name yet could not answer it.
  std::string address{};
};

}  // namespace leat::raft
