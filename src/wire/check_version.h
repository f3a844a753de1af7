// What every generated Decode asks first.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace leat::wire {

template <typename Message>
absl::Status CheckVersion(int16_t version) {
  if (version >= Message::kMinVersion && version <= Message::kMaxVersion) return absl::OkStatus();
  return InvalidArgument(Message::kName, " v", version, ": is a version that is not known; known are ",
                         Message::kMinVersion, " to ", Message::kMaxVersion);
}

}  // namespace leat::wire
