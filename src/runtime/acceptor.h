// Listens on a TCP address and hands accepted connections to a server that has no limit of its own for them. At the
// limit a connection is told so in the server's protocol and closed, which costs no memory; so is one for which the
// process has no file descriptor left. One thread, which sleeps in the kernel until somebody connects.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>

#include "base/status.h"

namespace leat::runtime {

class Acceptor {
 public:
  struct Options {
    std::string name;              // of the listener, for the log and the thread
    std::string address;           // host:port; a name is looked up once; port 0 is chosen by the system
    size_t max_connections = 100;  // that are open at a time
    std::string limit_key;         // what to raise when there are too many, for the log
    std::string refusal;           // what a connection over the limit is sent before it is closed; at most a few KiB
  };
  // Takes the connected socket, which is non-blocking, over. Called on the acceptor's thread.
  using Handler = absl::AnyInvocable<void(int fd)>;

  explicit Acceptor(Options options);
  // Stops if Stop was not called.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Binds and listens; once. Returns host:port as bound. kInvalidArgument: no host:port; kUnavailable: it cannot be
  // bound (taken, not ours, the name is not known).
  absl::StatusOr<std::string> Listen();
  // Begins to accept; once, after Listen. What connected in between has waited.
  void Start(Handler handler);
  // Accepts no more; `handler` is not called after it. Connections that were handed over stay.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lets this process open as many files as it may (the soft limit becomes the hard one). Returns how many.
size_t RaiseFileLimit();

}  // namespace leat::runtime
