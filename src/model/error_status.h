// An ErrorCode that travels on a Status, for failures that clients tell apart by number (a stale producer epoch, a gap
// in the sequence). The code says what the client does next, the message why.
#pragma once

#include <optional>

#include "base/status.h"
#include "model/error_code.h"

namespace leat::model {

// The status with the code on it, in place of an earlier one. OK stays OK and carries none.
absl::Status WithCode(absl::Status status, ErrorCode code);
// nullopt if no code was put on the status.
std::optional<ErrorCode> CodeOf(const absl::Status& status);

}  // namespace leat::model
