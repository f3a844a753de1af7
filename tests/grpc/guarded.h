// A value that a test sets and looks at while the threads of a server use it.
#pragma once

#include <mutex>
#include <utility>

namespace leat::rpc {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}
  void Set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  T Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  // What `change` returns, called with the value while nobody else has it.
  template <typename Change>
  auto With(Change change) {
    const std::lock_guard lock(mutex_);
    return change(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace leat::rpc
