// The threads of a job and how they wait for each other, as a port: real ones in leatd; in a simulation they take turns
// on virtual time.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/functional/function_ref.h>

#include <memory>
#include <mutex>

#include "base/time.h"

namespace leat::run {

class Threads {
 public:
  // Waits for the thread's end when it is destroyed.
  class Thread {
   public:
    virtual ~Thread() = default;
  };
  // Where threads wait for something that a mutex of the caller's guards.
  class Condition {
   public:
    virtual ~Condition() = default;
    // What is waited for may have come true. Any thread, without the mutex or under it.
    virtual void Notify() = 0;
    // Returns once `ready`, which is asked under the lock, or after `wait`. The mutex is free while it waits.
    virtual void Wait(std::unique_lock<std::mutex>& lock, Duration wait, absl::FunctionRef<bool()> ready) = 0;
  };
  virtual ~Threads() = default;
  virtual std::unique_ptr<Thread> Start(absl::AnyInvocable<void()> body) = 0;
  virtual std::unique_ptr<Condition> MakeCondition() = 0;
  // Processor time that the calling thread has used so far. A simulation uses none.
  virtual Duration CpuTime() const { return absl::ZeroDuration(); }
};

// Those of the system. Lives as long as the process.
Threads& SystemThreads();

}  // namespace leat::run
