// An end to waiting on a socket. Beast's own stream closes the socket when its time is up, and a closed socket cannot
// carry the 408. One shard.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/time.h"

namespace leat::admin {

// From its construction to its destruction, at most `timeout` passes before the socket's operations end.
class Deadline {
 public:
  // kCancel ends the operation that waits when the time comes, and leaves the socket usable; operations that begin
  // later are not bounded, so look at expired() before each. kClose closes the socket. kAbort does so without waiting
  // for the peer to take what the kernel still holds for it.
  enum class Action { kCancel, kClose, kAbort };

  Deadline(boost::asio::ip::tcp::socket& socket, Duration timeout, Action action)
      : state_(std::make_shared<State>(State{.socket = &socket})),
        timer_(socket.get_executor(), absl::ToChronoNanoseconds(timeout)) {
    timer_.async_wait([state = state_, action](const boost::system::error_code& error) {
      if (error || state->socket == nullptr) return;
      state->expired = true;
      boost::system::error_code ignored;
      if (action == Action::kCancel) {
        state->socket->cancel(ignored);
        return;
      }
      if (action == Action::kAbort) state->socket->set_option(boost::asio::socket_base::linger(true, 0), ignored);
      state->socket->close(ignored);
    });
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { state_->socket = nullptr; }

  bool expired() const { return state_->expired; }

 private:
  // Shared with the timer's handler, which may be queued already when the deadline is destroyed.
  struct State {
    boost::asio::ip::tcp::socket* socket;
    bool expired = false;
  };
  std::shared_ptr<State> state_;
  boost::asio::steady_timer timer_;
};

}  // namespace leat::admin
