// What a partition log may and must answer, kept beside it: every batch that was ever offered for an offset, which of
// them were acknowledged or served, and how far the offsets had come.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "log/partition_log.h"
#include "model/record_batch.h"

namespace leat::log {

class LogOracle {
 public:
  explicit LogOracle(Durability durability) : durability_(durability) {}

  // Batches were given to Append when the log ended at `base`.
  void Offered(std::string batches, model::Offset base, model::LeaderEpoch epoch) {
    size_t at = 0;
    while (at < batches.size()) {
      model::SetBaseOffset(batches.data() + at, base);
      model::SetLeaderEpoch(batches.data() + at, epoch);
      const auto header = model::ParseBatchHeader(std::string_view(batches).substr(at)).value();
      offered_[base.value()].insert(batches.substr(at, header.total_bytes()));
      at += header.total_bytes();
      base = header.next_offset();
    }
  }
  void Acknowledged(const AppendResult& result, std::string batches, model::LeaderEpoch epoch) {
    if (result.base_offset.value() < acknowledged_end_) Complain("acknowledged out of order");
    acknowledged_end_ = result.last_offset.value() + 1;
    size_t at = 0;
    model::Offset base = result.base_offset;
    while (at < batches.size()) {
      model::SetBaseOffset(batches.data() + at, base);
      model::SetLeaderEpoch(batches.data() + at, epoch);
      const auto header = model::ParseBatchHeader(std::string_view(batches).substr(at)).value();
      Fix(base.value(), batches.substr(at, header.total_bytes()));
      at += header.total_bytes();
      base = header.next_offset();
    }
  }
  // A batch was said to be in the log already.
  void Repeated(const AppendResult& result, std::string batch, model::LeaderEpoch epoch) {
    model::SetBaseOffset(batch.data(), result.base_offset);
    model::SetLeaderEpoch(batch.data(), epoch);
    Fix(result.base_offset.value(), std::move(batch));
    acknowledged_end_ = std::max(acknowledged_end_, result.last_offset.value() + 1);
  }
  // `bytes` came from a read at `from`.
  void Served(model::Offset from, std::string_view bytes) {
    int64_t expected = -1;
    while (!bytes.empty()) {
      const auto batch = model::TakeBatch(&bytes);
      if (!batch.ok()) return Complain(StrCat("served a piece of a batch behind offset ", from));
      const int64_t base = model::ParseBatchHeader(*batch)->base_offset.value();
      const int64_t next = model::ParseBatchHeader(*batch)->next_offset().value();
      if (expected < 0 ? from.value() < base || from.value() >= next : base != expected) {
        return Complain(
            StrCat("served offset ", base, " where ", expected < 0 ? from.value() : expected, " was asked"));
      }
      expected = next;
      if (!offered_[base].contains(std::string(*batch))) {
        return Complain(StrCat("served bytes at offset ", base, " that nobody wrote"));
      }
      Fix(base, std::string(*batch));
    }
  }
  // Looks at the offsets of the live log.
  void Watch(const PartitionLog& log) {
    if (log.log_start().value() < start_)
      Complain(StrCat("log start went back from ", start_, " to ", log.log_start()));
    if (log.high_watermark().value() < mark_) {
      Complain(StrCat("high watermark went back from ", mark_, " to ", log.high_watermark()));
    }
    if (log.log_end() < log.high_watermark() || log.high_watermark() < log.log_start()) {
      Complain("log start, high watermark and log end are out of order");
    }
    if (log.high_watermark().value() < acknowledged_end_) {
      Complain(StrCat("acknowledged to ", acknowledged_end_, ", high watermark ", log.high_watermark()));
    }
    start_ = log.log_start().value();
    mark_ = log.high_watermark().value();
  }
  // Class P promises nothing about a power cut but order: the log may end earlier.
  void PowerWasCut(const PartitionLog& log) {
    if (durability_ == Durability::kFsync) return;
    const int64_t end = log.log_end().value();
    mark_ = std::min(mark_, end);
    acknowledged_end_ = std::min(acknowledged_end_, end);
    fixed_.erase(fixed_.lower_bound(end), fixed_.end());
  }

  int64_t start() const { return start_; }
  const std::optional<std::string>& complaint() const { return complaint_; }

 private:
  // From now on the log may answer nothing else at this offset.
  void Fix(int64_t base, std::string bytes) {
    const auto [it, fresh] = fixed_.emplace(base, bytes);
    if (!fresh && it->second != bytes) Complain(StrCat("offset ", base, " changed"));
  }
  void Complain(std::string what) {
    if (!complaint_) complaint_ = std::move(what);
  }

  const Durability durability_;
  std::map<int64_t, std::set<std::string>> offered_;
  std::map<int64_t, std::string> fixed_;
  int64_t acknowledged_end_ = 0;
  int64_t start_ = 0;
  int64_t mark_ = 0;
  std::optional<std::string> complaint_;
};

}  // namespace leat::log
