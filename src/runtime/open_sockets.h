// Counts sockets that were handed to somebody who closes them without a word. A socket that is still open is told by
// its cookie, a number that the kernel gives to every socket once: when the descriptor is closed or belongs to another
// socket by now, the cookie is not the one that was noted. Only ever reads; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leat::runtime {

class OpenSockets {
 public:
  // REQUIRES: `fd` is an open socket, not yet handed away.
  void Add(int fd);
  // Sockets added and not yet seen closed; never less than there are open.
  size_t size() const { return sockets_.size(); }
  // Forgets those that were closed since; costs a system call for each socket.
  void Sweep();

 private:
  struct Socket {
    int fd;
    uint64_t cookie;
  };
  std::vector<Socket> sockets_;
};

}  // namespace leat::runtime
