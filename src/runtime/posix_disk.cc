#include "runtime/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace leat::runtime {
namespace {

template <typename Call>
auto RetryOnInterrupt(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// Owns one file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  const int fd = RetryOnInterrupt([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); });
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  return Descriptor(fd);
}

constexpr size_t kMostPieces = 64;  // of one system call

class PosixFile final : public env::File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t n) const override {
    size_t done = 0;
    while (done < n) {
      const ssize_t got = RetryOnInterrupt(
          [&] { return ::pread(fd_.get(), buffer + done, n - done, static_cast<off_t>(offset + done)); });
      if (got < 0) return ErrnoStatus(errno, "pread", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  absl::Status WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put =
          RetryOnInterrupt([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (put < 0) return ErrnoStatus(errno, "pwrite", path_);
      // The kernel may not take nothing and call it success; if it does, going on would loop for ever.
      if (put == 0) return ErrnoStatus(EIO, "pwrite", path_);
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return absl::OkStatus();
  }

  absl::Status WritePiecesAt(uint64_t offset, std::span<const std::string_view> pieces) override {
    while (!pieces.empty()) {
      std::array<iovec, kMostPieces> vectors;
      const size_t count = std::min(pieces.size(), kMostPieces);
      for (size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
      const ssize_t put = RetryOnInterrupt(
          [&] { return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(offset)); });
      if (put < 0) return ErrnoStatus(errno, "pwritev", path_);
      offset += static_cast<uint64_t>(put);
      auto rest = static_cast<size_t>(put);
      while (!pieces.empty() && rest >= pieces[0].size()) {
        rest -= pieces[0].size();
        pieces = pieces.subspan(1);
      }
      if (rest == 0 && put > 0) continue;
      // Only a part of one, or nothing: WriteAt goes on with that one.
      if (pieces.empty()) break;
      LEAT_RETURN_IF_ERROR(WriteAt(offset, pieces[0].substr(rest)));
      offset += pieces[0].size() - rest;
      pieces = pieces.subspan(1);
    }
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    if (RetryOnInterrupt([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return ErrnoStatus(errno, "ftruncate", path_);
    }
    return absl::OkStatus();
  }

  bool Reserve(uint64_t at, uint64_t bytes) override {
    return RetryOnInterrupt([&] {
             return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), static_cast<off_t>(bytes));
           }) == 0;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info = {};
    if (::fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, "fstat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  absl::Status Sync() override {
    // Not repeated, not even when interrupted: after any failure the kernel may have forgotten which pages were dirty.
    if (::fdatasync(fd_.get()) != 0) return ErrnoStatus(errno, "fdatasync", path_);
    return absl::OkStatus();
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixDirectoryLock final : public env::DirectoryLock {
 public:
  explicit PosixDirectoryLock(Descriptor fd) : fd_(std::move(fd)) {}
  // Closing gives the lock back; until then no other process can have written its pid. A pid left behind by a truncate
  // that failed misleads nobody: the lock is what counts.
  ~PosixDirectoryLock() override {
    if (::ftruncate(fd_.get(), 0) != 0) return;
  }

 private:
  Descriptor fd_;
};

std::string DescribeHolder(int fd) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof(text) - 1, 0);
  std::string pid(text, n > 0 ? static_cast<size_t>(n) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  // Empty for the moment between the holder's flock and its write.
  return pid.empty() ? "another process" : StrCat("process ", pid);
}

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view call, std::string_view path) {
  const std::string text = StrCat(call, " ", path, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
      return NotFound(text);
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(text);
    case EIO:
      return DataLoss(text);
    case EEXIST:
      return AlreadyExists(text);
    default:
      return FailedPrecondition(text);
  }
}

absl::StatusOr<std::unique_ptr<env::File>> PosixDisk::Open(const std::string& path, env::OpenMode mode) {
  int flags = O_RDONLY;
  if (mode == env::OpenMode::kReadWrite) flags = O_RDWR;
  if (mode == env::OpenMode::kCreate) flags = O_RDWR | O_CREAT;
  LEAT_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, flags));
  return std::make_unique<PosixFile>(std::move(fd), path);
}

absl::Status PosixDisk::CreateDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), 0755) == 0) {
      LEAT_RETURN_IF_ERROR(SyncDirectory(env::ParentPath(prefix)));
    } else if (const int error = errno; error == EEXIST) {
      struct stat info = {};
      if (::stat(prefix.c_str(), &info) != 0) return ErrnoStatus(errno, "stat", prefix);
      if (!S_ISDIR(info.st_mode)) return ErrnoStatus(ENOTDIR, "mkdir", prefix);
    } else {
      return ErrnoStatus(error, "mkdir", prefix);
    }
    if (end == std::string::npos || end + 1 == path.size()) return absl::OkStatus();
  }
}

absl::Status PosixDisk::CreateDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return absl::OkStatus();
  const int error = errno;
  if (error != EEXIST) return ErrnoStatus(error, "mkdir", path);
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  return S_ISDIR(info.st_mode) ? absl::OkStatus() : ErrnoStatus(ENOTDIR, "mkdir", path);
}

absl::StatusOr<std::vector<std::string>> PosixDisk::List(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (stream == nullptr) return ErrnoStatus(errno, "opendir", directory);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoStatus(errno, "readdir", directory);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PosixDisk::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "rename", StrCat(from, " to ", to));
  return absl::OkStatus();
}

absl::Status PosixDisk::Remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return ErrnoStatus(errno, "remove", path);
  return absl::OkStatus();
}

absl::StatusOr<bool> PosixDisk::Exists(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoStatus(errno, "stat", path);
}

absl::StatusOr<env::DiskSpace> PosixDisk::Space(const std::string& path) {
  struct statvfs info = {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, "statvfs", path);
  return env::DiskSpace{uint64_t{info.f_blocks} * info.f_frsize, uint64_t{info.f_bavail} * info.f_frsize};
}

absl::Status PosixDisk::SyncDirectory(const std::string& path) {
  LEAT_ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, "fsync", path);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<env::DirectoryLock>> PosixDisk::LockDirectory(const std::string& path) {
  const std::string lock_path = env::JoinPath(path, ".lock");
  LEAT_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(lock_path, O_RDWR | O_CREAT));
  if (RetryOnInterrupt([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "flock", lock_path);
    return FailedPrecondition("the directory ", path, " is in use by ", DescribeHolder(fd.get()),
                              "; stop that process or use another directory");
  }
  const std::string pid = StrCat(::getpid(), "\n");
  if (::ftruncate(fd.get(), 0) != 0) return ErrnoStatus(errno, "ftruncate", lock_path);
  if (::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) return ErrnoStatus(errno, "pwrite", lock_path);
  return std::make_unique<PosixDirectoryLock>(std::move(fd));
}

}  // namespace leat::runtime
