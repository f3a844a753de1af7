// What a follower does with a leader's messages.
#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "raft/core.h"

namespace leat::raft {

// REQUIRES: message.term >= this node's.
bool Core::AcceptLeader(const Message& message) {
  const bool same_term = message.term == vote_.term;
  if (same_term && leader_.id != kNobody && leader_.id != message.from.id) {
    Halt(RefusalReason::kTwoLeaders, message.from,
         StrCat("nodes ", leader_.id, " and ", message.from.id, " both lead term ", vote_.term,
                ": a voter's disk was copied or restored; stop this node and compare the voters"));
    return false;
  }
  if (!same_term || role_ != Role::kFollower || leader_.id != message.from.id) Follow(message.term, message.from);
  leader_ = message.from;
  ResetElectionDeadline();
  promise_until_ = now_ + options_.election_timeout;
  return true;
}

std::string Core::Misfit(const Message& message, const AppendRequest& request) const {
  if (request.previous.end < Offset{0} || request.previous.term > message.term) {
    return StrCat("entries after ", request.previous.end, "/", request.previous.term, " in term ", message.term);
  }
  Offset next = request.previous.end;
  Term term = request.previous.term;
  for (const Entry& entry : request.entries) {
    if (entry.offset != next || entry.term < term || entry.term > message.term || entry.term < Term{1}) {
      return StrCat("an entry at ", entry.offset, " of term ", entry.term, " where ", next, " of term ", term, " to ",
                    message.term, " was expected");
    }
    if (static_cast<int64_t>(entry.payload.size()) > options_.max_entry_bytes) {
      return StrCat("an entry of ", entry.payload.size(), " bytes is larger than ", options_.max_entry_bytes);
    }
    if (entry.kind == EntryKind::kVoters) {
      const auto voters = VoterSet::Decode(entry.payload, options_.max_voters);
      if (!voters.ok()) return std::string(leat::Message(voters.status()));
    }
    ++next;
    term = entry.term;
  }
  return "";
}

// What this node acknowledged in this term was durable, the term itself before it. A leader that says so and finds less
// looks at an older state of the disk.
bool Core::IsRolledBack(const Message& message, const AppendRequest& request, Term before) {
  if (request.acked_end == Offset{0}) return false;
  if (before >= message.term && request.acked_end <= log_.end()) return false;
  Message reply = To(message.from, AppendReply{.result = AppendResult::kRolledBack,
                                               .previous_end = request.previous.end,
                                               .match_end = Offset{0},
                                               .hint = {},
                                               .round = request.round,
                                               .sent_at = request.sent_at});
  reply.term = message.term;  // the leader would not look at an older one
  effects_.push_back(Send{std::move(reply)});
  Halt(RefusalReason::kDiskRolledBack, message.from,
       StrCat("this disk had acknowledged the log up to ", request.acked_end, " in term ", message.term,
              " and now ends at ", log_.end(), " with term ", before,
              ": it was restored to an older state; remove this voter and add it again with an empty disk"));
  return true;
}

// Whether the log agrees with the leader's up to `previous`. What is committed agrees.
bool Core::Matches(const LogPoint& previous) const {
  if (log_.Has(previous)) return true;
  const std::optional<Term> term = log_.TermBefore(previous.end);
  if (!term && previous.end <= commit_end_) return true;  // below the log's start
  return Planted(Bug::kAppendWithoutMatching) && term && *term <= previous.term;
}

void Core::Handle(const Message& message, const AppendRequest& request) {
  AppendReply reply{.result = AppendResult::kStaleTerm,
                    .previous_end = request.previous.end,
                    .match_end = Offset{0},
                    .hint = {},
                    .round = request.round,
                    .sent_at = request.sent_at};
  if (message.term < vote_.term) return SendAfterDurable(message.from, reply, durability_.last_vote_write());
  if (std::string misfit = Misfit(message, request); !misfit.empty()) {
    return RefuseMessage(message, RefusalReason::kMalformed, std::move(misfit));
  }
  if (IsRolledBack(message, request, vote_.term) || !AcceptLeader(message)) return;
  if (static_cast<int>(durability_.held()) >= options_.max_held_messages) {
    return RefuseMessage(message, RefusalReason::kOverloaded,
                         StrCat(durability_.held(), " answers wait for this node's disk, the limit"));
  }
  if (!Matches(request.previous)) {
    if (request.previous.end <= commit_end_) {
      return Halt(
          RefusalReason::kCommittedConflict, message.from,
          StrCat("the leader of term ", message.term, " has an entry of term ", request.previous.term, " before ",
                 request.previous.end, ", which is committed here with another: a voter's disk was rolled back"));
    }
    reply.result = AppendResult::kMismatch;
    reply.hint = Hint(request.previous);
    return SendAfterDurable(message.from, reply, durability_.last_vote_write());
  }
  if (!TakeEntries(message, request)) return;
  const Offset end = request.previous.end + static_cast<int64_t>(request.entries.size());
  const Offset compared = Planted(Bug::kCommitBeyondMatch) ? log_.end() : std::min(end, log_.end());
  CommitTo(std::min(request.commit_end, compared));
  Acknowledge(message, request, end);
}

bool Core::TakeEntries(const Message& message, const AppendRequest& request) {
  size_t known = 0;
  for (; known < request.entries.size(); ++known) {
    const Entry& entry = request.entries[known];
    if (entry.offset < log_.start()) continue;  // in the snapshot
    if (entry.offset >= log_.end()) break;
    if (log_.TermBefore(entry.offset + 1) == entry.term) continue;
    if (entry.offset < commit_end_) {
      Halt(RefusalReason::kCommittedConflict, message.from,
           StrCat("the leader of term ", message.term, " has an entry of term ", entry.term, " at ", entry.offset,
                  ", which is committed here with another: a voter's disk was rolled back"));
      return false;
    }
    TruncateLog(entry.offset);
    break;
  }
  const Offset end = request.previous.end + static_cast<int64_t>(request.entries.size());
  if (Planted(Bug::kTruncateBehindEveryAppend) && end < log_.end() && end >= commit_end_) TruncateLog(end);
  if (known == request.entries.size()) return true;
  AppendToLog({request.entries.begin() + static_cast<std::ptrdiff_t>(known), request.entries.end()});
  return true;
}

void Core::TruncateLog(Offset from) {
  log_.TruncateTo(from);
  voters_.TruncateFrom(from);
  effects_.push_back(TruncateFrom{durability_.NewTruncation(from), from});
}

// New entries are acknowledged when they are durable. A heartbeat is answered at once, for as much as is.
void Core::Acknowledge(const Message& message, const AppendRequest& request, Offset match_end) {
  AppendReply reply{.result = AppendResult::kMatched,
                    .previous_end = request.previous.end,
                    .match_end = match_end,
                    .hint = {},
                    .round = request.round,
                    .sent_at = request.sent_at};
  WriteId write = durability_.last_vote_write();
  const bool early = Planted(Bug::kAckBeforeDurable);
  if (match_end > durability_.durable_end() && !early) {
    if (request.entries.empty()) {
      reply.match_end = durability_.durable_end();
    } else {
      write = durability_.last_write();
    }
  }
  SendAfterDurable(message.from, reply, write);
}

LogPoint Core::Hint(const LogPoint& previous) const {
  const LogPoint hint = log_.EndOfTerm(previous.term);
  const std::optional<Term> own = log_.TermBefore(previous.end);
  return own && hint.end >= previous.end ? log_.EndOfTerm(*own) : hint;
}

}  // namespace leat::raft
