// Which leader epoch wrote which part of a log: the first offset of every epoch, both rising. Two logs whose last epoch
// and its end agree are equal below that end, because one epoch has one leader and a leader only appends; everything
// about truncation rests on this. Pure value; not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "model/ids.h"

namespace leat::replication {

inline constexpr model::LeaderEpoch kNoEpoch{-1};

// Where an epoch ends: the offset behind its last record.
struct EpochEnd {
  model::LeaderEpoch epoch = kNoEpoch;
  model::Offset end{0};
  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

class EpochRanges {
 public:
  struct Entry {
    model::LeaderEpoch epoch;
    model::Offset start;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  EpochRanges() = default;
  // What a checkpoint file holds. kDataLoss: epochs or offsets do not rise, or are negative.
  static absl::StatusOr<EpochRanges> Make(std::vector<Entry> entries);

  model::LeaderEpoch latest() const { return entries_.empty() ? kNoEpoch : entries_.back().epoch; }
  // The record at `start`, the log's end until now, is of this epoch. REQUIRES: epoch >= latest().
  void Note(model::LeaderEpoch epoch, model::Offset start);
  // The end of the largest epoch that is not above `asked` (KIP-279): the follower that asks may lack that epoch, and
  // must see so. If everything the log holds is of later epochs: `asked` itself, ending where they begin.
  EpochEnd EndOf(model::LeaderEpoch asked, model::Offset log_end) const;
  // Of the record at the offset; kNoEpoch before the first entry.
  model::LeaderEpoch At(model::Offset offset) const;
  // The log ends at `end` now. An epoch without records left is forgotten.
  void TruncateTo(model::Offset end);
  // The log starts at `start` now. The epoch there stays known even if the log is empty, so that the next fetch can
  // still be compared.
  void TrimTo(model::Offset start);
  void Clear() { entries_.clear(); }

  const std::vector<Entry>& entries() const { return entries_; }
  std::string ToString() const;  // 1@0 3@17
  friend bool operator==(const EpochRanges&, const EpochRanges&) = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace leat::replication
