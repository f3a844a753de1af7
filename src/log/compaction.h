// What compaction does, as decisions: whether a log is due, which segments are cleaned together, and what stays of a
// batch. Pure; any thread. The semantics are Kafka's: the last record of each key stays, at its offset; a record whose
// value is null (a tombstone) stays until the delete horizon of its batch, which the first cleaning that meets it sets
// (KIP-534). cleaner.h has the driver.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "log/offset_map.h"
#include "log/options.h"
#include "model/record_batch.h"

namespace leat::log {

// A segment that is not written to any more.
struct SegmentFacts {
  model::Offset base;
  model::Offset end;  // the base of the next one
  uint64_t bytes = 0;
  // Looked at only in segments behind the first dirty offset; -1: no record tells.
  int64_t first_timestamp_ms = -1;
  int64_t max_timestamp_ms = -1;
};

// How far a log is compacted and how far it could be.
struct CleanableRange {
  model::Offset first_dirty;        // everything below was compacted
  model::Offset first_uncleanable;  // a segment's base, or the end of the last one
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;  // that could be compacted now
  bool overdue = false;      // a record waits longer than max.compaction.lag.ms
  double dirty_ratio() const;
  bool due(const LogOptions& options) const;
};

// `segments`: those complete and on disk, oldest first. `checkpoint`: the first dirty offset as it was noted. `limit`:
// nothing at or above it may be looked at (the last stable offset).
CleanableRange AssessCompaction(std::span<const SegmentFacts> segments, model::Offset checkpoint, model::Offset limit,
                                const LogOptions& options, int64_t wall_ms);

// Consecutive segments that become one, as [first, last] of indexes: as many as fit into segment_bytes and into a
// relative offset of 31 bits, at most kMostMergedSegments.
inline constexpr size_t kMostMergedSegments = 100;
struct SegmentGroup {
  size_t first, last;
};
std::vector<SegmentGroup> GroupSegments(std::span<const SegmentFacts> segments, int64_t segment_bytes);

// What one cleaning knows when it looks at a batch.
struct CleaningView {
  const OffsetMap& last_offsets;
  model::Offset map_end;  // the map knows the keys of [first dirty, map_end); everything at or behind it stays
  int64_t wall_ms;
  int64_t delete_retention_ms;
  size_t max_decompressed_bytes;
};
// What is known of a batch from elsewhere: from the transactions, the producers, and its place.
struct BatchVerdict {
  bool discard_records = false;  // of an aborted transaction, or a marker that nobody needs any more
  bool start_horizon = false;    // a marker of a transaction without records left: its horizon begins
  // What stays of it without records. kWhole: it holds its producer's last sequence. kPlaceholder: only its offsets, so
  // that a segment's end can be seen; no producer and no transaction is left in it.
  enum class Empty { kNothing, kPlaceholder, kWhole } empty = Empty::kNothing;
};
struct CleanedBatch {
  enum class Kind { kUnchanged, kRewritten, kDropped };
  Kind kind = Kind::kUnchanged;
  std::string bytes;         // kRewritten
  int32_t record_count = 0;  // that stay
};
// `batch`: whole, its CRC checked. kDataLoss: its records cannot be decoded.
absl::StatusOr<CleanedBatch> CleanBatch(std::string_view batch, const CleaningView& view, const BatchVerdict& verdict);

}  // namespace leat::log
