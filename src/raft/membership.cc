// One voter comes or goes at a time, so that every majority before a change meets every majority after it; and
// leadership is handed over on purpose.
#include "base/check.h"
#include "base/status.h"
#include "raft/core.h"

namespace leat::raft {

absl::Status Core::MayChangeVoters(const VoterSet& after) const {
  if (role_ != Role::kLeader) return NotLeading();
  if (lead_.transfer) return Unavailable("leadership is being handed to node ", lead_.transfer->target);
  // Without an entry of its own term a leader may not know of its predecessor's change (Ongaro, raft-dev, July 2015).
  if (commit_end_ <= lead_.first) return Unavailable("the leader's term has just begun: try again");
  // A majority of the new set may need a disk that has never voted, and which votes only for those that know it.
  for (const Peer& voter : after) {
    if (!voter.directory.is_zero()) continue;
    return Unavailable("voter ", voter.id, " has not been heard of yet, so that its disk is not known: start it");
  }
  if (Planted(Bug::kTwoVoterChanges)) return absl::OkStatus();
  if (lead_.change || voters_.current_offset().value_or(Offset{-1}) >= commit_end_) {
    return FailedPrecondition("another change of the voters is under way: wait for its end");
  }
  return absl::OkStatus();
}

absl::Status Core::AddVoter(const Peer& voter, Instant now) {
  Advance(now);
  if (voter.directory.is_zero()) return InvalidArgument("expected the directory id of node ", voter.id);
  LEAT_RETURN_IF_ERROR(MayChangeVoters(voters().With(voter)));
  if (const Peer* known = voters().Find(voter.id); known != nullptr) {
    if (voters().Has(voter)) return AlreadyExists("node ", voter.id, " is a voter");
    return FailedPrecondition("node ", voter.id, " is a voter with directory ", known->directory.ToString(),
                              ": remove it first");
  }
  if (static_cast<int>(voters().size()) >= options_.max_voters) {
    return ResourceExhausted("there are ", voters().size(), " voters, the limit");
  }
  const auto found = lead_.others.find(voter.id);
  if (found == lead_.others.end() || found->second.peer != voter) {
    return NotFound("node ", voter.id, " with directory ", voter.directory.ToString(),
                    " does not observe this quorum: start it and wait until it has reported");
  }
  lead_.change = VoterChange{ChangeKind::kAdd, voter,
                             CatchUp(log_.end(), now_, options_.election_timeout, options_.max_catch_up_rounds)};
  AdvanceChange();
  return absl::OkStatus();
}

absl::Status Core::RemoveVoter(const Peer& voter, Instant now) {
  Advance(now);
  LEAT_RETURN_IF_ERROR(MayChangeVoters(voters().Without(voter.id)));
  if (!voters().Has(voter)) {
    return NotFound("node ", voter.id, " with directory ", voter.directory.ToString(), " is no voter; the voters are ",
                    voters().ToString());
  }
  if (voters().size() == 1) return FailedPrecondition("node ", voter.id, " is the only voter");
  lead_.change = VoterChange{ChangeKind::kRemove, voter, std::nullopt};
  AppendVoters(voters().Without(voter.id));
  return absl::OkStatus();
}

void Core::AppendVoters(VoterSet voters) {
  AppendToLog({{log_.end(), vote_.term, EntryKind::kVoters, voters.Encode()}});
  SyncVoters();
  FeedAll();
}

void Core::AdvanceChange() {
  if (!lead_.change) return PinDirectories();
  if (lead_.change->catch_up) {
    const auto found = lead_.others.find(lead_.change->voter.id);
    if (found == lead_.others.end()) {
      return FinishChange(Unavailable("node ", lead_.change->voter.id, " went silent while it was catching up"));
    }
    CatchUp& catch_up = *lead_.change->catch_up;
    const auto verdict = catch_up.Advance(found->second.match_end(), log_.end(), now_);
    if (verdict == CatchUp::Verdict::kTooSlow || catch_up.Overdue(now_, options_.max_catch_up_rounds)) {
      return FinishChange(DeadlineExceeded("node ", lead_.change->voter.id,
                                           " does not catch up with the log: it is at ", found->second.match_end(),
                                           " of ", log_.end()));
    }
    if (verdict == CatchUp::Verdict::kGoesOn) return;
    const Peer voter = lead_.change->voter;
    lead_.change->catch_up.reset();
    return AppendVoters(voters().With(voter));
  }
  if (voters_.current_offset().value_or(Offset{-1}) >= commit_end_) return;
  FinishChange(absl::OkStatus());
  if (IsVoter()) return;
  // This leader was removed. The others know from the heartbeats of the commit; one of them need not wait for a
  // timeout.
  const NodeId next = MostAdvancedVoter();
  if (next != kNobody) SendNow(lead_.others.at(next).peer, TimeoutNow{});
  Follow(vote_.term, {});
}

// A set that was written before its members' disks were known gets to know them.
void Core::PinDirectories() {
  if (commit_end_ <= lead_.first || voters_.current_offset().value_or(Offset{-1}) >= commit_end_) return;
  VoterSet pinned = voters();
  for (const Peer& voter : voters()) {
    if (!voter.directory.is_zero()) continue;
    const Peer known = voter.id == options_.self.id ? options_.self : lead_.others.at(voter.id).peer;
    if (!known.directory.is_zero()) pinned = pinned.With(known);
  }
  if (pinned == voters()) return;
  lead_.change = VoterChange{ChangeKind::kPin, options_.self, std::nullopt};
  AppendVoters(std::move(pinned));
}

void Core::FinishChange(absl::Status outcome) {
  const ChangeKind kind = lead_.change->kind;
  lead_.change.reset();
  if (kind != ChangeKind::kPin) effects_.push_back(VoterChangeDone{std::move(outcome), voters()});
}

NodeId Core::MostAdvancedVoter() const {
  NodeId best = kNobody;
  Offset match{-1};
  for (const auto& [id, progress] : lead_.others) {
    const bool alive =
        progress.state() == ProgressState::kReplicate && now_ - progress.last_heard < options_.election_timeout;
    if (!progress.voter || !alive || progress.match_end() <= match) continue;
    best = id;
    match = progress.match_end();
  }
  return best;
}

absl::Status Core::TransferLeadership(NodeId target, Instant now) {
  Advance(now);
  if (role_ != Role::kLeader) return NotLeading();
  if (lead_.transfer) return FailedPrecondition("leadership is being handed to node ", lead_.transfer->target);
  if (target == kNobody) target = MostAdvancedVoter();
  if (target == kNobody) return FailedPrecondition("no other voter keeps up with the log");
  if (target == options_.self.id || voters().Find(target) == nullptr) {
    return InvalidArgument("node ", target, " is not another voter; the voters are ", voters().ToString());
  }
  lead_.transfer = Transfer{target, now_ + options_.election_timeout, false};
  AdvanceTransfer();
  return absl::OkStatus();
}

void Core::AdvanceTransfer() {
  if (!lead_.transfer || lead_.transfer->told) return;
  const auto found = lead_.others.find(lead_.transfer->target);
  if (found == lead_.others.end() || found->second.match_end() < log_.end()) return;
  lead_.transfer->told = true;
  // The message may arrive at any later time, and lets the target stand in spite of the others' promises: reads of this
  // term need a majority's word from now on.
  lead_.lease_allowed = false;
  SendNow(found->second.peer, TimeoutNow{});
}

}  // namespace leat::raft
