// env::Disk on the kernel's files: pread, pwrite, fdatasync, fsync of directories, flock. Thread-safe: it holds no
// state. Interrupted calls are repeated, short writes are continued; a failed sync is reported and never repeated.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/disk.h"

namespace leat::runtime {

class PosixDisk final : public env::Disk {
 public:
  absl::StatusOr<std::unique_ptr<env::File>> Open(const std::string& path, env::OpenMode mode) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<bool> Exists(const std::string& path) override;
  absl::StatusOr<env::DiskSpace> Space(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  // Holds `<path>/.lock` by flock and leaves the pid in it, so that a refused second holder can name the first. The
  // file stays when the lock is given back: removing it would let two processes lock two files of the same name.
  absl::StatusOr<std::unique_ptr<env::DirectoryLock>> LockDirectory(const std::string& path) override;
};

// The Status of a failed system call, in the codes that env/disk.h promises: "pwrite ./data/0.log: No space left on
// device".
absl::Status ErrnoStatus(int error, std::string_view call, std::string_view path);

}  // namespace leat::runtime
