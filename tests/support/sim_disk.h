// A disk that fails in every way a disk does. It knows for every file which 512-byte sectors were synced, and for every
// directory which names were; PowerCut() forgets the rest, as a machine that loses power would.
//
// What a power cut leaves of a file: the synced bytes; of the sectors written since, a random subset, the others as
// they were before (zeros where there was nothing); a size between the synced one and the last one; a truncation since
// the last sync done or not done. Of a directory: the synced names, and of the changes since a random prefix or subset,
// each change (a rename too) whole or not at all. Handles from before the cut fail afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "env/disk.h"

namespace leat::sim {

inline constexpr uint64_t kSectorBytes = 512;

// Chances are "one in n calls"; 0 is never.
struct DiskFaults {
  uint64_t read_eio_one_in = 0;
  uint64_t write_eio_one_in = 0;           // a prefix may have been written
  uint64_t sync_eio_one_in = 0;            // afterwards some of the unsynced sectors will never be written
  uint64_t no_space_one_in = 0;            // a write fails with ENOSPC, a prefix may have been written
  std::optional<uint64_t> capacity_bytes;  // of all files together
  // Planted bugs, to show that a test would notice them.
  enum class Lie { kNone, kSyncDoesNothing, kSyncDirectoryDoesNothing };
  Lie lie = Lie::kNone;
};

class SimDisk : public env::Disk {
 public:
  explicit SimDisk(uint64_t seed);
  ~SimDisk() override;

  DiskFaults& faults() { return faults_; }
  void PowerCut();
  // The power goes out in the middle of the n-th call from now: from then on every call fails, until PowerCut().
  void LosePowerAfter(uint64_t calls) { calls_until_dark_ = calls; }
  bool dark() const { return calls_until_dark_ == 0; }

  // Flips one bit of a file, on the medium and in the cache. REQUIRES: the file exists and is longer than offset.
  void FlipBit(const std::string& path, uint64_t offset, int bit);
  // Every file, sorted.
  std::vector<std::string> Files() const;
  // The current content, without faults. REQUIRES: the file exists.
  std::string Content(const std::string& path) const;
  uint64_t used_bytes() const;
  uint64_t reserved_bytes() const;           // room that files keep behind their ends
  uint64_t syncs() const { return syncs_; }  // calls of File::Sync
  // A sync of a file or a directory failed since the last power cut: what readers see is no longer what the disk will
  // hold.
  bool sync_failed() const { return sync_failed_; }
  uint64_t open_files() const { return open_files_; }

  absl::StatusOr<std::unique_ptr<env::File>> Open(const std::string& path, env::OpenMode mode) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<bool> Exists(const std::string& path) override;
  absl::StatusOr<env::DiskSpace> Space(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<env::DirectoryLock>> LockDirectory(const std::string& path) override;

 private:
  friend class SimFile;
  friend class SimLock;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  // One change of a directory that is not synced: take names out, put one in.
  struct NameChange {
    std::string removed;  // empty: none
    std::string added;    // empty: none
    NodePtr node;
  };
  struct Node {
    bool directory = false;
    // A file: what a reader sees, what the medium holds, and which sectors differ.
    std::string bytes;
    std::string durable;
    std::set<uint64_t> dirty_sectors;
    std::optional<uint64_t> cut_to;  // the smallest truncation since the last sync
    uint64_t reserved_to = 0;        // room is kept up to here
    // A directory.
    std::map<std::string, NodePtr> names;
    std::map<std::string, NodePtr> durable_names;
    std::vector<NameChange> changes;
  };

  absl::Status CheckPower(std::string_view what, std::string_view path);
  bool Chance(uint64_t one_in) { return one_in != 0 && random_.OneIn(one_in); }
  NodePtr FindNode(std::string_view path) const;
  NodePtr FindParent(std::string_view path, std::string* name) const;
  absl::Status Write(Node& node, std::string_view path, uint64_t offset, std::string_view bytes);
  absl::Status Sync(Node& node, std::string_view path);
  static void Change(Node& directory, NameChange change);
  static void Apply(std::map<std::string, NodePtr>* names, const NameChange& change);
  static void PersistSector(Node& node, uint64_t sector);
  void CutFile(Node& node);
  void CutDirectory(Node& node);
  void Walk(const NodePtr& node, const std::string& path,
            const std::function<void(const std::string&, const NodePtr&)>& visit) const;

  Random random_;
  DiskFaults faults_;
  NodePtr root_;
  std::set<std::string> locks_;
  uint64_t generation_ = 1;
  uint64_t calls_until_dark_ = UINT64_MAX;
  uint64_t syncs_ = 0;
  bool sync_failed_ = false;
  uint64_t open_files_ = 0;
};

}  // namespace leat::sim
