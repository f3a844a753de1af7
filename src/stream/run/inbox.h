// Mailboxes between the threads of a job: many senders, one receiver that takes everything at once. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace leat::run {

template <typename Message>
class Inbox {
 public:
  // False once the receiver is gone: the message is dropped.
  bool Push(Message message) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return false;
      messages_.push_back(std::move(message));
    }
    ready_.notify_one();
    return true;
  }
  // Everything there is; empty at once or after `wait` without a message.
  std::vector<Message> Take(Duration wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (messages_.empty() && wait > absl::ZeroDuration()) {
      const auto ready = [this] { return !messages_.empty(); };
      if (wait == absl::InfiniteDuration())
        ready_.wait(lock, ready);
      else
        ready_.wait_for(lock, absl::ToChronoNanoseconds(wait), ready);
    }
    return std::exchange(messages_, {});
  }
  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    messages_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Message> messages_;
  bool closed_ = false;
};

}  // namespace leat::run
