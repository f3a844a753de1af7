// What the cores of a broker's replicas have in common.
#pragma once

#include "base/time.h"
#include "model/ids.h"
#include "replication/types.h"

namespace leat::replication {

struct Options {
  // A member of the in-sync set that has not been level with its leader's end for this long is proposed to leave
  // (replica.lag.time.max.ms).
  Duration lag_time_max = absl::Seconds(30);
  // How long an unanswered proposal waits before it is sent again, and how long after a refusal the next one waits.
  Duration proposal_timeout = absl::Seconds(2);
  Duration proposal_backoff = absl::Milliseconds(100);
  // A fetch without an answer is given up. Longer than the leader lets a fetch wait for data.
  Duration fetch_timeout = absl::Seconds(5);
  // After a failed fetch; doubles up to the maximum, one answer without error resets it.
  Duration fetch_backoff = absl::Milliseconds(50);
  Duration fetch_backoff_max = absl::Seconds(1);
  // Requests that wait for the high watermark, or for the log start of all replicas, each; more are refused.
  size_t max_waiters = 10'000;
  // Damaged ranges that a replica keeps track of; beyond it neighbours are taken together.
  size_t max_damaged_ranges = 64;
};

// Who this replica is.
struct Self {
  model::NodeId node;
  BrokerEpoch broker_epoch;  // of this life of the process
};

}  // namespace leat::replication
