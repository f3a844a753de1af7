#include "view/partition_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace leat::view {

std::variant<PartitionStream::WantsPage, PartitionStream::WantsRecords> PartitionStream::next() const {
  if (!scan_from_ || held_) return WantsRecords{position_};
  Range rest = range_;
  rest.begin = *scan_from_;
  return WantsPage{std::move(rest)};
}

std::vector<Record> PartitionStream::TakePage(Page page) {
  LEAT_CHECK(scan_from_ && !held_) << "a page that was not asked for";
  std::vector<Record> out;
  if (page.applied < position_) return out;
  const bool changed = position_.value() >= 0 && page.applied > position_;
  if (position_.value() < 0) position_ = page.applied;
  held_ = std::move(page);
  if (!changed) SendPage(&out);
  return out;
}

void PartitionStream::SendPage(std::vector<Record>* out) {
  for (Row& row : held_->rows) {
    out->push_back({std::move(row.key), row.entry.offset, row.entry.timestamp_ms, std::move(row.entry.value)});
  }
  scan_from_ = std::move(held_->next);
  held_.reset();
}

std::vector<Record> PartitionStream::TakeRecords(CommittedRecords read) {
  LEAT_CHECK(!scan_from_ || held_) << "records that were not asked for";
  std::vector<Record> out;
  Range sent = range_;
  if (held_) sent.end = *scan_from_;
  for (Record& record : read.records) {
    if (held_ && record.offset >= held_->applied) break;
    const bool wanted = record.key ? sent.Contains(*record.key) : keyless_ == Keyless::kAll;
    if (wanted && record.offset >= position_) out.push_back(std::move(record));
  }
  position_ = std::max(position_, held_ ? std::min(read.next, held_->applied) : read.next);
  if (held_ && position_ == held_->applied) SendPage(&out);
  return out;
}

}  // namespace leat::view
