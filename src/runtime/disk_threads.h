// A few threads for calls that block (fdatasync, opening and removing files). A thread starts when work waits and no
// thread is free, up to the limit, and then stays; a process that never syncs never has one. Waiting threads sleep
// until there is work: no polling. Work of one caller may run at the same time and end in another order.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/status.h"
#include "env/shard.h"

namespace leat::runtime {

class DiskThreads {
 public:
  struct Options {
    size_t max_threads = 4;
    size_t max_queued = 65536;  // work waiting for a thread
  };
  explicit DiskThreads(Options options);
  DiskThreads(const DiskThreads&) = delete;
  DiskThreads& operator=(const DiskThreads&) = delete;
  ~DiskThreads();  // as Stop()

  // Queues the work; any thread. kResourceExhausted: the queue is full, or there is no thread; kCancelled: stopped. On
  // error the work was not taken (nor moved from).
  absl::Status Submit(env::Closure&& work);
  // Finishes the queued work and ends the threads. Later Submits are refused. Not from a disk thread.
  void Stop();

  size_t threads_started() const;

 private:
  absl::Status StartOne();  // a thread, unless the system has none left
  void Run();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<env::Closure> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace leat::runtime
