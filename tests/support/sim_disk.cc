#include "tests/support/sim_disk.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"

namespace leat::sim {

class SimFile : public env::File {
 public:
  SimFile(SimDisk& disk, SimDisk::NodePtr node, std::string path, env::OpenMode mode)
      : disk_(disk), node_(std::move(node)), path_(std::move(path)), mode_(mode), generation_(disk.generation_) {
    ++disk_.open_files_;
  }
  ~SimFile() override { --disk_.open_files_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t n) const override {
    LEAT_RETURN_IF_ERROR(Check("read"));
    if (disk_.Chance(disk_.faults_.read_eio_one_in))
      return DataLoss("read ", path_, ": input/output error (simulated)");
    if (offset >= node_->bytes.size()) return size_t{0};
    const size_t count = std::min(n, node_->bytes.size() - static_cast<size_t>(offset));
    std::copy_n(node_->bytes.data() + offset, count, buffer);
    return count;
  }
  absl::Status WriteAt(uint64_t offset, std::string_view bytes) override {
    LEAT_RETURN_IF_ERROR(Check("write"));
    if (mode_ == env::OpenMode::kRead) return FailedPrecondition("write ", path_, ": opened for reading");
    return disk_.Write(*node_, path_, offset, bytes);
  }
  absl::Status Truncate(uint64_t size) override {
    LEAT_RETURN_IF_ERROR(Check("truncate"));
    SimDisk::Node& node = *node_;
    if (size < node.bytes.size()) {
      node.cut_to = std::min(node.cut_to.value_or(size), size);
      node.dirty_sectors.erase(node.dirty_sectors.upper_bound(size == 0 ? 0 : (size - 1) / kSectorBytes),
                               node.dirty_sectors.end());
      if (size == 0) node.dirty_sectors.clear();
    }
    node.bytes.resize(size, '\0');
    node.reserved_to = 0;
    return absl::OkStatus();
  }
  bool Reserve(uint64_t at, uint64_t bytes) override {
    if (!Check("reserve").ok()) return false;
    if (disk_.faults_.capacity_bytes && disk_.used_bytes() + bytes > *disk_.faults_.capacity_bytes) return false;
    node_->reserved_to = std::max(node_->reserved_to, at + bytes);
    return true;
  }
  absl::StatusOr<uint64_t> Size() const override {
    LEAT_RETURN_IF_ERROR(Check("stat"));
    return node_->bytes.size();
  }
  absl::Status Sync() override {
    LEAT_RETURN_IF_ERROR(Check("sync"));
    return disk_.Sync(*node_, path_);
  }

 private:
  absl::Status Check(std::string_view what) const {
    if (generation_ != disk_.generation_) {
      return FailedPrecondition(what, " ", path_, ": the file was opened before a power cut");
    }
    return disk_.CheckPower(what, path_);
  }
  SimDisk& disk_;
  SimDisk::NodePtr node_;
  std::string path_;
  env::OpenMode mode_;
  uint64_t generation_;
};

class SimLock : public env::DirectoryLock {
 public:
  SimLock(SimDisk& disk, std::string path) : disk_(disk), path_(std::move(path)), generation_(disk.generation_) {}
  ~SimLock() override {
    if (generation_ == disk_.generation_) disk_.locks_.erase(path_);
  }

 private:
  SimDisk& disk_;
  std::string path_;
  uint64_t generation_;
};

SimDisk::SimDisk(uint64_t seed) : random_(seed), root_(std::make_shared<Node>()) { root_->directory = true; }
SimDisk::~SimDisk() { LEAT_CHECK(open_files_ == 0) << open_files_ << " files outlive their disk"; }

absl::Status SimDisk::CheckPower(std::string_view what, std::string_view path) {
  if (calls_until_dark_ != UINT64_MAX && calls_until_dark_ > 0) --calls_until_dark_;
  if (dark()) return DataLoss(what, " ", path, ": the power is out (simulated)");
  return absl::OkStatus();
}

SimDisk::NodePtr SimDisk::FindNode(std::string_view path) const {
  NodePtr node = root_;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    const auto it = node->names.find(std::string(name));
    if (!node->directory || it == node->names.end()) return nullptr;
    node = it->second;
  }
  return node;
}

