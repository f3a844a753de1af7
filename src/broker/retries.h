// Calls that are tried until they succeed, fail for good, or somebody's patience is over: kUnavailable and
// kDeadlineExceeded are tried again, after a pause that grows. Lives on one shard.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "broker/api.h"
#include "env/shard.h"

namespace leat::broker {

class Retries {
 public:
  explicit Retries(env::Shard& shard) : shard_(shard) {}

  static constexpr Duration kFirstPause = absl::Milliseconds(20);
  static constexpr Duration kLongestPause = absl::Milliseconds(500);
  static bool MayRepeat(const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  }

  // Answers on any thread; called on the shard, from a turn of its own on.
  template <typename Reply>
  using Attempt = std::function<void(Callback<absl::StatusOr<Reply>>)>;
  // Any thread; `done` on the shard with the last answer.
  template <typename Reply>
  void Insist(Duration patience, Attempt<Reply> attempt, Callback<absl::StatusOr<Reply>> done) {
    shard_.Post([this, patience, attempt = std::move(attempt), done = std::move(done)]() mutable {
      auto effort = std::make_shared<Effort<Reply>>();
      effort->attempt = std::move(attempt);
      effort->done = std::move(done);
      effort->until = shard_.Now() + patience;
      Try(std::move(effort));
    });
  }
  // On the shard: goes on after the pause with OK, or at once with an error if this is or becomes closed.
  void After(Duration pause, Callback<absl::Status> go_on);
  // On the shard: what waits for its next try is answered with what it has, and what waits for the answer to a try with
  // kUnavailable; that answer may still come, and is dropped.
  void Close();

 private:
  template <typename Reply>
  struct Effort {
    Attempt<Reply> attempt;
    Callback<absl::StatusOr<Reply>> done;
    Instant until;
    Duration pause = kFirstPause;
  };
  template <typename Reply>
  void Try(std::shared_ptr<Effort<Reply>> effort) {
    if (closed_) return effort->done(Unavailable("the broker stops"));
    const uint64_t id = next_++;
    tries_[id] = [effort] { effort->done(Unavailable("the broker stops")); };
    effort->attempt([this, id, effort](absl::StatusOr<Reply> answer) {
      shard_.Post([this, id, effort, answer = std::move(answer)]() mutable {
        if (tries_.erase(id) == 0) return;
        const bool again = MayRepeat(answer.status()) && shard_.Now() + effort->pause < effort->until;
        if (!again) return effort->done(std::move(answer));
        const Duration pause = effort->pause;
        effort->pause = std::min(pause * 2, kLongestPause);
        After(pause, [this, effort, why = answer.status()](const absl::Status& open) {
          if (!open.ok()) return effort->done(why);
          Try(effort);
        });
      });
    });
  }

  struct Pause {
    std::unique_ptr<env::Timer> timer;
    Callback<absl::Status> go_on;
  };
  env::Shard& shard_;
  std::map<uint64_t, Pause> pauses_;
  std::map<uint64_t, env::Closure> tries_;  // under way: what answers them before their time
  uint64_t next_ = 1;
  bool closed_ = false;
};

}  // namespace leat::broker
