// Which leader epoch each offset of a log belongs to: the start offset of every epoch, both rising. Kept in the file
// leader-epoch-checkpoint in Kafka's text format: "0", the count, then "epoch offset" lines. Pure; one shard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ids.h"

namespace leat::log {

class LeaderEpochs {
 public:
  struct Entry {
    model::LeaderEpoch epoch;
    model::Offset start;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  static absl::StatusOr<LeaderEpochs> Decode(std::string_view text);
  std::string Encode() const;

  // -1 if no epoch has begun.
  model::LeaderEpoch latest() const { return entries_.empty() ? model::LeaderEpoch(-1) : entries_.back().epoch; }
  // True if the epoch is new. REQUIRES: epoch >= latest() and start behind every earlier start.
  bool Note(model::LeaderEpoch epoch, model::Offset start);
  // -1 for an offset before the first epoch.
  model::LeaderEpoch At(model::Offset offset) const;
  // Where an epoch ends: where the next one begins, or at log_end, with the largest epoch that is not above it. `leader`:
  // the epoch in force, which may have written nothing yet. -1 and -1 for an epoch that has not begun. KIP-101, KIP-320.
  // REQUIRES: leader >= latest().
  struct End {
    model::LeaderEpoch epoch{-1};
    model::Offset end{-1};
    friend bool operator==(const End&, const End&) = default;
  };
  End EndOf(model::LeaderEpoch epoch, model::LeaderEpoch leader, model::Offset log_end) const;
  // Forgets the epochs that begin at or behind the offset.
  void DropFrom(model::Offset offset);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace leat::log
