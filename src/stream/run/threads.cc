#include "stream/run/threads.h"

#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <thread>
#include <utility>

namespace leat::run {
namespace {

class SystemThread final : public Threads::Thread {
 public:
  explicit SystemThread(absl::AnyInvocable<void()> body) : thread_(std::move(body)) {}
  ~SystemThread() override { thread_.join(); }

 private:
  std::thread thread_;
};

class SystemCondition final : public Threads::Condition {
 public:
  void Notify() override { changed_.notify_one(); }
  void Wait(std::unique_lock<std::mutex>& lock, Duration wait, absl::FunctionRef<bool()> ready) override {
    if (wait == absl::InfiniteDuration())
      changed_.wait(lock, ready);
    else
      changed_.wait_for(lock, absl::ToChronoNanoseconds(wait), ready);
  }

 private:
  std::condition_variable changed_;
};

class System final : public Threads {
 public:
  std::unique_ptr<Thread> Start(absl::AnyInvocable<void()> body) override {
    return std::make_unique<SystemThread>(std::move(body));
  }
  std::unique_ptr<Condition> MakeCondition() override { return std::make_unique<SystemCondition>(); }
  Duration CpuTime() const override {
    rusage used{};
    if (getrusage(RUSAGE_THREAD, &used) != 0) return absl::ZeroDuration();
    return absl::DurationFromTimeval(used.ru_utime) + absl::DurationFromTimeval(used.ru_stime);
  }
};

}  // namespace

Threads& SystemThreads() {
  static System threads;
  return threads;
}

}  // namespace leat::run