SimDisk::NodePtr SimDisk::FindParent(std::string_view path, std::string* name) const {
  *name = std::string(path.substr(path.rfind('/') + 1));
  NodePtr parent = FindNode(env::ParentPath(path));
  return parent != nullptr && parent->directory ? parent : nullptr;
}

void SimDisk::Apply(std::map<std::string, NodePtr>* names, const NameChange& change) {
  if (!change.removed.empty()) names->erase(change.removed);
  if (!change.added.empty()) (*names)[change.added] = change.node;
}

void SimDisk::Change(Node& directory, NameChange change) {
  Apply(&directory.names, change);
  directory.changes.push_back(std::move(change));
}

absl::StatusOr<std::unique_ptr<env::File>> SimDisk::Open(const std::string& path, env::OpenMode mode) {
  LEAT_RETURN_IF_ERROR(CheckPower("open", path));
  std::string name;
  const NodePtr parent = FindParent(path, &name);
  if (parent == nullptr) return NotFound("open ", path, ": no such directory");
  NodePtr node = FindNode(path);
  if (node == nullptr) {
    if (mode != env::OpenMode::kCreate) return NotFound("open ", path, ": no such file");
    if (Chance(faults_.no_space_one_in)) return ResourceExhausted("create ", path, ": no space left (simulated)");
    node = std::make_shared<Node>();
    Change(*parent, {.removed = "", .added = name, .node = node});
  }
  if (node->directory) return FailedPrecondition("open ", path, ": is a directory");
  return std::make_unique<SimFile>(*this, node, path, mode);
}

absl::Status SimDisk::CreateDirectories(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("mkdir", path));
  NodePtr node = root_;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t slash = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, slash - begin);
    begin = slash + 1;
    if (name.empty() || name == ".") continue;
    NodePtr& child = node->names[name];
    if (child == nullptr) {
      child = std::make_shared<Node>();
      child->directory = true;
      // The parent is synced, and with it what else changed there.
      node->durable_names = node->names;
      node->changes.clear();
    }
    if (!child->directory) return FailedPrecondition("mkdir ", path, ": ", name, " is a file");
    node = child;
  }
  return absl::OkStatus();
}

absl::Status SimDisk::CreateDirectory(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("mkdir", path));
  std::string name;
  const NodePtr parent = FindParent(path, &name);
  if (parent == nullptr) return NotFound("mkdir ", path, ": no such directory above it");
  if (const auto there = parent->names.find(name); there != parent->names.end()) {
    if (!there->second->directory) return FailedPrecondition("mkdir ", path, ": it is a file");
    return absl::OkStatus();
  }
  auto made = std::make_shared<Node>();
  made->directory = true;
  Change(*parent, {.removed = {}, .added = name, .node = made});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> SimDisk::List(const std::string& directory) {
  LEAT_RETURN_IF_ERROR(CheckPower("list", directory));
  const NodePtr node = FindNode(directory);
  if (node == nullptr) return NotFound("list ", directory, ": no such directory");
  if (!node->directory) return FailedPrecondition("list ", directory, ": not a directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

absl::Status SimDisk::Rename(const std::string& from, const std::string& to) {
  LEAT_RETURN_IF_ERROR(CheckPower("rename", from));
  std::string from_name, to_name;
  const NodePtr from_parent = FindParent(from, &from_name);
  const NodePtr to_parent = FindParent(to, &to_name);
  const NodePtr node = FindNode(from);
  if (from_parent == nullptr || to_parent == nullptr || node == nullptr) {
    return NotFound("rename ", from, " to ", to, ": no such file or directory");
  }
  if (from_parent == to_parent) {
    Change(*to_parent, {.removed = from_name, .added = to_name, .node = node});
  } else {
    Change(*to_parent, {.removed = "", .added = to_name, .node = node});
    Change(*from_parent, {.removed = from_name, .added = "", .node = nullptr});
  }
  return absl::OkStatus();
}

absl::Status SimDisk::Remove(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("remove", path));
  std::string name;
  const NodePtr parent = FindParent(path, &name);
  const NodePtr node = FindNode(path);
  if (parent == nullptr || node == nullptr) return NotFound("remove ", path, ": no such file");
  if (node->directory && !node->names.empty()) return FailedPrecondition("remove ", path, ": directory not empty");
  Change(*parent, {.removed = name, .added = "", .node = nullptr});
  return absl::OkStatus();
}

absl::StatusOr<bool> SimDisk::Exists(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("stat", path));
  return FindNode(path) != nullptr;
}

