#include "runtime/open_sockets.h"

#include <sys/socket.h>

#include <optional>

#include "base/check.h"

namespace leat::runtime {
namespace {

// nullopt: the descriptor is closed, or no socket.
std::optional<uint64_t> CookieOf(int fd) {
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) return std::nullopt;
  return cookie;
}

}  // namespace

void OpenSockets::Add(int fd) {
  const std::optional<uint64_t> cookie = CookieOf(fd);
  LEAT_CHECK(cookie.has_value()) << "descriptor " << fd << " is no open socket";
  sockets_.push_back({.fd = fd, .cookie = *cookie});
}

void OpenSockets::Sweep() {
  std::erase_if(sockets_, [](const Socket& socket) { return CookieOf(socket.fd) != socket.cookie; });
}

}  // namespace leat::runtime
