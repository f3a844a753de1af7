// From the first bytes of a request to who serves it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "kafka/apis.h"
#include "wire/header.h"

namespace leat::kafka {

struct Dispatched {
  const Api* api = nullptr;
  wire::RequestHeader header;  // borrows from the frame
  size_t body_at = 0;
  // ApiVersions in a version that is not known yet, whatever its body is: answered by RefuseVersion.
  bool refuse_version = false;
};

// kInvalidArgument: nobody serves this, or not in this version, or the header is malformed: the connection is to be
// closed, as Kafka does. *client_id gets what the client calls itself, as far as that could be read.
absl::StatusOr<Dispatched> Dispatch(std::string_view frame, std::string* client_id);

// Bytes that decoding a frame of this size may allocate: decoded structs take more room than what they come from.
size_t DecodeBudget(size_t frame_bytes);

}  // namespace leat::kafka
