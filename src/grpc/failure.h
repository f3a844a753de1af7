// From the broker's outcomes and statuses to gRPC's. (Not status.h: <grpc/status.h> is the library's, on the same
// path.)
#pragma once

#include <grpcpp/grpcpp.h>

#include <string_view>

#include "base/status.h"
#include "broker/api.h"

namespace leat::v1 {
class Outcome;
}

namespace leat::rpc {

// The number for a whole call that failed with a status.
model::ErrorCode CodeOf(const absl::Status& status);

// The status of a failed call, and the same as an ErrorDetail in the call's trailer "leat-error-bin". `field` names the
// offending field of the request, or is empty.
::grpc::Status Failure(::grpc::CallbackServerContext* call, const absl::Status& status, std::string_view field);

void FillOutcome(const broker::Outcome& outcome, v1::Outcome* out);

}  // namespace leat::rpc
