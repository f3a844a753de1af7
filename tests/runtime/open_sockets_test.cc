#include "runtime/open_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace leat::runtime {
namespace {

std::array<int, 2> MakePair() {
  std::array<int, 2> pair{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  return pair;
}

TEST(OpenSockets, KeepsThoseThatAreOpen) {
  const auto pair = MakePair();
  OpenSockets sockets;
  sockets.Add(pair[0]);
  sockets.Add(pair[1]);
  sockets.Sweep();
  EXPECT_EQ(sockets.size(), 2u);
  close(pair[0]);
  sockets.Sweep();
  EXPECT_EQ(sockets.size(), 1u);
  close(pair[1]);
  sockets.Sweep();
  EXPECT_EQ(sockets.size(), 0u);
}

TEST(OpenSockets, IsNotTakenInByANumberThatIsUsedAgain) {
  const auto before = MakePair();
  OpenSockets sockets;
  sockets.Add(before[0]);
  close(before[0]);
  const auto after = MakePair();  // the lowest free number is used again
  ASSERT_EQ(after[0], before[0]);
  sockets.Sweep();
  EXPECT_EQ(sockets.size(), 0u);
  for (const int fd : {before[1], after[0], after[1]}) close(fd);
}

}  // namespace
}  // namespace leat::runtime
