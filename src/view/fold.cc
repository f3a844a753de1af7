#include "view/fold.h"

#include <algorithm>
#include <utility>

#include "model/aborted_filter.h"
#include "model/record_batch.h"

namespace leat::view {
namespace {

// Of one batch; the broker has checked it when it was appended.
constexpr size_t kMaxDecompressedBytes = size_t{256} << 20;

absl::Status ReadBatch(std::string_view batch, model::Offset from, CommittedRecords* out) {
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
  model::RecordView record;
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
    if (!more) return absl::OkStatus();
    if (record.offset < from) continue;
    Record& to = out->records.emplace_back();
    to.offset = record.offset;
    to.timestamp_ms = record.timestamp_ms;
    if (record.key) to.key = std::string(*record.key);
    if (record.value) to.value = std::string(*record.value);
  }
}

}  // namespace

absl::StatusOr<CommittedRecords> ReadCommitted(std::string_view batches, model::Offset from,
                                               std::vector<model::AbortedTransaction> aborted) {
  CommittedRecords out{.next = from};
  model::AbortedFilter filter(std::move(aborted));
  while (!batches.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&batches));
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header, model::ParseBatchHeader(batch));
    LEAT_ASSIGN_OR_RETURN(const bool skipped, filter.Skips(batch, header));
    if (!skipped && !header.control()) LEAT_RETURN_IF_ERROR(ReadBatch(batch, from, &out));
    out.next = std::max(out.next, header.next_offset());
  }
  return out;
}

}  // namespace leat::view
