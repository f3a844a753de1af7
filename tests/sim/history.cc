#include "tests/sim/history.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

#include "base/strings.h"

namespace leat::nodes {

void History::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

void History::Sent(const Partition& partition, int64_t producer, const std::string& value, int64_t transaction) {
  Log& log = logs_[partition];
  Of of;
  of.producer = producer;
  of.order = log.sent[producer]++;
  of.transaction = transaction;
  log.records.emplace(value, of);
  if (transaction != kNoTransaction) ++transactions_[static_cast<size_t>(transaction)].sent;
}

void History::Acknowledged(const Partition& partition, const std::string& value, int64_t offset, Promise promise) {
  ++acknowledged_;
  Of& of = logs_[partition].records[value];
  of.acknowledged = true;
  if (promise == Promise::kMayBeLost) return;
  of.must_stay = true;
  if (offset < 0) return;
  if (of.offset >= 0 && of.offset != offset) {
    Fail(StrCat(partition.ToString(), ": ", value, " was acknowledged at ", offset, ", it was at ", of.offset));
  }
  of.offset = offset;
}

void History::Seen(const Partition& partition, int64_t offset, const std::string& value) {
  ++seen_;
  Log& log = logs_[partition];
  const auto found = log.records.find(value);
  if (found == log.records.end()) {
    return Fail(StrCat(partition.ToString(), ": ", value, " at ", offset, " was never sent"));
  }
  const auto [known, fresh] = log.seen.emplace(offset, value);
  if (known->second != value) {
    Fail(StrCat(partition.ToString(), ": one reader was shown ", known->second, " at ", offset, ", another ", value));
  }
  Of& of = found->second;
  if (of.offset >= 0 && of.offset != offset) {
    Fail(StrCat(partition.ToString(), ": ", value, " is at ", offset, " and at ", of.offset));
  }
  of.offset = offset;
  of.must_stay = true;
}

void History::SeenCommitted(const Partition& partition, int64_t offset, const std::string& value) {
  Seen(partition, offset, value);
  Log& log = logs_[partition];
  log.seen_committed.emplace(offset, value);
  const auto found = log.records.find(value);
  if (found == log.records.end() || found->second.transaction == kNoTransaction) return;
  if (transactions_[static_cast<size_t>(found->second.transaction)].outcome == Outcome::kAborted) {
    Fail(StrCat(partition.ToString(), ": ", value, " at ", offset, " was shown to a reader of committed records, its ",
                "transaction ", found->second.transaction, " was aborted"));
  }
}

int64_t History::Begin() {
  transactions_.emplace_back();
  return static_cast<int64_t>(transactions_.size()) - 1;
}

void History::End(int64_t transaction, Outcome outcome) {
  transactions_[static_cast<size_t>(transaction)].outcome = outcome;
  if (outcome == Outcome::kCommitted) ++committed_transactions_;
}

void History::OffsetAsked(const std::string& group, const Partition& partition, int64_t offset) {
  offsets_[{group, partition}].asked.insert(offset);
}

void History::OffsetCommitted(const std::string& group, const Partition& partition, int64_t offset) {
  int64_t& floor = offsets_[{group, partition}].floor;
  floor = std::max(floor, offset);
}

int64_t History::OffsetFloor(const std::string& group, const Partition& partition) const {
  const auto found = offsets_.find({group, partition});
  return found == offsets_.end() ? -1 : found->second.floor;
}

void History::OffsetRead(const std::string& group, const Partition& partition, int64_t floor, int64_t offset) {
  if (offset < floor) {
    return Fail(StrCat("group ", group, " was told ", offset, " of ", partition.ToString(), ", ", floor,
                       " had been committed before it asked"));
  }
  if (offset >= 0 && !offsets_[{group, partition}].asked.contains(offset)) {
    Fail(StrCat("group ", group, " was told ", offset, " of ", partition.ToString(), ", which nobody committed"));
  }
}

void History::CheckRecord(const Partition& partition, const Log& log, const Record& record,
                          std::map<int64_t, int64_t>* last_of_producer) {
  const auto found = log.records.find(record.value);
  if (found == log.records.end()) {
    return Fail(StrCat(partition.ToString(), ": ", record.value, " at ", record.offset, " was never sent"));
  }
  const Of& of = found->second;
  if (of.must_stay && of.offset >= 0 && of.offset != record.offset) {
    Fail(StrCat(partition.ToString(), ": ", record.value, " is at ", record.offset, ", it was at ", of.offset));
  }
  const auto [last, first] = last_of_producer->emplace(of.producer, of.order);
  if (!first && of.order == last->second) {
    Fail(StrCat(partition.ToString(), ": ", record.value, " is there twice, again at ", record.offset));
  } else if (!first && of.order < last->second) {
    Fail(StrCat(partition.ToString(), ": ", record.value, " at ", record.offset,
                " comes after what its producer sent later, or is there twice"));
  }
  last->second = std::max(last->second, of.order);
}

void History::CheckLog(const Partition& partition, const std::vector<Record>& all,
                       const std::vector<Record>& committed) {
  const Log& log = logs_[partition];
  std::map<int64_t, std::string> by_offset, committed_by_offset;
  std::map<int64_t, int64_t> last_of_producer;
  absl::flat_hash_set<std::string_view> there;
  for (const Record& record : all) {
    CheckRecord(partition, log, record, &last_of_producer);
    by_offset[record.offset] = record.value;
    there.insert(record.value);
  }
  const std::pair<const std::string, Of>* lost = nullptr;  // the first, for one seed to say the same each time
  for (const auto& record : log.records) {
    if (!record.second.must_stay || there.contains(record.first)) continue;
    if (lost == nullptr || record.first < lost->first) lost = &record;
  }
  if (lost != nullptr) {
    Fail(StrCat(partition.ToString(), ": ", lost->first, ", ",
                lost->second.acknowledged ? "acknowledged" : "shown to a reader", " at ", lost->second.offset,
                ", is lost; the log has ", all.size(), " records, the last at ", all.empty() ? -1 : all.back().offset));
  }
  for (const auto& [offset, value] : log.seen) {
    const auto found = by_offset.find(offset);
    if (found != by_offset.end() && found->second != value) {
      Fail(StrCat(partition.ToString(), ": a reader was shown ", value, " at ", offset, ", now there is ",
                  found->second));
    }
  }
  for (const Record& record : committed) {
    committed_by_offset[record.offset] = record.value;
    const auto found = log.records.find(record.value);
    if (found == log.records.end() || found->second.transaction == kNoTransaction) continue;
    ++transactions_[static_cast<size_t>(found->second.transaction)].there;
  }
  for (const auto& [offset, value] : log.seen_committed) {
    if (committed_by_offset.contains(offset)) continue;
    Fail(StrCat(partition.ToString(), ": ", value, " at ", offset,
                " was shown to a reader of committed records, and is not to a later one"));
  }
}

void History::CheckTransactions() {
  for (size_t i = 0; i < transactions_.size(); ++i) {
    const Transaction& transaction = transactions_[i];
    const std::string what =
        StrCat("transaction ", i, ": ", transaction.there, " of its ", transaction.sent, " records are there");
    switch (transaction.outcome) {
      case Outcome::kCommitted:
        if (transaction.there != transaction.sent) Fail(StrCat(what, ", it was committed"));
        break;
      case Outcome::kAborted:
        if (transaction.there != 0) Fail(StrCat(what, ", it was aborted"));
        break;
      case Outcome::kOpen:
      case Outcome::kUnknown:
        if (transaction.there != 0 && transaction.there != transaction.sent) Fail(StrCat(what, ": it is torn"));
    }
  }
}

}  // namespace leat::nodes
