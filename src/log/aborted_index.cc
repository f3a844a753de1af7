#include "log/aborted_index.h"

#include "base/bytes.h"
#include "base/check.h"

namespace leat::log {

absl::StatusOr<AbortedIndex> AbortedIndex::Decode(std::string_view bytes, model::Offset base, model::Offset end) {
  if (bytes.size() % kEntryBytes != 0) {
    return DataLoss("aborted index: expected entries of ", kEntryBytes, " bytes, got ", bytes.size(), " bytes");
  }
  AbortedIndex index;
  index.entries_.reserve(bytes.size() / kEntryBytes);
  BytesReader in(bytes);
  model::Offset least = base;
  while (in.remaining() > 0) {
    const auto version = in.Read<int16_t>();
    if (version != 0) return DataLoss("aborted index: expected version 0, got ", version);
    AbortedEntry entry;
    entry.producer_id = model::ProducerId(in.Read<int64_t>());
    entry.first_offset = model::Offset(in.Read<int64_t>());
    entry.last_offset = model::Offset(in.Read<int64_t>());
    entry.last_stable_offset = model::Offset(in.Read<int64_t>());
    if (entry.producer_id.value() < 0 || entry.first_offset.value() < 0 || entry.first_offset >= entry.last_offset ||
        entry.last_offset < least || entry.last_offset >= end || entry.last_stable_offset > entry.last_offset + 1) {
      return DataLoss("aborted index: an entry of the transaction from offset ", entry.first_offset, " to ",
                      entry.last_offset, " cannot be in a segment of offsets ", base, " to ", end);
    }
    least = entry.last_offset + 1;
    index.entries_.push_back(entry);
  }
  return index;
}

std::string AbortedIndex::Encode(size_t first) const {
  std::string bytes;
  BytesWriter out(&bytes);
  for (size_t i = first; i < entries_.size(); ++i) {
    out.Write(int16_t{0});
    out.Write(entries_[i].producer_id.value());
    out.Write(entries_[i].first_offset.value());
    out.Write(entries_[i].last_offset.value());
    out.Write(entries_[i].last_stable_offset.value());
  }
  return bytes;
}

void AbortedIndex::Add(const AbortedEntry& entry) {
  LEAT_CHECK(entries_.empty() || entry.last_offset > entries_.back().last_offset);
  entries_.push_back(entry);
}

void AbortedIndex::DropFrom(model::Offset offset) {
  while (!entries_.empty() && entries_.back().last_offset >= offset) entries_.pop_back();
}

bool AbortedIndex::Collect(model::Offset from, model::Offset to, std::vector<model::AbortedTransaction>* found) const {
  for (const AbortedEntry& entry : entries_) {
    if (entry.last_offset >= from && entry.first_offset < to) {
      found->push_back({entry.producer_id, entry.first_offset});
    }
    if (entry.last_stable_offset >= to) return false;
  }
  return true;
}

}  // namespace leat::log
