#include "group/lag_judge.h"

#include <algorithm>

namespace leat::group {

std::string_view StatusName(ConsumerStatus status) {
  switch (status) {
    case ConsumerStatus::kOk:
      return "ok";
    case ConsumerStatus::kSlow:
      return "slow";
    case ConsumerStatus::kStalled:
      return "stalled";
    case ConsumerStatus::kStopped:
      return "stopped";
  }
  return "ok";
}

void LagJudge::Observe(const Look& look) {
  if (look.lag_records < 0) return;
  if (look.lag_records == 0 || commits_.empty() || lag_records_ == 0) behind_since_ms_ = look.time_ms;
  lag_records_ = look.lag_records;
  // An offset that goes back is a reset: what came before says nothing about what comes.
  if (!commits_.empty() && look.committed < commits_.back().offset) commits_.clear();
  const bool known =
      !commits_.empty() && commits_.back().time_ms == look.commit_time_ms && commits_.back().offset == look.committed;
  if (known) return;
  commits_.push_back({look.committed, look.commit_time_ms, look.lag_records});
  if (commits_.size() > options_.window) commits_.pop_front();
}

ConsumerStatus LagJudge::Status(int64_t now_ms) const {
  if (commits_.empty() || lag_records_ == 0) return ConsumerStatus::kOk;
  if (Stopped(now_ms)) return ConsumerStatus::kStopped;
  // Who was at the end within the window keeps up.
  const bool caught_up =
      std::any_of(commits_.begin(), commits_.end(), [](const Commit& commit) { return commit.lag_records == 0; });
  if (caught_up || commits_.size() < options_.least) return ConsumerStatus::kOk;
  if (Stalled()) return ConsumerStatus::kStalled;
  return Slow() ? ConsumerStatus::kSlow : ConsumerStatus::kOk;
}

bool LagJudge::Stopped(int64_t now_ms) const {
  const int64_t silence_ms = now_ms - std::max(commits_.back().time_ms, behind_since_ms_);
  const int64_t window_ms = commits_.back().time_ms - commits_.front().time_ms;
  return silence_ms > std::max(window_ms, absl::ToInt64Milliseconds(options_.least_silence));
}

bool LagJudge::Stalled() const {
  return commits_.front().offset == commits_.back().offset;  // they never go down within a window
}

bool LagJudge::Slow() const {
  for (size_t i = 1; i < commits_.size(); ++i) {
    if (commits_[i].lag_records <= commits_[i - 1].lag_records) return false;
  }
  return true;
}

}  // namespace leat::group
