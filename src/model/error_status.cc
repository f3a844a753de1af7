#include "model/error_status.h"

#include <absl/strings/cord.h>
#include <absl/strings/numbers.h>

namespace leat::model {
namespace {
constexpr char kPayload[] = "leat/error-code";
}  // namespace

absl::Status WithCode(absl::Status status, ErrorCode code) {
  status.SetPayload(kPayload, absl::Cord(StrCat(static_cast<int>(code))));
  return status;
}

std::optional<ErrorCode> CodeOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  int code = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &code)) return std::nullopt;
  return static_cast<ErrorCode>(code);
}

}  // namespace leat::model
