// How many pieces of work of one kind may be on the disk threads at once. The others wait in the order in which they
// came, so that they do not take the threads from what a producer waits for: the log's syncs. On one shard.
#pragma once

#include <deque>
#include <utility>

#include "base/check.h"
#include "env/shard.h"

namespace leat::broker {

class DiskTurns {
 public:
  explicit DiskTurns(size_t at_once) : free_(at_once) { LEAT_CHECK(at_once > 0); }

  // Calls `begin`, now or when there is a turn. Whoever began gives the turn back when its work is done.
  void Take(env::Closure begin) {
    if (free_ == 0) {
      waiting_.push_back(std::move(begin));
      return;
    }
    --free_;
    begin();
  }
  void GiveBack() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    env::Closure begin = std::move(waiting_.front());
    waiting_.pop_front();
    begin();
  }

 private:
  size_t free_;
  std::deque<env::Closure> waiting_;
};

}  // namespace leat::broker
