#include "bench/compare/load_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace leat::load {
namespace {

constexpr size_t kReadBytes = 256 << 10;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "kafka_load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

}  // namespace

int ConnectOrDie(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  if (colon == std::string::npos || ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) {
    std::fprintf(stderr, "kafka_load: --at: expected an IPv4 address and a port, got '%s'\n", address.c_str());
    std::exit(2);
  }
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) Die("connect " + address);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

LoadConnection::LoadConnection(const std::string& address) : fd_(ConnectOrDie(address)) {
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}
LoadConnection::LoadConnection(LoadConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      out_(std::move(other.out_)),
      sent_(other.sent_),
      in_(std::move(other.in_)),
      filled_(other.filled_),
      taken_(other.taken_),
      waiting_(std::move(other.waiting_)) {}
LoadConnection::~LoadConnection() {
  if (fd_ >= 0) ::close(fd_);
}

void LoadConnection::Send(std::string_view frame, int64_t intended_ns) {
  waiting_.push_back(intended_ns);
  out_ += frame;
  Flush();
}

void LoadConnection::Flush() {
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent_ += static_cast<size_t>(n);
  }
  out_.clear();
  sent_ = 0;
}

int LoadConnection::ReadSome() {
  if (in_.size() < filled_ + kReadBytes) in_.resize(filled_ + kReadBytes);
  const ssize_t n = ::recv(fd_, in_.data() + filled_, in_.size() - filled_, 0);
  if (n == 0) return -1;
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
  filled_ += static_cast<size_t>(n);
  return static_cast<int>(n);
}

bool LoadConnection::TakeFrame(std::string_view* frame) {
  const std::string_view rest(in_.data() + taken_, filled_ - taken_);
  if (rest.size() < sizeof(int32_t)) return false;
  const auto length = static_cast<size_t>(LoadBigEndian<uint32_t>(rest.data()));
  if (rest.size() - sizeof(int32_t) < length) return false;
  *frame = rest.substr(sizeof(int32_t), length);
  taken_ += sizeof(int32_t) + length;
  return true;
}

void LoadConnection::Compact() {
  if (taken_ == 0) return;
  std::memmove(in_.data(), in_.data() + taken_, filled_ - taken_);
  filled_ -= taken_;
  taken_ = 0;
}

}  // namespace leat::load
