// The disk as a port: real files in runtime, a disk that fails in every way in the simulator. Paths are absolute or
// relative to the process; separators are '/'. Calls block; Sync may be slow and belongs on the disk thread
// (Shard::RunBlocking), everything else goes to the page cache and may run on a shard.
//
// Durability: written bytes survive a power cut only after File::Sync; a created, renamed or removed name only after
// SyncDirectory of its parent. There is no writable memory mapping: a full disk is a Status.
//
// Errors: kNotFound (no such file), kResourceExhausted (disk full), kDataLoss (the device failed: EIO), kAlreadyExists,
// kFailedPrecondition (anything else the kernel refused; the message holds errno's text).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::env {

class File {
 public:
  virtual ~File() = default;  // closes; does not sync
  // Reads up to n bytes at offset into buffer; fewer only at the end of the file. Returns the count.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t n) const = 0;
  // Writes all bytes or fails; after a failure any prefix may have been written.
  virtual absl::Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // The same for bytes in several places: one behind the other in the file.
  virtual absl::Status WritePiecesAt(uint64_t offset, std::span<const std::string_view> pieces);
  virtual absl::Status Truncate(uint64_t size) = 0;
  // Room for bytes that will be written from `at` on, behind the end of the file, which stays where it is: writing
  // there is cheaper then. False where that is not possible now; nothing has changed then. Truncate gives the room
  // back.
  virtual bool Reserve(uint64_t at, uint64_t bytes) {
    static_cast<void>(at), static_cast<void>(bytes);
    return false;
  }
  virtual absl::StatusOr<uint64_t> Size() const = 0;
  // Data and the metadata needed to read it back (fdatasync). After a failure the file's unsynced bytes are unknown:
  // never retry, fence the log directory. Thread-safe against the other calls.
  virtual absl::Status Sync() = 0;
};

enum class OpenMode { kRead, kReadWrite, kCreate };  // kCreate: read-write, made if missing

// An exclusive hold on a directory, given back when destroyed or when the process dies.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

struct DiskSpace {
  uint64_t total_bytes;
  uint64_t usable_bytes;  // by this process, now
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual absl::Status CreateDirectories(
      const std::string& path) = 0;  // with parents; fine if there. Parents are synced
  // One directory; fine if there. Nothing is synced: as that of a file, its name is durable after SyncDirectory of its
  // parent. kNotFound: there is no parent.
  virtual absl::Status CreateDirectory(const std::string& path) = 0;
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;  // names, sorted
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;          // replaces `to`
  virtual absl::Status Remove(const std::string& path) = 0;  // a file or an empty directory
  virtual absl::StatusOr<bool> Exists(const std::string& path) = 0;
  virtual absl::StatusOr<DiskSpace> Space(const std::string& path) = 0;  // of the file system that holds path
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // kFailedPrecondition if another process holds it; the message names that process (its pid).
  virtual absl::StatusOr<std::unique_ptr<DirectoryLock>> LockDirectory(const std::string& path) = 0;
};

// Writes bytes to path so that a crash leaves the old or the new content whole: temporary file, sync, rename, directory
// sync.
absl::Status WriteFileAtomically(Disk& disk, const std::string& path, std::string_view bytes);
absl::StatusOr<std::string> ReadWholeFile(Disk& disk, const std::string& path);
// Removes a directory and everything in it.
absl::Status RemoveRecursively(Disk& disk, const std::string& path);
std::string JoinPath(std::string_view directory, std::string_view name);
std::string ParentPath(std::string_view path);

}  // namespace leat::env
