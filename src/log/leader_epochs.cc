#include "log/leader_epochs.h"

#include <absl/strings/numbers.h>

#include <algorithm>

#include "base/check.h"
#include "log/checkpoint_file.h"

namespace leat::log {

absl::StatusOr<LeaderEpochs> LeaderEpochs::Decode(std::string_view text) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string_view> lines, DecodeCheckpoint(text));
  LeaderEpochs epochs;
  for (const std::string_view line : lines) {
    const size_t space = line.find(' ');
    int32_t epoch = 0;
    int64_t start = 0;
    if (space == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(line.substr(0, space)), &epoch) ||
        !absl::SimpleAtoi(ToAbsl(line.substr(space + 1)), &start)) {
      return DataLoss("expected '<epoch> <offset>', got '", line, "'");
    }
    const Entry entry = {model::LeaderEpoch(epoch), model::Offset(start)};
    if (epoch <= epochs.latest().value() || start < 0 ||
        (!epochs.entries_.empty() && entry.start <= epochs.entries_.back().start)) {
      return DataLoss("epoch ", epoch, " at offset ", start, " does not rise");
    }
    epochs.entries_.push_back(entry);
  }
  return epochs;
}

std::string LeaderEpochs::Encode() const {
  std::vector<std::string> lines;
  for (const Entry& entry : entries_) lines.push_back(StrCat(entry.epoch, " ", entry.start));
  return EncodeCheckpoint(lines);
}

bool LeaderEpochs::Note(model::LeaderEpoch epoch, model::Offset start) {
  LEAT_CHECK(epoch >= latest()) << "epoch " << epoch << " after " << latest();
  if (epoch == latest()) return false;
  LEAT_CHECK(entries_.empty() || start > entries_.back().start);
  entries_.push_back({epoch, start});
  return true;
}

model::LeaderEpoch LeaderEpochs::At(model::Offset offset) const {
  const auto behind = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                       [](model::Offset o, const Entry& e) { return o < e.start; });
  return behind == entries_.begin() ? model::LeaderEpoch(-1) : std::prev(behind)->epoch;
}

LeaderEpochs::End LeaderEpochs::EndOf(model::LeaderEpoch epoch, model::LeaderEpoch leader,
                                      model::Offset log_end) const {
  LEAT_CHECK(leader >= latest()) << "the leader's epoch " << leader << " is below " << latest();
  if (epoch.value() < 0 || epoch > leader) return {};
  if (epoch == leader) return {leader, log_end};
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), epoch,
                                     [](model::LeaderEpoch e, const Entry& entry) { return e < entry.epoch; });
  return {next == entries_.begin() ? epoch : std::prev(next)->epoch, next == entries_.end() ? log_end : next->start};
}

void LeaderEpochs::DropFrom(model::Offset offset) {
  while (!entries_.empty() && entries_.back().start >= offset) entries_.pop_back();
}

}  // namespace leat::log
