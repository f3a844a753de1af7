#include "runtime/peer_calls.h"

#include <utility>

#include "base/check.h"

namespace leat::runtime {

uint64_t PeerCalls::Add(Duration timeout, std::string late, env::Transport::Reply done) {
  const uint64_t call = next_++;
  calls_[call] = {.done = std::move(done),
                  .timer = shard_.RunAt(shard_.Now() + timeout, [this, call, late = std::move(late)] {
                    Finish(call, DeadlineExceeded(late));
                  })};
  return call;
}

bool PeerCalls::Finish(uint64_t call, absl::StatusOr<OwnedBytes> answer) {
  auto node = calls_.extract(call);
  if (node.empty()) return false;
  // The timer may be what runs now: it goes after the caller was told.
  node.mapped().done(std::move(answer));
  return true;
}

env::Transport::Reply PeerCalls::Take(uint64_t call) {
  auto node = calls_.extract(call);
  LEAT_CHECK(!node.empty()) << "call " << call << " does not wait";
  return std::move(node.mapped().done);
}

void PeerCalls::FailAll(const absl::Status& why) {
  for (auto& [call, waiting] : std::exchange(calls_, {})) FailSoon(shard_, std::move(waiting.done), why);
}

void FailSoon(env::Shard& shard, env::Transport::Reply done, absl::Status why) {
  shard.Post([done = std::move(done), why = std::move(why)]() mutable { done(std::move(why)); });
}

}  // namespace leat::runtime
