#include "stream/exec/slice_store.h"

#include <cstring>

#include "base/bytes.h"

namespace leat::exec {
namespace {

constexpr size_t kMostSpare = 32;
constexpr size_t kLargestSpareBytes = size_t{4} << 20;

}  // namespace

Slice::Slice(const AccumulatorLayout& layout) : groups(layout.bytes()) {
  for (size_t i = 0; i < layout.slots().size(); ++i) distinct.emplace_back(sizeof(int64_t));
}

void Slice::Clear() {
  groups.Clear();
  for (KeyedBlock& block : distinct) block.Clear();
  in_memory = true;
  stored = false;
}

size_t Slice::MemoryBytes() const {
  size_t bytes = sizeof(Slice) + groups.MemoryBytes();
  for (const KeyedBlock& block : distinct) bytes += block.MemoryBytes();
  return bytes;
}

void AppendDistinctKey(std::string_view group, std::string_view value, std::string* out) {
  BytesWriter(out).WriteUnsignedVarint(group.size());
  out->append(group);
  out->append(value);
}

bool SplitDistinctKey(std::string_view key, std::string_view* group, std::string_view* value) {
  BytesReader reader(key);
  const uint32_t size = reader.ReadUnsignedVarint();
  *group = reader.ReadBytes(size);
  *value = reader.rest();
  return reader.ok();
}

absl::StatusOr<std::unique_ptr<SliceStore>> SliceStore::Open(const AccumulatorLayout& layout,
                                                             state::StateBackend& backend, int node_id,
                                                             const Options& options) {
  auto store = std::make_unique<SliceStore>(layout, options);
  store->groups_ = &backend.Table(node_id, kGroupTable);
  for (size_t i = 0; i < layout.slots().size(); ++i) {
    const bool used = layout.slots()[i].distinct;
    store->distinct_.push_back(used ? &backend.Table(node_id, kFirstSlotTable + static_cast<int>(i)) : nullptr);
  }
  for (int64_t from = INT64_MIN;;) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> end, store->groups_->NextNamespace(from));
    if (!end) break;
    auto slice = std::make_unique<Slice>(layout);
    slice->in_memory = false;
    slice->stored = true;
    store->slices_.emplace(*end, std::move(slice));
    if (*end == INT64_MAX) break;
    from = *end + 1;
  }
  return store;
}

absl::StatusOr<Slice*> SliceStore::Use(int64_t end) {
  std::unique_ptr<Slice>& slice = slices_[end];
  if (slice == nullptr) {
    if (spare_.empty()) {
      slice = std::make_unique<Slice>(layout_);
    } else {
      slice = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (!slice->in_memory) LEAT_RETURN_IF_ERROR(Load(end, slice.get()));
  return slice.get();
}

std::optional<int64_t> SliceStore::Next(int64_t from) const {
  const auto found = slices_.lower_bound(from);
  return found == slices_.end() ? std::nullopt : std::optional<int64_t>(found->first);
}

absl::StatusOr<Slice*> SliceStore::Find(int64_t end) {
  if (!slices_.contains(end)) return nullptr;
  return Use(end);
}

absl::Status SliceStore::Load(int64_t end, Slice* slice) {
  absl::Status damaged;
  std::vector<char> block(layout_.bytes());
  LEAT_RETURN_IF_ERROR(groups_->Scan(end, [&](std::string_view key, std::string_view value) {
    if (const absl::Status loaded = layout_.Load(value, block.data()); !loaded.ok()) {
      damaged = loaded;
      return;
    }
    bool added = false;
    const uint32_t entry = slice->groups.FindOrAdd(HashKeyBytes(key), key, &added);
    // Merging into an empty accumulator copies it; texts must move into the slice's own memory first.
    layout_.OwnTexts(block.data(), slice->groups.texts());
    if (!block.empty()) std::memcpy(slice->groups.value(entry), block.data(), block.size());
  }));
  for (size_t i = 0; i < distinct_.size(); ++i) {
    if (distinct_[i] == nullptr) continue;
    LEAT_RETURN_IF_ERROR(distinct_[i]->Scan(end, [&](std::string_view key, std::string_view value) {
      if (value.size() != sizeof(int64_t)) {
        damaged = DataLoss("state: a DISTINCT count of ", value.size(), " bytes, expected ", sizeof(int64_t));
        return;
      }
      bool added = false;
      const uint32_t entry = slice->distinct[i].FindOrAdd(HashKeyBytes(key), key, &added);
      std::memcpy(slice->distinct[i].value(entry), value.data(), sizeof(int64_t));
    }));
  }
  slice->in_memory = damaged.ok();
  return damaged;
}

absl::Status SliceStore::Erase(int64_t end) {
  const auto found = slices_.find(end);
  if (found == slices_.end()) return absl::OkStatus();
  Slice& slice = *found->second;
  if (slice.stored) {
    LEAT_RETURN_IF_ERROR(groups_->EraseNamespace(end));
    for (state::StateTable* table : distinct_) {
      if (table != nullptr) LEAT_RETURN_IF_ERROR(table->EraseNamespace(end));
    }
  }
  if (spare_.size() < kMostSpare && slice.MemoryBytes() <= kLargestSpareBytes) {
    slice.Clear();
    spare_.push_back(std::move(found->second));
  }
  slices_.erase(found);
  return absl::OkStatus();
}

absl::Status SliceStore::FlushSlice(int64_t end, Slice* slice) {
  if (!slice->in_memory) return absl::OkStatus();
  slice->stored = slice->stored || slice->groups.dirty();
  bool inserted = false;
  for (const uint32_t entry : slice->groups.TakeDirty()) {
    LEAT_ASSIGN_OR_RETURN(std::string * value, groups_->Mutate(end, slice->groups.key(entry), &inserted));
    value->clear();
    layout_.Store(slice->groups.value(entry), value);
  }
  for (size_t i = 0; i < distinct_.size(); ++i) {
    for (const uint32_t entry : slice->distinct[i].TakeDirty()) {
      LEAT_ASSIGN_OR_RETURN(std::string * value, distinct_[i]->Mutate(end, slice->distinct[i].key(entry), &inserted));
      value->assign(slice->distinct[i].value(entry), sizeof(int64_t));
    }
  }
  return absl::OkStatus();
}

absl::Status SliceStore::Flush() {
  for (auto& [end, slice] : slices_) LEAT_RETURN_IF_ERROR(FlushSlice(end, slice.get()));
  return absl::OkStatus();
}

absl::Status SliceStore::EnforceLimit() {
  size_t bytes = 0;
  for (const auto& [end, slice] : slices_) bytes += slice->MemoryBytes();
  if (bytes <= options_.memory_bytes) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(Flush());
  // Down to half, so that this is rare. The oldest slices go first: they get no more rows, only reads.
  for (auto& [end, slice] : slices_) {
    if (bytes <= options_.memory_bytes / 2) break;
    if (!slice->in_memory) continue;
    bytes -= slice->MemoryBytes();
    slice = std::make_unique<Slice>(layout_);
    slice->in_memory = false;
    slice->stored = true;
  }
  return absl::OkStatus();
}

}  // namespace leat::exec
