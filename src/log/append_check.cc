#include "log/append_check.h"

#include <algorithm>

#include "log/batch_scanner.h"
#include "model/batch_rewriter.h"
#include "model/error_status.h"

namespace leat::log {
namespace {

absl::Status CheckSize(const model::BatchHeader& header, const LogOptions& options) {
  const auto limit = std::min<uint64_t>(static_cast<uint64_t>(options.max_batch_bytes), kLargestBatchBytes);
  if (header.total_bytes() <= limit) return absl::OkStatus();
  return OutOfRange("a batch of ", header.total_bytes(), " bytes is larger than the ", limit,
                    " that max.message.bytes allows; send smaller batches or raise it");
}

// How far a producer's timestamps are from the wall clock. The header has the latest one.
absl::Status CheckTimestamps(std::string_view batch, const model::BatchHeader& header, const LogOptions& options,
                             int64_t wall_ms) {
  const auto refuse = [wall_ms](int64_t timestamp_ms, std::string_view config, Duration limit) {
    return model::WithCode(
        InvalidArgument("timestamp ", timestamp_ms, " is further from the broker's clock, ", wall_ms, ", than the ",
                        absl::ToInt64Milliseconds(limit), " ms of ", config, ": send a nearer one or raise that"),
        model::ErrorCode::kInvalidTimestamp);
  };
  const auto ahead = [wall_ms](int64_t timestamp_ms) {
    return absl::Milliseconds(timestamp_ms) - absl::Milliseconds(wall_ms);
  };
  if (options.timestamp_type != TimestampType::kCreateTime || header.control()) return absl::OkStatus();
  if (ahead(header.max_timestamp_ms) > options.timestamp_after_max) {
    return refuse(header.max_timestamp_ms, "message.timestamp.after.max.ms", options.timestamp_after_max);
  }
  if (options.timestamp_before_max == absl::InfiniteDuration()) return absl::OkStatus();
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records,
                        model::RecordIterator::Open(batch, static_cast<size_t>(options.max_decompressed_batch_bytes)));
  model::RecordView record;
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
    if (!more) return absl::OkStatus();
    if (record.timestamp_ms >= 0 && -ahead(record.timestamp_ms) > options.timestamp_before_max) {
      return refuse(record.timestamp_ms, "message.timestamp.before.max.ms", options.timestamp_before_max);
    }
  }
}

absl::StatusOr<model::BatchHeader> CheckBatch(std::string_view batch, const LogOptions& options, int64_t wall_ms) {
  const absl::StatusOr<model::BatchHeader> checked = model::ValidateBatch(
      batch, options.compact ? model::RecordCheck::kEveryRecordWithKey : model::RecordCheck::kEveryRecord,
      static_cast<size_t>(options.max_decompressed_batch_bytes));
  if (absl::IsInvalidArgument(checked.status())) {
    return model::WithCode(checked.status(), model::ErrorCode::kInvalidRecord);
  }
  if (!checked.ok()) return InvalidArgument(Message(checked.status()));
  if (checked->record_count <= 0) return InvalidArgument("a batch without records");
  LEAT_RETURN_IF_ERROR(CheckTimestamps(batch, *checked, options, wall_ms));
  return checked;
}

// Compresses the batches anew that are not compressed as the topic wants it.
absl::Status Recompress(OwnedBytes* bytes, PreparedAppend* prepared, const LogOptions& options) {
  std::string all;
  for (PreparedBatch& batch : prepared->batches) {
    const std::string_view original = bytes->view().substr(batch.at, batch.header.total_bytes());
    batch.at = all.size();
    if (batch.header.control() || batch.header.compression() == *options.compression) {
      all.append(original);
      continue;
    }
    LEAT_ASSIGN_OR_RETURN(
        const std::string made,
        model::CompressAnew(original, *options.compression, static_cast<size_t>(options.max_decompressed_batch_bytes)));
    LEAT_ASSIGN_OR_RETURN(batch.header, model::ParseBatchHeader(made));
    LEAT_RETURN_IF_ERROR(CheckSize(batch.header, options));
    all.append(made);
  }
  *bytes = std::move(all);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PreparedAppend> PrepareAppend(OwnedBytes bytes, const LogOptions& options, const AppendPlace& place) {
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
    const absl::StatusOr<model::BatchHeader> checked = CheckBatch(batch, options, place.wall_ms);
    if (!checked.ok()) return Annotate(checked.status(), StrCat("byte ", at, " of the append"));
    prepared.batches.push_back({at, *checked});
    rest.remove_prefix(batch.size());
  }
  if (options.compression) LEAT_RETURN_IF_ERROR(Recompress(&bytes, &prepared, options));
  if (options.timestamp_type == TimestampType::kLogAppendTime) prepared.log_append_time_ms = place.wall_ms;
  model::Offset next = place.base;
  for (PreparedBatch& batch : prepared.batches) {
    if (prepared.log_append_time_ms >= 0) {
      model::SetLogAppendTime(bytes.data() + batch.at, batch.header.total_bytes(), prepared.log_append_time_ms);
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
