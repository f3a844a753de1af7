// A partition's log as a reader of committed records meets it, and what a view of it has to be: a plain map.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "model/record_batch.h"
#include "model/transaction.h"
#include "view/fold.h"

namespace leat::view {

struct Put {
  std::string key;
  std::optional<std::string> value;  // nullopt: a tombstone
};

class ModelLog {
 public:
  struct Fetched {
    std::string batches;
    std::vector<model::AbortedTransaction> aborted;
  };

  void Append(const std::vector<Put>& puts, std::optional<int64_t> producer = std::nullopt) {
    Batch batch{.first = end_, .puts = puts, .producer = producer};
    model::BatchBuilder builder({.compression = puts.size() > 3 ? model::Compression::kLz4 : model::Compression::kNone,
                                 .base_offset = model::Offset(end_),
                                 .producer_id = model::ProducerId(producer.value_or(-1)),
                                 .producer_epoch = static_cast<int16_t>(producer ? 0 : -1),
                                 .transactional = producer.has_value()});
    for (const Put& put : puts) builder.Add(1000 + end_++, put.key, put.value);
    batch.bytes = *builder.Finish();
    batch.end = end_;
    if (producer) open_.emplace(*producer, batch.first);
    batches_.push_back(std::move(batch));
  }
  void End(int64_t producer, model::TransactionEnd how) {
    const auto open = open_.find(producer);
    if (open == open_.end()) return;
    ended_.push_back({producer, open->second, end_, how});
    open_.erase(open);
    Batch marker{.first = end_};
    marker.bytes =
        model::EncodeMarkerBatch({.producer_id = model::ProducerId(producer), .producer_epoch = 0, .marker = {how, 0}});
    model::SetBaseOffset(marker.bytes.data(), model::Offset(end_));
    marker.end = ++end_;
    batches_.push_back(std::move(marker));
  }

  int64_t end() const { return end_; }
  int64_t last_stable_offset() const {
    int64_t stable = end_;
    for (const auto& [producer, first] : open_) stable = std::min(stable, first);
    return stable;
  }
  const std::map<int64_t, int64_t>& open() const { return open_; }

  // Whole batches from the one that holds `from`, up to the last stable offset.
  Fetched Fetch(int64_t from, size_t max_bytes) const {
    Fetched out;
    int64_t to = from;
    for (const Batch& batch : batches_) {
      if (batch.end <= from) continue;
      if (batch.first >= last_stable_offset() || (!out.batches.empty() && out.batches.size() > max_bytes)) break;
      out.batches += batch.bytes;
      to = batch.end;
    }
    for (const Transaction& ended : ended_) {
      if (ended.how == model::TransactionEnd::kCommit || ended.first >= to || ended.marker < from) continue;
      out.aborted.push_back({model::ProducerId(ended.producer), model::Offset(ended.first)});
    }
    return out;
  }

  // What the records below `offset` come to.
  std::map<std::string, Entry> TableAt(int64_t offset) const {
    std::map<std::string, Entry> table;
    for (const Batch& batch : batches_) {
      if (IsAborted(batch)) continue;
      int64_t at = batch.first;
      for (const Put& put : batch.puts) {
        if (at >= offset) return table;
        if (put.value) {
          table[put.key] = {model::Offset(at), 1000 + at, *put.value};
        } else {
          table.erase(put.key);
        }
        ++at;
      }
    }
    return table;
  }

 private:
  struct Batch {
    int64_t first = 0, end = 0;
    std::vector<Put> puts{};
    std::optional<int64_t> producer{};
    std::string bytes{};
  };
  struct Transaction {
    int64_t producer, first, marker;
    model::TransactionEnd how;
  };
  bool IsAborted(const Batch& batch) const {
    for (const Transaction& ended : ended_) {
      if (batch.producer == ended.producer && batch.first >= ended.first && batch.first < ended.marker) {
        return ended.how == model::TransactionEnd::kAbort;
      }
    }
    return false;
  }

  int64_t end_ = 0;
  std::vector<Batch> batches_;
  std::map<int64_t, int64_t> open_;  // by producer: the first offset
  std::vector<Transaction> ended_;
};

}  // namespace leat::view
