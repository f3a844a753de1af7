#include "model/batch_rewriter.h"

#include <algorithm>
#include <utility>

#include "model/batch_header.h"
#include "model/record_codec.h"

namespace leat::model {

using namespace internal;  // the layout of the fields

BatchHeader WithoutProducer(BatchHeader header) {
  header.attributes = static_cast<int16_t>(header.attributes & ~(kTransactionalBit | kControlBit));
  header.producer_id = ProducerId(-1);
  header.producer_epoch = -1;
  header.base_sequence = -1;
  return header;
}

BatchRewriter::BatchRewriter(const BatchHeader& original, std::optional<int64_t> delete_horizon_ms)
    : header_(original),
      horizon_ms_(delete_horizon_ms ? delete_horizon_ms : original.delete_horizon_ms()),
      records_(kBatchHeaderBytes, '\0') {}

void BatchRewriter::Keep(const RecordView& record) {
  if (count_ == 0) {
    base_timestamp_ms_ = horizon_ms_.value_or(record.timestamp_ms);
    max_timestamp_ms_ = record.timestamp_ms;
  }
  max_timestamp_ms_ = std::max(max_timestamp_ms_, record.timestamp_ms);
  EncodeRecord({.timestamp_delta = WrappingSubtract(record.timestamp_ms, base_timestamp_ms_),
                .offset_delta = static_cast<int32_t>(record.offset - header_.base_offset),
                .key = record.key,
                .value = record.value},
               record.headers, &records_);
  ++count_;
}

absl::StatusOr<std::string> BatchRewriter::Finish() {
  std::string batch = std::move(records_);
  header_.record_count = count_;
  if (count_ == 0) {
    header_.attributes = static_cast<int16_t>(header_.attributes & ~(kCompressionBits | kDeleteHorizonBit));
    header_.base_timestamp_ms = kNoTimestamp;
  } else {
    if (header_.compression() != Compression::kNone) {
      LEAT_ASSIGN_OR_RETURN(const std::string compressed,
                            Compress(header_.compression(), std::string_view(batch).substr(kBatchHeaderBytes)));
      batch.replace(kBatchHeaderBytes, std::string::npos, compressed);
    }
    if (horizon_ms_) header_.attributes |= kDeleteHorizonBit;
    header_.base_timestamp_ms = base_timestamp_ms_;
    if (!header_.log_append_time()) header_.max_timestamp_ms = max_timestamp_ms_;
  }
  if (batch.size() - kBatchLogOverheadBytes > INT32_MAX) {
    return ResourceExhausted("record batch at offset ", header_.base_offset, ": ", batch.size(),
                             " bytes are more than the ", INT32_MAX, " that its length can say");
  }
  StoreHeader(header_, &batch);
  return batch;
}

absl::StatusOr<std::string> CompressAnew(std::string_view batch, Compression compression,
                                         size_t max_decompressed_bytes) {
  LEAT_ASSIGN_OR_RETURN(BatchHeader header, ParseBatchHeader(batch));
  std::string made(batch.substr(0, kBatchHeaderBytes));
  const std::string_view body = batch.substr(kBatchHeaderBytes);
  std::string plain;
  if (header.compression() != Compression::kNone) {
    LEAT_ASSIGN_OR_RETURN(plain, Decompress(header.compression(), body, max_decompressed_bytes));
  }
  const std::string_view records = header.compression() != Compression::kNone ? std::string_view(plain) : body;
  if (compression == Compression::kNone) {
    made.append(records);
  } else {
    LEAT_ASSIGN_OR_RETURN(const std::string compressed, Compress(compression, records));
    made.append(compressed);
  }
  header.attributes = static_cast<int16_t>((header.attributes & ~kCompressionBits) | static_cast<int16_t>(compression));
  StoreHeader(header, &made);
  return made;
}

}  // namespace leat::model
