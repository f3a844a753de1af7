// Calls that wait for an answer, each until its time has run out. On one shard.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "env/shard.h"
#include "env/transport.h"

namespace leat::runtime {

class PeerCalls {
 public:
  explicit PeerCalls(env::Shard& shard) : shard_(shard) {}

  size_t size() const { return calls_.size(); }
  // Returns the call's number. When its time has run out, `done` hears kDeadlineExceeded with `late`.
  uint64_t Add(Duration timeout, std::string late, env::Transport::Reply done);
  // Tells the call, here and now; as the last thing, because it may end whoever called. False: nobody waits for it any
  // more.
  bool Finish(uint64_t call, absl::StatusOr<OwnedBytes> answer);
  // Forgets the call and gives back what would have been told. REQUIRES: it waits.
  env::Transport::Reply Take(uint64_t call);
  // Tells all of them, soon.
  void FailAll(const absl::Status& why);

 private:
  struct Call {
    env::Transport::Reply done;
    std::unique_ptr<env::Timer> timer;
  };
  env::Shard& shard_;
  std::map<uint64_t, Call> calls_;
  uint64_t next_ = 1;
};

// Tells `done`, soon.
void FailSoon(env::Shard& shard, env::Transport::Reply done, absl::Status why);

}  // namespace leat::runtime
