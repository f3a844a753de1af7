// One node's part in a consensus group: a log of entries that a majority agrees on, led by one node a term. Raft
// (Ongaro and Ousterhout, 2014; Ongaro's thesis for pre-vote, membership, leases and transfer) on a log of offsets and
// leader epochs.
//
// Pure and synchronous: inputs with the time in, effects out. A driver calls an input, then takes the effects and
// carries them out in order (effects.h). Not thread-safe: the driver serialises calls. `now` is the node's monotonic
// clock; a time before the last one is taken for the last one.
//
// A node without a vote is an observer: it gets the log and never stands. How the pieces work together, and what a
// driver must do in which order: docs/internals/raft.md.
#pragma once

#include <absl/status/statusor.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "raft/catch_up.h"
#include "raft/durability.h"
#include "raft/effects.h"
#include "raft/log_index.h"
#include "raft/options.h"
#include "raft/progress.h"
#include "raft/vote_tally.h"

namespace leat::raft {

// A snapshot on this node's disk.
struct Snapshot {
  LogPoint point;  // it stands for the log up to here
  VoterSet voters;
  int64_t bytes = 0;
};

// What a node finds on its disk when it starts. Everything here is durable.
struct Restored {
  Vote vote;  // the default: it has never voted
  Offset log_start{0};
  std::optional<Term> term_before_start;  // of the entry before log_start, if known
  std::vector<TermRange> ranges;
  Offset log_end{0};
  std::vector<VotersAt> voters;  // of the log's kVoters entries, ascending
  std::optional<Snapshot> snapshot;
};

struct Proposed {
  Offset first;
  Offset end;
  Term term;
};

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };
enum class ChunkEnd : uint8_t { kMore, kLast, kFailed };

class Core {
 public:
  // kInvalidArgument: the options do not fit together. kDataLoss: the disk cannot be what this node left on it (a vote
  // older than its log, a log that does not reach its snapshot's start): it must not take part.
  static absl::StatusOr<std::unique_ptr<Core>> Open(const Options& options, const Restored& restored, Random& random,
                                                    Instant now);

  // ---- inputs of the driver ----
  void Tick(Instant now);
  Instant NextDeadline() const;  // call Tick no later than this
  void Receive(Message message, Instant now);
  // The node's process has ended, most likely (a hint: nothing listens where it did). If it led, this node does not
  // wait longer than it has promised to.
  void OnGone(NodeId node, Instant now);
  // All writes up to `through` are durable.
  void OnDurable(WriteId through, Instant now);
  // Answers ReadEntries. No entries: they could not be read now; the core asks again later.
  void OnRead(ReadId read, std::vector<Entry> entries, Instant now);
  // Answers ReadSnapshot with the bytes from its position.
  void OnSnapshotRead(ReadId read, std::string bytes, ChunkEnd end, Instant now);
  // The driver has a newer snapshot of the log up to `end` on its disk, and drops the log below `log_start` now.
  // kInvalidArgument: not everything below `end` is committed and durable, or the log would start behind it.
  absl::Status OnSnapshot(Offset end, int64_t bytes, Offset log_start);

  // ---- requests; kUnavailable with the leader's id if this node does not lead ----
  // Appends one entry for each payload. A commit is told by Commit; after BecomeFollower the outcome is unknown.
  // kResourceExhausted: too much is uncommitted. kInvalidArgument: an entry is too large.
  absl::StatusOr<Proposed> Propose(std::vector<std::string> payloads, Instant now);
  // A linearizable read: ReadReady or ReadFailed with this ticket follows, unless the status is an error.
  absl::Status Read(uint64_t ticket, Instant now);
  // One at a time: kFailedPrecondition while another is under way. OK: VoterChangeDone follows.
  absl::Status AddVoter(const Peer& voter, Instant now);  // an observer; it is brought up to date first
  absl::Status RemoveVoter(const Peer& voter, Instant now);
  // Hands leadership over, to the most advanced voter if `target` is kNobody. Proposals are refused meanwhile.
  absl::Status TransferLeadership(NodeId target, Instant now);

  Effects TakeEffects() { return std::exchange(effects_, {}); }

  // ---- what is ----
  Role role() const { return role_; }
  Term term() const { return vote_.term; }
  NodeId leader() const { return leader_.id; }
  Offset commit_end() const { return commit_end_; }
  Offset log_end() const { return log_.end(); }
  Offset durable_end() const { return durability_.durable_end(); }
  const LogIndex& log() const { return log_; }
  const VoterSet& voters() const { return voters_.current(); }
  // For the snapshot of the log up to `end`. REQUIRES: the newest snapshot's end <= end <= log_end().
  const VoterSet& VotersUpTo(Offset end) const { return voters_.At(end); }
  const std::optional<Snapshot>& snapshot() const { return snapshot_; }
  bool IsVoter() const { return voters_.current().Has(options_.self); }
  bool halted() const { return halted_; }
  bool LeaseValid(Instant now) const;
  // Of a leader: how far the others are, by id. Empty otherwise.
  const std::map<NodeId, Progress>& others() const { return lead_.others; }

