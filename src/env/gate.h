// Counts the work that still uses an object, so that the object can be closed without cutting it off. Every background
// loop and every parked callback holds the gate of what it uses. Not thread-safe: one shard.
#pragma once

#include <absl/functional/any_invocable.h>

#include <utility>

#include "base/check.h"

namespace leat::env {

class Gate {
 public:
  class Hold {
   public:
    Hold() = default;
    explicit Hold(Gate* gate) : gate_(gate) {}
    Hold(Hold&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Hold() {
      if (gate_ != nullptr) gate_->Leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
  };

  ~Gate() { LEAT_CHECK(holders_ == 0) << "a gate was destroyed with " << holders_ << " holders inside"; }
  // An empty Hold once the gate is closing: do not start the work.
  Hold TryEnter() {
    if (closing_) return Hold();
    ++holders_;
    return Hold(this);
  }
  bool closing() const { return closing_; }
  // Refuses new holders; calls `closed` once, as soon as the last one has left.
  void Close(absl::AnyInvocable<void()> closed) {
    LEAT_CHECK(!closing_) << "Gate::Close called twice";
    closing_ = true;
    closed_ = std::move(closed);
    MaybeClosed();
  }

 private:
  void Leave() {
    --holders_;
    if (closing_) MaybeClosed();
  }
  void MaybeClosed() {
    if (holders_ == 0 && closed_) std::exchange(closed_, nullptr)();
  }
  int holders_ = 0;
  bool closing_ = false;
  absl::AnyInvocable<void()> closed_;
};

}  // namespace leat::env
