// Windows of processing time: those of event time, given the wall clock for the time of rows and for the watermark.
#pragma once

#include <memory>

#include "stream/exec/operator.h"

namespace leat::exec {

// The operator of a window aggregate's node, if its window is one of processing time: with each row in the window of
// the moment at which it comes, and windows that end when the clock reaches their end. Otherwise `op` itself.
absl::StatusOr<std::unique_ptr<Operator>> ByTheClock(const plan::Node& node,
                                                     absl::StatusOr<std::unique_ptr<Operator>> op);

}  // namespace leat::exec
