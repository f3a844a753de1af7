#include "runtime/asio_shard.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <optional>
#include <thread>

#include "runtime/disk_threads.h"

namespace leat::runtime {
namespace {

using testing::ElementsAre;

class AsioShardTest : public testing::Test {
 protected:
  AsioShardTest() { shard_.Start(); }
  // A disk thread may still be inside its Post when the test has its result.
  ~AsioShardTest() override { disk_.Stop(); }
  // Runs the closure on the shard and waits for it.
  void OnShard(env::Closure closure) {
    auto done = std::make_shared<std::promise<void>>();
    shard_.Post([&closure, done] {
      closure();
      done->set_value();
    });
    done->get_future().wait();
  }
  DiskThreads disk_{{.max_threads = 2}};
  AsioShard shard_{"test-shard", disk_};
};

TEST_F(AsioShardTest, RunsPostedClosuresInOrder) {
  std::vector<int> ran;
  for (int i = 0; i < 1000; ++i) shard_.Post([&ran, i] { ran.push_back(i); });
  OnShard([] {});
  ASSERT_EQ(ran.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST_F(AsioShardTest, KeepsTheOrderOfEachOfSeveralPostingThreads) {
  constexpr int kThreads = 4;
  std::vector<std::vector<int>> ran(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, &ran, t] {
      for (int i = 0; i < 2000; ++i) shard_.Post([&ran, t, i] { ran[t].push_back(i); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  OnShard([] {});
  for (const std::vector<int>& one : ran) {
    EXPECT_EQ(one.size(), 2000u);
    EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  }
}

TEST_F(AsioShardTest, WakesOnceForABatchOfPosts) {
  std::promise<void> hold;
  std::promise<void> begun;
  shard_.Post([&] {
    begun.set_value();
    hold.get_future().wait();
  });
  begun.get_future().wait();
  const uint64_t before = shard_.wake_ups();
  for (int i = 0; i < 100; ++i) shard_.Post([] {});
  EXPECT_EQ(shard_.wake_ups(), before);  // it is awake: nothing to wake
  hold.set_value();
  OnShard([] {});
}

TEST_F(AsioShardTest, AClosureMayPost) {
  std::promise<int> done;
  shard_.Post([&] { shard_.Post([&] { shard_.Post([&] { done.set_value(3); }); }); });
  EXPECT_EQ(done.get_future().get(), 3);
}

TEST_F(AsioShardTest, ClosuresThatAlwaysPostAnotherLeaveSocketsTheirTurns) {
  std::promise<void> done;
  bool over = false;  // on the shard
  std::function<void()> again = [&] {
    if (!over) shard_.Post([&] { again(); });
  };
  OnShard([&] {
    again();
    boost::asio::post(shard_.context(), [&] {
      over = true;
      done.set_value();
    });
  });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  OnShard([] {});
  OnShard([] {});
}

TEST_F(AsioShardTest, IsCurrentOnlyOnItsThread) {
  EXPECT_FALSE(shard_.IsCurrent());
  bool inside = false;
  OnShard([&] { inside = shard_.IsCurrent(); });
  EXPECT_TRUE(inside);
}

TEST_F(AsioShardTest, FiresTimersInTheOrderOfTheirTimes) {
  std::vector<int> fired;
  std::vector<std::unique_ptr<env::Timer>> timers;
  std::promise<void> done;
  Instant start;
  Instant end;
  OnShard([&] {
    start = shard_.Now();
    timers.push_back(shard_.RunAt(start + absl::Milliseconds(3), [&] {
      fired.push_back(2);
      end = shard_.Now();
      done.set_value();
    }));
    timers.push_back(shard_.RunAt(start + absl::Milliseconds(1), [&] { fired.push_back(1); }));
    timers.push_back(shard_.RunAt(start - absl::Seconds(1), [&] { fired.push_back(0); }));
  });
  done.get_future().wait();
  EXPECT_THAT(fired, ElementsAre(0, 1, 2));
  EXPECT_GE(end - start, absl::Milliseconds(3));
  OnShard([&] { timers.clear(); });
}

TEST_F(AsioShardTest, ACancelledTimerNeverFires) {
  bool cancelled_fired = false;
  bool destroyed_fired = false;
  std::promise<void> done;
  std::unique_ptr<env::Timer> cancelled;
  std::unique_ptr<env::Timer> last;
  OnShard([&] {
    // Both are due at once; cancelling comes first all the same.
    cancelled = shard_.RunAt(shard_.Now(), [&] { cancelled_fired = true; });
    auto destroyed = shard_.RunAt(shard_.Now(), [&] { destroyed_fired = true; });
    cancelled->Cancel();
    destroyed.reset();
    last = shard_.RunAt(shard_.Now() + absl::Milliseconds(1), [&] { done.set_value(); });
  });
  done.get_future().wait();
  OnShard([&] {
    cancelled.reset();
    last.reset();
  });
  EXPECT_FALSE(cancelled_fired);
  EXPECT_FALSE(destroyed_fired);
}

TEST_F(AsioShardTest, ATimerMayDestroyItselfWhenItFires) {
  std::unique_ptr<env::Timer> timer;
  std::promise<void> done;
  OnShard([&] {
    timer = shard_.RunAt(shard_.Now(), [&] {
      timer.reset();
      done.set_value();
    });
  });
  done.get_future().wait();
}

TEST_F(AsioShardTest, ATimerAtTheEndOfTimeWaitsForEver) {
  std::unique_ptr<env::Timer> timer;
  bool fired = false;
  OnShard([&] { timer = shard_.RunAt(Instant::Max(), [&] { fired = true; }); });
  OnShard([] {});
  OnShard([&] { timer.reset(); });
  EXPECT_FALSE(fired);
}

TEST_F(AsioShardTest, BlockingWorkRunsElsewhereAndItsResultComesBack) {
  std::promise<absl::Status> result;
  bool worked_on_shard = true;
  bool done_on_shard = false;
  OnShard([&] {
    shard_.RunBlocking(
        [&] {
          worked_on_shard = shard_.IsCurrent();
          return DataLoss("the device failed");
        },
        [&](absl::Status status) {
          done_on_shard = shard_.IsCurrent();
          result.set_value(std::move(status));
        });
  });
  EXPECT_EQ(result.get_future().get(), DataLoss("the device failed"));
  EXPECT_FALSE(worked_on_shard);
  EXPECT_TRUE(done_on_shard);
}

TEST_F(AsioShardTest, BlockingWorkAfterTheDiskThreadsStoppedIsCancelled) {
  disk_.Stop();
  std::promise<absl::Status> result;
  OnShard([&] {
    shard_.RunBlocking([] { return absl::OkStatus(); },
                       [&](absl::Status status) { result.set_value(std::move(status)); });
  });
  EXPECT_EQ(result.get_future().get().code(), absl::StatusCode::kCancelled);
}

TEST_F(AsioShardTest, StopRunsWhatWasPostedBefore) {
  int ran = 0;
  for (int i = 0; i < 100; ++i) shard_.Post([&] { ++ran; });
  shard_.Stop();
  EXPECT_EQ(ran, 100);
}

TEST_F(AsioShardTest, DropsClosuresPostedAfterStop) {
  shard_.Stop();
  auto witness = std::make_shared<int>(0);
  bool ran = false;
  shard_.Post([witness, &ran] { ran = true; });
  EXPECT_EQ(witness.use_count(), 1);  // destroyed, not kept
  EXPECT_FALSE(ran);
  shard_.Stop();
}

TEST(AsioShard, RunsClosuresPostedBeforeItStarted) {
  DiskThreads disk({});
  AsioShard shard("test-shard", disk);
  std::promise<void> done;
  shard.Post([&] { done.set_value(); });
  shard.Start();
  done.get_future().wait();
}

TEST(AsioShard, IsDestroyedWithATimerPending) {
  DiskThreads disk({});
  auto witness = std::make_shared<int>(0);
  std::unique_ptr<env::Timer> timer;
  {
    AsioShard shard("test-shard", disk);
    shard.Start();
    std::promise<void> done;
    shard.Post([&] {
      timer = shard.RunAt(shard.Now() + absl::Hours(1), [witness] {});
      done.set_value();
    });
    done.get_future().wait();
    shard.Stop();
    timer.reset();
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(AsioShardDeathTest, RefusesTimersFromOtherThreads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  DiskThreads disk({});
  AsioShard shard("test-shard", disk);
  EXPECT_DEATH(shard.RunAt(Instant(), [] {}), "RunAt was called from outside shard test-shard");
}

}  // namespace
}  // namespace leat::runtime
