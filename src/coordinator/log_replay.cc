#include "coordinator/log_replay.h"

namespace leat::coordinator {
namespace {

constexpr size_t kReadBytes = size_t{4} << 20;
constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;

absl::Status ReplayMarker(std::string_view batch, const model::BatchHeader& header, const LogVisitor& visitor) {
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::EndMarker> marker, model::DecodeMarkerBatch(batch));
  if (marker) visitor.marker(header.producer_id, marker->end);
  return absl::OkStatus();
}

absl::Status ReplayBatch(std::string_view batch, const model::BatchHeader& header, model::Offset from,
                         const LogVisitor& visitor) {
  if (header.record_count == 0) return absl::OkStatus();  // compaction keeps such a batch for its producer
  if (header.control()) {
    return header.last_offset() < from ? absl::OkStatus() : ReplayMarker(batch, header, visitor);
  }
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
  model::RecordView record;
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
    if (!more) return absl::OkStatus();
    if (record.offset < from) continue;
    LEAT_RETURN_IF_ERROR(Annotate(visitor.record(header, record), StrCat("at offset ", record.offset)));
  }
}

}  // namespace

absl::Status ReplayLog(log::PartitionLog& log, const std::function<absl::Status(const model::RecordView&)>& apply) {
  return ReplayLog(log,
                   {.record = [&](const model::BatchHeader&, const model::RecordView& record) { return apply(record); },
                    .marker = [](model::ProducerId, model::TransactionEnd) {}});
}

absl::Status ReplayLog(log::PartitionLog& log, const LogVisitor& visitor) {
  model::Offset next = log.log_start();
  while (next < log.high_watermark()) {
    LEAT_ASSIGN_OR_RETURN(const log::ReadResult read, log.Read(next, kReadBytes));
    if (read.batches.empty()) {
      return DataLoss("expected records from offset ", next, " to ", log.high_watermark(), ", got none");
    }
    std::string_view rest = read.batches;
    while (!rest.empty()) {
      LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&rest));
      LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header, model::ParseBatchHeader(batch));
      LEAT_RETURN_IF_ERROR(ReplayBatch(batch, header, next, visitor));
      next = header.next_offset();
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::coordinator
