// The index files that a segment must have, computed in the plainest way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "model/record_batch.h"

namespace leat::log {

struct PlainIndexes {
  std::string offsets, times;
};
inline PlainIndexes IndexesOf(std::string_view log, int64_t base, int64_t interval, bool sealed) {
  PlainIndexes made;
  BytesWriter offsets(&made.offsets), times(&made.times);
  int64_t since = 0, largest = -1, largest_at = 0, last_time = -1;
  size_t position = 0;
  const auto add_time = [&] {
    if (largest < 0 || largest <= last_time) return;
    times.Write(largest);
    times.Write(static_cast<int32_t>(largest_at));
    last_time = largest;
  };
  while (position < log.size()) {
    const auto header = model::ParseBatchHeader(log.substr(position)).value();
    const int64_t last = header.last_offset().value() - base;
    if (header.max_timestamp_ms > largest) largest = header.max_timestamp_ms, largest_at = last;
    if (since > interval) {
      offsets.Write(static_cast<int32_t>(last));
      offsets.Write(static_cast<int32_t>(position));
      add_time();
      since = 0;
    }
    since += static_cast<int64_t>(header.total_bytes());
    position += header.total_bytes();
  }
  if (sealed) add_time();
  return made;
}

}  // namespace leat::log
