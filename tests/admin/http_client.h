// A blocking HTTP client that sends exactly the bytes it is told to. Every wait ends after 20 s, so that a server that
// hangs fails the test instead of hanging it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/check.h"

namespace leat::admin {

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    LEAT_CHECK(fd_ >= 0);
    const timeval limit = {.tv_sec = 20};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    LEAT_CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(fd_); }

  // False if the server has closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // Header and body of the next answer; what there is when the server closes.
  std::string Receive(bool with_body = true) {
    size_t end = std::string::npos;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return std::exchange(rest_, {});
    }
    size_t length = end + 4;
    const size_t field = rest_.find("Content-Length: ");
    if (with_body && field < end) length += std::strtoul(rest_.c_str() + field + 16, nullptr, 10);
    while (rest_.size() < length) {
      if (!More()) return std::exchange(rest_, {});
    }
    std::string answer = rest_.substr(0, length);
    rest_.erase(0, length);
    return answer;
  }

  // Everything until the server closes; "timeout" at the end if it does not.
  std::string ReceiveAll() {
    while (More()) {
    }
    return timed_out_ ? rest_ + "timeout" : rest_;
  }

 private:
  bool More() {
    char bytes[4096];
    const ssize_t n = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) timed_out_ = true;
    if (n <= 0) return false;
    rest_.append(bytes, static_cast<size_t>(n));
    return true;
  }
  int fd_;
  std::string rest_;
  bool timed_out_ = false;
};

}  // namespace leat::admin
