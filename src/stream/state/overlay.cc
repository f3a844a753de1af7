#include "stream/state/overlay.h"

#include "base/check.h"
#include "stream/state/overlay_table.h"

namespace leat::state {
namespace {

// The slot and control byte of the hash set at its usual load, and malloc's own bytes.
constexpr size_t kEntryOverheadBytes = 32;
// The part of the budget that filters of evicted keys may take.
constexpr size_t kFilterShare = 4;

size_t HeapBytes(const std::string& text) {
  constexpr size_t kInline = 15;
  return text.capacity() > kInline ? text.capacity() + 1 : 0;
}

}  // namespace

Overlay::Overlay(CommittedStore& store, size_t budget_bytes) : store_(store), budget_bytes_(budget_bytes) {
  clean_.next = &clean_;
  clean_.previous = &clean_;
}

void Overlay::Charge(Entry& entry) {
  const size_t bytes = sizeof(Entry) + kEntryOverheadBytes + HeapBytes(entry.key) + HeapBytes(entry.value);
  memory_bytes_ += bytes - entry.bytes;
  entry.home->table->AddMemory(bytes - entry.bytes);
  entry.bytes = static_cast<uint32_t>(bytes);
}

void Overlay::LinkClean(Entry& entry) {
  LEAT_CHECK(entry.next == nullptr);
  entry.previous = clean_.previous;
  entry.next = &clean_;
  entry.previous->next = &entry;
  clean_.previous = &entry;
  clean_bytes_ += entry.bytes;
  ++clean_count_;
}

void Overlay::UnlinkClean(Entry& entry) {
  entry.previous->next = entry.next;
  entry.next->previous = entry.previous;
  entry.next = nullptr;
  entry.previous = nullptr;
  clean_bytes_ -= entry.bytes;
  --clean_count_;
}

void Overlay::Free(Entry& entry) {
  LEAT_CHECK(!entry.dirty && !entry.unapplied);
  if (entry.next != nullptr) UnlinkClean(entry);
  memory_bytes_ -= entry.bytes;
  NamespaceMap& home = *entry.home;
  home.table->AddMemory(size_t{0} - entry.bytes);
  if (entry.exists) --home.live;
  home.entries.erase(home.entries.find(EntryKey{entry.key, entry.hash}));
}

void Overlay::FreeUntaken(NamespaceMap& home) {
  const auto untaken = [](const Entry& entry) {
    return entry.dirty && !entry.maybe_in_log && !entry.maybe_in_store && !entry.unapplied;
  };
  std::erase_if(home.dirty, [&](const Entry* entry) { return untaken(*entry); });
  absl::erase_if(home.entries, [&](const std::unique_ptr<Entry>& entry) {
    if (!untaken(*entry)) return false;
    memory_bytes_ -= entry->bytes;
    if (entry->exists) --home.live;
    return true;
  });
}

// A key that was never evicted need not be looked for in the store: most keys that are asked for and not here are new.
void Overlay::RememberEvicted(const Entry& entry) {
  NamespaceMap& home = *entry.home;
  if (home.complete) {
    home.complete = false;
    home.evicted = std::make_unique<KeyFilter>();
  }
  if (home.evicted == nullptr) return;
  filter_bytes_ -= home.evicted->MemoryBytes();
  home.evicted->Add(entry.hash);
  filter_bytes_ += home.evicted->MemoryBytes();
  if (filter_bytes_ > budget_bytes_ / kFilterShare) DropFilter(home);
}

void Overlay::DropFilter(NamespaceMap& home) {
  if (home.evicted == nullptr) return;
  filter_bytes_ -= home.evicted->MemoryBytes();
  home.evicted.reset();
}

void Overlay::SetComplete(NamespaceMap& home) {
  home.complete = true;
  DropFilter(home);
}

void Overlay::EvictAboveBudget() {
  // Every entry gets one second chance, so two rounds suffice.
  size_t steps = 2 * clean_count_;
  while (memory_bytes() > budget_bytes_ && clean_count_ > 0 && steps-- > 0) {
    Entry& oldest = *clean_.next;
    if (oldest.referenced || oldest.home->table->HandedOut(oldest)) {
      oldest.referenced = false;
      UnlinkClean(oldest);
      LinkClean(oldest);
      continue;
    }
    if (oldest.exists) RememberEvicted(oldest);
    Free(oldest);
  }
}

}  // namespace leat::state
