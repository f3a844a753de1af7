#include "meta/draft.h"

#include "base/check.h"

namespace leat::meta {

absl::Status Draft::Add(absl::StatusOr<Records> decided) {
  LEAT_RETURN_IF_ERROR(decided.status());
  for (Record& record : *decided) {
    const absl::StatusOr<Delta> applied = image_.Apply(record);
    LEAT_CHECK(applied.ok()) << "a change was decided that cannot be applied: " << applied.status().ToString();
    records_.push_back(std::move(record));
  }
  return absl::OkStatus();
}

}  // namespace leat::meta