// The simulated disk is full when its faults say so, not at a size.
absl::StatusOr<env::DiskSpace> SimDisk::Space(const std::string& path) {
  if (dark()) return DataLoss("statvfs ", path, ": the power is out (simulated)");
  return env::DiskSpace{uint64_t{1} << 40, uint64_t{1} << 39};
}

absl::Status SimDisk::SyncDirectory(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("sync directory", path));
  const NodePtr node = FindNode(path);
  if (node == nullptr || !node->directory) return NotFound("sync ", path, ": no such directory");
  if (Chance(faults_.sync_eio_one_in)) {
    sync_failed_ = true;
    return DataLoss("sync ", path, ": input/output error (simulated)");
  }
  if (faults_.lie == DiskFaults::Lie::kSyncDirectoryDoesNothing) return absl::OkStatus();
  node->durable_names = node->names;
  node->changes.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<env::DirectoryLock>> SimDisk::LockDirectory(const std::string& path) {
  LEAT_RETURN_IF_ERROR(CheckPower("lock", path));
  if (!locks_.insert(path).second) return FailedPrecondition("lock ", path, ": held by process 1 (simulated)");
  return std::make_unique<SimLock>(*this, path);
}

absl::Status SimDisk::Write(Node& node, std::string_view path, uint64_t offset, std::string_view bytes) {
  absl::Status failure;
  size_t count = bytes.size();
  if (Chance(faults_.write_eio_one_in)) {
    failure = DataLoss("write ", path, ": input/output error (simulated)");
    count = random_.Below(bytes.size() + 1);
  } else if (Chance(faults_.no_space_one_in)) {
    failure = ResourceExhausted("write ", path, ": no space left on device (simulated)");
    count = random_.Below(bytes.size() + 1);
  } else if (faults_.capacity_bytes) {
    const uint64_t growth =
        std::max(offset + bytes.size(), static_cast<uint64_t>(node.bytes.size())) - node.bytes.size();
    const uint64_t used = used_bytes();
    if (used + growth > *faults_.capacity_bytes) {
      failure = ResourceExhausted("write ", path, ": no space left on device (simulated)");
      const uint64_t room = *faults_.capacity_bytes > used ? *faults_.capacity_bytes - used : 0;
      count = static_cast<size_t>(std::min<uint64_t>(room, bytes.size()));
    }
  }
  if (count > 0) {
    if (node.bytes.size() < offset + count) node.bytes.resize(offset + count, '\0');
    std::copy_n(bytes.data(), count, node.bytes.data() + offset);
    for (uint64_t s = offset / kSectorBytes; s <= (offset + count - 1) / kSectorBytes; ++s)
      node.dirty_sectors.insert(s);
  }
  return failure;
}

void SimDisk::PersistSector(Node& node, uint64_t sector) {
  const uint64_t begin = sector * kSectorBytes;
  const uint64_t end = std::min<uint64_t>(begin + kSectorBytes, node.bytes.size());
  if (begin >= end) return;
  if (node.durable.size() < end) node.durable.resize(end, '\0');
  std::copy(node.bytes.begin() + static_cast<int64_t>(begin), node.bytes.begin() + static_cast<int64_t>(end),
            node.durable.begin() + static_cast<int64_t>(begin));
}

