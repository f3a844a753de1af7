// What a daemon tells the service manager that started it (systemd, Type=notify).
#pragma once

#include <absl/status/status.h>

#include <string_view>

namespace leat::runtime {

// Sends `state`, such as "READY=1" or "STOPPING=1", to the socket that the variable NOTIFY_SOCKET names: a path, or an
// abstract name after an @. The protocol is sd_notify(3)'s. Does nothing where the variable is missing: then nobody
// asked. Never waits. Any thread, but none may change the environment meanwhile. Fails when the socket cannot be
// reached; the daemon can go on, its manager will think that it has not started.
absl::Status TellServiceManager(std::string_view state);

}  // namespace leat::runtime
