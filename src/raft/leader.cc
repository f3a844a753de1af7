// What a leader does: feeds the others' logs, counts who has what, commits, keeps its majority in sight.
#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "raft/core.h"
#include "raft/quorum.h"

namespace leat::raft {

Progress* Core::Track(const Peer& peer) {
  const auto found = lead_.others.find(peer.id);
  if (found != lead_.others.end()) {
    Progress& progress = found->second;
    // An unpinned voter keeps what is known of it; another disk begins anew.
    if (progress.peer.directory == peer.directory || peer.directory.is_zero()) return &progress;
    if (progress.peer.directory.is_zero()) {
      progress.peer = peer;
      return &progress;
    }
    lead_.others.erase(found);
  }
  const auto observers = lead_.others.size() + 1 - std::min(lead_.others.size() + 1, voters().size());
  if (voters().Find(peer.id) == nullptr && static_cast<int>(observers) >= options_.max_observers) {
    effects_.push_back(Refuse{RefusalReason::kOverloaded, peer,
                              StrCat("there are ", observers, " observers already, the limit"), false});
    return nullptr;
  }
  Progress progress(peer, log_.end(), Window(options_.max_inflight_messages, options_.max_inflight_bytes), now_);
  return &lead_.others.emplace(peer.id, std::move(progress)).first->second;
}

void Core::SyncVoters() {
  for (auto& [id, progress] : lead_.others) progress.voter = false;
  for (const Peer& voter : voters()) {
    if (voter.id != options_.self.id) Track(voter)->voter = true;
  }
}

void Core::Broadcast() {
  ++lead_.round;
  lead_.next_heartbeat = now_ + options_.heartbeat_interval;
  for (auto& [id, progress] : lead_.others) SendHeartbeat(progress);
}

void Core::SendHeartbeat(Progress& progress) {
  if (progress.state() == ProgressState::kRefused) return;
  // While a snapshot is under way the answer matters only as a sign of life.
  LogPoint previous = log_.tip();
  if (progress.state() != ProgressState::kSnapshot) {
    const std::optional<Term> term = log_.TermBefore(progress.next_end());
    if (term) {
      previous = {progress.next_end(), *term};
    } else {
      BeginSnapshot(progress);
    }
  }
  progress.commit_sent = commit_end_;
  SendNow(progress.peer, AppendRequest{.previous = previous,
                                       .entries = {},
                                       .commit_end = commit_end_,
                                       .acked_end = progress.match_end(),
                                       .round = lead_.round,
                                       .sent_at = now_});
}

void Core::Feed(Progress& progress) {
  if (progress.state() == ProgressState::kSnapshot) return FeedSnapshot(progress);
  if (progress.read != 0 || !progress.Ready() || progress.next_end() >= log_.end()) return;
  if (!log_.TermBefore(progress.next_end())) {
    BeginSnapshot(progress);
    return FeedSnapshot(progress);
  }
  progress.read = ++last_read_;
  progress.read_began = now_;
  const Offset end = std::min(log_.end(), progress.next_end() + options_.max_message_entries);
  effects_.push_back(ReadEntries{progress.read, progress.next_end(), end, options_.max_message_bytes});
}

void Core::FeedAll() {
  for (auto& [id, progress] : lead_.others) Feed(progress);
}

void Core::OnRead(ReadId read, std::vector<Entry> entries, Instant now) {
  Advance(now);
  for (auto& [id, progress] : lead_.others) {
    if (progress.read != read || progress.state() == ProgressState::kSnapshot) continue;
    progress.StopReading();
    const std::optional<Term> before = log_.TermBefore(progress.next_end());
    if (entries.empty() || !before) return;
    int64_t bytes = 0;
    Offset end = progress.next_end();
    for (const Entry& entry : entries) {
      LEAT_CHECK(entry.offset == end && log_.TermBefore(end + 1) == entry.term)
          << "the log gave an entry at " << entry.offset << " of term " << entry.term << " for offset " << end;
      bytes += static_cast<int64_t>(entry.payload.size());
      ++end;
    }
    progress.commit_sent = commit_end_;
    SendNow(progress.peer, AppendRequest{.previous = {progress.next_end(), *before},
                                         .entries = std::move(entries),
                                         .commit_end = commit_end_,
                                         .acked_end = progress.match_end(),
                                         .round = lead_.round,
                                         .sent_at = now_});
    progress.Sent(end, bytes);
    return Feed(progress);
  }
}

Progress* Core::Heard(const Message& message, int64_t round, Instant sent_at) {
  if (message.term > vote_.term) Follow(message.term, {});
  if (role_ != Role::kLeader || message.term < vote_.term) return nullptr;
  const auto found = lead_.others.find(message.from.id);
  if (found == lead_.others.end()) return nullptr;  // forgotten; it will ask again
  Progress& progress = found->second;
  if (progress.peer.directory.is_zero()) progress.peer.directory = message.from.directory;
  if (progress.peer.directory != message.from.directory) {
    RefuseMessage(message, RefusalReason::kUnknownDirectory,
                  StrCat("node ", message.from.id, " is known with directory ", progress.peer.directory.ToString(),
                         ", this disk's is ", message.from.directory.ToString(),
                         ": remove the voter, then add it again with its new disk"));
    return nullptr;
  }
  if (round > lead_.round || sent_at > now_) {
    RefuseMessage(message, RefusalReason::kMalformed, "an answer to a broadcast that was not sent");
    return nullptr;
  }
  progress.contacted = true;
  progress.contact = std::max(progress.contact, sent_at);
  progress.round = std::max(progress.round, round);
  progress.last_heard = now_;
  return &progress;
}

void Core::Handle(const Message& message, const AppendReply& reply) {
  if (reply.result == AppendResult::kStaleTerm) {
    // Its round is of the leadership that it refuses, which may be one before this.
    if (message.term > vote_.term) Follow(message.term, {});
    return;
  }
  Progress* progress = Heard(message, reply.round, reply.sent_at);
  if (progress == nullptr) return;
  switch (reply.result) {
    case AppendResult::kStaleTerm:
      return;  // looked at above
    case AppendResult::kRolledBack:
      effects_.push_back(Refuse{RefusalReason::kDiskRolledBack, progress->peer,
                                StrCat("it had acknowledged the log up to ", progress->match_end(),
                                       " and no longer has it: its disk was restored to an older state"),
                                false});
      return progress->Refuse();
    case AppendResult::kMatched:
      if (reply.match_end > log_.end() || reply.match_end < Offset{0}) {
        return RefuseMessage(message, RefusalReason::kMalformed,
                             StrCat("it matches up to ", reply.match_end, ", beyond the log's end ", log_.end()));
      }
      progress->Matched(reply.match_end);
      break;
    case AppendResult::kMismatch: {
      const LogPoint own = log_.EndOfTerm(reply.hint.term);
      progress->Mismatched(reply.previous_end, std::max(Offset{0}, std::min(reply.hint.end, own.end)));
      break;
    }
  }
  AdvanceCommit();
  if (role_ != Role::kLeader) return;
  ServeReads();
  AdvanceChange();
  if (role_ != Role::kLeader) return;
  AdvanceTransfer();
  const auto still = lead_.others.find(message.from.id);
  if (still != lead_.others.end()) Feed(still->second);
}

void Core::AdvanceCommit() {
  std::vector<Offset> ends;
  for (const Peer& voter : voters()) {
    if (voter.id == options_.self.id) {
      ends.push_back(Planted(Bug::kCountSelfBeforeDurable) ? log_.end() : durability_.durable_end());
    } else {
      ends.push_back(lead_.others.at(voter.id).match_end());
    }
  }
  const Offset end = ReachedByMajority(std::move(ends));
  if (end <= commit_end_) return;
  // An older term's entry is committed only by one of this term behind it (figure 8 of the Raft paper).
  if (log_.TermBefore(end) != vote_.term && !Planted(Bug::kCommitOldTermByCount)) return;
  if (CommitTo(end)) AfterCommit();
}

void Core::AfterCommit() {
  for (auto& [id, progress] : lead_.others) {
    const bool idle = progress.state() == ProgressState::kReplicate && progress.read == 0;
    if (idle && progress.commit_sent < commit_end_) SendHeartbeat(progress);
  }
  ServeReads();
  AdvanceChange();
}

void Core::RetryReads() {
  for (auto& [id, progress] : lead_.others) {
    if (now_ - progress.read_began < options_.retry_interval) continue;
    progress.StopReading();
    progress.chunk_out = false;
  }
}

void Core::LeaderTick() {
  if (QuorumContact(now_, lead_.since) + options_.election_timeout < now_) return Follow(vote_.term, {});
  if (lead_.transfer && now_ >= lead_.transfer->deadline) {
    effects_.push_back(TransferFailed{
        DeadlineExceeded("node ", lead_.transfer->target, " did not take over within an election timeout")});
    lead_.transfer.reset();
  }
  if (now_ < lead_.next_heartbeat) return;
  std::erase_if(lead_.others, [&](const auto& other) {
    return !other.second.voter && now_ - other.second.last_heard > options_.observer_timeout;
  });
  RetryReads();
  for (auto& [id, progress] : lead_.others) progress.AllowProbe();
  Broadcast();
  FeedAll();
  AdvanceChange();
}

Instant Core::QuorumContact(Instant now, Instant unheard) const {
  std::vector<Instant> contacts;
  for (const Peer& voter : voters()) {
    if (voter.id == options_.self.id) {
      contacts.push_back(now);
    } else {
      const Progress& progress = lead_.others.at(voter.id);
      contacts.push_back(progress.contacted ? std::max(progress.contact, unheard) : unheard);
    }
  }
  return ReachedByMajority(std::move(contacts));
}

void Core::EndLeadership() {
  for (const PendingRead& read : lead_.reads) {
    effects_.push_back(ReadFailed{read.ticket, Unavailable("leadership was lost; ask the next leader")});
  }
  if (lead_.change) FinishChange(Unavailable("leadership was lost; ask the next leader for the voters"));
  lead_ = {};
}

}  // namespace leat::raft
