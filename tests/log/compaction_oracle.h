// What a compacted log may and must hold, kept beside it: every record that was ever offered for an offset, which of
// them were acknowledged or served, and which were seen to be gone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "log/partition_log.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::log {

struct PlainRecord {
  int64_t offset = -1;
  int64_t timestamp_ms = -1;
  std::string key;
  std::optional<std::string> value;
  int64_t mark = 0;         // no two records have the same
  int64_t transaction = 0;  // 0: none
  friend bool operator==(const PlainRecord&, const PlainRecord&) = default;
};

// Headers that say which record it is, and of which transaction.
inline std::vector<model::Header> MarkHeaders(const std::string& mark, const std::string& transaction) {
  return {{"mark", mark}, {"transaction", transaction}};
}

// The records of concatenated batches, control records left out.
inline std::vector<PlainRecord> Records(std::string_view bytes) {
  std::vector<PlainRecord> all;
  while (!bytes.empty()) {
    auto records = model::RecordIterator::Open(model::TakeBatch(&bytes).value(), 1 << 20).value();
    if (records.header().control()) continue;
    model::RecordView record;
    while (records.Next(&record).value()) {
      PlainRecord plain = {record.offset.value(), record.timestamp_ms, std::string(record.key.value_or("(none)")),
                           record.value ? std::optional<std::string>(*record.value) : std::nullopt};
      if (record.headers.size() == 2) {
        plain.mark = std::stoll(std::string(*record.headers[0].value));
        plain.transaction = std::stoll(std::string(*record.headers[1].value));
      }
      all.push_back(std::move(plain));
    }
  }
  return all;
}

class CompactionOracle {
 public:
  explicit CompactionOracle(int64_t delete_retention_ms) : delete_retention_ms_(delete_retention_ms) {}

