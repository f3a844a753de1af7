#include "log/damage.h"

#include <absl/strings/cord.h>

namespace leat::log {
namespace {
constexpr char kPayload[] = "leat/damaged-log";
}  // namespace

absl::Status Damage(absl::Status status) {
  status.SetPayload(kPayload, absl::Cord());
  return status;
}

bool IsDamage(const absl::Status& status) { return !status.ok() && status.GetPayload(kPayload).has_value(); }

}  // namespace leat::log
