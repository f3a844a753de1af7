// What was sent to one follower and is not acknowledged: bounded in messages and bytes. A message is known by the end
// of the entries that it carried.
#pragma once

#include <cstdint>
#include <deque>

#include "raft/types.h"

namespace leat::raft {

class Window {
 public:
  Window(int max_messages, int64_t max_bytes) : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // A message may go out while the window is not full, so the bytes are exceeded by one message at most.
  bool full() const { return static_cast<int>(sent_.size()) >= max_messages_ || bytes_ >= max_bytes_; }
  bool empty() const { return sent_.empty(); }
  int64_t bytes() const { return bytes_; }
  void Add(Offset end, int64_t bytes) {
    sent_.push_back({end, bytes});
    bytes_ += bytes;
  }
  // Everything up to `end` has arrived.
  void FreeTo(Offset end) {
    while (!sent_.empty() && sent_.front().end <= end) {
      bytes_ -= sent_.front().bytes;
      sent_.pop_front();
    }
  }
  void Clear() {
    sent_.clear();
    bytes_ = 0;
  }

 private:
  struct Sent {
    Offset end;
    int64_t bytes;
  };
  int max_messages_;
  int64_t max_bytes_;
  int64_t bytes_ = 0;
  std::deque<Sent> sent_;
};

}  // namespace leat::raft
