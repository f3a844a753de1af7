// A connection on its way from one shard to another: what it is without the things of its shard. Private to this
// module.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kafka/call.h"
#include "kafka/frame_reader.h"
#include "runtime/loose_socket.h"

namespace leat::kafka {

struct Handover {
  runtime::LooseSocket socket;
  std::shared_ptr<const Endpoint> endpoint;
  std::optional<FrameReader> reader;  // with what has arrived; none: a new connection
  std::string client_id;
};

}  // namespace leat::kafka
