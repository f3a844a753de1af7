// Standing, voting, following, leading.
#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "raft/core.h"

namespace leat::raft {

void Core::ResetElectionDeadline() {
  const auto jitter = absl::ToInt64Nanoseconds(options_.election_jitter);
  election_deadline_ =
      now_ + options_.election_timeout + absl::Nanoseconds(random_.Below(static_cast<uint64_t>(jitter)));
}

// A leader that is there after all is heard of before that: its heartbeats set the deadline anew. What is added keeps
// nodes that are told at the same time from standing at the same time.
void Core::OnGone(NodeId node, Instant now) {
  Advance(now);
  if (halted_ || role_ != Role::kFollower || leader_.id != node || node == kNobody) return;
  const auto jitter = static_cast<uint64_t>(absl::ToInt64Nanoseconds(options_.election_jitter)) / 8;
  const Instant stand =
      std::max(now_, promise_until_) + absl::Nanoseconds(random_.Below(std::max<uint64_t>(1, jitter)));
  election_deadline_ = std::min(election_deadline_, stand);
}

void Core::ElectionTimeout() {
  ResetElectionDeadline();
  if (MayStand()) return StartPreVote();
  if (leader_.id != kNobody) Follow(vote_.term, {});
  for (const Peer& voter : voters()) {
    if (voter.id != options_.self.id) SendNow(voter, Observe{});
  }
  // Those that its log names may all be gone by now; who has lost its vote still knows who leads.
  for (const Peer& first : options_.initial_voters) {
    if (first.id != options_.self.id && voters().Find(first.id) == nullptr) SendNow(first, Observe{});
  }
}

// A node whose own removal is in its log, and not known to be committed, still stands: the voters that are left may be
// behind it, and then nobody else can be elected (Ongaro's thesis, 4.2.2). It does not count itself.
bool Core::MayStand() const {
  const std::optional<Offset> change = voters_.current_offset();
  return IsVoter() || (change && *change >= commit_end_ && voters_.At(*change).Has(options_.self));
}

void Core::StartPreVote() {
  role_ = Role::kPreCandidate;
  if (leader_.id != kNobody) {
    leader_ = {};
    effects_.push_back(BecomeFollower{vote_.term, kNobody});
  }
  tally_.Clear();
  tally_.Grant(options_.self.id);
  if (tally_.Won(voters())) return StartElection(VoteKind::kVote);
  AskForVotes(VoteKind::kPreVote, vote_.term + 1, 0);
}

void Core::StartElection(VoteKind kind) {
  role_ = Role::kCandidate;
  const bool known_leader = leader_.id != kNobody;
  leader_ = {};
  ResetElectionDeadline();
  PersistTerm(vote_.term + 1, options_.self);
  if (known_leader) effects_.push_back(BecomeFollower{vote_.term, kNobody});
  own_vote_ = durability_.last_vote_write();
  tally_.Clear();
  AskForVotes(kind, vote_.term, own_vote_);
}

// The directory that a request names is the one in the voter set, never one that was merely heard of: a disk that was
// put in place of a voter's must not be addressed as the voter.
void Core::AskForVotes(VoteKind kind, Term stands_for, WriteId after) {
  for (const Peer& voter : voters()) {
    if (voter.id == options_.self.id) continue;
    SendAfterDurable(voter, VoteRequest{kind, stands_for, log_.tip()}, after);
  }
}

// A leader that has heard of a majority lately, and who has heard of a leader lately, answer no candidate: whoever is
// cut off and comes back disturbs nobody, and a lease cannot be overtaken.
bool Core::IsSilenced(const VoteRequest& request) const {
  if (request.kind == VoteKind::kTransfer) return false;
  return role_ == Role::kLeader || now_ < promise_until_;
}

bool Core::MayVoteFor(const Message& message, const VoteRequest& request) const {
  // The set may not know its members' disks yet, and this one has never been used. If the candidate's log is not empty,
  // this disk may have been put in the place of another that had acknowledged entries: it needs the log from a leader.
  const bool unused = !vote_.joined && log_.end() == Offset{0};
  const bool may_be_replaced = unused && message.to.directory != options_.self.directory;
  if (may_be_replaced && request.tip.end > Offset{0}) return false;
  return Planted(Bug::kVoteWithoutLogCheck) || IsUpToDate(request.tip, log_.tip());
}

// Another disk under the id of a voter. If its log reaches beyond this one it may know of a change that made it a
// voter.
bool Core::RefuseStranger(const Message& message, const VoteRequest& request) {
  const Peer* voter = voters().Find(message.from.id);
  if (voter == nullptr || voters().Has(message.from)) return false;
  if (role_ != Role::kLeader && request.tip.end > log_.end()) return false;
  RefuseMessage(message, RefusalReason::kUnknownDirectory,
                StrCat("the voter ", voter->id, " has directory ", voter->directory.ToString(), ", the candidate's is ",
                       message.from.directory.ToString(), ": remove the voter and add it again with its new disk"));
  return true;
}

void Core::Handle(const Message& message, const VoteRequest& request) {
  if (RefuseStranger(message, request)) return;
  if (voters().Find(message.from.id) == nullptr) Direct(message.from);
  VoteReply reply{request.kind, request.stands_for, false};
  if (request.kind == VoteKind::kPreVote) {
    reply.granted = request.stands_for > vote_.term && !IsSilenced(request) && MayVoteFor(message, request);
    // Who says yes does not stand itself until the other can have been elected. Else two that miss a leader at the same
    // moment say yes to each other, vote for themselves, and both wait an election timeout. If they ask each other at
    // once the one with the longer log goes on, or else the larger id. A node that asks and is never elected holds
    // nobody up: it asks once in an election timeout, and the others wait a part of the jitter.
    const bool first = request.tip == log_.tip() && options_.self.id > message.from.id;
    if (reply.granted && (role_ == Role::kFollower || (role_ == Role::kPreCandidate && !first))) {
      role_ = Role::kFollower;
      election_deadline_ = std::max(election_deadline_, now_ + options_.election_jitter / 4);
    }
    return SendAfterDurable(message.from, reply, durability_.last_vote_write());
  }
  if (request.stands_for != message.term) {
    return RefuseMessage(message, RefusalReason::kMalformed,
                         StrCat("a candidate of term ", message.term, " stands for ", request.stands_for));
  }
  if (IsSilenced(request)) return SendAfterDurable(message.from, reply, durability_.last_vote_write());
  const bool newer = request.stands_for > vote_.term;
  const bool free = vote_.voted_for.id == kNobody || vote_.voted_for == message.from;
  const bool may_vote = newer || (request.stands_for == vote_.term && free && leader_.id == kNobody);
  reply.granted = may_vote && MayVoteFor(message, request);
  // The term and the vote in it are one write.
  if (newer) Follow(request.stands_for, {}, reply.granted ? message.from : Peer{});
  if (reply.granted) {
    role_ = Role::kFollower;  // it may have been asking for pre-votes itself
    if (vote_.voted_for.id == kNobody) PersistTerm(vote_.term, message.from);
    ResetElectionDeadline();
  }
  if (Planted(Bug::kVoteBeforeDurable)) return SendNow(message.from, reply);
  SendAfterDurable(message.from, reply, durability_.last_vote_write());
}

void Core::Handle(const Message& message, const VoteReply& reply) {
  if (message.term > vote_.term) {
    Follow(message.term, {});
    return;
  }
  const bool current = reply.kind == VoteKind::kPreVote
                           ? role_ == Role::kPreCandidate && reply.stood_for == vote_.term + 1
                           : role_ == Role::kCandidate && reply.stood_for == vote_.term;
  if (!current || !voters().Has(message.from)) return;
  reply.granted ? tally_.Grant(message.from.id) : tally_.Deny(message.from.id);
  CountVotes();
}

void Core::CountVotes() {
  if (tally_.Won(voters())) {
    role_ == Role::kPreCandidate ? StartElection(VoteKind::kVote) : Lead();
  } else if (tally_.Lost(voters())) {
    role_ = Role::kFollower;  // the deadline of this attempt is the wait before the next
  }
}

void Core::Handle(const Message& message, const TimeoutNow&) {
  if (message.term > vote_.term) Follow(message.term, message.from);
  // One of an earlier term was overtaken by an election; one that comes late must not unseat the next leader.
  if (message.term < vote_.term || role_ != Role::kFollower || !MayStand() || leader_.id != message.from.id) return;
  StartElection(VoteKind::kTransfer);
}

void Core::Handle(const Message& message, const Observe&) {
  const Peer* voter = voters().Find(message.from.id);
  if (voter == nullptr) {
    Direct(message.from);
  } else if (role_ == Role::kLeader && !voters().Has(message.from)) {
    RefuseMessage(message, RefusalReason::kUnknownDirectory,
                  StrCat("the voter ", voter->id, " has directory ", voter->directory.ToString(), ", this disk's is ",
                         message.from.directory.ToString(), ": remove the voter, then add it again with its new disk"));
  }
}

void Core::Handle(const Message&, const LeaderHint& hint) {
  if (leader_.id == kNobody && hint.leader.id != options_.self.id) SendNow(hint.leader, Observe{});
}

// A node that has no vote and does not get the log: its own idea of who votes may be so old that it asks none of
// today's voters.
void Core::Direct(const Peer& stranger) {
  if (role_ == Role::kLeader) {
    if (Progress* progress = Track(stranger)) SendHeartbeat(*progress);
  } else if (leader_.id != kNobody && leader_.id != stranger.id) {
    SendNow(stranger, LeaderHint{leader_});
  }
}

void Core::Follow(Term term, const Peer& leader, const Peer& vote_for) {
  const bool was_leader = role_ == Role::kLeader;
  const bool news = was_leader || term > vote_.term || leader.id != leader_.id;
  if (was_leader) EndLeadership();
  if (term > vote_.term) PersistTerm(term, vote_for);
  if (role_ != Role::kFollower || was_leader) ResetElectionDeadline();
  role_ = Role::kFollower;
  leader_ = leader;
  own_vote_ = 0;
  if (news) effects_.push_back(BecomeFollower{vote_.term, leader.id});
}

void Core::Lead() {
  LEAT_CHECK(role_ == Role::kCandidate) << "a leader that was not a candidate";
  role_ = Role::kLeader;
  leader_ = options_.self;
  incoming_.reset();
  lead_ = {};
  lead_.first = log_.end();
  lead_.since = now_;
  lead_.round = 1;
  lead_.next_heartbeat = now_ + options_.heartbeat_interval;
  SyncVoters();
  effects_.push_back(BecomeLeader{vote_.term, lead_.first});
  AppendToLog({{log_.end(), vote_.term, EntryKind::kLeaderChange, ""}});
  FeedAll();  // the entry tells the others who leads; heartbeats follow
  AdvanceCommit();
}

}  // namespace leat::raft
