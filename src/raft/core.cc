#include "raft/core.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/status.h"
#include "raft/describe.h"

namespace leat::raft {

namespace {

// Terms near the end of their range would leave no room for elections; no honest cluster comes here.
constexpr Term kLastTerm{std::numeric_limits<int32_t>::max() - 1};

absl::Status CheckRestored(const Restored& restored) {
  const Term last = restored.ranges.empty() ? Term{0} : restored.ranges.back().term;
  if (restored.vote.term < last) {
    return DataLoss(
        "the vote file is of term ", restored.vote.term, " but the log holds entries of term ", last,
        ": this disk was restored to an older state; remove this voter and add it again with an empty disk");
  }
  if (restored.log_start > restored.log_end || restored.log_start < Offset{0}) {
    return DataLoss("the log says that it starts at ", restored.log_start, " and ends at ", restored.log_end);
  }
  if (restored.log_start > Offset{0} && (!restored.snapshot || restored.snapshot->point.end < restored.log_start)) {
    return DataLoss("the log starts at ", restored.log_start, " and no snapshot reaches that far: expected one up to ",
                    restored.log_start, " or later");
  }
  return absl::OkStatus();
}

LogIndex IndexOf(const Restored& restored) {
  std::optional<Term> before = restored.term_before_start;
  if (restored.snapshot && restored.snapshot->point.end == restored.log_start) before = restored.snapshot->point.term;
  return LogIndex(restored.log_start, before, restored.ranges, restored.log_end);
}

}  // namespace

absl::Status Validate(const Options& options) {
  if (options.cluster.is_zero()) return InvalidArgument("raft: the cluster id is not set");
  if (options.self.id < NodeId{0} || options.self.directory.is_zero()) {
    return InvalidArgument("raft: expected a node id from 0 and a directory id, got id ", options.self.id);
  }
  if (options.heartbeat_interval <= absl::ZeroDuration() || options.heartbeat_interval * 2 > options.election_timeout) {
    return InvalidArgument("raft: the election timeout (", absl::FormatDuration(options.election_timeout),
                           ") must be at least twice the heartbeat interval (",
                           absl::FormatDuration(options.heartbeat_interval), "), which must be positive");
  }
  if (options.election_jitter <= absl::ZeroDuration())
    return InvalidArgument("raft: expected an election jitter above 0");
  if (!(options.max_clock_drift >= 0 && options.max_clock_drift < 0.5)) {
    return InvalidArgument("raft: max_clock_drift must be in [0, 0.5), got ", options.max_clock_drift);
  }
  if (static_cast<int>(options.initial_voters.size()) > options.max_voters) {
    return InvalidArgument("raft: ", options.initial_voters.size(), " initial voters are more than max_voters, ",
                           options.max_voters);
  }
  if (options.max_inflight_messages < 1 || options.max_inflight_bytes < 1 || options.max_message_entries < 1 ||
      options.max_message_bytes < 1 || options.max_snapshot_chunk_bytes < 1 || options.max_entry_bytes < 1 ||
      options.max_uncommitted_entries < 1 || options.max_held_messages < 1 || options.max_catch_up_rounds < 1) {
    return InvalidArgument("raft: every limit must be at least 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Core>> Core::Open(const Options& options, const Restored& restored, Random& random,
                                                 Instant now) {
  LEAT_RETURN_IF_ERROR(Validate(options));
  LEAT_RETURN_IF_ERROR(CheckRestored(restored));
  return std::unique_ptr<Core>(new Core(options, restored, random, now));
}

Core::Core(const Options& options, const Restored& restored, Random& random, Instant now)
    : options_(options),
      random_(random),
      now_(now),
      vote_(restored.vote),
      log_(IndexOf(restored)),
      durability_(restored.log_end),
      voters_(restored.snapshot ? restored.snapshot->voters : options.initial_voters),
      snapshot_(restored.snapshot) {
  if (Planted(Bug::kForgetVoteOnRestart)) vote_.voted_for = {};
  if (snapshot_) commit_end_ = snapshot_->point.end;
  // A crash came between a snapshot and the start of the log behind it.
  if (snapshot_ && (snapshot_->point.end > log_.end() ||
                    log_.TermBefore(snapshot_->point.end).value_or(snapshot_->point.term) != snapshot_->point.term)) {
    log_.ResetTo(snapshot_->point);
    effects_.push_back(InstallSnapshot{durability_.NewSnapshot(snapshot_->point.end), snapshot_->point,
                                       snapshot_->voters, snapshot_->bytes});
  }
  for (const VotersAt& at : restored.voters) {
    if (at.offset >= log_.start() && at.offset < log_.end() && at.offset >= commit_end_) {
      voters_.Append(at.offset, at.voters);
    }
  }
  // Before the restart this node may have promised a leader not to vote. A node that never voted never followed.
  const bool fresh = vote_.term == Term{0};
  promise_until_ = fresh || Planted(Bug::kNoPromiseAfterRestart) ? now : now + options_.election_timeout;
  ResetElectionDeadline();
  // An only voter need not wait, if it led last: a leader that it has since removed, or that was removing itself, may
  // otherwise hold a lease by this node's promise.
  const bool led_last = fresh || vote_.voted_for == options_.self;
  if (IsVoter() && voters().size() == 1 && led_last) election_deadline_ = now;
}

Instant Core::Advance(Instant now) {
  now_ = std::max(now_, now);
  return now_;
}

void Core::Tick(Instant now) {
  Advance(now);
  if (halted_) return;
  if (role_ == Role::kLeader) {
    LeaderTick();
  } else if (now_ >= election_deadline_) {
    ElectionTimeout();
  }
}

Instant Core::NextDeadline() const {
  if (halted_) return Instant::Max();
  if (role_ != Role::kLeader) return election_deadline_;
  Instant deadline = lead_.next_heartbeat;
  if (lead_.transfer) deadline = std::min(deadline, lead_.transfer->deadline);
  return deadline;
}

void Core::Receive(Message message, Instant now) {
  Advance(now);
  if (halted_ || !Admit(message)) return;
  std::visit([&](const auto& body) { Handle(message, body); }, message.body);
}

bool Core::Admit(const Message& message) {
  if (message.cluster != options_.cluster) {
    RefuseMessage(message, RefusalReason::kForeignCluster,
                  StrCat("node ", message.from.id, " is of cluster ", message.cluster.ToString(), ", this is cluster ",
                         options_.cluster.ToString(), ": check the peers' addresses"));
    return false;
  }
  if (message.to.id != options_.self.id || message.from.id == options_.self.id) {
    RefuseMessage(message, RefusalReason::kMalformed,
                  StrCat("a message of node ", message.from.id, " for node ", message.to.id, " came to node ",
                         options_.self.id, ": two nodes have one id, or an address is wrong"));
    return false;
  }
  if (!message.to.directory.is_zero() && message.to.directory != options_.self.directory) {
    RefuseMessage(
        message, RefusalReason::kWrongDirectory,
        StrCat("the voter ", message.to.id, " has directory ", message.to.directory.ToString(), ", this node's is ",
               options_.self.directory.ToString(), ": remove the voter and add it again with its new disk"));
    return false;
  }
  if (message.term < Term{0} || message.term > kLastTerm) {
    RefuseMessage(message, RefusalReason::kMalformed, StrCat("term ", message.term, " is out of range"));
    return false;
  }
  return true;
}

void Core::RefuseMessage(const Message& message, RefusalReason reason, std::string detail) {
  if (!std::holds_alternative<Refusal>(message.body)) SendNow(message.from, Refusal{reason, detail});
  effects_.push_back(Refuse{reason, message.from, std::move(detail), false});
}

void Core::Halt(RefusalReason reason, const Peer& peer, std::string detail) {
  if (role_ == Role::kLeader) EndLeadership();
  role_ = Role::kFollower;
  halted_ = true;
  effects_.push_back(BecomeFollower{vote_.term, kNobody});
  effects_.push_back(Refuse{reason, peer, std::move(detail), true});
}

void Core::Handle(const Message& message, const Refusal& refusal) {
  effects_.push_back(Refuse{refusal.reason, message.from, StrCat("told by the peer: ", refusal.detail), false});
}

Message Core::To(const Peer& peer, Body body) const {
  return {options_.cluster, options_.self, peer, vote_.term, std::move(body)};
}

void Core::SendNow(const Peer& peer, Body body) { effects_.push_back(Send{To(peer, std::move(body))}); }

void Core::SendAfterDurable(const Peer& peer, Body body, WriteId write) {
  if (write <= durability_.durable_through()) {
    SendNow(peer, std::move(body));
  } else {
    durability_.Hold(write, To(peer, std::move(body)));
  }
}

void Core::PersistTerm(Term term, const Peer& voted_for) {
  LEAT_CHECK(term >= vote_.term) << "term " << term << " after " << vote_.term;
  vote_ = {term, voted_for, vote_.joined || voted_for.id != kNobody || log_.end() > Offset{0}};
  effects_.push_back(PersistVote{durability_.NewVote(), vote_});
}

WriteId Core::AppendToLog(std::vector<Entry> entries) {
  LEAT_CHECK(!entries.empty() && entries.front().offset == log_.end()) << "entries do not follow " << log_.end();
  for (const Entry& entry : entries) {
    log_.Append(entry.term, 1);
    if (entry.kind != EntryKind::kVoters) continue;
    // A follower has decoded it before; a leader has encoded it.
    absl::StatusOr<VoterSet> voters = VoterSet::Decode(entry.payload, options_.max_voters);
    LEAT_CHECK_OK(voters.status());
    voters_.Append(entry.offset, *std::move(voters));
  }
  const WriteId write = durability_.NewAppend(log_.end());
  effects_.push_back(AppendEntries{write, std::move(entries)});
  return write;
}

bool Core::CommitTo(Offset end) {
  LEAT_CHECK(end <= log_.end()) << "commit to " << end << " of a log that ends at " << log_.end();
  if (end <= commit_end_) return false;
  commit_end_ = end;
  effects_.push_back(Commit{end});
  return true;
}

void Core::OnDurable(WriteId through, Instant now) {
  Advance(now);
  for (Message& message : durability_.Advance(through, vote_.term)) {
    if (!halted_) effects_.push_back(Send{std::move(message)});
  }
  if (halted_) return;
  if (role_ == Role::kCandidate && own_vote_ != 0 && through >= own_vote_) {
    own_vote_ = 0;
    tally_.Grant(options_.self.id);
    CountVotes();
  }
  if (role_ == Role::kLeader) AdvanceCommit();
}

absl::Status Core::NotLeading() const {
  if (halted_) return Unavailable("this node has refused to take part");
  if (leader_.id == kNobody) return Unavailable("this node does not lead the quorum, and knows of no leader");
  return Unavailable("this node does not lead the quorum; the leader is node ", leader_.id);
}

absl::StatusOr<Proposed> Core::Propose(std::vector<std::string> payloads, Instant now) {
  Advance(now);
  if (role_ != Role::kLeader) return NotLeading();
  if (lead_.transfer) return Unavailable("leadership is being handed to node ", lead_.transfer->target);
  if (payloads.empty()) return InvalidArgument("expected at least one entry");
  if (log_.end() - commit_end_ + static_cast<int64_t>(payloads.size()) > options_.max_uncommitted_entries) {
    return ResourceExhausted(log_.end() - commit_end_, " entries are not committed yet and ", payloads.size(),
                             " more would pass the limit of ", options_.max_uncommitted_entries, ": try again later");
  }
  std::vector<Entry> entries;
  for (std::string& payload : payloads) {
    if (static_cast<int64_t>(payload.size()) > options_.max_entry_bytes) {
      return InvalidArgument("an entry of ", payload.size(), " bytes is larger than ", options_.max_entry_bytes);
    }
    entries.push_back(
        {log_.end() + static_cast<int64_t>(entries.size()), vote_.term, EntryKind::kData, std::move(payload)});
  }
  const Proposed proposed{log_.end(), log_.end() + static_cast<int64_t>(entries.size()), vote_.term};
  AppendToLog(std::move(entries));
  FeedAll();
  return proposed;
}

}  // namespace leat::raft
