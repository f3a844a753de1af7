// What a leader knows of one other node's log, and what it may send it next. A leaf: no messages, no effects.
//
//   probe      next_end is a guess; one message goes out at a time
//   replicate  next_end is right; messages go out ahead of their answers, as far as the window allows
//   snapshot   the log no longer reaches back to what the follower has; chunks go out one at a time
//   refused    its disk lost what it had acknowledged; nothing goes out and nothing of it counts
#pragma once

#include <algorithm>

#include "base/time.h"
#include "raft/types.h"
#include "raft/voters.h"
#include "raft/window.h"

namespace leat::raft {

enum class ProgressState : uint8_t { kProbe, kReplicate, kSnapshot, kRefused };

class Progress {
 public:
  Progress(Peer who, Offset next_end, Window window, Instant now)
      : peer(who), last_heard(now), next_end_(next_end), window_(std::move(window)) {}

  ProgressState state() const { return state_; }
  Offset match_end() const { return match_end_; }
  Offset next_end() const { return next_end_; }
  const Window& window() const { return window_; }

  // Whether entries may go out now.
  bool Ready() const {
    if (state_ == ProgressState::kProbe) return !probe_out_;
    return state_ == ProgressState::kReplicate && !window_.full();
  }
  void Sent(Offset end, int64_t bytes);
  // The follower's log is equal to ours and durable up to `match_end`. True: that is news.
  bool Matched(Offset match_end);
  // A message that began at `previous_end` did not fit; the logs may agree up to `agree_end`. False: the answer is old.
  bool Mismatched(Offset previous_end, Offset agree_end);
  // No answer has come for a heartbeat: a probe may be repeated.
  void AllowProbe() { probe_out_ = false; }
  void BeginSnapshot(const LogPoint& snapshot, VoterSet voters);
  void EndSnapshot(Offset agree_end);  // back to probing behind it
  void Refuse() {
    state_ = ProgressState::kRefused;
    match_end_ = Offset{0};
    StopReading();
  }
  void StopReading() { read = 0; }

  Peer peer;
  bool voter = false;
  // The newest broadcast that was answered, and when it was sent, on the leader's clock.
  int64_t round = 0;
  Instant contact;
  bool contacted = false;
  Instant last_heard;  // on the leader's clock, when any answer came; the beginning counts
  Offset commit_sent{0};
  // The driver's read under way, and when it or the chunk after it began.
  ReadId read = 0;
  Instant read_began;

  // The snapshot under way.
  LogPoint snapshot;
  VoterSet snapshot_voters;
  bool chunk_out = false;
  int64_t snapshot_position = 0;
  uint32_t snapshot_checksum = 0;  // of the bytes below the position
  int64_t chunk_end = 0;           // of the chunk that is out
  uint32_t chunk_checksum = 0;     // of the bytes below chunk_end

 private:
  void Probe(Offset next_end);

  ProgressState state_ = ProgressState::kProbe;
  Offset match_end_{0};
  Offset next_end_;
  bool probe_out_ = false;
  Window window_;
};

}  // namespace leat::raft