 private:
  struct PendingRead {
    uint64_t ticket;
    std::optional<Offset> end;  // nullopt: until the term's first entry is committed
    int64_t round = 0;          // a majority must answer this broadcast or a later one
  };
  struct Transfer {
    NodeId target;
    Instant deadline;
    bool told = false;
  };
  enum class ChangeKind : uint8_t { kAdd, kRemove, kPin };
  struct VoterChange {
    ChangeKind kind;
    Peer voter;
    std::optional<CatchUp> catch_up;  // while it is not in the log
  };
  struct Leadership {
    Offset first{0};  // the term's first entry
    Instant since;
    std::map<NodeId, Progress> others;
    int64_t round = 0;
    Instant next_heartbeat;
    bool lease_allowed = true;
    std::deque<PendingRead> reads;
    std::optional<Transfer> transfer;
    std::optional<VoterChange> change;
  };
  struct IncomingSnapshot {
    LogPoint point;
    Term term;
    int64_t round = 0;  // of the chunk that began it
    int64_t position = 0;
    uint32_t checksum = 0;
  };

  Core(const Options& options, const Restored& restored, Random& random, Instant now);

  // core.cc
  Instant Advance(Instant now);
  bool Planted(Bug bug) const { return options_.bug == bug; }
  bool Admit(const Message& message);
  void RefuseMessage(const Message& message, RefusalReason reason, std::string detail);
  void Halt(RefusalReason reason, const Peer& peer, std::string detail);
  void Handle(const Message& message, const Refusal& refusal);
  Message To(const Peer& peer, Body body) const;
  void SendNow(const Peer& peer, Body body);
  void SendAfterDurable(const Peer& peer, Body body, WriteId write);
  void PersistTerm(Term term, const Peer& voted_for);
  WriteId AppendToLog(std::vector<Entry> entries);
  bool CommitTo(Offset end);  // true: that is news
  absl::Status NotLeading() const;

  // election.cc
  void ResetElectionDeadline();
  void ElectionTimeout();
  bool MayStand() const;
  void StartPreVote();
  void StartElection(VoteKind kind);
  void AskForVotes(VoteKind kind, Term stands_for, WriteId after);
  bool IsSilenced(const VoteRequest& request) const;
  bool MayVoteFor(const Message& message, const VoteRequest& request) const;
  bool RefuseStranger(const Message& message, const VoteRequest& request);
  void Handle(const Message& message, const VoteRequest& request);
  void Handle(const Message& message, const VoteReply& reply);
  void CountVotes();
  void Handle(const Message& message, const TimeoutNow& request);
  void Handle(const Message& message, const Observe& request);
  void Handle(const Message& message, const LeaderHint& hint);
  void Direct(const Peer& stranger);
  // term >= this node's; `vote_for`: who gets this node's vote in it, if it is new
  void Follow(Term term, const Peer& leader, const Peer& vote_for = {});
  void Lead();

  // leader.cc
  Progress* Track(const Peer& peer);  // nullptr: too many
  void SyncVoters();
  void Broadcast();
  void SendHeartbeat(Progress& progress);
  void Feed(Progress& progress);
  void FeedAll();
  Progress* Heard(const Message& message, int64_t round, Instant sent_at);  // nullptr: it does not count
  void Handle(const Message& message, const AppendReply& reply);
  void AdvanceCommit();
  void AfterCommit();
  void LeaderTick();
  // The time up to which a majority is known to have followed; those not heard of count as `unheard`.
  Instant QuorumContact(Instant now, Instant unheard) const;
  Duration Lease() const;
  void RetryReads();
  void EndLeadership();

  // reads.cc
  void ServeReads();
  int64_t QuorumRound() const;

  // follower.cc
  bool AcceptLeader(const Message& message);
  std::string Misfit(const Message& message, const AppendRequest& request) const;
  bool IsRolledBack(const Message& message, const AppendRequest& request, Term before);
  void Handle(const Message& message, const AppendRequest& request);
  bool Matches(const LogPoint& previous) const;
  bool TakeEntries(const Message& message, const AppendRequest& request);
  void TruncateLog(Offset from);
  void Acknowledge(const Message& message, const AppendRequest& request, Offset match_end);
  LogPoint Hint(const LogPoint& previous) const;

  // snapshots.cc
  void BeginSnapshot(Progress& progress);
  void FeedSnapshot(Progress& progress);
  void Handle(const Message& message, const SnapshotChunk& chunk);
  bool TakeChunk(const Message& message, const SnapshotChunk& chunk);
  void Install(const Message& message, const SnapshotChunk& chunk);
  void Handle(const Message& message, const SnapshotReply& reply);

  // membership.cc
  absl::Status MayChangeVoters(const VoterSet& after) const;
  void AppendVoters(VoterSet voters);
  void AdvanceChange();
  void PinDirectories();
  void FinishChange(absl::Status outcome);
  void AdvanceTransfer();
  NodeId MostAdvancedVoter() const;

  Options options_;
  Random& random_;
  Instant now_;
  Vote vote_;
  Role role_ = Role::kFollower;
  Peer leader_;  // kNobody: unknown
  LogIndex log_;
  Durability durability_;
  VoterHistory voters_;
  Offset commit_end_{0};
  std::optional<Snapshot> snapshot_;
  std::optional<IncomingSnapshot> incoming_;
  Instant election_deadline_;
  Instant promise_until_;  // until then this node votes for nobody: a leader may hold a lease
  VoteTally tally_;
  WriteId own_vote_ = 0;  // the write of this candidate's vote for itself
  Leadership lead_;
  ReadId last_read_ = 0;
  bool halted_ = false;
  Effects effects_;
};

}  // namespace leat::raft
