#include "tests/sim/batches.h"

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace leat::nodes {

Walked Walk(std::string_view batches, int64_t from, std::vector<model::AbortedTransaction> aborted) {
  Walked walked;
  walked.next = from;
  std::sort(aborted.begin(), aborted.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
  size_t begun = 0;
  std::set<model::ProducerId> aborting;
  bool first = true;
  while (!batches.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&batches);
    if (!batch.ok()) {
      walked.failure = StrCat("behind ", walked.next, ": ", Message(batch.status()));
      return walked;
    }
    const auto checked = model::ValidateBatch(*batch, model::RecordCheck::kHeaderAndCrc, size_t{1} << 20);
    if (!checked.ok()) {
      walked.failure = StrCat("at ", walked.next, ": ", Message(checked.status()));
      return walked;
    }
    const model::BatchHeader& header = *checked;
    if (first ? header.base_offset.value() > from || header.next_offset().value() <= from
              : header.base_offset.value() != walked.next) {
      walked.failure =
          StrCat("asked for ", walked.next, ", there is a batch of ", header.base_offset, " to ", header.last_offset());
      return walked;
    }
    first = false;
    walked.next = header.next_offset().value();
    for (; begun < aborted.size() && aborted[begun].first_offset <= header.last_offset(); ++begun) {
      aborting.insert(aborted[begun].producer_id);
    }
    if (header.control()) {
      const auto marker = model::DecodeMarkerBatch(*batch);
      if (marker.ok() && *marker && (*marker)->end == model::TransactionEnd::kAbort) aborting.erase(header.producer_id);
      continue;
    }
    const bool skip = header.transactional() && aborting.contains(header.producer_id);
    if (header.transactional() && !skip) {
      walked.stamps.push_back({header.producer_id, header.producer_epoch, header.base_sequence});
    }
    absl::StatusOr<model::RecordIterator> records = model::RecordIterator::Open(*batch, size_t{1} << 20);
    model::RecordView record;
    while (records.ok() && records->Next(&record).value_or(false)) {
      if (record.offset.value() < from) continue;
      walked.all.push_back({record.offset.value(), std::string(record.value.value_or("<null>"))});
      if (skip) continue;
      walked.committed.push_back(walked.all.back());
      walked.keyed.push_back({.key = std::string(record.key.value_or("")), .value = std::nullopt});
      if (record.value) walked.keyed.back().value = std::string(*record.value);
    }
  }
  return walked;
}

}  // namespace leat::nodes
