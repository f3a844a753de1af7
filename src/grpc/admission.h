// What a long-lived call is told that the registry of streams does not take, or that it has to end.
#pragma once

#include "base/status.h"
#include "grpc/stream_registry.h"

namespace leat::rpc {

inline absl::Status Stopping() { return Unavailable("the broker is stopping: connect again when it is back"); }

inline absl::Status AdmissionStatus(StreamRegistry::Admission admission) {
  switch (admission) {
    case StreamRegistry::Admission::kAccepted:
      return absl::OkStatus();
    case StreamRegistry::Admission::kFull:
      return ResourceExhausted(
          "the broker serves as many streams as it may (limits.connections): close some, or try again later");
    case StreamRegistry::Admission::kStopping:
      return Stopping();
  }
  return Stopping();
}

}  // namespace leat::rpc
