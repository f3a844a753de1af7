// What a consumer makes of a fetch answer when it reads committed records only: the client's half of the contract.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "broker/api.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::broker {

struct ReadRecords {
  std::vector<std::string> values;
  model::Offset next;  // where to go on
};

enum class AbortedRecords { kSkipped, kTaken };

inline ReadRecords TakeCommitted(const FetchPartitionResult& result, model::Offset from,
                                 AbortedRecords aborted_records = AbortedRecords::kSkipped) {
  ReadRecords read{{}, from};
  std::vector<model::AbortedTransaction> aborted = result.aborted;
  std::sort(aborted.begin(), aborted.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
  size_t begun = 0;
  std::set<model::ProducerId> aborting;
  std::string_view rest = result.batches;
  while (!rest.empty()) {
    const std::string_view batch = *model::TakeBatch(&rest);
    const model::BatchHeader header = *model::ParseBatchHeader(batch);
    for (; begun < aborted.size() && aborted[begun].first_offset <= header.last_offset(); ++begun) {
      aborting.insert(aborted[begun].producer_id);
    }
    read.next = header.next_offset();
    if (header.control()) {
      const auto marker = *model::DecodeMarkerBatch(batch);
      if (marker && marker->end == model::TransactionEnd::kAbort) aborting.erase(header.producer_id);
      continue;
    }
    const bool skip = header.transactional() && aborting.contains(header.producer_id);
    if (skip && aborted_records == AbortedRecords::kSkipped) continue;
    model::RecordIterator records = *model::RecordIterator::Open(batch, size_t{1} << 20);
    model::RecordView record;
    while (*records.Next(&record)) {
      if (record.offset >= from) read.values.emplace_back(record.value.value_or("<null>"));
    }
  }
  return read;
}

}  // namespace leat::broker
