// The one lock of this module. gRPC calls a stream's reactor on threads of its own, the broker answers on its shards: a
// stream's few words of state are guarded where the two meet. Held for moments, never while the broker is called.
#pragma once

#include <mutex>

namespace leat::rpc {

using Mutex = std::mutex;
using Lock = std::unique_lock<Mutex>;

}  // namespace leat::rpc
