#include "runtime/acceptor.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "runtime/listen_endpoint.h"
#include "runtime/open_sockets.h"
#include "runtime/thread.h"

namespace leat::runtime {
namespace {

// Refused connections stay open a little, so that what they were sent is not lost to a reset: until so many more have
// been refused, or the listener stops.
constexpr size_t kMaxParting = 32;
constexpr int kBackoffMs = 100;  // after a failure that would come again at once

// A file descriptor, owned.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct HostPort {
  std::string host;  // without brackets
  std::string port;
};

absl::StatusOr<HostPort> Split(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size()) {
    return InvalidArgument("expected host:port, got '", address, "'");
  }
  std::string_view host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

absl::StatusOr<std::vector<sockaddr_storage>> LookUp(const HostPort& where, std::string_view address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failed = getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &found);
  if (failed != 0 && where.host == kLocalhost) failed = getaddrinfo(kLoopback, where.port.c_str(), &hints, &found);
  if (failed != 0) return Unavailable("cannot listen on ", address, ": ", gai_strerror(failed));
  std::vector<sockaddr_storage> out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::memcpy(&out.emplace_back(), each->ai_addr, each->ai_addrlen);
  }
  freeaddrinfo(found);
  return out;
}

socklen_t LengthOf(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

// The port has the same place in both families.
in_port_t& PortOf(sockaddr_storage& address) { return reinterpret_cast<sockaddr_in&>(address).sin_port; }

// The listening socket; `address` gets the port that the system chose. On an error errno says why.
Descriptor ListenOn(sockaddr_storage& address) {
  const int on = 1;
  Descriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return socket;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = LengthOf(address);
  // A port whose last connections are winding up is free; Linux still refuses a second listener.
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(socket.get(), generic, length) != 0 || listen(socket.get(), SOMAXCONN) != 0 ||
      getsockname(socket.get(), generic, &length) != 0) {
    return Descriptor(-1);
  }
  return socket;
}

}  // namespace

struct Acceptor::State {
  explicit State(Options from) : options(std::move(from)) {}

  void Run();
  // False: nothing more to accept on this socket at the moment.
  bool AcceptOne(int listener);
  void Serve(Descriptor connection);
  void Refuse(Descriptor connection, std::string_view why);
  void OutOfDescriptors(int listener, int error);

  const Options options;
  std::vector<Descriptor> listeners;
  Descriptor spare{-1};  // given up to refuse a connection when there is no other descriptor left
  Handler handler;
  std::atomic<bool> stopping = false;
  std::thread thread;
  // Of the thread:
  OpenSockets open;
  std::deque<Descriptor> parting;
  uint64_t refused = 0;
};

Acceptor::Acceptor(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Acceptor::~Acceptor() { Stop(); }

absl::StatusOr<std::string> Acceptor::Listen() {
  LEAT_CHECK(state_->listeners.empty()) << "Listen was called twice";
  const std::string& address = state_->options.address;
  LEAT_ASSIGN_OR_RETURN(const HostPort where, Split(address));
  LEAT_ASSIGN_OR_RETURN(std::vector<sockaddr_storage> found, LookUp(where, address));
  in_port_t port = 0;
  int error = 0;
  for (sockaddr_storage& each : found) {
    if (port != 0) PortOf(each) = port;  // a name with two addresses has one port
    Descriptor listener = ListenOn(each);
    if (listener.get() >= 0) {
      port = PortOf(each);
      state_->listeners.push_back(std::move(listener));
    } else if (error = errno; error == EADDRINUSE) {
      break;
    }
  }
  // A host whose name has an IPv6 address, but which does not speak it, is fine; a port that is half taken is not.
  if (state_->listeners.empty() || error == EADDRINUSE) {
    state_->listeners.clear();
    return Unavailable("cannot listen on ", address, ": ",
                       error == EADDRINUSE ? "the port is taken by another program" : std::strerror(error));
  }
  state_->spare = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return StrCat(std::string_view(address).substr(0, address.rfind(':')), ":", ntohs(port));
}

void Acceptor::Start(Handler handler) {
  LEAT_CHECK(!state_->listeners.empty() && !state_->thread.joinable()) << "Start comes once, after Listen";
  state_->handler = std::move(handler);
  state_->thread = StartThread(StrCat(state_->options.name, "-accept"), [state = state_.get()] { state->Run(); });
}

void Acceptor::Stop() {
  State& state = *state_;
  state.stopping = true;
  for (const Descriptor& listener : state.listeners) shutdown(listener.get(), SHUT_RDWR);  // wakes the thread
  if (state.thread.joinable()) state.thread.join();
  state.listeners.clear();
  state.parting.clear();
}

void Acceptor::State::Run() {
  std::vector<pollfd> waiting;
  for (const Descriptor& listener : listeners)
    waiting.push_back({.fd = listener.get(), .events = POLLIN, .revents = 0});
  while (!stopping) {
    poll(waiting.data(), waiting.size(), -1);
    for (const pollfd& each : waiting) {
      while (!stopping && each.revents != 0 && AcceptOne(each.fd)) {
      }
    }
  }
}

bool Acceptor::State::AcceptOne(int listener) {
  Descriptor connection(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection.get() >= 0) {
    Serve(std::move(connection));
    return true;
  }
  const int error = errno;
  if (error == EMFILE || error == ENFILE) {
    OutOfDescriptors(listener, error);
  } else if (error == ENOBUFS || error == ENOMEM) {
    LogWarning(options.name, "cannot accept a connection: ", std::strerror(error));
    poll(nullptr, 0, kBackoffMs);
  }
  // Anything else is the end of this one connection (ECONNABORTED, and what the network said of it), or there is none
  // (EAGAIN), or no listener (EINVAL).
  return error != EAGAIN && error != EINVAL;
}

void Acceptor::State::Serve(Descriptor connection) {
  if (open.size() >= options.max_connections) open.Sweep();
  if (open.size() >= options.max_connections) {
    return Refuse(std::move(connection),
                  StrCat("there are ", options.max_connections, " already (", options.limit_key, ")"));
  }
  const int on = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  open.Add(connection.get());
  handler(connection.Release());
}

void Acceptor::State::Refuse(Descriptor connection, std::string_view why) {
  // Each doubling of the count: a flood does not flood the log.
  if (++refused; (refused & (refused - 1)) == 0) {
    LogWarning(options.name, "refused a connection: ", why, "; ", refused, " refused since the start");
  }
  const std::string& text = options.refusal;
  // A new connection's empty send buffer takes it, or the other side is gone.
  if (send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
  shutdown(connection.get(), SHUT_WR);
  parting.push_back(std::move(connection));
  if (parting.size() > kMaxParting) parting.pop_front();
}

void Acceptor::State::OutOfDescriptors(int listener, int error) {
  parting.clear();
  spare.Close();
  Descriptor connection(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool refuse = connection.get() >= 0;
  if (refuse) Refuse(std::move(connection), StrCat("no file descriptor left (", std::strerror(error), ")"));
  parting.clear();
  spare = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!refuse) poll(nullptr, 0, kBackoffMs);  // another thread was faster
}

size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) return static_cast<size_t>(limit.rlim_cur);
  return static_cast<size_t>(raised.rlim_cur);
}

}  // namespace leat::runtime
