// Waits for a callback-style call. Only for threads that may block (a job's control thread), never on a shard.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "stream/run/threads.h"

namespace leat::run {

// What a call that is waited for will answer.
template <typename Reply>
class Promised {
 public:
  explicit Promised(Threads& threads) : answered_(threads.MakeCondition()) {}
  void Set(Reply reply) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reply_.emplace(std::move(reply));
    answered_->Notify();
  }
  Reply Get() {
    std::unique_lock<std::mutex> lock(mutex_);
    answered_->Wait(lock, absl::InfiniteDuration(), [this] { return reply_.has_value(); });
    return *std::move(reply_);
  }

 private:
  std::mutex mutex_;
  const std::unique_ptr<Threads::Condition> answered_;
  std::optional<Reply> reply_;
};

// auto reply = Await<Reply>(threads, [&](auto done) { port.Call(args, std::move(done)); });
// REQUIRES: the call answers, whatever happens.
template <typename Reply, typename Start>
Reply Await(Threads& threads, Start start) {
  auto promised = std::make_shared<Promised<Reply>>(threads);
  start([promised](Reply reply) { promised->Set(std::move(reply)); });
  return promised->Get();
}

}  // namespace leat::run
