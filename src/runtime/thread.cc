#include "runtime/thread.h"

#include <pthread.h>
#include <signal.h>

#include <string>
#include <utility>

namespace leat::runtime {

std::thread StartThread(std::string_view name, absl::AnyInvocable<void()> body) {
  sigset_t blocked;
  sigset_t previous;
  sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&blocked, signal);
  // A new thread inherits the mask of the thread that makes it.
  pthread_sigmask(SIG_BLOCK, &blocked, &previous);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  pthread_setname_np(thread.native_handle(), std::string(name.substr(0, 15)).c_str());
  return thread;
}

}  // namespace leat::runtime
