#include "log/append_check.h"

#include <algorithm>

#include "log/batch_scanner.h"
#include "model/error_status.h"

namespace leat::log {
namespace {

absl::Status CheckSize(const model::BatchHeader& header, const LogOptions& options) {
  const auto limit = std::min<uint64_t>(static_cast<uint64_t>(options.max_batch_bytes), kLargestBatchBytes);
  if (header.total_bytes() <= limit) return absl::OkStatus();
  return OutOfRange("a batch of ", header.total_bytes(), " bytes is larger than the ", limit,
                    " that max.message.bytes allows; send smaller batches or raise it");
}

}  // namespace

absl::StatusOr<PreparedAppend> PrepareAppend(std::string bytes, const LogOptions& options, const AppendPlace& place) {
  if (bytes.empty()) return InvalidArgument("expected at least one record batch, got no bytes");
  if (place.epoch < place.latest_epoch) {
    return InvalidArgument("leader epoch ", place.epoch, " is older than the log's, which is ", place.latest_epoch);
  }
  PreparedAppend prepared;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto at = static_cast<size_t>(rest.data() - bytes.data());
    const absl::StatusOr<model::BatchHeader> parsed = model::ParseBatchHeader(rest);
    if (!parsed.ok()) return InvalidArgument("byte ", at, " of the append: ", Message(parsed.status()));
    LEAT_RETURN_IF_ERROR(CheckSize(*parsed, options));
    if (parsed->total_bytes() > rest.size()) {
      return InvalidArgument("byte ", at, " of the append: a batch of ", parsed->total_bytes(),
                             " bytes is cut off after ", rest.size());
    }
    const std::string_view batch = rest.substr(0, parsed->total_bytes());
    const absl::StatusOr<model::BatchHeader> checked = model::ValidateBatch(
        batch, options.compact ? model::RecordCheck::kEveryRecordWithKey : model::RecordCheck::kEveryRecord,
        static_cast<size_t>(options.max_decompressed_batch_bytes));
    if (!checked.ok()) {
      absl::Status refused = InvalidArgument("byte ", at, " of the append: ", Message(checked.status()));
      const bool keyless = absl::IsInvalidArgument(checked.status());
      return keyless ? model::WithCode(std::move(refused), model::ErrorCode::kInvalidRecord) : refused;
    }
    if (checked->record_count <= 0) return InvalidArgument("byte ", at, " of the append: a batch without records");
    prepared.batches.push_back({at, *checked});
    rest.remove_prefix(batch.size());
  }
  if (options.timestamp_type == TimestampType::kLogAppendTime) prepared.log_append_time_ms = place.wall_ms;
  model::Offset next = place.base;
  for (PreparedBatch& batch : prepared.batches) {
    if (prepared.log_append_time_ms >= 0) {
      if (prepared.batches.size() == 1) {
        model::SetLogAppendTime(&bytes, prepared.log_append_time_ms);
      } else {
        std::string stamped = bytes.substr(batch.at, batch.header.total_bytes());
        model::SetLogAppendTime(&stamped, prepared.log_append_time_ms);
        bytes.replace(batch.at, stamped.size(), stamped);
      }
      batch.header.max_timestamp_ms = prepared.log_append_time_ms;
    }
    model::SetBaseOffset(bytes.data() + batch.at, next);
    model::SetLeaderEpoch(bytes.data() + batch.at, place.epoch);
    batch.header.base_offset = next;
    batch.header.leader_epoch = place.epoch;
    next = batch.header.next_offset();
    prepared.max_timestamp_ms = std::max(prepared.max_timestamp_ms, batch.header.max_timestamp_ms);
  }
  prepared.bytes = std::move(bytes);
  return prepared;
}

}  // namespace leat::log
