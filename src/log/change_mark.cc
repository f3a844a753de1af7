#include "log/change_mark.h"

#include "log/file_names.h"

namespace leat::log {

absl::Status MarkChange(env::Disk& disk, const std::string& folder, std::string_view mark) {
  const absl::Status made = disk.Open(env::JoinPath(folder, mark), env::OpenMode::kCreate).status();
  return absl::IsResourceExhausted(made) ? absl::OkStatus() : made;
}

// One that stays costs the next process a sync.
void UnmarkChange(env::Disk& disk, const std::string& folder, std::string_view mark) {
  disk.Remove(env::JoinPath(folder, mark)).IgnoreError();
}

absl::Status WriteGaps(env::Disk& disk, const std::string& folder, std::string_view text) {
  LEAT_RETURN_IF_ERROR(MarkChange(disk, folder));
  LEAT_RETURN_IF_ERROR(env::WriteFileAtomically(disk, env::JoinPath(folder, kGapsFile), text));
  UnmarkChange(disk, folder);
  return absl::OkStatus();
}

}  // namespace leat::log
