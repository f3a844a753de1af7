#include "replication/epoch_ranges.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "replication/planted.h"

namespace leat::replication {

absl::StatusOr<EpochRanges> EpochRanges::Make(std::vector<Entry> entries) {
  EpochRanges ranges;
  for (const Entry& entry : entries) {
    if (entry.epoch.value() < 0 || entry.start.value() < 0) {
      return DataLoss("leader epochs: epoch ", entry.epoch, " at offset ", entry.start, ": neither may be negative");
    }
    if (!ranges.entries_.empty()) {
      const Entry& last = ranges.entries_.back();
      if (entry.epoch <= last.epoch || entry.start <= last.start) {
        return DataLoss("leader epochs: epoch ", entry.epoch, " at offset ", entry.start, " follows epoch ", last.epoch,
                        " at offset ", last.start, ": both must rise");
      }
    }
    ranges.entries_.push_back(entry);
  }
  return ranges;
}

void EpochRanges::Note(model::LeaderEpoch epoch, model::Offset start) {
  LEAT_CHECK(epoch >= latest()) << "epoch " << epoch << " at " << start << " behind " << ToString();
  if (epoch == latest()) return;
  // What a trim has kept of an empty log has no record, and never will.
  while (!entries_.empty() && entries_.back().start >= start) entries_.pop_back();
  entries_.push_back({epoch, start});
}

EpochEnd EpochRanges::EndOf(model::LeaderEpoch asked, model::Offset log_end) const {
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), asked,
                                     [](model::LeaderEpoch epoch, const Entry& entry) { return epoch < entry.epoch; });
  const model::Offset end = next == entries_.end() ? log_end : next->start;
  if (next == entries_.begin()) return {asked, end};
  if (Planted(Defect::kAnswerEpochAboveAsked) && std::prev(next)->epoch != asked && next != entries_.end()) {
    return {next->epoch, std::next(next) == entries_.end() ? log_end : std::next(next)->start};
  }
  return {std::prev(next)->epoch, end};
}

model::LeaderEpoch EpochRanges::At(model::Offset offset) const {
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                     [](model::Offset at, const Entry& entry) { return at < entry.start; });
  return next == entries_.begin() ? kNoEpoch : std::prev(next)->epoch;
}

void EpochRanges::TruncateTo(model::Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void EpochRanges::TrimTo(model::Offset start) {
  auto first = entries_.begin();
  while (first != entries_.end() && std::next(first) != entries_.end() && std::next(first)->start <= start) ++first;
  entries_.erase(entries_.begin(), first);
  if (!entries_.empty() && entries_.front().start < start) entries_.front().start = start;
}

std::string EpochRanges::ToString() const {
  std::string text;
  for (const Entry& entry : entries_) StrAppend(&text, text.empty() ? "" : " ", entry.epoch, "@", entry.start);
  return text.empty() ? "-" : text;
}

}  // namespace leat::replication
