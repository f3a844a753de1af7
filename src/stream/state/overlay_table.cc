#include "stream/state/overlay_table.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/data/key_codec.h"

namespace leat::state {
namespace {

size_t RecentSlot(Namespace ns, size_t slots) {
  // Window ends are multiples of the slide: a multiplication spreads them.
  return (static_cast<uint64_t>(ns) * 0x9e3779b97f4a7c15u >> 32) % slots;
}

// An entry with the first bytes of what it is sorted by, so that few comparisons have to look at the entry itself,
// which is in no cache: the keys of a join begin with five bytes that are all the same.
struct SortItem {
  explicit SortItem(Entry& of) : ns(of.home->ns), entry(&of) {
    std::array<char, 2 * sizeof(uint64_t)> bytes{};
    StoreBigEndian<uint16_t>(bytes.data(), of.group);
    std::memcpy(bytes.data() + sizeof(uint16_t), of.key.data(),
                std::min(of.key.size(), bytes.size() - sizeof(uint16_t)));
    first = LoadBigEndian<uint64_t>(bytes.data());
    second = LoadBigEndian<uint64_t>(bytes.data() + sizeof(uint64_t));
  }
  Namespace ns;
  uint64_t first;
  uint64_t second;
  Entry* entry;
};

// The order of the state keys.
bool ComesBefore(const SortItem& a, const SortItem& b) {
  if (a.ns != b.ns) return a.ns < b.ns;
  if (a.first != b.first) return a.first < b.first;
  return a.second != b.second ? a.second < b.second : a.entry->key < b.entry->key;
}

// Sorted entries lie all over the memory: fetches the one that is visited a few steps later.
void FetchAhead(const std::vector<SortItem>& items, size_t at) {
  constexpr size_t kSteps = 8;
  constexpr size_t kCacheLine = 64;
  if (at + kSteps >= items.size()) return;
  const char* const entry = reinterpret_cast<const char*>(items[at + kSteps].entry);
  __builtin_prefetch(entry);
  __builtin_prefetch(entry + kCacheLine);
}

}  // namespace

OverlayTable::OverlayTable(TableId id, Overlay& overlay) : id_(id), overlay_(overlay) {
  unapplied_.next = &unapplied_;
  unapplied_.previous = &unapplied_;
  opened_ = LoadNamespaces();
}

absl::Status OverlayTable::LoadNamespaces() {
  CommittedStore& store = overlay_.store();
  if (store.position() < 0) return absl::OkStatus();  // nothing was ever committed
  const std::string end = PrefixEnd(TablePrefix(id_));
  std::string begin = TablePrefix(id_);
  // From the first entry of each namespace straight to the next namespace.
  while (true) {
    std::optional<std::string> found;
    LEAT_RETURN_IF_ERROR(store.Scan(begin, end, [&](std::string_view key, std::string_view) {
      found = std::string(key);
      return false;
    }));
    if (!found.has_value()) return absl::OkStatus();
    LEAT_ASSIGN_OR_RETURN(const StateKey key, ParseStateKey(*found));
    MakeHome(key.ns).complete = false;
    if (key.ns == INT64_MAX) return absl::OkStatus();
    begin = NamespacePrefix(id_, key.ns + 1);
  }
}

NamespaceMap* OverlayTable::FindHome(Namespace ns) {
  NamespaceMap*& recent = recent_[RecentSlot(ns, kHomesCached)];
  if (recent != nullptr && recent->ns == ns) return recent;
  const auto found = homes_.find(ns);
  if (found == homes_.end()) return nullptr;
  recent = found->second.get();
  return recent;
}

NamespaceMap& OverlayTable::MakeHome(Namespace ns) {
  auto& home = homes_[ns];
  home = std::make_unique<NamespaceMap>();
  home->table = this;
  home->ns = ns;
  home->complete = true;
  recent_[RecentSlot(ns, kHomesCached)] = home.get();
  return *home;
}

void OverlayTable::DropIfEmpty(NamespaceMap& home) {
  if (!home.complete || !home.entries.empty() || home.listed) return;
  NamespaceMap*& recent = recent_[RecentSlot(home.ns, kHomesCached)];
  if (recent == &home) recent = nullptr;
  homes_.erase(home.ns);
}

Entry* OverlayTable::FindEntry(NamespaceMap& home, EntryKey key) {
  const auto found = home.entries.find(key);
  return found == home.entries.end() ? nullptr : found->get();
}

Entry& OverlayTable::AddEntry(NamespaceMap& home, EntryKey key) {
  auto made = std::make_unique<Entry>();
  Entry& entry = *made;
  entry.hash = key.hash;
  entry.key = std::string(key.key);
  entry.home = &home;
  entry.group = data::KeyGroup(key.key);
  home.entries.insert(std::move(made));
  overlay_.Charge(entry);
  return entry;
}

absl::StatusOr<Entry*> OverlayTable::LoadEntry(NamespaceMap& home, EntryKey key) {
  Entry* entry = FindEntry(home, key);
  if (entry != nullptr || IsAbsent(home, key)) return entry;
  scratch_.clear();
  AppendStateKey({id_, home.ns, data::KeyGroup(key.key), key.key}, &scratch_);
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string> value, overlay_.store().Get(scratch_));
  entry = &AddEntry(home, key);
  if (value.has_value()) {
    SetExists(*entry, *value);
    entry->maybe_in_log = true;
    entry->maybe_in_store = true;
    overlay_.Charge(*entry);
  }
  overlay_.LinkClean(*entry);
  return entry;
}

