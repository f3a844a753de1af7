// A blocking HTTP client that sends exactly the bytes it is told to.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/raw_socket.h"

namespace leat::admin {

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer_bytes = 0) : socket_(port, receive_buffer_bytes) {}

  // False if the server has closed.
  bool Send(std::string_view bytes) { return socket_.Send(bytes) == bytes.size(); }

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
    const test::RawSocket::Got got = socket_.Receive(&rest_);
    timed_out_ |= got == test::RawSocket::Got::kTimeout;
    return got == test::RawSocket::Got::kBytes;
  }

  test::RawSocket socket_;
  std::string rest_;
  bool timed_out_ = false;
};

}  // namespace leat::admin
