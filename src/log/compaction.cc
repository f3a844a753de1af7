#include "log/compaction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "log/batch_scanner.h"
#include "model/batch_rewriter.h"

namespace leat::log {
namespace {

bool YoungerThan(int64_t timestamp_ms, Duration age, int64_t wall_ms) {
  return absl::Milliseconds(wall_ms) - absl::Milliseconds(timestamp_ms) < age;
}

bool StaysByKey(const model::RecordView& record, bool past_horizon, const CleaningView& view) {
  if (record.offset >= view.map_end) return true;
  // What has no key was written before the topic was compacted; nobody can ask for its last value.
  if (!record.key) return false;
  if (record.offset < view.last_offsets.Last(*record.key)) return false;
  return record.value.has_value() || !past_horizon;
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  return b > 0 && a > std::numeric_limits<int64_t>::max() - b ? std::numeric_limits<int64_t>::max() : a + b;
}

}  // namespace

double CleanableRange::dirty_ratio() const {
  const uint64_t all = clean_bytes + dirty_bytes;
  return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
}

bool CleanableRange::due(const LogOptions& options) const {
  return options.compact && dirty_bytes > 0 && (overdue || dirty_ratio() > options.min_dirty_ratio);
}

CleanableRange AssessCompaction(std::span<const SegmentFacts> segments, model::Offset checkpoint, model::Offset limit,
                                const LogOptions& options, int64_t wall_ms) {
  CleanableRange range;
  const model::Offset start = segments.empty() ? checkpoint : segments.front().base;
  // A checkpoint that the log has been cut back behind, or that its start has passed, says nothing.
  range.first_dirty = std::max(checkpoint, start);
  if (!segments.empty() && checkpoint > segments.back().end) range.first_dirty = start;
  range.first_uncleanable = range.first_dirty;
  for (const SegmentFacts& segment : segments) {
    if (segment.end <= range.first_dirty) {
      range.clean_bytes += segment.bytes;
      range.first_uncleanable = segment.end;
      continue;
    }
    if (segment.end > limit) break;
    const bool lags = options.min_compaction_lag > absl::ZeroDuration();
    if (lags && YoungerThan(segment.max_timestamp_ms, options.min_compaction_lag, wall_ms)) break;
    range.dirty_bytes += segment.bytes;
    range.first_uncleanable = segment.end;
    range.overdue |= options.max_compaction_lag != absl::InfiniteDuration() && segment.first_timestamp_ms >= 0 &&
                     !YoungerThan(segment.first_timestamp_ms, options.max_compaction_lag, wall_ms);
  }
  return range;
}

std::vector<SegmentGroup> GroupSegments(std::span<const SegmentFacts> segments, int64_t segment_bytes) {
  const auto most = static_cast<uint64_t>(std::min<int64_t>(segment_bytes, INT32_MAX));
  std::vector<SegmentGroup> groups;
  uint64_t bytes = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool joins = !groups.empty() && bytes + segments[i].bytes <= most &&
                       segments[i].end - segments[groups.back().first].base <= INT32_MAX &&
                       i - groups.back().first < kMostMergedSegments;
    if (!joins) {
      groups.push_back({i, i});
      bytes = 0;
    }
    groups.back().last = i;
    bytes += segments[i].bytes;
  }
  return groups;
}

absl::StatusOr<CleanedBatch> CleanBatch(std::string_view batch, const CleaningView& view, const BatchVerdict& verdict) {
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(batch, view.max_decompressed_bytes));
  const model::BatchHeader& header = records.header();
  const std::optional<int64_t> horizon = header.delete_horizon_ms();
  const bool past_horizon = horizon && *horizon <= view.wall_ms;
  // Two passes: whether the batch needs a horizon is known only behind its last record, but times are kept as
  // differences to it.
  CleanedBatch cleaned;
  bool tombstones = false;
  std::vector<bool> stays(static_cast<size_t>(header.record_count));
  model::RecordView record;
  for (size_t i = 0;; ++i) {
    LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
    if (!more) break;
    const bool keep = !verdict.discard_records && (header.control() || StaysByKey(record, past_horizon, view));
    stays[i] = keep;
    cleaned.record_count += keep;
    tombstones |= keep && !header.control() && !record.value;
  }
  const bool all_stay = cleaned.record_count == header.record_count;
  // Behind the map's end nothing was cleaned yet: those tombstones' time has not begun.
  const bool within_map = header.last_offset() < view.map_end;
  const bool new_horizon = !horizon && within_map && (tombstones || verdict.start_horizon) && cleaned.record_count > 0;
  if (cleaned.record_count == 0 && verdict.empty == BatchVerdict::Empty::kNothing) {
    cleaned.kind = CleanedBatch::Kind::kDropped;
    return cleaned;
  }
  const bool erase_producer = cleaned.record_count == 0 && verdict.empty == BatchVerdict::Empty::kPlaceholder &&
                              (header.producer_id.value() >= 0 || header.control());
  if (all_stay && !new_horizon && !erase_producer) return cleaned;
  model::BatchRewriter rewriter(
      erase_producer ? model::WithoutProducer(header) : header,
      new_horizon ? std::optional(SaturatingAdd(view.wall_ms, view.delete_retention_ms)) : std::nullopt);
  if (cleaned.record_count > 0) {
    LEAT_ASSIGN_OR_RETURN(records, model::RecordIterator::Open(batch, view.max_decompressed_bytes));
    for (const bool keep : stays) {
      LEAT_RETURN_IF_ERROR(records.Next(&record).status());
      if (keep) rewriter.Keep(record);
    }
  }
  LEAT_ASSIGN_OR_RETURN(cleaned.bytes, rewriter.Finish());
  cleaned.kind = CleanedBatch::Kind::kRewritten;
  // Times beside a horizon take a few bytes more. A batch at the very limit of what a log may hold is left as it is.
  if (cleaned.bytes.size() > kLargestBatchBytes) {
    cleaned = {.kind = CleanedBatch::Kind::kUnchanged, .bytes = {}, .record_count = header.record_count};
  }
  return cleaned;
}

}  // namespace leat::log
