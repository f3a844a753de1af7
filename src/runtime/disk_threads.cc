#include "runtime/disk_threads.h"

#include <system_error>
#include <utility>

#include "base/check.h"
#include "runtime/thread.h"

namespace leat::runtime {

DiskThreads::DiskThreads(Options options) : options_(options) { LEAT_CHECK(options_.max_threads > 0); }

DiskThreads::~DiskThreads() { Stop(); }

absl::Status DiskThreads::Submit(env::Closure&& work) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Cancelled("the disk threads have stopped");
  if (queue_.size() >= options_.max_queued) {
    return ResourceExhausted("the disk is too slow: ", queue_.size(), " calls wait for it, the limit");
  }
  // Idle threads that were woken but have not run yet still count as idle, hence the comparison with the queue.
  if (queue_.size() >= idle_ && threads_.size() < options_.max_threads) LEAT_RETURN_IF_ERROR(StartOne());
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return absl::OkStatus();
}

absl::Status DiskThreads::StartOne() {
  try {
    threads_.push_back(StartThread(StrCat("leat-disk-", threads_.size()), [this] { Run(); }));
  } catch (const std::system_error& e) {
    // The threads there are will do; without any, nobody would ever run the work.
    if (threads_.empty()) return ResourceExhausted("cannot start a disk thread: ", e.what());
  }
  return absl::OkStatus();
}

void DiskThreads::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return !queue_.empty() || stopping_; });
    --idle_;
    if (queue_.empty()) return;
    env::Closure work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds is let go outside the lock
    lock.lock();
  }
}

void DiskThreads::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads = std::exchange(threads_, {});
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

size_t DiskThreads::threads_started() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace leat::runtime
