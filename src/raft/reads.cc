// Linearizable reads. Under a lease they cost nothing; without one, a broadcast that a majority answers shows that this
// node led when the read was asked (Ongaro's thesis, 6.4).
#include "base/status.h"
#include "raft/core.h"
#include "raft/quorum.h"

namespace leat::raft {

// A follower promises election_timeout on its clock from when it got a message; the leader counts from when it sent
// it. If the follower's clock runs fast and the leader's slow, the leader must stop this much earlier on its own.
Duration Core::Lease() const {
  if (Planted(Bug::kLeaseWithoutDriftMargin)) return options_.election_timeout;
  return options_.election_timeout * ((1 - options_.max_clock_drift) / (1 + options_.max_clock_drift));
}

bool Core::LeaseValid(Instant now) const {
  if (role_ != Role::kLeader || (!lead_.lease_allowed && !Planted(Bug::kLeaseSurvivesTransfer))) return false;
  if (commit_end_ <= lead_.first && !Planted(Bug::kReadBeforeOwnTermCommit)) return false;
  const Instant never = Instant::FromNanos(INT64_MIN);
  const Instant contact = QuorumContact(now, never);
  return contact != never && now < contact + Lease();
}

int64_t Core::QuorumRound() const {
  std::vector<int64_t> rounds;
  for (const Peer& voter : voters()) {
    rounds.push_back(voter.id == options_.self.id ? lead_.round : lead_.others.at(voter.id).round);
  }
  return ReachedByMajority(std::move(rounds));
}

absl::Status Core::Read(uint64_t ticket, Instant now) {
  Advance(now);
  if (role_ != Role::kLeader) return NotLeading();
  if (static_cast<int>(lead_.reads.size()) >= options_.max_pending_reads) {
    return ResourceExhausted(lead_.reads.size(), " reads wait already, the limit: try again later");
  }
  lead_.reads.push_back({.ticket = ticket, .end = std::nullopt, .round = 0});
  ServeReads();
  return absl::OkStatus();
}

void Core::ServeReads() {
  // Before the term's first entry is committed, this node does not know what its predecessors committed.
  if (lead_.reads.empty() || (commit_end_ <= lead_.first && !Planted(Bug::kReadBeforeOwnTermCommit))) return;
  const bool lease = LeaseValid(now_);
  for (PendingRead& read : lead_.reads) {
    if (!read.end) {
      read.end = commit_end_;
      read.round = lead_.round + 1;
    }
  }
  const int64_t round = QuorumRound();
  while (!lead_.reads.empty() && (lease || lead_.reads.front().round <= round)) {
    effects_.push_back(ReadReady{lead_.reads.front().ticket, *lead_.reads.front().end});
    lead_.reads.pop_front();
  }
  if (lead_.reads.empty()) return;
  const bool waits_for_sent = lead_.reads.front().round <= lead_.round;
  if (waits_for_sent) return;  // the reads behind share the next broadcast
  Broadcast();
  if (QuorumRound() >= lead_.round) ServeReads();  // the only voter
}

}  // namespace leat::raft
