// Whether an observer is near enough to become a voter. Catching up goes in rounds: in each the observer is brought to
// where the log ended when the round began. A round that took less than an election timeout means that the cluster
// would not wait longer than that for the new voter (Ongaro's thesis, 4.2.1).
#pragma once

#include "base/time.h"
#include "raft/types.h"

namespace leat::raft {

class CatchUp {
 public:
  enum class Verdict { kGoesOn, kCaughtUp, kTooSlow };

  CatchUp(Offset log_end, Instant now, Duration fast_enough, int max_rounds)
      : target_(log_end), began_(now), fast_enough_(fast_enough), rounds_left_(max_rounds) {}

  // The observer holds everything below `match`; the log ends at `log_end`.
  Verdict Advance(Offset match, Offset log_end, Instant now) {
    if (match < target_) return Verdict::kGoesOn;
    if (now - began_ < fast_enough_) return Verdict::kCaughtUp;
    if (--rounds_left_ <= 0) return Verdict::kTooSlow;
    target_ = log_end;
    began_ = now;
    return Verdict::kGoesOn;
  }
  // A round that has taken all the time that `max_rounds` fast ones may take is never going to end.
  bool Overdue(Instant now, int max_rounds) const { return now - began_ > fast_enough_ * max_rounds; }

 private:
  Offset target_;
  Instant began_;
  Duration fast_enough_;
  int rounds_left_;
};

}  // namespace leat::raft
