// The two indexes of a segment while its batches are told one by one, and what decides about the next entries. The same
// batches in the same order always make the same indexes, whoever tells them: an append, a rebuild, or a cleaning.
#pragma once

#include <cstdint>

#include "log/offset_index.h"
#include "log/time_index.h"
#include "model/ids.h"
#include "model/record_batch.h"

namespace leat::log {

struct SegmentIndexes {
  OffsetIndex offsets;
  TimeIndex times;
  int64_t bytes_since_entry = 0;
  // The largest timestamp of the batches so far, and the last offset (relative) of the first batch that reached it.
  int64_t max_timestamp_ms = -1;
  int32_t offset_of_max = 0;

  void Note(const model::BatchHeader& header, model::Offset segment_base, uint64_t position, int64_t interval_bytes) {
    const auto last = static_cast<int32_t>(header.last_offset() - segment_base);
    // What compaction left without records has no time to be found by.
    if (header.record_count > 0 && header.max_timestamp_ms > max_timestamp_ms) {
      max_timestamp_ms = header.max_timestamp_ms;
      offset_of_max = last;
    }
    if (bytes_since_entry > interval_bytes) {
      offsets.Add({last, static_cast<int32_t>(position)});
      times.Add({max_timestamp_ms, offset_of_max});
      bytes_since_entry = 0;
    }
    bytes_since_entry += static_cast<int64_t>(header.total_bytes());
  }
  // The last time index entry of a segment that is complete.
  void Seal() { times.Add({max_timestamp_ms, offset_of_max}); }
};

}  // namespace leat::log
