#include "replication/follower_progress.h"

#include "replication/planted.h"

namespace leat::replication {

void FollowerProgress::OnLife(BrokerEpoch life) {
  if (life == broker_epoch_) return;
  if (broker_epoch_ != kNoBrokerEpoch && !Planted(Defect::kAcceptStaleBrokerEpoch))
    *this = FollowerProgress(std::nullopt);
  broker_epoch_ = life;
}

void FollowerProgress::OnFetch(BrokerEpoch life, model::Offset offset, model::Offset log_start,
                               model::Offset leader_end, Instant now) {
  OnLife(life);
  if (offset >= leader_end) {
    caught_up_at_ = now;
  } else if (leader_end_at_last_fetch_.value() >= 0 && offset >= leader_end_at_last_fetch_) {
    // It was level at the time of its last fetch, as this one shows.
    if (!caught_up_at_ || last_fetch_at_ > *caught_up_at_) caught_up_at_ = last_fetch_at_;
  }
  // Within one life and one leader epoch a log that fits the leader's only grows, so a lower offset is an old message.
  log_end_ = std::max(log_end_, offset);
  log_start_ = std::max(log_start_, log_start);
  leader_end_at_last_fetch_ = leader_end;
  last_fetch_at_ = now;
}

bool FollowerProgress::IsCaughtUp(model::Offset leader_end, Instant now, Duration lag_time_max) const {
  if (log_end_ >= leader_end) return true;
  return caught_up_at_ && now - *caught_up_at_ <= lag_time_max;
}

Instant FollowerProgress::LagDeadline(Duration lag_time_max) const {
  return caught_up_at_ ? *caught_up_at_ + lag_time_max + absl::Nanoseconds(1) : Instant::Max();
}

}  // namespace leat::replication
