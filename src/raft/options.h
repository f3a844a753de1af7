// Every time and limit of a core.
#pragma once

#include <absl/status/status.h>

#include <cstdint>

#include "base/time.h"
#include "raft/bug.h"
#include "raft/types.h"
#include "raft/voters.h"

namespace leat::raft {

struct Options {
  model::Uuid cluster;  // messages that name another are refused
  Peer self;            // both parts set
  // The voters of a log that names none yet. A directory may be zero: the first leader writes down which one came.
  VoterSet initial_voters;

  // How long a follower promises a leader that it will vote for nobody else, and how long a leader goes on without
  // hearing from a majority. A node stands when it has heard nothing for this time plus a random part of the jitter.
  Duration election_timeout = absl::Milliseconds(500);
  Duration election_jitter = absl::Milliseconds(500);
  Duration heartbeat_interval = absl::Milliseconds(100);
  // No clock runs faster or slower than real time by more than this fraction. A lease is safe while that holds; jumps
  // of the wall clock do not matter. In [0, 0.5).
  double max_clock_drift = 0.05;
  // A read of the log or of a snapshot, or a snapshot chunk, that brought no answer for this time is asked for again.
  Duration retry_interval = absl::Seconds(1);
  // An observer that has been silent for this time is forgotten by the leader.
  Duration observer_timeout = absl::Seconds(10);

  // Towards one follower.
  int max_inflight_messages = 64;
  int64_t max_inflight_bytes = 8 << 20;
  // Of one message. A single larger entry is still sent alone.
  int max_message_entries = 4096;
  int64_t max_message_bytes = 1 << 20;
  int64_t max_snapshot_chunk_bytes = 1 << 20;

  int64_t max_entry_bytes = 16 << 20;
  int64_t max_snapshot_bytes = int64_t{4} << 30;
  int64_t max_uncommitted_entries = 100'000;  // a leader refuses proposals beyond this
  int max_pending_reads = 100'000;
  int max_held_messages = 4096;  // answers that wait for the disk; beyond it requests are refused
  int max_voters = 9;
  int max_observers = 1000;
  // Rounds of catching up after which an observer is too slow to become a voter.
  int max_catch_up_rounds = 10;

  Bug bug = Bug::kNone;  // for tests
};

// Why these options cannot work together, or OK.
absl::Status Validate(const Options& options);

}  // namespace leat::raft
