// What the tables of one StateBackend share: the committed store below, the memory they may use, and the entries that
// may be evicted. Internal to stream/state; on the task's thread.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "stream/state/committed_store.h"
#include "stream/state/key_filter.h"
#include "stream/state/state_table.h"

namespace leat::state {

class OverlayTable;
struct NamespaceMap;

inline constexpr int64_t kNoEpoch = -1;

// One key of one namespace. Its life: changed in the running epoch (dirty), then taken at a barrier and ahead of the
// store (unapplied) until OnApplied, then clean: only then linked into the list from which entries are evicted. What
// is removed before the store was ever given it never gets there.
struct Entry {
  size_t hash = 0;  // of the key, so that growing a map reads no key
  std::string key;
  std::string value;
  NamespaceMap* home = nullptr;
  Entry* previous = nullptr;  // both null unless in the clean list or in the table's unapplied one
  Entry* next = nullptr;
  int64_t taken_epoch = kNoEpoch;  // the last epoch that took it, while it is in the unapplied list
  uint32_t bytes = 0;              // as charged to the overlay
  uint16_t group = 0;
  bool exists = false;          // false: known to be absent (erased, or the store was asked)
  bool dirty = false;           // in home->dirty
  bool unapplied = false;       // in the table's unapplied list
  bool maybe_in_log = false;    // the changelog's last word on it may be a value
  bool maybe_in_store = false;  // an earlier value may be in the store or on its way there
  bool referenced = false;      // used since the eviction hand last passed
};

struct EntryKey {
  std::string_view key;
  size_t hash;
};
inline size_t HashKey(std::string_view key) { return absl::HashOf(ToAbsl(key)); }

struct EntryHash {
  using is_transparent = void;
  size_t operator()(const std::unique_ptr<Entry>& entry) const { return entry->hash; }
  size_t operator()(const EntryKey& key) const { return key.hash; }
};
struct EntryEqual {
  using is_transparent = void;
  bool operator()(const std::unique_ptr<Entry>& a, const std::unique_ptr<Entry>& b) const { return a->key == b->key; }
  bool operator()(const std::unique_ptr<Entry>& a, const EntryKey& b) const {
    return a->hash == b.hash && a->key == b.key;
  }
};

struct NamespaceMap {
  OverlayTable* table = nullptr;
  Namespace ns = 0;
  bool complete = false;  // what is not in `entries` is not in the store either
  // If not complete: what is neither in `entries` nor here is not in the store. Null: that is not known.
  std::unique_ptr<KeyFilter> evicted;
  size_t live = 0;  // entries that exist
  absl::flat_hash_set<std::unique_ptr<Entry>, EntryHash, EntryEqual> entries;
  std::vector<Entry*> dirty;
  bool listed = false;  // among the table's dirty homes
};

class Overlay {
 public:
  Overlay(CommittedStore& store, size_t budget_bytes);
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  CommittedStore& store() { return store_; }
  size_t budget_bytes() const { return budget_bytes_; }
  size_t memory_bytes() const { return memory_bytes_ + filter_bytes_; }
  size_t dirty_bytes() const { return memory_bytes_ - clean_bytes_; }

  // Charges an entry that is new or whose value changed. REQUIRES: not in the clean list.
  void Charge(Entry& entry);
  void LinkClean(Entry& entry);
  void UnlinkClean(Entry& entry);
  // Takes the entry out of its list and its namespace and frees it. REQUIRES: in no dirty list.
  void Free(Entry& entry);
  // Takes the entries out of the namespace that came in the running epoch, and with them all trace that they were
  // there.
  void FreeUntaken(NamespaceMap& home);
  // All that the store holds of the namespace is in its entries.
  void SetComplete(NamespaceMap& home);
  // Frees clean entries until the budget holds or none is left. An entry that a table handed out last stays.
  void EvictAboveBudget();

 private:
  void RememberEvicted(const Entry& entry);
  void DropFilter(NamespaceMap& home);

  CommittedStore& store_;
  size_t budget_bytes_;
  size_t memory_bytes_ = 0;  // of entries
  size_t filter_bytes_ = 0;
  size_t clean_bytes_ = 0;
  size_t clean_count_ = 0;
  Entry clean_;  // the head of a ring: next is the oldest
};

}  // namespace leat::state