absl::Status SimDisk::Sync(Node& node, std::string_view path) {
  ++syncs_;
  if (faults_.lie == DiskFaults::Lie::kSyncDoesNothing) return absl::OkStatus();
  const bool fails = Chance(faults_.sync_eio_one_in);
  if (node.cut_to && !fails) node.durable.resize(std::min<uint64_t>(node.durable.size(), *node.cut_to));
  for (const uint64_t sector : node.dirty_sectors) {
    if (!fails || random_.OneIn(2)) PersistSector(node, sector);
  }
  // After a failed sync the kernel calls the pages clean: nobody will write them again.
  node.dirty_sectors.clear();
  sync_failed_ |= fails;
  if (fails) return DataLoss("sync ", path, ": input/output error (simulated)");
  node.durable.resize(node.bytes.size(), '\0');
  node.cut_to.reset();
  return absl::OkStatus();
}

void SimDisk::CutFile(Node& node) {
  if (node.cut_to && random_.OneIn(2)) node.durable.resize(std::min<uint64_t>(node.durable.size(), *node.cut_to));
  const uint64_t keep_mode = random_.Below(4);  // nothing, everything, half, most
  for (const uint64_t sector : node.dirty_sectors) {
    const bool keep = keep_mode == 1 || (keep_mode == 2 && random_.OneIn(2)) || (keep_mode == 3 && !random_.OneIn(8));
    if (keep) PersistSector(node, sector);
  }
  // The new size may be on the medium although the bytes are not.
  if (node.durable.size() < node.bytes.size() && random_.OneIn(2)) {
    node.durable.resize(static_cast<size_t>(random_.Between(static_cast<int64_t>(node.durable.size()),
                                                            static_cast<int64_t>(node.bytes.size()))),
                        '\0');
  }
  node.bytes = node.durable;
  node.dirty_sectors.clear();
  node.cut_to.reset();
}

void SimDisk::CutDirectory(Node& node) {
  const bool prefix = random_.OneIn(2);
  const size_t kept = static_cast<size_t>(random_.Below(node.changes.size() + 1));
  for (size_t i = 0; i < node.changes.size(); ++i) {
    if (prefix ? i < kept : random_.OneIn(2)) Apply(&node.durable_names, node.changes[i]);
  }
  node.changes.clear();
  node.names = node.durable_names;
}

void SimDisk::PowerCut() {
  const std::function<void(Node&)> cut = [&](Node& node) {
    if (!node.directory) return CutFile(node);
    CutDirectory(node);
    for (const auto& [name, child] : node.names) cut(*child);
  };
  cut(*root_);
  locks_.clear();
  ++generation_;
  sync_failed_ = false;
  calls_until_dark_ = UINT64_MAX;
}

void SimDisk::Walk(const NodePtr& node, const std::string& path,
                   const std::function<void(const std::string&, const NodePtr&)>& visit) const {
  if (!node->directory) return visit(path, node);
  for (const auto& [name, child] : node->names) Walk(child, path.empty() ? name : env::JoinPath(path, name), visit);
}

void SimDisk::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const NodePtr node = FindNode(path);
  LEAT_CHECK(node != nullptr && offset < node->bytes.size()) << path << " has no byte " << offset;
  const char mask = static_cast<char>(1 << bit);
  node->bytes[offset] = static_cast<char>(node->bytes[offset] ^ mask);
  if (offset < node->durable.size()) node->durable[offset] = static_cast<char>(node->durable[offset] ^ mask);
}

std::vector<std::string> SimDisk::Files() const {
  std::vector<std::string> paths;
  Walk(root_, "", [&](const std::string& path, const NodePtr&) { paths.push_back(path); });
  return paths;
}

std::string SimDisk::Content(const std::string& path) const {
  const NodePtr node = FindNode(path);
  LEAT_CHECK(node != nullptr && !node->directory) << "no file " << path;
  return node->bytes;
}

uint64_t SimDisk::used_bytes() const {
  uint64_t bytes = 0;
  Walk(root_, "", [&](const std::string&, const NodePtr& node) { bytes += node->bytes.size(); });
  return bytes;
}

uint64_t SimDisk::reserved_bytes() const {
  uint64_t bytes = 0;
  Walk(root_, "", [&](const std::string&, const NodePtr& node) {
    if (node->reserved_to > node->bytes.size()) bytes += node->reserved_to - node->bytes.size();
  });
  return bytes;
}

}  // namespace leat::sim
