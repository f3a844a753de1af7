// The two halves of CAST.
#pragma once

#include "stream/exec/node.h"

namespace leat::exec {

// CAST with text or bytes on one side or both.
absl::StatusOr<Kernel> MakeTextCast(const Binding& binding);

}  // namespace leat::exec
