#include "stream/exec/keyed_block.h"

#include <algorithm>

#include "base/check.h"

namespace leat::exec {

namespace {
constexpr size_t kFirstSlots = 16;
constexpr size_t kMostKeyBytes = size_t{1} << 31;
}  // namespace

uint32_t KeyedBlock::FindOrAdd(uint64_t hash, std::string_view key, bool* added) {
  if (entries_.size() * 4 >= table_.size() * 3) Grow();
  const size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t found = table_[slot] - 1;
    if (entries_[found].hash == hash && this->key(found) == key) {
      *added = false;
      return found;
    }
  }
  LEAT_CHECK(keys_.size() + key.size() < kMostKeyBytes) << "keys of one slice pass " << kMostKeyBytes << " bytes";
  const auto entry = static_cast<uint32_t>(entries_.size());
  table_[slot] = entry + 1;
  Entry made{hash, static_cast<uint32_t>(keys_.size()), 0, 0};
  made.key_size = static_cast<uint32_t>(key.size()) & 0x7fffffff;
  entries_.push_back(made);
  keys_.append(key);
  values_.resize(values_.size() + value_bytes_);
  *added = true;
  return entry;
}

void KeyedBlock::Grow() {
  const size_t slots = std::max(kFirstSlots, table_.size() * 2);
  table_.assign(slots, 0);
  for (uint32_t entry = 0; entry < entries_.size(); ++entry) {
    size_t slot = entries_[entry].hash & (slots - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (slots - 1);
    table_[slot] = entry + 1;
  }
}

std::vector<uint32_t> KeyedBlock::TakeDirty() {
  for (const uint32_t entry : dirty_) entries_[entry].dirty = 0;
  return std::exchange(dirty_, {});
}

data::TextArena& KeyedBlock::texts() {
  if (texts_ == nullptr) texts_ = std::make_unique<data::TextArena>();
  return *texts_;
}

void KeyedBlock::Clear() {
  // Only the slots in use are wiped when they are few: a block that was once large stays cheap to empty.
  if (entries_.size() * 8 < table_.size()) {
    const size_t mask = table_.size() - 1;
    for (const Entry& entry : entries_) {
      for (size_t slot = entry.hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) table_[slot] = 0;
    }
  } else {
    std::ranges::fill(table_, 0);
  }
  entries_.clear();
  keys_.clear();
  values_.clear();
  dirty_.clear();
  texts_.reset();
}

size_t KeyedBlock::MemoryBytes() const {
  return entries_.capacity() * sizeof(Entry) + table_.capacity() * sizeof(uint32_t) + keys_.capacity() +
         values_.capacity() + dirty_.capacity() * sizeof(uint32_t) + (texts_ == nullptr ? 0 : texts_->bytes());
}

}  // namespace leat::exec
