// The sparse index of one segment: pairs (relative offset i32, position i32), big-endian, both rising. An entry says
// that the batch at `position` ends with `relative offset` (relative to the segment's base), as in Kafka. A cache: what
// it says can be read from the segment, so a damaged one is thrown away and built again. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::log {

class OffsetIndex {
 public:
  static constexpr size_t kEntryBytes = 8;
  struct Entry {
    int32_t relative_offset;
    int32_t position;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // kDataLoss: not whole entries, not rising, or a position at or past segment_bytes.
  static absl::StatusOr<OffsetIndex> Decode(std::string_view bytes, uint64_t segment_bytes);
  // The entries from `first` on, as in the file.
  std::string Encode(size_t first) const;

  // Left out if it does not rise: only a damaged batch header can make such an entry.
  void Add(Entry entry);
  // The last entry whose batch ends at or before the offset; nullptr if there is none: start at position 0.
  const Entry* Floor(int64_t relative_offset) const;
  // The first entry behind a position; nullptr if there is none.
  const Entry* FirstBehind(uint64_t position) const;
  // Drops the entries whose batch ends at or behind the offset.
  void DropFrom(int64_t relative_offset);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace leat::log
