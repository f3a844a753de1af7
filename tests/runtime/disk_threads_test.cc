#include "runtime/disk_threads.h"

#include <future>

namespace leat::runtime {
namespace {

TEST(DiskThreads, StartsNoThreadBeforeThereIsWork) {
  std::promise<void> done;
  DiskThreads disk({.max_threads = 4});
  EXPECT_EQ(disk.threads_started(), 0u);
  ASSERT_TRUE(disk.Submit([&] { done.set_value(); }).ok());
  done.get_future().wait();
  EXPECT_EQ(disk.threads_started(), 1u);
}

TEST(DiskThreads, RunsWorkAtTheSameTimeUpToItsLimit) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::vector<std::promise<void>> begun(3);
  DiskThreads disk({.max_threads = 3});
  for (std::promise<void>& one : begun) {
    ASSERT_TRUE(disk.Submit([&one, released] {
                      one.set_value();
                      released.wait();
                    })
                    .ok());
  }
  for (std::promise<void>& one : begun) one.get_future().wait();  // all three wait at once
  ASSERT_TRUE(disk.Submit([] {}).ok());
  EXPECT_EQ(disk.threads_started(), 3u);
  release.set_value();
}

TEST(DiskThreads, RefusesWorkWhenTheQueueIsFull) {
  std::promise<void> begun;
  std::promise<void> release;
  DiskThreads disk({.max_threads = 1, .max_queued = 1});
  ASSERT_TRUE(disk.Submit([&] {
                    begun.set_value();
                    release.get_future().wait();
                  })
                  .ok());
  begun.get_future().wait();
  EXPECT_TRUE(disk.Submit([] {}).ok());
  EXPECT_EQ(disk.Submit([] {}).code(), absl::StatusCode::kResourceExhausted);
  release.set_value();
}

TEST(DiskThreads, StopFinishesWhatIsQueuedAndRefusesMore) {
  int ran = 0;
  DiskThreads disk({.max_threads = 1});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(disk.Submit([&] { ++ran; }).ok());
  disk.Stop();
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(disk.Submit([] {}).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace leat::runtime
