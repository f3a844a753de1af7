// One table of the overlay. Every namespace that holds an entry, committed or not, has a NamespaceMap here from the
// moment the table opens; so a namespace that has none is empty, and the store is not asked. Internal to stream/state.
#pragma once

#include <absl/container/btree_map.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "stream/state/change_visitor.h"
#include "stream/state/overlay.h"
#include "stream/state/state_key.h"
#include "stream/state/state_table.h"

namespace leat::state {

class OverlayTable : public StateTable {
 public:
  // Reads which namespaces the store holds. If that fails, every call returns the error.
  OverlayTable(TableId id, Overlay& overlay);

  absl::StatusOr<const std::string*> Find(Namespace ns, std::string_view key) override;
  absl::StatusOr<std::string*> Mutate(Namespace ns, std::string_view key, bool* inserted) override;
  absl::Status Erase(Namespace ns, std::string_view key) override;
  absl::Status EraseNamespace(Namespace ns) override;
  absl::Status Scan(Namespace ns, absl::FunctionRef<void(std::string_view, std::string_view)> visit) override;
  absl::StatusOr<std::optional<Namespace>> NextNamespace(Namespace from) override;

  // `prefix` goes before each key.
  void TakeChanges(int64_t epoch, std::string_view prefix, ChangeVisitor visit);
  void TakeUnapplied(std::string_view prefix, std::vector<Change>* changes);
  void OnApplied(int64_t epoch);
  // Charges what the caller has done so far to the value it was given last, which stays its own.
  void Recharge();
  bool HandedOut(const Entry& entry) const { return handed_out_ == &entry; }
  // What the overlay has charged for entries of this table: its own account.
  size_t memory_bytes() const { return memory_bytes_; }
  void AddMemory(size_t bytes) { memory_bytes_ += bytes; }  // modulo 2^64: also takes away

 private:
  static constexpr size_t kHomesCached = 8;

  absl::Status LoadNamespaces();
  NamespaceMap* FindHome(Namespace ns);
  NamespaceMap& MakeHome(Namespace ns);
  void DropIfEmpty(NamespaceMap& home);
  Entry* FindEntry(NamespaceMap& home, EntryKey key);
  Entry& AddEntry(NamespaceMap& home, EntryKey key);
  // The entry of this key, asking the store if need be; nullptr if the namespace is known not to hold it.
  absl::StatusOr<Entry*> LoadEntry(NamespaceMap& home, EntryKey key);
  absl::Status MarkDirty(Entry& entry);
  void SetExists(Entry& entry, std::string_view value);
  void SetAbsent(Entry& entry);
  // At the start of each call: the value handed out before is the caller's no more.
  void Settle() {
    Recharge();
    handed_out_ = nullptr;
  }
  // Of a key that has no entry: the store has none either.
  static bool IsAbsent(const NamespaceMap& home, EntryKey key) {
    return home.complete || (home.evicted != nullptr && !home.evicted->MayHave(key.hash));
  }
  void PushDirty(Entry& entry);
  void EraseEntry(Entry& entry);
  void LinkUnapplied(Entry& entry);  // as the last one
  static void UnlinkUnapplied(Entry& entry);
  // Visits the store's entries of a namespace that the overlay has no entry for.
  absl::Status ScanStore(NamespaceMap& home, absl::FunctionRef<bool(EntryKey key, std::string_view value)> visit);

  TableId id_;
  Overlay& overlay_;
  absl::Status opened_;
  absl::btree_map<Namespace, std::unique_ptr<NamespaceMap>> homes_;
  std::array<NamespaceMap*, kHomesCached> recent_{};
  Entry* handed_out_ = nullptr;
  std::vector<NamespaceMap*> dirty_homes_;
  size_t memory_bytes_ = 0;
  Entry unapplied_;  // the head of a ring in the order of taken_epoch: next is the oldest
  std::string scratch_;
};

}  // namespace leat::state
