#include "grpc/failure.h"

#include "leat/v1/common.pb.h"

namespace leat::rpc {

model::ErrorCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return model::ErrorCode::kNone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:
      return model::ErrorCode::kInvalidRequest;
    case absl::StatusCode::kOutOfRange:
      return model::ErrorCode::kOffsetOutOfRange;
    case absl::StatusCode::kResourceExhausted:
      return model::ErrorCode::kThrottlingQuotaExceeded;
    case absl::StatusCode::kUnavailable:
      return model::ErrorCode::kLeaderNotAvailable;
    case absl::StatusCode::kDeadlineExceeded:
      return model::ErrorCode::kRequestTimedOut;
    case absl::StatusCode::kDataLoss:
      return model::ErrorCode::kKafkaStorageError;
    default:
      return model::ErrorCode::kUnknownServerError;
  }
}

::grpc::Status Failure(::grpc::CallbackServerContext* call, const absl::Status& status, std::string_view field) {
  v1::ErrorDetail detail;
  detail.set_code(static_cast<int32_t>(CodeOf(status)));
  detail.set_message(std::string(Message(status)));
  detail.set_field(std::string(field));
  call->AddTrailingMetadata("leat-error-bin", detail.SerializeAsString());
  // The numbers of absl's codes are those of gRPC's.
  return {static_cast<::grpc::StatusCode>(status.code()), detail.message()};
}

void FillOutcome(const broker::Outcome& outcome, v1::Outcome* out) {
  if (outcome.ok()) return;  // the defaults say success
  out->set_code(static_cast<int32_t>(outcome.code));
  const std::string_view name = model::ErrorName(outcome.code);
  out->set_name(name.data(), name.size());
  out->set_message(outcome.message);
}

}  // namespace leat::rpc
