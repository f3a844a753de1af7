// The part of the controller's codec that knows commands and their results. Private to the codec.
#pragma once

#include "base/status.h"
#include "leat/internal/controller.pb.h"
#include "meta/command.h"

namespace leat::coordinator {

void EncodeInto(const meta::Command& command, internal::Command* out);
absl::StatusOr<meta::Command> Decode(const internal::Command& in);

void EncodeInto(const meta::CommandResult& result, internal::CommandResult* out);
absl::StatusOr<meta::CommandResult> Decode(const internal::CommandResult& in);

void EncodeInto(const meta::PartitionKey& key, internal::PartitionIdentity* out);
meta::PartitionKey Decode(const internal::PartitionIdentity& in);

// REQUIRES: !status.ok().
void EncodeInto(const absl::Status& status, internal::Failure* out);
// Never OK.
absl::Status DecodeFailure(const internal::Failure& in);

void EncodeInto(const model::Uuid& id, internal::Uuid* out);
model::Uuid DecodeUuid(const internal::Uuid& in);

}  // namespace leat::coordinator
