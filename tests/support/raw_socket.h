// A blocking TCP connection without any protocol, which sends exactly the bytes it is told to: what the test clients of
// the listeners are made of, and for what well-behaved clients never send. Every wait ends after 20 s, so that a server
// that hangs fails the test instead of hanging it. Header only; POSIX.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace leat::test {

class RawSocket {
 public:
  // To a port of 127.0.0.1. A small receive buffer stands for a client that takes its answers slowly.
  explicit RawSocket(uint16_t port, int receive_buffer_bytes = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    LEAT_CHECK(fd_ >= 0);
    SetTimeout(SO_RCVTIMEO, {.tv_sec = 20});
    SetTimeout(SO_SNDTIMEO, {.tv_sec = 20});
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    }
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    LEAT_CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) << "port " << port;
  }
  explicit RawSocket(const std::string& address)  // host:port
      : RawSocket(static_cast<uint16_t>(std::strtol(address.substr(address.rfind(':') + 1).c_str(), nullptr, 10))) {}
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket() {
    if (fd_ >= 0) close(fd_);
  }

  // SO_RCVTIMEO or SO_SNDTIMEO.
  void SetTimeout(int option, timeval limit) const { setsockopt(fd_, SOL_SOCKET, option, &limit, sizeof(limit)); }

  // How much of it the other side took: less than all once it has closed, or when it takes nothing for too long.
  size_t Send(std::string_view bytes) const {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<size_t>(n);
    }
    return sent;
  }

  enum class Got { kBytes, kEnd, kTimeout };  // kEnd: the other side has closed or reset
  // Waits for bytes and appends them.
  Got Receive(std::string* to) const {
    char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::kTimeout;
    if (n <= 0) return Got::kEnd;
    to->append(buffer, static_cast<size_t>(n));
    return Got::kBytes;
  }
  // Everything until the other side closes or resets, or nothing comes for too long.
  std::string ReadToEnd() const {
    std::string out;
    while (Receive(&out) == Got::kBytes) {
    }
    return out;
  }

 private:
  int fd_;
};

}  // namespace leat::test
