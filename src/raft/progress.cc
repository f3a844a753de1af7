#include "raft/progress.h"

#include "base/check.h"

namespace leat::raft {

void Progress::Probe(Offset next_end) {
  state_ = ProgressState::kProbe;
  next_end_ = std::max(next_end, match_end_);
  probe_out_ = false;
  window_.Clear();
  StopReading();
}

void Progress::Sent(Offset end, int64_t bytes) {
  if (state_ == ProgressState::kProbe) {
    probe_out_ = true;
    return;
  }
  LEAT_CHECK(state_ == ProgressState::kReplicate && end >= next_end_) << "sent up to " << end << " in the wrong state";
  next_end_ = end;
  window_.Add(end, bytes);
}

bool Progress::Matched(Offset match_end) {
  if (state_ == ProgressState::kRefused) return false;
  const bool news = match_end > match_end_;
  match_end_ = std::max(match_end_, match_end);
  if (state_ == ProgressState::kProbe) {
    const Offset next = std::max(next_end_, match_end);
    Probe(next);
    state_ = ProgressState::kReplicate;
  } else if (state_ == ProgressState::kReplicate) {
    if (match_end > next_end_) {
      // An entry that was sent as a probe: what is being read begins too early.
      next_end_ = match_end;
      StopReading();
    }
    window_.FreeTo(match_end);
  } else if (match_end >= snapshot.end) {
    EndSnapshot(match_end);
  }
  return news;
}

bool Progress::Mismatched(Offset previous_end, Offset agree_end) {
  if (state_ == ProgressState::kSnapshot || state_ == ProgressState::kRefused) return false;
  if (previous_end <= match_end_) return false;  // overtaken by a later match
  if (state_ == ProgressState::kProbe && previous_end != next_end_) return false;
  Probe(std::min(agree_end, previous_end - 1));
  return true;
}

void Progress::BeginSnapshot(const LogPoint& point, VoterSet voters) {
  state_ = ProgressState::kSnapshot;
  window_.Clear();
  StopReading();
  snapshot = point;
  snapshot_voters = std::move(voters);
  chunk_out = false;
  snapshot_position = chunk_end = 0;
  snapshot_checksum = chunk_checksum = 0;
}

void Progress::EndSnapshot(Offset agree_end) { Probe(agree_end); }

}  // namespace leat::raft
