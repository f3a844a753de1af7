// A disk on which one thing that a cut must do does not happen, to show that a test would notice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/disk.h"
#include "log/file_names.h"

namespace leat::log {

class ForgetfulDisk : public env::Disk {
 public:
  // Snapshots and segments that are removed stay; a recovery point and a high watermark only rise.
  enum class Bug { kNone, kKeepsSnapshots, kKeepsRecoveryPoint, kKeepsWatermark, kKeepsSegments, kDoesNotTruncate };
  ForgetfulDisk(env::Disk& disk, Bug bug) : disk_(disk), bug_(bug) {}

  absl::StatusOr<std::unique_ptr<env::File>> Open(const std::string& path, env::OpenMode mode) override {
    absl::StatusOr<std::unique_ptr<env::File>> file = disk_.Open(path, mode);
    if (!file.ok() || bug_ != Bug::kDoesNotTruncate || !path.ends_with(kLogSuffix)) return file;
    return std::make_unique<LongFile>(*std::move(file));
  }
  absl::Status CreateDirectories(const std::string& path) override { return disk_.CreateDirectories(path); }
  absl::Status CreateDirectory(const std::string& path) override { return disk_.CreateDirectory(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override { return disk_.List(directory); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    const bool kept = (bug_ == Bug::kKeepsRecoveryPoint && to.ends_with(kRecoveryPointFile)) ||
                      (bug_ == Bug::kKeepsWatermark && to.ends_with(kWatermarkFile));
    if (kept && Number(from) < Number(to)) return disk_.Remove(from);
    return disk_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override {
    if (bug_ == Bug::kKeepsSnapshots && path.ends_with(kSnapshotSuffix)) return absl::OkStatus();
    if (bug_ == Bug::kKeepsSegments && path.ends_with(kLogSuffix)) return absl::OkStatus();
    return disk_.Remove(path);
  }
  absl::StatusOr<bool> Exists(const std::string& path) override { return disk_.Exists(path); }
  absl::StatusOr<env::DiskSpace> Space(const std::string& path) override { return disk_.Space(path); }
  absl::Status SyncDirectory(const std::string& path) override { return disk_.SyncDirectory(path); }
  absl::StatusOr<std::unique_ptr<env::DirectoryLock>> LockDirectory(const std::string& path) override {
    return disk_.LockDirectory(path);
  }

 private:
  class LongFile : public env::File {
   public:
    explicit LongFile(std::unique_ptr<env::File> file) : file_(std::move(file)) {}
    absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t n) const override {
      return file_->ReadAt(offset, buffer, n);
    }
    absl::Status WriteAt(uint64_t offset, std::string_view bytes) override { return file_->WriteAt(offset, bytes); }
    absl::Status Truncate(uint64_t) override { return absl::OkStatus(); }
    absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }
    absl::Status Sync() override { return file_->Sync(); }

   private:
    const std::unique_ptr<env::File> file_;
  };

  // The offset that a checkpoint says; -1 if it cannot be read.
  int64_t Number(const std::string& path) {
    const absl::StatusOr<std::string> text = env::ReadWholeFile(disk_, path);
    if (!text.ok()) return -1;
    const size_t space = text->rfind(' ');
    return space == std::string::npos ? -1 : std::strtoll(text->c_str() + space, nullptr, 10);
  }

  env::Disk& disk_;
  const Bug bug_;
};

}  // namespace leat::log
