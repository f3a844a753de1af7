#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "stream/run/file_tables.h"

namespace leat::run {
namespace {

constexpr size_t kWriteBytes = size_t{256} << 10;
constexpr std::string_view kInProgress = ".inprogress";

std::string WorkingPath(const FileTable& table, const std::string& name) {
  return env::JoinPath(table.path, StrCat(".", name, kInProgress));
}
// The name that a file in progress gets.
std::string FinalPath(const std::string& working) {
  std::string name = working.substr(working.rfind('/') + 1);
  name = name.substr(1, name.size() - 1 - kInProgress.size());
  return env::JoinPath(env::ParentPath(working), name);
}

}  // namespace

absl::Status FileWriter::Begin(int64_t now_ms) {
  LEAT_RETURN_IF_ERROR(Annotate(disk_.CreateDirectories(table_.path), StrCat("writing to ", table_.path)));
  for (bool taken = true; taken;) {
    path_ = WorkingPath(table_, StrCat(unique_, "-", files_++));
    LEAT_ASSIGN_OR_RETURN(taken, disk_.Exists(path_));
    if (taken) continue;
    LEAT_ASSIGN_OR_RETURN(taken, disk_.Exists(FinalPath(path_)));
  }
  LEAT_ASSIGN_OR_RETURN(file_, disk_.Open(path_, env::OpenMode::kCreate));
  LEAT_RETURN_IF_ERROR(disk_.SyncDirectory(table_.path));
  bytes_ = 0;
  since_ms_ = now_ms;
  return absl::OkStatus();
}

absl::Status FileWriter::Add(std::string_view line, int64_t now_ms) {
  if (file_ == nullptr) LEAT_RETURN_IF_ERROR(Begin(now_ms));
  buffer_.append(line);
  buffer_.push_back('\n');
  changed_ = true;
  return buffer_.size() < kWriteBytes ? absl::OkStatus() : Flush();
}

absl::Status FileWriter::Flush() {
  LEAT_RETURN_IF_ERROR(Annotate(file_->WriteAt(static_cast<uint64_t>(bytes_), buffer_), StrCat("writing to ", path_)));
  bytes_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
  return absl::OkStatus();
}

bool FileWriter::Resume(SettledFiles settled) {
  settled_ = std::move(settled);
  return !settled_.unfinished.empty() || !settled_.named.empty();
}

absl::Status FileWriter::Barrier(bool close, int64_t now_ms, std::vector<state::Change>* changes) {
  named_.insert(named_.end(), settled_.named.begin(), settled_.named.end());
  for (const std::string& path : named_) changes->push_back(ForgetFile(plan_id_, path, FileEntry::kWritten));
  named_.clear();
  const SettledFiles settled = std::exchange(settled_, {});
  for (const auto& [path, bytes] : settled.unfinished) Close(path, bytes, changes);
  if (file_ == nullptr) return absl::OkStatus();
  if (changed_) {
    LEAT_RETURN_IF_ERROR(Flush());
    LEAT_RETURN_IF_ERROR(Annotate(file_->Sync(), StrCat("writing to ", path_)));
  }
  if (!close && bytes_ < table_.roll_bytes && now_ms < NextDueMs()) {
    if (changed_) changes->push_back(EncodeFile(plan_id_, path_, FileEntry::kWriting, bytes_, INT64_MIN));
    changed_ = false;
    return absl::OkStatus();
  }
  changed_ = false;
  Close(path_, bytes_, changes);
  file_.reset();
  return absl::OkStatus();
}

void FileWriter::Close(const std::string& path, int64_t bytes, std::vector<state::Change>* changes) {
  changes->push_back(ForgetFile(plan_id_, path, FileEntry::kWriting));
  changes->push_back(EncodeFile(plan_id_, path, FileEntry::kWritten, bytes, INT64_MIN));
  closed_.push_back(path);
}

absl::Status FileWriter::Committed() {
  if (closed_.empty()) return absl::OkStatus();
  for (const std::string& path : closed_) {
    LEAT_RETURN_IF_ERROR(Annotate(disk_.Rename(path, FinalPath(path)), StrCat("naming ", path)));
  }
  LEAT_RETURN_IF_ERROR(disk_.SyncDirectory(table_.path));
  named_.insert(named_.end(), closed_.begin(), closed_.end());
  closed_.clear();
  return absl::OkStatus();
}

namespace {

absl::Status Cut(env::Disk& disk, const std::string& path, int64_t bytes) {
  const auto lost = [&](std::string_view what) {
    return DataLoss("the file ", path, ", in which ", bytes, " bytes of rows were committed, ", what,
                    ": put it back, or delete the job and submit it again");
  };
  auto file = disk.Open(path, env::OpenMode::kReadWrite);
  if (absl::IsNotFound(file.status())) return lost("is gone");
  LEAT_RETURN_IF_ERROR(Annotate(file.status(), StrCat("finishing ", path)));
  LEAT_ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
  if (size < static_cast<uint64_t>(bytes)) return lost(StrCat("has ", size, " bytes"));
  LEAT_RETURN_IF_ERROR((*file)->Truncate(static_cast<uint64_t>(bytes)));
  return (*file)->Sync();
}

}  // namespace

absl::StatusOr<SettledFiles> SettleFiles(env::Disk& disk, const FileTable& table, int plan_id, std::string_view job,
                                         const KnownFiles& known) {
  LEAT_RETURN_IF_ERROR(Annotate(disk.CreateDirectories(table.path), StrCat("writing to ", table.path)));
  SettledFiles settled;
  for (const auto& [path, file] : known.files) {
    if (file.entry == FileEntry::kWriting) {
      LEAT_RETURN_IF_ERROR(Cut(disk, path, file.next));
      settled.unfinished[path] = file.next;
      continue;
    }
    // Without it, it has its name already, and whoever takes the files may have taken it.
    LEAT_ASSIGN_OR_RETURN(const bool unnamed, disk.Exists(path));
    if (unnamed) LEAT_RETURN_IF_ERROR(disk.Rename(path, FinalPath(path)));
    settled.named.push_back(path);
  }
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(table.path));
  const std::string prefix = StrCat(".", FilePrefix(job, plan_id));
  for (const std::string& name : names) {
    const std::string path = env::JoinPath(table.path, name);
    if (!name.starts_with(prefix) || !name.ends_with(kInProgress) || settled.unfinished.contains(path)) continue;
    LEAT_RETURN_IF_ERROR(disk.Remove(path));
  }
  LEAT_RETURN_IF_ERROR(disk.SyncDirectory(table.path));
  return settled;
}

