#include "coordinator/log_replay.h"

namespace leat::coordinator {
namespace {

constexpr size_t kReadBytes = size_t{4} << 20;
constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;

absl::Status ReplayBatch(std::string_view batch, model::Offset from,
                         const std::function<absl::Status(const model::RecordView&)>& apply) {
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
  model::RecordView record;
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
    if (!more) return absl::OkStatus();
    if (record.offset < from) continue;
    LEAT_RETURN_IF_ERROR(Annotate(apply(record), StrCat("at offset ", record.offset)));
  }
}

}  // namespace

absl::Status ReplayLog(log::PartitionLog& log, const std::function<absl::Status(const model::RecordView&)>& apply) {
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
      LEAT_RETURN_IF_ERROR(ReplayBatch(batch, next, apply));
      next = header.next_offset();
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::coordinator
