#include "runtime/signals.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

namespace leat::runtime {
namespace {

TEST(StopSignals, CallsBackOnceWithTheSignal) {
  std::promise<int> seen;
  int calls = 0;
  {
    const StopSignals signals([&](int signal) {
      ++calls;
      seen.set_value(signal);
    });
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    EXPECT_EQ(seen.get_future().get(), SIGTERM);
  }
  EXPECT_EQ(calls, 1);
}

TEST(StopSignals, IsNotCalledWithoutASignal) {
  bool called = false;
  {
    const StopSignals signals([&](int) { called = true; });
  }
  EXPECT_FALSE(called);
}

TEST(StopSignals, MayBeMadeAgain) {
  for (int i = 0; i < 3; ++i) {
    std::promise<int> seen;
    const StopSignals signals([&](int signal) { seen.set_value(signal); });
    ASSERT_EQ(kill(getpid(), SIGINT), 0);
    EXPECT_EQ(seen.get_future().get(), SIGINT);
  }
}

TEST(StopSignals, TheSecondSignalEndsTheProcessAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        std::promise<void> first;
        std::promise<void> never;
        const StopSignals signals([&](int) {
          first.set_value();
          never.get_future().wait();  // a shutdown that hangs
        });
        kill(getpid(), SIGTERM);
        first.get_future().wait();
        kill(getpid(), SIGINT);
        never.get_future().wait();
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(StopSignals, ABrokenPipeIsAnError) {
  const StopSignals signals([](int) {});
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace leat::runtime
