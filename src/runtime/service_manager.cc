#include "runtime/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/status.h"

namespace leat::runtime {

absl::Status TellServiceManager(std::string_view state) {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  if (variable == nullptr) return absl::OkStatus();
  const std::string name = variable;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const bool abstract = name.starts_with('@');
  if (name.size() < 2 || name.size() >= sizeof(address.sun_path) || (!abstract && name[0] != '/')) {
    return InvalidArgument("NOTIFY_SOCKET: expected a path from / or @NAME of at most ", sizeof(address.sun_path) - 1,
                           " bytes, got '", name, "'");
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (abstract) address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool sent = socket >= 0 && sendto(socket, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                          reinterpret_cast<const sockaddr*>(&address), length) >= 0;
  const int error = errno;
  if (socket >= 0) close(socket);
  if (sent) return absl::OkStatus();
  return Unavailable("'", state, "' did not reach the service manager at NOTIFY_SOCKET=", name, ": ",
                     std::strerror(error));
}

}  // namespace leat::runtime
