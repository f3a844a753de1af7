// What the batches of a log say about its producers and transactions, worked out in the plainest way from every batch
// that was ever written to it. The log must say the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/strings.h"
#include "log/aborted_index.h"
#include "log/partition_log.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::log {

class TransactionOracle {
 public:
  // `batches` were written at `base`.
  void Wrote(std::string_view batches, model::Offset base) {
    while (!batches.empty()) {
      const std::string_view bytes = model::TakeBatch(&batches).value();
      Batch batch{model::ParseBatchHeader(bytes).value(), std::nullopt};
      batch.header.base_offset = base;
      if (batch.header.control()) batch.marker = *model::DecodeMarkerBatch(bytes);
      base = batch.header.next_offset();
      history_.push_back(batch);
      Take(batch);
    }
  }
  // A crash left the log ending here.
  void TrimTo(model::Offset end) {
    if (history_.empty() || history_.back().header.next_offset() <= end) return;
    while (!history_.empty() && history_.back().header.next_offset() > end) history_.pop_back();
    open_.clear();
    ended_.clear();
    seen_.clear();
    for (const Batch& batch : history_) Take(batch);
  }

  model::Offset Stable(model::Offset high_watermark, model::Offset log_start) const {
    model::Offset stable = high_watermark;
    for (const auto& [producer, first] : open_) stable = std::min(stable, first);
    for (const Ended& ended : ended_) {
      if (ended.entry.last_offset >= high_watermark) stable = std::min(stable, ended.entry.first_offset);
    }
    return std::max(stable, log_start);
  }
  // What a reader of [from, to) must be told of.
  std::set<std::pair<model::Offset, model::ProducerId>> Aborted(model::Offset from, model::Offset to) const {
    std::set<std::pair<model::Offset, model::ProducerId>> aborted;
    for (const Ended& ended : ended_) {
      if (ended.aborted && ended.entry.last_offset >= from && ended.entry.first_offset < to) {
        aborted.insert({ended.entry.first_offset, ended.entry.producer_id});
      }
    }
    return aborted;
  }
  // The aborted index of a segment of these offsets.
  std::string IndexFile(model::Offset base, model::Offset end) const {
    AbortedIndex index;
    for (const Ended& ended : ended_) {
      if (ended.aborted && ended.entry.last_offset >= base && ended.entry.last_offset < end) index.Add(ended.entry);
    }
    return index.Encode(0);
  }
  void Watch(const PartitionLog& log) {
    const model::Offset stable = Stable(log.high_watermark(), log.log_start());
    if (log.last_stable_offset() != stable) {
      Complain(StrCat("the last stable offset is ", log.last_stable_offset(), ", should be ", stable));
    }
  }
  void Read(model::Offset from, const ReadResult& read) {
    if (read.batches.empty()) return;
    model::Offset to = from;
    for (std::string_view rest = read.batches; !rest.empty();) {
      to = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
    }
    if (to > read.last_stable_offset) {
      Complain(StrCat("a reader of committed records got offset ", to - 1, " behind the last stable offset ",
                      read.last_stable_offset));
    }
    std::set<std::pair<model::Offset, model::ProducerId>> told;
    for (const model::AbortedTransaction& one : read.aborted) told.insert({one.first_offset, one.producer_id});
    if (told != Aborted(from, to)) {
      Complain(StrCat("a reader of ", from, " to ", to, " was told of ", told.size(),
                      " aborted transactions, should be ", Aborted(from, to).size()));
    }
  }
  const std::optional<std::string>& complaint() const { return complaint_; }
  void Complain(std::string what) {
    if (!complaint_) complaint_ = std::move(what);
  }

 private:
  struct Batch {
    model::BatchHeader header;
    std::optional<model::EndMarker> marker;
  };
  struct Ended {
    bool aborted;
    AbortedEntry entry;
  };

  void Take(const Batch& batch) {
    const model::BatchHeader& header = batch.header;
    if (header.producer_id.value() < 0) return;
    if (batch.marker) {
      const auto open = open_.find(header.producer_id);
      if (open == open_.end()) return;
      const model::Offset first = open->second;
      open_.erase(open);
      model::Offset stable = header.next_offset();
      for (const auto& [producer, other] : open_) stable = std::min(stable, other);
      ended_.push_back({batch.marker->end == model::TransactionEnd::kAbort,
                        {header.producer_id, first, header.base_offset, stable}});
      return;
    }
    if (!seen_.insert({header.producer_id, header.producer_epoch, header.base_sequence}).second) {
      Complain(StrCat("producer ", header.producer_id, "'s batch of sequence ", header.base_sequence,
                      " is in the log twice, again at offset ", header.base_offset));
    }
    if (header.transactional()) open_.emplace(header.producer_id, header.base_offset);
  }

  std::vector<Batch> history_;
  std::map<model::ProducerId, model::Offset> open_;
  std::vector<Ended> ended_;
  std::set<std::tuple<model::ProducerId, int16_t, int32_t>> seen_;
  std::optional<std::string> complaint_;
};

}  // namespace leat::log