absl::StatusOr<SettledFiles> SettleDroppedFiles(env::Disk& disk, int plan_id, std::string_view job,
                                                const KnownFiles& known, std::vector<state::Change>* changes) {
  KnownFiles there;
  for (const auto& [path, file] : known.files) {
    KnownFile left = file;
    if (file.entry == FileEntry::kWriting) {
      const absl::Status cut = Cut(disk, path, file.next);
      if (!cut.ok() && !absl::IsDataLoss(cut)) return cut;
      if (!cut.ok())
        LogWarning("jobs", "job ", job, " does not write to ", env::ParentPath(path), " any more; ", Message(cut));
      LEAT_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
      if (!exists) {
        changes->push_back(ForgetFile(plan_id, path, file.entry));
        continue;
      }
      if (!cut.ok()) {
        LEAT_ASSIGN_OR_RETURN(const auto opened, disk.Open(path, env::OpenMode::kReadWrite));
        LEAT_ASSIGN_OR_RETURN(const uint64_t size, opened->Size());
        left.next = static_cast<int64_t>(size);
      }
    }
    there.files[path] = left;
  }
  if (there.files.empty()) return SettledFiles();
  return SettleFiles(disk, {.path = FolderOf(known)}, plan_id, job, there);
}

bool AreWritten(const KnownFiles& known) {
  return std::any_of(known.files.begin(), known.files.end(), [](const auto& item) {
    return item.second.entry == FileEntry::kWriting || item.second.entry == FileEntry::kWritten;
  });
}

std::string FolderOf(const KnownFiles& known) { return env::ParentPath(known.files.begin()->first); }

}  // namespace leat::run