void OverlayTable::SetExists(Entry& entry, std::string_view value) {
  if (!entry.exists) ++entry.home->live;
  entry.exists = true;
  entry.value.assign(value);
}

void OverlayTable::SetAbsent(Entry& entry) {
  if (entry.exists) --entry.home->live;
  entry.exists = false;
  entry.value = std::string();  // gives the memory back
}

absl::Status OverlayTable::MarkDirty(Entry& entry) {
  if (entry.dirty) return absl::OkStatus();
  if (overlay_.dirty_bytes() > overlay_.budget_bytes()) {
    return ResourceExhausted("state: ", overlay_.dirty_bytes(), " bytes have changed since the last checkpoints, the ",
                             "limit is ", overlay_.budget_bytes(), "; take checkpoints more often or raise the limit");
  }
  PushDirty(entry);
  return absl::OkStatus();
}

void OverlayTable::PushDirty(Entry& entry) {
  if (entry.next != nullptr && !entry.unapplied) overlay_.UnlinkClean(entry);
  entry.dirty = true;
  NamespaceMap& home = *entry.home;
  if (!home.listed) dirty_homes_.push_back(&home);
  home.listed = true;
  home.dirty.push_back(&entry);
}

void OverlayTable::Recharge() {
  if (handed_out_ != nullptr && handed_out_->dirty) overlay_.Charge(*handed_out_);
}

absl::StatusOr<const std::string*> OverlayTable::Find(Namespace ns, std::string_view key) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  NamespaceMap* home = FindHome(ns);
  if (home == nullptr) return nullptr;
  LEAT_ASSIGN_OR_RETURN(Entry * entry, LoadEntry(*home, {key, HashKey(key)}));
  if (entry == nullptr) return nullptr;
  entry->referenced = true;
  if (entry->exists) handed_out_ = entry;
  if (overlay_.memory_bytes() > overlay_.budget_bytes()) overlay_.EvictAboveBudget();
  return handed_out_ == nullptr ? nullptr : &handed_out_->value;
}

absl::StatusOr<std::string*> OverlayTable::Mutate(Namespace ns, std::string_view key, bool* inserted) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  NamespaceMap* home = FindHome(ns);
  if (home == nullptr) home = &MakeHome(ns);
  const EntryKey entry_key{key, HashKey(key)};
  LEAT_ASSIGN_OR_RETURN(Entry * entry, LoadEntry(*home, entry_key));
  if (entry == nullptr) entry = &AddEntry(*home, entry_key);
  if (absl::Status marked = MarkDirty(*entry); !marked.ok()) {
    // A new entry holds nothing: leave no trace of it.
    if (!entry->exists && entry->next == nullptr) overlay_.Free(*entry);
    DropIfEmpty(*home);
    return marked;
  }
  entry->referenced = true;
  *inserted = !entry->exists;
  if (*inserted) SetExists(*entry, {});
  handed_out_ = entry;
  if (overlay_.memory_bytes() > overlay_.budget_bytes()) overlay_.EvictAboveBudget();
  return &entry->value;
}