  // Batches were given to Append when the log ended at `base`.
  void Offered(std::string batches, model::Offset base, int64_t wall_ms) {
    for (size_t at = 0; at < batches.size();) {
      model::SetBaseOffset(batches.data() + at, base);
      const auto header = model::ParseBatchHeader(std::string_view(batches).substr(at)).value();
      ends_[base.value()].insert(header.last_offset().value());
      base = header.next_offset();
      at += header.total_bytes();
    }
    for (const PlainRecord& record : Records(batches)) offered_[record.offset].push_back({record, wall_ms});
  }
  void Acknowledged(std::string batches, model::Offset base) {
    for (size_t at = 0; at < batches.size();) {
      model::SetBaseOffset(batches.data() + at, base);
      const auto header = model::ParseBatchHeader(std::string_view(batches).substr(at)).value();
      base = header.next_offset();
      at += header.total_bytes();
    }
    for (const PlainRecord& record : Records(batches)) Know(record);
  }
  // One read; what it should begin with at or behind.
  void Served(model::Offset from, std::string_view bytes) {
    int64_t last = from.value() - 1;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto batch = model::TakeBatch(&rest);
      if (!batch.ok()) return Complain("served a piece of a batch");
      const model::BatchHeader header = model::ParseBatchHeader(*batch).value();
      const auto known = ends_.find(header.base_offset.value());
      const bool marker = header.control() || (header.record_count == 0 && header.last_offset_delta == 0);
      if (!marker && (known == ends_.end() || !known->second.contains(header.last_offset().value()))) {
        return Complain(StrCat("served a batch of offsets ", header.base_offset, " to ", header.last_offset(),
                               ", which nobody wrote"));
      }
      if (header.last_offset().value() <= last) return Complain(StrCat("went back to offset ", header.base_offset));
      last = header.last_offset().value();
    }
    for (const PlainRecord& record : Records(bytes)) {
      if (gone_.contains(record.offset)) Complain(StrCat("the record at offset ", record.offset, " came back"));
      Know(record);
    }
  }
  // Everything from the log start to the high watermark, read in one moment.
  void ServedAll(const std::vector<PlainRecord>& records, const PartitionLog& log, int64_t wall_ms) {
    const int64_t start = log.log_start().value();
    std::map<std::string, int64_t> last;
    std::set<int64_t> there;
    for (const PlainRecord& record : records) {
      there.insert(record.offset);
      if (record.offset >= start && Of(record) == Fate::kCommitted) last[record.key] = record.offset;
    }
    std::map<std::string, int64_t> truth;
    for (const auto& [offset, record] : known_) {
      if (offset < start) continue;
      if (Of(record) == Fate::kCommitted) truth[record.key] = offset;
      if (Of(record) == Fate::kOpen && !there.contains(offset)) {
        Complain(StrCat("offset ", offset, " of the open transaction ", record.transaction, " is gone"));
      }
    }
    for (const auto& [key, offset] : truth) {
      const auto found = last.find(key);
      if (found != last.end() && found->second >= offset) continue;
      const PlainRecord& record = known_.at(offset);
      if (found != last.end() && record.value) {
        Complain(StrCat("key ", key, ": offset ", offset, " is gone, ", found->second, " is left"));
      } else if (record.value) {
        Complain(StrCat("key ", key, ": its last value at offset ", offset, " is gone"));
      } else if (found != last.end()) {
        Complain(StrCat("key ", key, ": the tombstone at ", offset, " is gone before the value at ", found->second));
      } else if (wall_ms < WrittenAt(record) + delete_retention_ms_) {
        Complain(StrCat("key ", key, ": the tombstone at ", offset, " is gone after ", wall_ms - WrittenAt(record),
                        " of ", delete_retention_ms_, " ms"));
      }
    }
    for (const auto& [offset, record] : known_) {
      if (!there.contains(offset)) gone_.insert(offset);
    }
  }
  // The transaction's marker is in the log.
  void Ended(int64_t transaction, model::TransactionEnd end) { ended_[transaction] = end; }
  // What a reader of committed records sees of `records`, read at the same moment.
  std::vector<PlainRecord> Committed(const std::vector<PlainRecord>& records, model::Offset stable) const {
    std::vector<PlainRecord> visible;
    for (const PlainRecord& record : records) {
      if (record.offset < stable.value() && Of(record) == Fate::kCommitted) visible.push_back(record);
    }
    return visible;
  }
  void Watch(const PartitionLog& log) {
    if (log.log_start().value() < start_) Complain("log start went back");
    if (log.high_watermark().value() < mark_) Complain("high watermark went back");
    start_ = log.log_start().value();
    mark_ = log.high_watermark().value();
  }
  // Class P promises nothing about a power cut but order: the log may end earlier.
  void PowerWasCut(const PartitionLog& log) {
    const int64_t end = log.log_end().value();
    mark_ = std::min(mark_, end);
    known_.erase(known_.lower_bound(end), known_.end());
    gone_.erase(gone_.lower_bound(end), gone_.end());
  }

  size_t gone() const { return gone_.size(); }
  const std::optional<std::string>& complaint() const { return complaint_; }

 private:
  enum class Fate { kOpen, kCommitted, kAborted };
  Fate Of(const PlainRecord& record) const {
    if (record.transaction == 0) return Fate::kCommitted;
    const auto it = ended_.find(record.transaction);
    if (it == ended_.end()) return Fate::kOpen;
    return it->second == model::TransactionEnd::kCommit ? Fate::kCommitted : Fate::kAborted;
  }
  struct Offer {
    PlainRecord record;
    int64_t wall_ms;
  };
  int64_t WrittenAt(const PlainRecord& record) const {
    // The same record may have been offered twice for one offset; the later one counts.
    int64_t at = 0;
    for (const Offer& offer : offered_.at(record.offset)) {
      if (offer.record == record) at = offer.wall_ms;
    }
    return at;
  }
  // From now on this record is at its offset, or nothing is.
  void Know(const PlainRecord& record) {
    bool offered = false;
    for (const Offer& offer : offered_[record.offset]) offered |= offer.record == record;
    if (!offered) return Complain(StrCat("offset ", record.offset, " holds a record that was not written there"));
    const auto [it, fresh] = known_.emplace(record.offset, record);
    if (!fresh && it->second != record) Complain(StrCat("the record at offset ", record.offset, " changed"));
  }
  void Complain(std::string what) {
    if (!complaint_) complaint_ = std::move(what);
  }

  const int64_t delete_retention_ms_;
  std::map<int64_t, std::vector<Offer>> offered_;
  std::map<int64_t, std::set<int64_t>> ends_;  // last offsets of batches by base offset
  std::map<int64_t, PlainRecord> known_;
  std::set<int64_t> gone_;
  std::map<int64_t, model::TransactionEnd> ended_;
  int64_t start_ = 0;
  int64_t mark_ = 0;
  std::optional<std::string> complaint_;
};

}  // namespace leat::log
