// Requests that wait until an offset passes a mark, each with a deadline: acks=all produces wait for the high
// watermark, DeleteRecords for the log start of all replicas. Pure; not thread-safe.
#pragma once

#include <map>
#include <utility>

#include "base/time.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "replication/effects.h"

namespace leat::replication {

class Waiters {
 public:
  explicit Waiters(size_t limit) : limit_(limit) {}

  bool full() const { return by_offset_.size() >= limit_; }
  size_t size() const { return by_offset_.size(); }
  // Waits until the mark is at `offset` or behind it. REQUIRES: !full().
  void Add(WaiterId id, model::Offset offset, Instant deadline);
  // Answers, in order of offset, those that wait for `mark` or less.
  void Release(model::Offset mark, Outbox* out);
  // Answers those whose deadline has come with REQUEST_TIMED_OUT.
  void Expire(Instant now, Outbox* out);
  void FailAll(model::ErrorCode error, Outbox* out);
  Instant NextDeadline() const { return by_deadline_.empty() ? Instant::Max() : by_deadline_.begin()->first.first; }

 private:
  struct Waiter {
    WaiterId id;
    Instant deadline;
  };
  // The number, of the waiter's arrival, keeps equal offsets and equal deadlines apart.
  using ByOffset = std::map<std::pair<model::Offset, uint64_t>, Waiter>;
  void Finish(ByOffset::iterator it, model::ErrorCode error, Outbox* out);

  size_t limit_;
  uint64_t arrivals_ = 0;
  ByOffset by_offset_;
  std::map<std::pair<Instant, uint64_t>, model::Offset> by_deadline_;
};

}  // namespace leat::replication