absl::Status OverlayTable::Erase(Namespace ns, std::string_view key) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  NamespaceMap* home = FindHome(ns);
  if (home == nullptr) return absl::OkStatus();
  const EntryKey entry_key{key, HashKey(key)};
  Entry* entry = FindEntry(*home, entry_key);
  if (entry == nullptr) {
    if (IsAbsent(*home, entry_key)) return absl::OkStatus();
    entry = &AddEntry(*home, entry_key);  // a removal needs no look at the store
    entry->maybe_in_log = true;
    entry->maybe_in_store = true;
  } else if (!entry->exists) {
    return absl::OkStatus();
  }
  EraseEntry(*entry);
  return absl::OkStatus();
}

void OverlayTable::EraseEntry(Entry& entry) {
  // Removals are let in above the budget: they are how state shrinks.
  SetAbsent(entry);
  if (!entry.dirty) PushDirty(entry);
  overlay_.Charge(entry);
}

absl::Status OverlayTable::ScanStore(NamespaceMap& home,
                                     absl::FunctionRef<bool(EntryKey key, std::string_view value)> visit) {
  if (home.complete) return absl::OkStatus();
  const std::string begin = NamespacePrefix(id_, home.ns);
  absl::Status parsed;
  LEAT_RETURN_IF_ERROR(
      overlay_.store().Scan(begin, PrefixEnd(begin), [&](std::string_view key, std::string_view value) {
        const absl::StatusOr<StateKey> state_key = ParseStateKey(key);
        if (!state_key.ok()) {
          parsed = state_key.status();
          return false;
        }
        const EntryKey entry_key{state_key->key, HashKey(state_key->key)};
        return home.entries.contains(entry_key) || visit(entry_key, value);
      }));
  return parsed;
}

absl::Status OverlayTable::EraseNamespace(Namespace ns) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  NamespaceMap* home = FindHome(ns);
  if (home == nullptr) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(ScanStore(*home, [&](EntryKey key, std::string_view) {
    Entry& entry = AddEntry(*home, key);
    entry.maybe_in_log = true;
    entry.maybe_in_store = true;
    EraseEntry(entry);
    return true;
  }));
  overlay_.FreeUntaken(*home);
  for (const auto& entry : home->entries) {
    if (entry->exists) EraseEntry(*entry);
  }
  overlay_.SetComplete(*home);  // all that is left of it are removals
  return absl::OkStatus();
}

absl::Status OverlayTable::Scan(Namespace ns, absl::FunctionRef<void(std::string_view, std::string_view)> visit) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  NamespaceMap* home = FindHome(ns);
  if (home == nullptr) return absl::OkStatus();
  for (const auto& entry : home->entries) {
    if (entry->exists) visit(entry->key, entry->value);
  }
  bool all_kept = true;
  LEAT_RETURN_IF_ERROR(ScanStore(*home, [&](EntryKey key, std::string_view value) {
    visit(key.key, value);
    // What fits comfortably stays, since a window's slices are read several times.
    if (overlay_.memory_bytes() < overlay_.budget_bytes() / 4 * 3) {
      Entry& entry = AddEntry(*home, key);
      SetExists(entry, value);
      entry.maybe_in_log = true;
      entry.maybe_in_store = true;
      overlay_.Charge(entry);
      overlay_.LinkClean(entry);
    } else {
      all_kept = false;
    }
    return true;
  }));
  if (all_kept) overlay_.SetComplete(*home);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Namespace>> OverlayTable::NextNamespace(Namespace from) {
  Settle();
  LEAT_RETURN_IF_ERROR(opened_);
  for (auto it = homes_.lower_bound(from); it != homes_.end(); ++it) {
    NamespaceMap& home = *it->second;
    bool holds = home.live > 0;
    if (!holds && !home.complete) {
      LEAT_RETURN_IF_ERROR(ScanStore(home, [&](EntryKey, std::string_view) {
        holds = true;
        return false;
      }));
      if (!holds) overlay_.SetComplete(home);  // asked once, not at every call
    }
    if (holds) return std::optional<Namespace>(home.ns);
  }
  return std::optional<Namespace>();
}

