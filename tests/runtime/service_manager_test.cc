#include "runtime/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/status.h"
#include "tests/runtime/temp_directory.h"

namespace leat::runtime {
namespace {

// A service manager's end: a datagram socket under `name`, which NOTIFY_SOCKET names while this lives.
class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    LEAT_CHECK(bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    close(socket_);
  }
  // The next datagram; empty if there is none.
  std::string Heard() {
    char buffer[256];
    const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }

 private:
  int socket_;
};

TEST(TellServiceManager, SendsTheStateToThePathInTheEnvironment) {
  const TempDirectory directory;
  Manager manager(directory.Path("notify"));
  EXPECT_TRUE(TellServiceManager("READY=1").ok());
  EXPECT_EQ(manager.Heard(), "READY=1");
  EXPECT_EQ(manager.Heard(), "");
}

TEST(TellServiceManager, SendsToAnAbstractSocketToo) {
  Manager manager("@leat-test-" + std::to_string(getpid()));
  EXPECT_TRUE(TellServiceManager("STOPPING=1").ok());
  EXPECT_EQ(manager.Heard(), "STOPPING=1");
}

TEST(TellServiceManager, DoesNothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(TellServiceManager("READY=1").ok());
}

TEST(TellServiceManager, NamesTheSocketThatNobodyReads) {
  const TempDirectory directory;
  setenv("NOTIFY_SOCKET", directory.Path("gone").c_str(), 1);
  const absl::Status status = TellServiceManager("READY=1");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(Message(status).find("gone"), std::string::npos) << status;
  unsetenv("NOTIFY_SOCKET");
}

TEST(TellServiceManager, RefusesWhatIsNoSocketName) {
  for (const std::string& name :
       {std::string(), std::string("@"), std::string("relative"), "/" + std::string(200, 'x')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    EXPECT_TRUE(absl::IsInvalidArgument(TellServiceManager("READY=1"))) << name;
  }
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace leat::runtime
