#include "runtime/spawn.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace leat::runtime {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> CountTurns(int turns, int* counted) {
  for (int i = 0; i < turns; ++i) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    ++*counted;
  }
}

asio::awaitable<void> Throw(bool a_number) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  if (a_number) throw 7;
  throw std::runtime_error("planned");
}

TEST(Spawn, HoldsTheGateUntilTheCoroutineEnds) {
  asio::io_context context;
  env::Gate gate;
  int turns = 0;
  ASSERT_TRUE(Spawn(context.get_executor(), gate, "count", CountTurns(3, &turns)));
  int turns_when_closed = -1;
  gate.Close([&] { turns_when_closed = turns; });
  EXPECT_EQ(turns_when_closed, -1);
  context.run();
  EXPECT_EQ(turns_when_closed, 3);
}

TEST(Spawn, StartsNothingWhenTheGateIsClosing) {
  asio::io_context context;
  env::Gate gate;
  gate.Close([] {});
  int turns = 0;
  EXPECT_FALSE(Spawn(context.get_executor(), gate, "count", CountTurns(3, &turns)));
  context.run();
  EXPECT_EQ(turns, 0);
}

TEST(Spawn, AnEscapingExceptionEndsOnlyItsCoroutine) {
  asio::io_context context;
  env::Gate gate;
  int turns = 0;
  testing::internal::CaptureStderr();
  ASSERT_TRUE(Spawn(context.get_executor(), gate, "thrower", Throw(false)));
  ASSERT_TRUE(Spawn(context.get_executor(), gate, "number", Throw(true)));
  ASSERT_TRUE(Spawn(context.get_executor(), gate, "count", CountTurns(5, &turns)));
  context.run();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(turns, 5);
  EXPECT_THAT(log, testing::HasSubstr("coroutine thrower ended by an exception: planned"));
  EXPECT_THAT(log, testing::HasSubstr("coroutine number ended by an exception of unknown type"));
  bool closed = false;
  gate.Close([&] { closed = true; });
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace leat::runtime
