#include "log/offset_index.h"

#include <algorithm>

#include "base/bytes.h"

namespace leat::log {

absl::StatusOr<OffsetIndex> OffsetIndex::Decode(std::string_view bytes, uint64_t segment_bytes) {
  if (bytes.size() % kEntryBytes != 0) {
    return DataLoss("expected entries of ", kEntryBytes, " bytes, got a file of ", bytes.size());
  }
  OffsetIndex index;
  index.entries_.reserve(bytes.size() / kEntryBytes);
  int64_t last_offset = -1;
  int64_t last_position = 0;  // no entry is made of the first batch; zeros are what a power cut leaves
  for (size_t at = 0; at < bytes.size(); at += kEntryBytes) {
    const Entry entry = {LoadBigEndian<int32_t>(bytes.data() + at), LoadBigEndian<int32_t>(bytes.data() + at + 4)};
    if (entry.relative_offset <= last_offset || entry.position <= last_position ||
        static_cast<uint64_t>(entry.position) >= segment_bytes) {
      return DataLoss("entry ", at / kEntryBytes, " (offset +", entry.relative_offset, ", position ", entry.position,
                      ") does not rise, or lies past the segment's ", segment_bytes, " bytes");
    }
    last_offset = entry.relative_offset;
    last_position = entry.position;
    index.entries_.push_back(entry);
  }
  return index;
}

std::string OffsetIndex::Encode(size_t first) const {
  std::string bytes;
  BytesWriter writer(&bytes);
  for (size_t i = first; i < entries_.size(); ++i) {
    writer.Write(entries_[i].relative_offset);
    writer.Write(entries_[i].position);
  }
  return bytes;
}

void OffsetIndex::Add(Entry entry) {
  if (entry.relative_offset < 0 || entry.position < 0) return;
  const bool rises = entries_.empty() || (entry.relative_offset > entries_.back().relative_offset &&
                                          entry.position > entries_.back().position);
  if (rises) entries_.push_back(entry);
}

const OffsetIndex::Entry* OffsetIndex::Floor(int64_t relative_offset) const {
  const auto behind = std::upper_bound(entries_.begin(), entries_.end(), relative_offset,
                                       [](int64_t offset, const Entry& e) { return offset < e.relative_offset; });
  return behind == entries_.begin() ? nullptr : &*std::prev(behind);
}

const OffsetIndex::Entry* OffsetIndex::FirstBehind(uint64_t position) const {
  const auto it = std::upper_bound(entries_.begin(), entries_.end(), position,
                                   [](uint64_t p, const Entry& e) { return p < static_cast<uint64_t>(e.position); });
  return it == entries_.end() ? nullptr : &*it;
}

void OffsetIndex::DropFrom(int64_t relative_offset) {
  while (!entries_.empty() && entries_.back().relative_offset >= relative_offset) entries_.pop_back();
}

}  // namespace leat::log
