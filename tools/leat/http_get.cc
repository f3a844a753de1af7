#include "tools/leat/http_get.h"

#include <absl/strings/numbers.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/status.h"

namespace leat::tool {

namespace {

constexpr size_t kMaxAnswerBytes = 1 << 20;

class Socket {
 public:
  explicit Socket(const addrinfo& at)
      : fd_(socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status Await(int fd, short events, absl::Time deadline) {
  for (;;) {
    pollfd waiting = {.fd = fd, .events = events, .revents = 0};
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left_ms <= 0) return DeadlineExceeded("no answer in time");
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Unavailable("poll: ", std::strerror(errno));
  }
}

absl::Status Connect(const Socket& socket, const addrinfo& at, absl::Time deadline) {
  if (socket.fd() < 0) return Unavailable("no socket: ", std::strerror(errno));
  if (connect(socket.fd(), at.ai_addr, at.ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return Unavailable(std::strerror(errno));
  LEAT_RETURN_IF_ERROR(Await(socket.fd(), POLLOUT, deadline));
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? absl::OkStatus() : Unavailable(std::strerror(error));
}

// Sends the request and reads until the other side closes, as it was asked to.
absl::StatusOr<std::string> Exchange(int fd, std::string_view request, absl::Time deadline) {
  while (!request.empty()) {
    const ssize_t sent = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      request.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      LEAT_RETURN_IF_ERROR(Await(fd, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Unavailable(std::strerror(errno));
    }
  }
  std::string answer;
  for (char buffer[4096]; answer.size() <= kMaxAnswerBytes;) {
    LEAT_RETURN_IF_ERROR(Await(fd, POLLIN, deadline));
    const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got == 0) return answer;
    if (got > 0) answer.append(buffer, static_cast<size_t>(got));
    if (got < 0 && errno != EAGAIN && errno != EINTR) return Unavailable(std::strerror(errno));
  }
  return Internal("the answer is larger than ", kMaxAnswerBytes, " bytes");
}

absl::StatusOr<HttpAnswer> ParseAnswer(const std::string& text) {
  // "HTTP/1.1 200 OK"
  HttpAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  const bool good = text.starts_with("HTTP/1.") && end != std::string::npos && text.size() > 12 &&
                    absl::SimpleAtoi(ToAbsl(std::string_view(text).substr(9, 3)), &answer.status);
  if (!good) return Internal("expected an answer in HTTP, got '", text.substr(0, 40), "'; is this the admin listener?");
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (failed != 0) return Unavailable(address, ": ", gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  absl::Status status;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const Socket socket(*at);
    status = Connect(socket, *at, deadline);
    if (!status.ok()) continue;
    const std::string request = StrCat("GET ", path, " HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n");
    absl::StatusOr<std::string> answer = Exchange(socket.fd(), request, deadline);
    if (!answer.ok()) return Annotate(answer.status(), address);
    return ParseAnswer(*answer);
  }
  return Annotate(status, address);
}

}  // namespace leat::tool
