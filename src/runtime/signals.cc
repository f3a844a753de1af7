#include "runtime/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "runtime/thread.h"

namespace leat::runtime {
namespace {

constexpr int kStopSignals[] = {SIGTERM, SIGINT};

// What a signal handler may touch: lock-free atomics and system calls.
std::atomic<int> handler_pipe{-1};
std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction previous_stop[2];
struct sigaction previous_pipe;

void OnSignal(int signal) {
  if (signals_seen.fetch_add(1) > 0) _exit(128 + signal);
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // The pipe is empty and has room; nothing could be done about a failure here anyway.
  if (write(handler_pipe.load(), &byte, 1) < 0) errno = saved_errno;
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(absl::AnyInvocable<void(int signal)> on_stop) {
  LEAT_CHECK(handler_pipe.load() == -1) << "two StopSignals in one process";
  LEAT_CHECK(pipe2(pipe_, O_CLOEXEC) == 0) << "no pipe for signals, errno " << errno;
  handler_pipe.store(pipe_[1]);
  signals_seen.store(0);
  thread_ = StartThread("leat-signals", [fd = pipe_[0], on_stop = std::move(on_stop)]() mutable {
    unsigned char signal = 0;
    ssize_t n = 0;
    do {
      n = read(fd, &signal, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1 && signal != 0) on_stop(signal);
  });
  struct sigaction stop = {};
  stop.sa_handler = OnSignal;
  stop.sa_flags = SA_RESTART;
  for (int i = 0; i < 2; ++i) sigaction(kStopSignals[i], &stop, &previous_stop[i]);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &previous_pipe);
}

StopSignals::~StopSignals() {
  for (int i = 0; i < 2; ++i) sigaction(kStopSignals[i], &previous_stop[i], nullptr);
  sigaction(SIGPIPE, &previous_pipe, nullptr);
  const unsigned char end = 0;
  LEAT_CHECK(write(pipe_[1], &end, 1) == 1) << "the signal pipe is broken, errno " << errno;
  thread_.join();
  handler_pipe.store(-1);
  close(pipe_[0]);
  close(pipe_[1]);
}

}  // namespace leat::runtime
