// Files that are removed are let go of on a disk thread: the file system frees a large one when its last holder closes
// it, which may take as long as a thousand appends.
#include <gtest/gtest.h>

#include <set>

#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

// Knows whether it runs something that a disk thread would run.
class WatchedShard : public sim::SimShard {
 public:
  using sim::SimShard::SimShard;
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override {
    sim::SimShard::RunBlocking(
        [this, work = std::move(work)]() mutable {
          blocking_ = true;
          const absl::Status status = work();
          blocking_ = false;
          return status;
        },
        std::move(done));
  }
  bool blocking() const { return blocking_; }

 private:
  bool blocking_ = false;
};

// Notes which removed segments were closed where.
class WatchedDisk : public env::Disk {
 public:
  WatchedDisk(env::Disk& disk, const WatchedShard& shard) : disk_(disk), shard_(shard) {}

  absl::StatusOr<std::unique_ptr<env::File>> Open(const std::string& path, env::OpenMode mode) override {
    LEAT_ASSIGN_OR_RETURN(std::unique_ptr<env::File> file, disk_.Open(path, mode));
    return std::make_unique<WatchedFile>(std::move(file), path, *this);
  }
  absl::Status CreateDirectories(const std::string& path) override { return disk_.CreateDirectories(path); }
  absl::Status CreateDirectory(const std::string& path) override { return disk_.CreateDirectory(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override { return disk_.List(directory); }
  absl::Status Rename(const std::string& from, const std::string& to) override { return disk_.Rename(from, to); }
  absl::Status Remove(const std::string& path) override {
    removed_.insert(path);
    return disk_.Remove(path);
  }
  absl::StatusOr<bool> Exists(const std::string& path) override { return disk_.Exists(path); }
  absl::StatusOr<env::DiskSpace> Space(const std::string& path) override { return disk_.Space(path); }
  absl::Status SyncDirectory(const std::string& path) override { return disk_.SyncDirectory(path); }
  absl::StatusOr<std::unique_ptr<env::DirectoryLock>> LockDirectory(const std::string& path) override {
    return disk_.LockDirectory(path);
  }

  int on_disk_thread = 0, on_shard = 0;

 private:
  class WatchedFile : public env::File {
   public:
    WatchedFile(std::unique_ptr<env::File> file, std::string path, WatchedDisk& disk)
        : file_(std::move(file)), path_(std::move(path)), disk_(disk) {}
    ~WatchedFile() override {
      if (disk_.removed_.contains(path_)) ++(disk_.shard_.blocking() ? disk_.on_disk_thread : disk_.on_shard);
    }
    absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t n) const override {
      return file_->ReadAt(offset, buffer, n);
    }
    absl::Status WriteAt(uint64_t offset, std::string_view bytes) override { return file_->WriteAt(offset, bytes); }
    absl::Status Truncate(uint64_t size) override { return file_->Truncate(size); }
    absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }
    absl::Status Sync() override { return file_->Sync(); }

   private:
    const std::unique_ptr<env::File> file_;
    const std::string path_;
    WatchedDisk& disk_;
  };

  env::Disk& disk_;
  const WatchedShard& shard_;
  std::set<std::string> removed_;
};

TEST(RemovedFiles, AreClosedOnADiskThread) {
  sim::SimWorld world(1);
  sim::SimDisk plain(2);
  WatchedShard shard(world);
  WatchedDisk disk(plain, shard);
  auto directory = LogDirectory::Open(disk, shard, {.path = "data/log"}).value();
  PartitionLog* log = directory->OpenPartition(kOrders, {.segment_bytes = 1000, .retention_bytes = 2000}).value();
  for (int i = 0; i < 60; ++i) {
    bool done = false;
    log->Append(MakeBatch({std::string(50, 'x')}), {}, [&](const absl::StatusOr<AppendResult>&) { done = true; });
    ASSERT_TRUE(world.RunUntil([&] { return done; }));
  }
  // A reader opens the old ones again.
  ASSERT_TRUE(log->Read(model::Offset(0), 1 << 20).ok());
  log->EnforceRetention(world.WallMillis());
  world.RunFor(absl::Seconds(1));
  EXPECT_GT(log->log_start(), model::Offset(0));
  EXPECT_GT(disk.on_disk_thread, 0);
  EXPECT_EQ(disk.on_shard, 0);
  shard.Kill();
  directory.reset();
}

}  // namespace
}  // namespace leat::log
