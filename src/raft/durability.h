// What was given to the disk and has not come back, and the messages that wait for it. A message that promises a vote
// or entries is held here until the writes before it are durable.
#pragma once

#include <deque>
#include <vector>

#include "raft/effects.h"

namespace leat::raft {

class Durability {
 public:
  explicit Durability(Offset durable_end) : durable_end_(durable_end) {}

  // The prefix of the log as it is now that is on this node's disk.
  Offset durable_end() const { return durable_end_; }
  WriteId last_write() const { return last_write_; }
  WriteId last_vote_write() const { return last_vote_write_; }
  WriteId durable_through() const { return durable_through_; }
  size_t held() const { return held_.size(); }

  WriteId NewVote();
  WriteId NewAppend(Offset end);      // entries up to `end`
  WriteId NewTruncation(Offset end);  // of what is behind `end`
  WriteId NewSnapshot(Offset end);    // the log is empty and goes on at `end`

  // Keeps the message until everything up to `write` is durable. REQUIRES: write <= last_write().
  void Hold(WriteId write, Message message);
  // The disk has everything up to `through`: the messages that may leave now, in order. Those of an older term than
  // `term` are dropped, for their receivers would ignore them.
  std::vector<Message> Advance(WriteId through, Term term);

 private:
  struct Pending {
    WriteId write;
    Offset end;      // the log's durable end when it is done
    bool moves_end;  // votes and truncations do not
  };
  struct Held {
    WriteId write;
    Message message;
  };
  Offset durable_end_;
  WriteId last_write_ = 0;
  WriteId last_vote_write_ = 0;
  WriteId durable_through_ = 0;
  std::deque<Pending> pending_;
  std::deque<Held> held_;
};

}  // namespace leat::raft
