// A joining thread with a name that tools show (top -H, gdb).
#pragma once

#include <absl/functional/any_invocable.h>

#include <string_view>
#include <thread>

namespace leat::runtime {

// The kernel keeps the first 15 characters of the name. The thread takes no asynchronous signals: those are for the
// main thread, so that no system call of a shard or a disk thread is interrupted.
std::thread StartThread(std::string_view name, absl::AnyInvocable<void()> body);

}  // namespace leat::runtime
