// A hash map from keys to fixed-size blocks of bytes, in three flat arrays: made for accumulating a batch of rows and
// for being emptied and used again without giving memory back. One owner, one thread.
#pragma once

#include <absl/hash/hash.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "stream/data/column.h"

namespace leat::exec {

inline uint64_t HashKeyBytes(std::string_view key) { return absl::HashOf(ToAbsl(key)); }

class KeyedBlock {
 public:
  explicit KeyedBlock(size_t value_bytes) : value_bytes_(value_bytes) {}

  // The entry of the key; a new one has a zeroed value. REQUIRES: hash = HashKeyBytes(key).
  uint32_t FindOrAdd(uint64_t hash, std::string_view key, bool* added);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  uint64_t hash(uint32_t entry) const { return entries_[entry].hash; }
  // Valid until the next FindOrAdd.
  std::string_view key(uint32_t entry) const {
    return std::string_view(keys_).substr(entries_[entry].key_start, entries_[entry].key_size);
  }
  char* value(uint32_t entry) { return values_.data() + entry * value_bytes_; }
  const char* value(uint32_t entry) const { return values_.data() + entry * value_bytes_; }

  // Entries changed since the last TakeDirty, each once.
  void MarkDirty(uint32_t entry) {
    if (entries_[entry].dirty) return;
    entries_[entry].dirty = true;
    dirty_.push_back(entry);
  }
  std::vector<uint32_t> TakeDirty();
  bool dirty() const { return !dirty_.empty(); }

  data::TextArena& texts();  // what text values point into
  void Clear();              // keeps the arrays
  size_t MemoryBytes() const;

 private:
  struct Entry {
    uint64_t hash;
    uint32_t key_start;
    uint32_t key_size : 31;
    uint32_t dirty : 1;
  };
  void Grow();

  size_t value_bytes_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> table_;  // entry + 1; 0 is free
  std::string keys_;
  std::vector<char> values_;
  std::vector<uint32_t> dirty_;
  std::unique_ptr<data::TextArena> texts_;
};

}  // namespace leat::exec
