// A replica's log as a list of records, with what is on disk and what only in the page cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "replication/types.h"

namespace leat::replication::sim {

struct Record {
  int32_t epoch = 0;
  uint64_t value = 0;
  friend bool operator==(const Record&, const Record&) = default;
};

struct SimLog {
  int64_t base = 0;   // offset of records[0]
  int64_t start = 0;  // >= base
  int64_t durable = 0;
  int64_t high_watermark = 0;  // as in the checkpoint file
  std::vector<Record> records;

  int64_t end() const { return base + static_cast<int64_t>(records.size()); }
  const Record& At(int64_t offset) const { return records[static_cast<size_t>(offset - base)]; }
  void TruncateTo(int64_t to) {
    if (to < end()) records.resize(static_cast<size_t>(std::max<int64_t>(0, to - base)));
    durable = std::min(durable, end());
    high_watermark = std::min(high_watermark, end());
  }
  void RestartAt(int64_t at) {
    records.clear();
    base = start = durable = high_watermark = at;
  }
  // What recovery finds.
  LogFacts Facts() const {
    LogFacts facts{.start = model::Offset(start),
                   .end = model::Offset(end()),
                   .durable_end = model::Offset(durable),
                   .high_watermark = model::Offset(high_watermark),
                   .epochs = {}};
    for (int64_t at = start; at < end(); ++at) facts.epochs.Note(model::LeaderEpoch(At(at).epoch), model::Offset(at));
    return facts;
  }
};

}  // namespace leat::replication::sim
