#include <algorithm>
#include <utility>

#include "log/batch_scanner.h"
#include "log/partition_log_impl.h"

namespace leat::log {

absl::StatusOr<std::optional<TimestampOffset>> PartitionLogImpl::FindTimestamp(int64_t timestamp_ms,
                                                                               model::Isolation isolation) {
  const model::Offset end = EndFor(isolation);
  for (size_t i = SegmentOf(log_start_); i < segments_.size(); ++i) {
    Segment& segment = *segments_[i];
    if (segment.base() >= end) break;
    LEAT_RETURN_IF_ERROR(segment.Load());
    if (segment.max_timestamp_ms() < timestamp_ms) continue;
    LEAT_ASSIGN_OR_RETURN(std::optional<TimestampOffset> found, FindInSegment(i, timestamp_ms, end));
    if (found) return found;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<TimestampOffset>> PartitionLogImpl::FindInSegment(size_t segment_index,
                                                                               int64_t timestamp_ms,
                                                                               model::Offset end) {
  Segment& segment = *segments_[segment_index];
  model::Offset from = std::max(segment.base(), log_start_);
  const TimeIndex::Entry* entry = segment.times().Floor(timestamp_ms);
  if (entry != nullptr) from = std::max(from, segment.base() + entry->relative_offset);
  if (from >= end || from >= EndOf(segment_index)) return std::nullopt;
  LEAT_ASSIGN_OR_RETURN(const Start start, FindStart(segment, from));
  return FirstRecordAt(segment, start, timestamp_ms, end);
}

absl::StatusOr<std::optional<TimestampOffset>> PartitionLogImpl::FirstRecordAt(Segment& segment, Start start,
                                                                               int64_t timestamp_ms,
                                                                               model::Offset end) {
  BatchScanner scanner(*segment.file(), start.position, segment.size(), start.offset, home_.gaps_until,
                       ScanCheck::kCrc);
  while (scanner.expected() < end) {
    const model::Offset expected = scanner.expected();
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind == ScannedBatch::Kind::kEnd) break;
    if (batch.kind == ScannedBatch::Kind::kBad) {
      LEAT_RETURN_IF_ERROR(AddFence(SegmentOf(segment.base()), batch.position, expected, batch.problem));
      return DataLoss(fences_[expected].what);
    }
    if (batch.header.max_timestamp_ms < timestamp_ms || batch.header.last_offset() < log_start_) continue;
    LEAT_ASSIGN_OR_RETURN(
        model::RecordIterator records,
        model::RecordIterator::Open(batch.bytes, static_cast<size_t>(options_.max_decompressed_batch_bytes)));
    model::RecordView record;
    for (;;) {
      LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
      if (!more) break;
      if (record.offset >= log_start_ && record.timestamp_ms >= timestamp_ms) {
        return TimestampOffset{record.offset, record.timestamp_ms};
      }
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<TimestampOffset>> PartitionLogImpl::MaxTimestamp(model::Isolation isolation) {
  const model::Offset end = EndFor(isolation);
  // An index may name a batch that compaction left without records: then the headers tell.
  for (const MaxBy by : {MaxBy::kIndex, MaxBy::kHeaders}) {
    int64_t best_ms = -1;
    size_t best_segment = 0;
    for (size_t i = SegmentOf(log_start_); i < segments_.size() && segments_[i]->base() < end; ++i) {
      LEAT_ASSIGN_OR_RETURN(const int64_t max_ms, MaxInSegment(*segments_[i], by, best_ms, end));
      if (max_ms <= best_ms) continue;
      best_ms = max_ms;
      best_segment = i;
    }
    if (best_ms < 0) return std::nullopt;
    LEAT_ASSIGN_OR_RETURN(const std::optional<TimestampOffset> found, FindInSegment(best_segment, best_ms, end));
    if (found) return found;
  }
  return std::nullopt;
}

// The largest timestamp of the segment's batches that count, if it is larger than best_ms.
absl::StatusOr<int64_t> PartitionLogImpl::MaxInSegment(Segment& segment, MaxBy by, int64_t best_ms, model::Offset end) {
  LEAT_RETURN_IF_ERROR(segment.Load());
  const model::Offset holder = segment.offset_of_max_timestamp();
  if (segment.max_timestamp_ms() <= best_ms) return best_ms;
  if (by == MaxBy::kIndex && holder >= log_start_ && holder < end) return segment.max_timestamp_ms();
  // The segment's largest is deleted or not yet served: look at every batch.
  int64_t max_ms = -1;
  LEAT_ASSIGN_OR_RETURN(const Start start, FindStart(segment, std::max(segment.base(), log_start_)));
  BatchScanner scanner(*segment.file(), start.position, segment.size(), start.offset, home_.gaps_until,
                       ScanCheck::kHeader);
  while (scanner.expected() < end) {
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind != ScannedBatch::Kind::kBatch) break;
    if (batch.header.record_count > 0) max_ms = std::max(max_ms, batch.header.max_timestamp_ms);
  }
  return max_ms;
}

}  // namespace leat::log
