// What a leader knows of one other replica: how far its log goes, and since when it has not been level. Valid within
// one leader epoch, and one life of the replica: in between it may lose the end of its log. Pure; not thread-safe.
#pragma once

#include "base/time.h"
#include "replication/types.h"

namespace leat::replication {

class FollowerProgress {
 public:
  // `caught_up_at`: the benefit of the doubt that a new leader gives to the members of the in-sync set that it
  // inherits; nullopt for others.
  explicit FollowerProgress(std::optional<Instant> caught_up_at) : caught_up_at_(caught_up_at) {}

  // A fetch that fits the leader's log: the replica holds everything below `offset`. Fetches may come out of order;
  // those of a former life are not brought here.
  void OnFetch(BrokerEpoch life, model::Offset offset, model::Offset log_start, model::Offset leader_end, Instant now);
  // A fetch that shows the replica's present life, but not how far its log agrees with the leader's.
  void OnLife(BrokerEpoch life);
  void set_damaged(bool damaged) { damaged_ = damaged; }

  BrokerEpoch broker_epoch() const { return broker_epoch_; }
  // -1 until its first fetch.
  model::Offset log_end() const { return log_end_; }
  model::Offset log_start() const { return log_start_; }
  bool damaged() const { return damaged_; }
  // True if it is level with the leader, or has been within `lag_time_max`: it has fetched what the leader had then,
  // not merely fetched something (replica.lag.time.max.ms).
  bool IsCaughtUp(model::Offset leader_end, Instant now, Duration lag_time_max) const;
  // When IsCaughtUp may turn false if no fetch comes.
  Instant LagDeadline(Duration lag_time_max) const;
  Instant last_fetch_at() const { return last_fetch_at_; }

 private:
  BrokerEpoch broker_epoch_ = kNoBrokerEpoch;
  model::Offset log_end_{-1};
  model::Offset log_start_{-1};
  bool damaged_ = false;
  std::optional<Instant> caught_up_at_;
  Instant last_fetch_at_;
  model::Offset leader_end_at_last_fetch_{-1};
};

}  // namespace leat::replication
