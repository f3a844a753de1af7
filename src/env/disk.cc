#include "env/disk.h"

namespace leat::env {

absl::Status File::WritePiecesAt(uint64_t offset, std::span<const std::string_view> pieces) {
  std::string joined;
  for (const std::string_view piece : pieces) joined.append(piece);
  return WriteAt(offset, joined);
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (directory.ends_with('/')) return StrCat(directory, name);
  return StrCat(directory, "/", name);
}

std::string ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

absl::Status WriteFileAtomically(Disk& disk, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  {
    LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk.Open(temporary, OpenMode::kCreate));
    LEAT_RETURN_IF_ERROR(file->Truncate(0));
    LEAT_RETURN_IF_ERROR(file->WriteAt(0, bytes));
    LEAT_RETURN_IF_ERROR(file->Sync());
  }
  LEAT_RETURN_IF_ERROR(disk.Rename(temporary, path));
  return disk.SyncDirectory(ParentPath(path));
}

absl::StatusOr<std::string> ReadWholeFile(Disk& disk, const std::string& path) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk.Open(path, OpenMode::kRead));
  LEAT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string bytes(size, '\0');
  LEAT_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(0, bytes.data(), size));
  bytes.resize(n);
  return bytes;
}

absl::Status RemoveRecursively(Disk& disk, const std::string& path) {
  // List fails on a plain file; then there is nothing below it.
  if (const absl::StatusOr<std::vector<std::string>> names = disk.List(path); names.ok()) {
    for (const std::string& name : *names) LEAT_RETURN_IF_ERROR(RemoveRecursively(disk, JoinPath(path, name)));
  }
  return disk.Remove(path);
}

}  // namespace leat::env
