// Mailboxes between the threads of a job: many senders, one receiver that takes everything at once. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/time.h"
#include "stream/run/threads.h"

namespace leat::run {

template <typename Message>
class Inbox {
 public:
  explicit Inbox(Threads& threads) : ready_(threads.MakeCondition()) {}

  // False once the receiver is gone: the message is dropped.
  bool Push(Message message) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return false;
      messages_.push_back(std::move(message));
    }
    ready_->Notify();
    return true;
  }
  // Everything there is; empty at once or after `wait` without a message.
  std::vector<Message> Take(Duration wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (messages_.empty() && wait > absl::ZeroDuration()) {
      ready_->Wait(lock, wait, [this] { return !messages_.empty(); });
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
  const std::unique_ptr<Threads::Condition> ready_;
  std::vector<Message> messages_;
  bool closed_ = false;
};

}  // namespace leat::run
