// Orders to end: the first SIGTERM or SIGINT asks, the second one does not wait.
#pragma once

#include <absl/functional/any_invocable.h>

#include <thread>

namespace leat::runtime {

// While one lives (at most one in a process): the first SIGTERM or SIGINT calls `on_stop` with its number, once, on a
// thread of its own that sleeps until then; the second ends the process at once with 128 + its number, whatever the
// rest of the process is doing. SIGPIPE is ignored: a peer that goes away is an error of that write. The earlier
// handling comes back with the destructor. Make it on the main thread before the other threads.
class StopSignals {
 public:
  explicit StopSignals(absl::AnyInvocable<void(int signal)> on_stop);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

 private:
  int pipe_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace leat::runtime
