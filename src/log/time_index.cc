#include "log/time_index.h"

#include <algorithm>

#include "base/bytes.h"

namespace leat::log {

absl::StatusOr<TimeIndex> TimeIndex::Decode(std::string_view bytes) {
  if (bytes.size() % kEntryBytes != 0) {
    return DataLoss("expected entries of ", kEntryBytes, " bytes, got a file of ", bytes.size());
  }
  TimeIndex index;
  index.entries_.reserve(bytes.size() / kEntryBytes);
  for (size_t at = 0; at < bytes.size(); at += kEntryBytes) {
    const Entry entry = {LoadBigEndian<int64_t>(bytes.data() + at), LoadBigEndian<int32_t>(bytes.data() + at + 8)};
    const bool rises = index.entries_.empty() || (entry.timestamp_ms > index.entries_.back().timestamp_ms &&
                                                  entry.relative_offset > index.entries_.back().relative_offset);
    if (!rises || entry.timestamp_ms < 0 || entry.relative_offset < 0) {
      return DataLoss("entry ", at / kEntryBytes, " (time ", entry.timestamp_ms, ", offset +", entry.relative_offset,
                      ") does not rise");
    }
    index.entries_.push_back(entry);
  }
  return index;
}

std::string TimeIndex::Encode(size_t first) const {
  std::string bytes;
  BytesWriter writer(&bytes);
  for (size_t i = first; i < entries_.size(); ++i) {
    writer.Write(entries_[i].timestamp_ms);
    writer.Write(entries_[i].relative_offset);
  }
  return bytes;
}

void TimeIndex::Add(Entry entry) {
  if (entry.timestamp_ms < 0) return;
  if (!entries_.empty() && entry.timestamp_ms <= entries_.back().timestamp_ms) return;
  entries_.push_back(entry);
}

const TimeIndex::Entry* TimeIndex::Floor(int64_t timestamp_ms) const {
  const auto behind = std::upper_bound(entries_.begin(), entries_.end(), timestamp_ms,
                                       [](int64_t t, const Entry& e) { return t < e.timestamp_ms; });
  return behind == entries_.begin() ? nullptr : &*std::prev(behind);
}

void TimeIndex::DropFrom(int64_t relative_offset) {
  while (!entries_.empty() && entries_.back().relative_offset >= relative_offset) entries_.pop_back();
}

}  // namespace leat::log
