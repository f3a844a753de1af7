// Tells damaged files from a disk that fails: both are kDataLoss, but only the first is mended by another copy.
#pragma once

#include "base/status.h"

namespace leat::log {

// The files of a log do not hold what they must: their bytes can be read and are wrong, or are missing.
absl::Status Damage(absl::Status status);
bool IsDamage(const absl::Status& status);

}  // namespace leat::log
