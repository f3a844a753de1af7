// The sparse time index of one segment: pairs (timestamp i64 in ms, relative offset i32), big-endian, both rising. An
// entry (T, O) says: O ends the first batch that reached T, and no record up to O is later than T. A cache, as
// OffsetIndex. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::log {

class TimeIndex {
 public:
  static constexpr size_t kEntryBytes = 12;
  struct Entry {
    int64_t timestamp_ms;
    int32_t relative_offset;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // kDataLoss: not whole entries, or not rising.
  static absl::StatusOr<TimeIndex> Decode(std::string_view bytes);
  std::string Encode(size_t first) const;

  // Ignored unless the timestamp is larger than that of the last entry.
  void Add(Entry entry);
  // The last entry with a timestamp <= timestamp_ms; nullptr if there is none. Records at or after timestamp_ms lie at
  // or behind its batch.
  const Entry* Floor(int64_t timestamp_ms) const;
  void DropFrom(int64_t relative_offset);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace leat::log