void OverlayTable::LinkUnapplied(Entry& entry) {
  entry.previous = unapplied_.previous;
  entry.next = &unapplied_;
  entry.previous->next = &entry;
  unapplied_.previous = &entry;
  entry.unapplied = true;
}

void OverlayTable::UnlinkUnapplied(Entry& entry) {
  entry.previous->next = entry.next;
  entry.next->previous = entry.previous;
  entry.next = nullptr;
  entry.previous = nullptr;
  entry.unapplied = false;
  entry.taken_epoch = kNoEpoch;
}

void OverlayTable::TakeChanges(int64_t epoch, std::string_view prefix, ChangeVisitor visit) {
  Settle();
  std::sort(dirty_homes_.begin(), dirty_homes_.end(),
            [](const NamespaceMap* a, const NamespaceMap* b) { return a->ns < b->ns; });
  std::vector<SortItem> items;
  for (NamespaceMap* home : dirty_homes_) {
    const auto first = static_cast<std::ptrdiff_t>(items.size());
    for (Entry* entry : home->dirty) {
      entry->dirty = false;
      if (entry->exists || entry->maybe_in_log) {
        items.emplace_back(*entry);
      } else if (!entry->unapplied && !entry->maybe_in_store) {
        overlay_.Free(*entry);  // came and went within the epoch
      }
    }
    home->dirty.clear();
    std::sort(items.begin() + first, items.end(), ComesBefore);
  }
  std::string key;
  for (size_t i = 0; i < items.size(); ++i) {
    FetchAhead(items, i);
    Entry& entry = *items[i].entry;
    key.assign(prefix);
    AppendStateKey({id_, items[i].ns, entry.group, entry.key}, &key);
    visit(key, entry.exists ? std::optional<std::string_view>(entry.value) : std::nullopt);
    entry.maybe_in_log = entry.exists;
    if (entry.unapplied) UnlinkUnapplied(entry);
    if (entry.exists || entry.maybe_in_store) {
      LinkUnapplied(entry);
      entry.taken_epoch = epoch;
    } else {
      overlay_.Free(entry);  // the store was never given it
    }
  }
  for (NamespaceMap* home : dirty_homes_) {
    home->listed = false;
    DropIfEmpty(*home);
  }
  dirty_homes_.clear();
}

void OverlayTable::TakeUnapplied(std::string_view prefix, std::vector<Change>* changes) {
  Settle();
  LEAT_CHECK(dirty_homes_.empty()) << "changes that no epoch has taken";
  std::vector<SortItem> items;
  for (Entry* entry = unapplied_.next; entry != &unapplied_; entry = entry->next) {
    items.emplace_back(*entry);
  }
  std::sort(items.begin(), items.end(), ComesBefore);
  changes->reserve(changes->size() + items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    FetchAhead(items, i);
    Entry& entry = *items[i].entry;
    entry.maybe_in_store = true;
    Change& change = changes->emplace_back();
    change.key.reserve(prefix.size() + kStateKeyBytes + entry.key.size());
    change.key.assign(prefix);
    AppendStateKey({id_, items[i].ns, entry.group, entry.key}, &change.key);
    if (entry.exists) change.value = entry.value;
  }
}

void OverlayTable::OnApplied(int64_t epoch) {
  Settle();
  while (unapplied_.next != &unapplied_ && unapplied_.next->taken_epoch <= epoch) {
    Entry& entry = *unapplied_.next;
    UnlinkUnapplied(entry);
    entry.maybe_in_store = entry.maybe_in_log;  // the store has what the log said last
    if (entry.dirty) continue;                  // linked again at the next barrier
    if (entry.exists) {
      overlay_.LinkClean(entry);
    } else {
      NamespaceMap& home = *entry.home;
      overlay_.Free(entry);
      DropIfEmpty(home);
    }
  }
  overlay_.EvictAboveBudget();
}

}  // namespace leat::state
