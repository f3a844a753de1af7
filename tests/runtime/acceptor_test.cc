#include "runtime/acceptor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "tests/support/raw_socket.h"

namespace leat::runtime {
namespace {

using test::RawSocket;

// What a server would do with its connections: keeps them until told to close one.
class Connections {
 public:
  Acceptor::Handler handler() {
    return [this](int fd) {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      changed_.notify_all();
    };
  }
  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_.size() >= count; });
  }
  void CloseOne() {
    const std::lock_guard lock(mutex_);
    close(open_.back());
    open_.pop_back();
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return open_.size();
  }
  ~Connections() {
    for (const int fd : open_) close(fd);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> open_;
};

Acceptor::Options OptionsFor(size_t max_connections) {
  return {.name = "test",
          .address = "127.0.0.1:0",
          .max_connections = max_connections,
          .limit_key = "limits.test",
          .refusal = "no more of you"};
}

TEST(Acceptor, TellsAConnectionOverTheLimitAndClosesIt) {
  Connections connections;
  Acceptor acceptor(OptionsFor(2));
  const std::string address = *acceptor.Listen();
  acceptor.Start(connections.handler());
  const RawSocket first(address);
  const RawSocket second(address);
  connections.WaitFor(2);
  EXPECT_EQ(RawSocket(address).ReadToEnd(), "no more of you");
  EXPECT_EQ(connections.size(), 2u);
}

TEST(Acceptor, TakesAConnectionAgainWhenOneWasClosed) {
  Connections connections;
  Acceptor acceptor(OptionsFor(1));
  const std::string address = *acceptor.Listen();
  acceptor.Start(connections.handler());
  const RawSocket first(address);
  connections.WaitFor(1);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(RawSocket(address).ReadToEnd(), "no more of you");
  connections.CloseOne();
  const RawSocket second(address);
  connections.WaitFor(1);
}

TEST(Acceptor, RefusesWhenThereIsNoFileDescriptorLeft) {
  Connections connections;
  Acceptor acceptor(OptionsFor(10));
  const std::string address = *acceptor.Listen();
  const RawSocket first(address);  // waits in the kernel: nobody accepts yet
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> filler;
  for (int fd; (fd = dup(0)) >= 0;) filler.push_back(fd);
  acceptor.Start(connections.handler());
  EXPECT_EQ(first.ReadToEnd(), "no more of you");
  for (const int fd : filler) close(fd);
  const RawSocket second(address);
  connections.WaitFor(1);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(Acceptor, AcceptsNoMoreAfterStop) {
  Connections connections;
  Acceptor acceptor(OptionsFor(10));
  const std::string address = *acceptor.Listen();
  acceptor.Start(connections.handler());
  acceptor.Stop();
  Acceptor next({.name = "next", .address = address});
  EXPECT_TRUE(next.Listen().ok()) << "the port is free again";
}

TEST(Acceptor, SaysWhenThePortIsTaken) {
  Acceptor first(OptionsFor(1));
  const std::string address = *first.Listen();
  Acceptor second({.name = "second", .address = address});
  const absl::Status status = second.Listen().status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(Message(status), StrCat("cannot listen on ", address, ": the port is taken by another program"));
}

TEST(Acceptor, KeepsTheNameItWasGiven) {
  Acceptor acceptor({.name = "test", .address = "localhost:0"});
  const absl::StatusOr<std::string> bound = acceptor.Listen();
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->substr(0, 10), "localhost:");
  EXPECT_NE(*bound, "localhost:0");
}

TEST(Acceptor, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "localhost", ":1", "localhost:"}) {
    Acceptor acceptor({.name = "test", .address = address});
    EXPECT_TRUE(absl::IsInvalidArgument(acceptor.Listen().status())) << address;
  }
  Acceptor unknown({.name = "test", .address = "no such host:0"});
  EXPECT_TRUE(absl::IsUnavailable(unknown.Listen().status()));
}

}  // namespace
}  // namespace leat::runtime
