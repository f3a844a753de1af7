// The aborted transactions whose marker lies in one segment, as `<base>.txnindex` holds them: Kafka's format, entries
// of 34 bytes, big-endian: version i16 (0), producer id i64, first offset i64, last offset i64 (the marker's), last
// stable offset i64 (once this transaction had ended). Last offsets rise. Absent if the segment has none. A cache, as
// OffsetIndex: made again from the log and a producer snapshot. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ids.h"
#include "model/transaction.h"

namespace leat::log {

struct AbortedEntry {
  model::ProducerId producer_id{-1};
  model::Offset first_offset{-1};
  model::Offset last_offset{-1};
  model::Offset last_stable_offset{-1};
  friend bool operator==(const AbortedEntry&, const AbortedEntry&) = default;
};

class AbortedIndex {
 public:
  static constexpr size_t kEntryBytes = 34;

  // kDataLoss: not whole entries of version 0, or they do not rise, or one lies outside of [base, end).
  static absl::StatusOr<AbortedIndex> Decode(std::string_view bytes, model::Offset base, model::Offset end);
  std::string Encode(size_t first) const;  // the entries from `first` on

  // REQUIRES: the last offset is behind that of the last entry.
  void Add(const AbortedEntry& entry);
  // Forgets the entries whose marker is at or behind the offset.
  void DropFrom(model::Offset offset);
  // Adds to *found the transactions that touch [from, to). False if those of later segments cannot: some transaction
  // ended when everything below `to` was decided.
  bool Collect(model::Offset from, model::Offset to, std::vector<model::AbortedTransaction>* found) const;
  const std::vector<AbortedEntry>& entries() const { return entries_; }

 private:
  std::vector<AbortedEntry> entries_;
};

}  // namespace leat::log
