// What a core asks of its driver, to be carried out in the order of the list. Writes carry a WriteId and may become
// durable later; the driver reports that with Core::OnDurable, in order. A message that promises something is not in
// any list before what it promises is durable: a driver cannot send it too early.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <variant>
#include <vector>

#include "raft/messages.h"

namespace leat::raft {

// ---- writes ----

// Must be durable before any later write is begun: a log may not hold a term that the vote does not know.
struct PersistVote {
  WriteId write = 0;
  Vote vote;
};
struct AppendEntries {
  WriteId write = 0;
  std::vector<Entry> entries;  // at the end of the log
};
struct TruncateFrom {
  WriteId write = 0;
  Offset from;  // entries at and behind it go
};
// The chunks written so far are the whole of the snapshot: make the file durable, then start an empty log behind it (in
// this order), then load the state machine from it. Also asked for at Open when a crash came between the two.
struct InstallSnapshot {
  WriteId write = 0;
  LogPoint snapshot;
  VoterSet voters;
  int64_t bytes = 0;
};

// ---- the driver's data ----

// Bytes of a snapshot that is coming in, to a file of its own. Position 0 begins anew.
struct WriteSnapshotChunk {
  LogPoint snapshot;
  int64_t position = 0;
  std::string bytes;
};
// Answer with Core::OnRead: entries from `first`, at least one, until `end` or max_bytes.
struct ReadEntries {
  ReadId read = 0;
  Offset first;
  Offset end;
  int64_t max_bytes = 0;
};
// Answer with Core::OnSnapshotRead.
struct ReadSnapshot {
  ReadId read = 0;
  LogPoint snapshot;
  int64_t position = 0;
  int64_t max_bytes = 0;
};

// ---- outside ----

struct Send {
  Message message;
};
// Entries below `end` are committed: they will never change. Apply them.
struct Commit {
  Offset end;
};
struct BecomeLeader {
  Term term;
  Offset first;  // of the term's first entry; the state machine is up to date when that is applied
};
// This node does not lead (any more). `leader`: who does, kNobody while unknown.
struct BecomeFollower {
  Term term;
  NodeId leader = kNobody;
};
// The read may be answered when everything below `end` is applied.
struct ReadReady {
  uint64_t ticket = 0;
  Offset end;
};
struct ReadFailed {
  uint64_t ticket = 0;
  absl::Status why;
};
// The end of a voter change that AddVoter or RemoveVoter began. kUnavailable: leadership was lost, ask the next leader.
struct VoterChangeDone {
  absl::Status outcome;
  VoterSet voters;  // in force
};
// The end of a transfer that did not succeed; a successful one shows as BecomeFollower.
struct TransferFailed {
  absl::Status why;
};
// Something was refused; log it. `fatal`: this node takes no part any more and must be stopped, with this message.
struct Refuse {
  RefusalReason reason = RefusalReason::kMalformed;
  Peer peer;  // whose message it was
  std::string detail;
  bool fatal = false;
};

using Effect = std::variant<PersistVote, AppendEntries, TruncateFrom, InstallSnapshot, WriteSnapshotChunk, ReadEntries,
                            ReadSnapshot, Send, Commit, BecomeLeader, BecomeFollower, ReadReady, ReadFailed,
                            VoterChangeDone, TransferFailed, Refuse>;
using Effects = std::vector<Effect>;

}  // namespace leat::raft
