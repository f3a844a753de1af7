#include "base/status.h"

namespace leat {

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), StrCat(context, ": ", Message(status)));
}

}  // namespace leat
