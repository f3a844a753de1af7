#include "model/record_batch.h"

#include "base/bytes.h"
#include "base/check.h"
#include "model/batch_header.h"
#include "model/batch_rewriter.h"
#include "model/record_codec.h"

namespace leat::model {
namespace {

using namespace internal;  // the layout of the fields

constexpr int8_t kMagic = 2;
constexpr int32_t kMinBatchLength = kBatchHeaderBytes - kBatchLogOverheadBytes;

absl::Status CheckHeader(const BatchHeader& header) {
  if (header.magic != kMagic) {
    return DataLoss("record batch: expected magic 2 at byte ", size_t{kMagicAt}, ", got ",
                    static_cast<int>(header.magic));
  }
  if (header.batch_length < kMinBatchLength) {
    return DataLoss("record batch: expected a length of at least ", kMinBatchLength, ", got ", header.batch_length);
  }
  if (header.last_offset_delta < 0 || header.record_count < 0 ||
      int64_t{header.record_count} > int64_t{header.last_offset_delta} + 1) {
    return DataLoss("record batch: a count of ", header.record_count, " records does not fit a last offset delta of ",
                    header.last_offset_delta);
  }
  const auto room = static_cast<size_t>(header.batch_length - kMinBatchLength);
  if (header.compression() == Compression::kNone && static_cast<size_t>(header.record_count) > room / kMinRecordBytes) {
    return DataLoss("record batch: ", header.record_count, " records do not fit in ", room, " bytes");
  }
  if (header.base_offset.value() > INT64_MAX - 1 - header.last_offset_delta) {
    return DataLoss("record batch: the offsets from ", header.base_offset, " on pass the largest offset");
  }
  return absl::OkStatus();
}

// The records of a compressed batch. REQUIRES: batch.size() == header.total_bytes().
absl::StatusOr<std::string> DecompressRecords(std::string_view batch, const BatchHeader& header,
                                              size_t max_decompressed_bytes) {
  absl::StatusOr<std::string> records =
      Decompress(header.compression(), batch.substr(kBatchHeaderBytes), max_decompressed_bytes);
  if (!records.ok()) {
    return Annotate(records.status(), StrCat("record batch at offset ", header.base_offset));
  }
  if (static_cast<size_t>(header.record_count) > records->size() / kMinRecordBytes) {
    return DataLoss("record batch at offset ", header.base_offset, ": ", header.record_count, " records do not fit in ",
                    records->size(), " decompressed bytes");
  }
  return records;
}

absl::Status RecordError(const BatchHeader& header, int32_t index, std::string_view problem) {
  return DataLoss("record batch at offset ", header.base_offset, ": record ", index, " of ", header.record_count, ": ",
                  problem);
}

absl::Status CheckRecords(const BatchHeader& header, std::string_view records, RecordCheck check) {
  const bool wants_keys = check == RecordCheck::kEveryRecordWithKey && !header.control();
  const KeyRule keys = wants_keys ? KeyRule::kNeeded : KeyRule::kAny;
  DecodedRecord record;
  for (int32_t i = 0; i < header.record_count; ++i) {
    if (SkipPlainRecord(&records, i, keys)) continue;
    const char* problem = DecodeRecord(&records, &record, nullptr);
    if (problem != nullptr) return RecordError(header, i, problem);
    if (record.offset_delta != i) {
      return RecordError(header, i, StrCat("expected offset delta ", i, ", got ", record.offset_delta));
    }
    if (wants_keys && !record.key) {
      return InvalidArgument("record ", i, " of ", header.record_count,
                             " has no key, which a topic with cleanup.policy=compact needs: give every record a key");
    }
  }
  if (!records.empty()) {
    return DataLoss("record batch at offset ", header.base_offset, ": ", records.size(), " bytes follow the last of ",
                    header.record_count, " records");
  }
  return absl::OkStatus();
}

absl::Status CheckLength(const BatchHeader& header, std::string_view bytes) {
  if (header.total_bytes() == bytes.size()) return absl::OkStatus();
  return DataLoss("record batch at offset ", header.base_offset, ": its length says ", header.total_bytes(),
                  " bytes, but there are ", bytes.size());
}

// Times are added and subtracted modulo 2^64, as every client does: any two of them have a difference that leads back.
int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

absl::StatusOr<BatchHeader> ParseBatchHeader(std::string_view bytes) {
  if (bytes.size() < kBatchHeaderBytes) {
    return OutOfRange("record batch: expected a header of ", kBatchHeaderBytes, " bytes, got ", bytes.size());
  }
  const char* at = bytes.data();
  BatchHeader header;
  header.base_offset = Offset(LoadBigEndian<int64_t>(at + kBaseOffsetAt));
  header.batch_length = LoadBigEndian<int32_t>(at + kBatchLengthAt);
  header.leader_epoch = LeaderEpoch(LoadBigEndian<int32_t>(at + kLeaderEpochAt));
  header.magic = LoadBigEndian<int8_t>(at + kMagicAt);
  header.crc = LoadBigEndian<uint32_t>(at + kCrcAt);
  header.attributes = LoadBigEndian<int16_t>(at + kAttributesAt);
  header.last_offset_delta = LoadBigEndian<int32_t>(at + kLastOffsetDeltaAt);
  header.base_timestamp_ms = LoadBigEndian<int64_t>(at + kBaseTimestampAt);
  header.max_timestamp_ms = LoadBigEndian<int64_t>(at + kMaxTimestampAt);
  header.producer_id = ProducerId(LoadBigEndian<int64_t>(at + kProducerIdAt));
  header.producer_epoch = LoadBigEndian<int16_t>(at + kProducerEpochAt);
  header.base_sequence = LoadBigEndian<int32_t>(at + kBaseSequenceAt);
  header.record_count = LoadBigEndian<int32_t>(at + kRecordCountAt);
  LEAT_RETURN_IF_ERROR(CheckHeader(header));
  return header;
}

absl::StatusOr<BatchHeader> ValidateBatch(std::string_view bytes, RecordCheck check, size_t max_decompressed_bytes) {
  absl::StatusOr<BatchHeader> parsed = ParseBatchHeader(bytes);
  if (absl::IsOutOfRange(parsed.status())) return DataLoss(Message(parsed.status()));
  if (!parsed.ok()) return parsed;
  const BatchHeader& header = *parsed;
  LEAT_RETURN_IF_ERROR(CheckLength(header, bytes));
  if (const uint32_t crc = BatchCrc(bytes); crc != header.crc) {
    return DataLoss("record batch at offset ", header.base_offset, ": its ", bytes.size(), " bytes have CRC-32C ", crc,
                    ", but its header says ", header.crc);
  }
  const int16_t known = check == RecordCheck::kHeaderAndCrc ? kStoredAttributes : kProducerAttributes;
  if ((header.attributes & ~known) != 0 || header.compression() > Compression::kZstd) {
    return DataLoss("record batch at offset ", header.base_offset, ": unknown attributes ", header.attributes);
  }
  if (check == RecordCheck::kHeaderAndCrc) return parsed;
  if (int64_t{header.record_count} != int64_t{header.last_offset_delta} + 1) {
    return DataLoss("record batch at offset ", header.base_offset, ": expected ", int64_t{header.last_offset_delta} + 1,
                    " records by its last offset delta, got ", header.record_count);
  }
  if (header.compression() == Compression::kNone) {
    LEAT_RETURN_IF_ERROR(CheckRecords(header, bytes.substr(kBatchHeaderBytes), check));
  } else {
    LEAT_ASSIGN_OR_RETURN(const std::string records, DecompressRecords(bytes, header, max_decompressed_bytes));
    LEAT_RETURN_IF_ERROR(CheckRecords(header, records, check));
  }
  return parsed;
}

RecordIterator::RecordIterator(RecordIterator&&) noexcept = default;
RecordIterator& RecordIterator::operator=(RecordIterator&&) noexcept = default;
RecordIterator::~RecordIterator() = default;

absl::StatusOr<RecordIterator> RecordIterator::Open(std::string_view batch, size_t max_decompressed_bytes) {
  RecordIterator iterator;
  LEAT_ASSIGN_OR_RETURN(iterator.header_, ParseBatchHeader(batch));
  LEAT_RETURN_IF_ERROR(CheckLength(iterator.header_, batch));
  if (iterator.header_.compression() == Compression::kNone) {
    iterator.rest_ = batch.substr(kBatchHeaderBytes);
  } else {
    LEAT_ASSIGN_OR_RETURN(std::string records, DecompressRecords(batch, iterator.header_, max_decompressed_bytes));
    iterator.decompressed_ = std::make_unique<std::string>(std::move(records));
    iterator.rest_ = *iterator.decompressed_;
  }
  return iterator;
}

absl::StatusOr<bool> RecordIterator::Next(RecordView* record) {
  if (read_ == header_.record_count) return false;
  DecodedRecord decoded;
  const char* problem = DecodeRecord(&rest_, &decoded, &record->headers);
  if (problem != nullptr) return RecordError(header_, read_, problem);
  if (decoded.offset_delta < 0 || decoded.offset_delta > header_.last_offset_delta) {
    return RecordError(header_, read_, "its offset lies outside of the batch");
  }
  record->offset = header_.base_offset + decoded.offset_delta;
  record->timestamp_ms = header_.log_append_time() ? header_.max_timestamp_ms
                                                   : WrappingAdd(header_.base_timestamp_ms, decoded.timestamp_delta);
  record->key = decoded.key;
  record->value = decoded.value;
  ++read_;
  return true;
}

absl::StatusOr<std::string_view> TakeBatch(std::string_view* bytes) {
  LEAT_ASSIGN_OR_RETURN(const BatchHeader header, ParseBatchHeader(*bytes));
  if (header.total_bytes() > bytes->size()) {
    return OutOfRange("record batch at offset ", header.base_offset, ": expected ", header.total_bytes(),
                      " bytes, got ", bytes->size());
  }
  const std::string_view batch = bytes->substr(0, header.total_bytes());
  bytes->remove_prefix(batch.size());
  return batch;
}

void internal::StoreHeader(const BatchHeader& header, std::string* batch) {
  char* to = batch->data();
  StoreBigEndian(to + kBaseOffsetAt, header.base_offset.value());
  StoreBigEndian(to + kBatchLengthAt, static_cast<int32_t>(batch->size() - kBatchLogOverheadBytes));
  StoreBigEndian(to + kLeaderEpochAt, header.leader_epoch.value());
  StoreBigEndian(to + kMagicAt, kMagic);
  StoreBigEndian(to + kAttributesAt, header.attributes);
  StoreBigEndian(to + kLastOffsetDeltaAt, header.last_offset_delta);
  StoreBigEndian(to + kBaseTimestampAt, header.base_timestamp_ms);
  StoreBigEndian(to + kMaxTimestampAt, header.max_timestamp_ms);
  StoreBigEndian(to + kProducerIdAt, header.producer_id.value());
  StoreBigEndian(to + kProducerEpochAt, header.producer_epoch);
  StoreBigEndian(to + kBaseSequenceAt, header.base_sequence);
  StoreBigEndian(to + kRecordCountAt, header.record_count);
  StoreBigEndian(to + kCrcAt, BatchCrc(*batch));
}

BatchBuilder::BatchBuilder(const Options& options) : options_(options), records_(kBatchHeaderBytes, '\0') {}

void BatchBuilder::Add(int64_t timestamp_ms, std::optional<std::string_view> key, std::optional<std::string_view> value,
                       const std::vector<Header>& headers) {
  if (count_ == 0) {
    base_timestamp_ms_ = timestamp_ms;
    max_timestamp_ms_ = timestamp_ms;
  }
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  EncodeRecord({.timestamp_delta = WrappingSubtract(timestamp_ms, base_timestamp_ms_),
                .offset_delta = count_,
                .key = key,
                .value = value},
               headers, &records_);
  ++count_;
}

absl::StatusOr<std::string> BatchBuilder::Finish() {
  LEAT_CHECK(count_ > 0) << "a batch holds at least one record";
  std::string batch = std::move(records_);
  if (options_.compression != Compression::kNone) {
    LEAT_ASSIGN_OR_RETURN(const std::string compressed,
                          Compress(options_.compression, std::string_view(batch).substr(kBatchHeaderBytes)));
    batch.replace(kBatchHeaderBytes, std::string::npos, compressed);
  }
  if (batch.size() - kBatchLogOverheadBytes > INT32_MAX) {
    return ResourceExhausted("record batch: ", batch.size(), " bytes are more than the ", INT32_MAX,
                             " that its length can say; put fewer records into a batch");
  }
  BatchHeader header;
  header.base_offset = options_.base_offset;
  header.leader_epoch = options_.leader_epoch;
  header.attributes = static_cast<int16_t>(options_.compression);
  if (options_.transactional) header.attributes |= kTransactionalBit;
  if (options_.control) header.attributes |= kControlBit;
  header.last_offset_delta = count_ - 1;
  header.base_timestamp_ms = base_timestamp_ms_;
  header.max_timestamp_ms = max_timestamp_ms_;
  header.producer_id = options_.producer_id;
  header.producer_epoch = options_.producer_epoch;
  header.base_sequence = options_.base_sequence;
  header.record_count = count_;
  StoreHeader(header, &batch);
  return batch;
}

void SetBaseOffset(char* batch, Offset offset) { StoreBigEndian(batch + kBaseOffsetAt, offset.value()); }

void SetLeaderEpoch(char* batch, LeaderEpoch epoch) { StoreBigEndian(batch + kLeaderEpochAt, epoch.value()); }

void SetProducer(std::string* batch, const ProducerStamp& stamp) {
  LEAT_CHECK(batch->size() >= kBatchHeaderBytes) << "got " << batch->size() << " bytes";
  char* to = batch->data();
  const int16_t attributes = LoadBigEndian<int16_t>(to + kAttributesAt);
  const int rest = attributes & ~kTransactionalBit;
  StoreBigEndian(to + kAttributesAt, static_cast<int16_t>(stamp.transactional ? rest | kTransactionalBit : rest));
  StoreBigEndian(to + kProducerIdAt, stamp.producer_id.value());
  StoreBigEndian(to + kProducerEpochAt, stamp.producer_epoch);
  StoreBigEndian(to + kBaseSequenceAt, stamp.base_sequence);
  StoreBigEndian(to + kCrcAt, BatchCrc(*batch));
}

void SetLogAppendTime(std::string* batch, int64_t timestamp_ms) {
  SetLogAppendTime(batch->data(), batch->size(), timestamp_ms);
}

void SetLogAppendTime(char* batch, size_t bytes, int64_t timestamp_ms) {
  LEAT_CHECK(bytes >= kBatchHeaderBytes) << "got " << bytes << " bytes";
  StoreBigEndian(batch + kAttributesAt,
                 static_cast<int16_t>(LoadBigEndian<int16_t>(batch + kAttributesAt) | kLogAppendTimeBit));
  StoreBigEndian(batch + kMaxTimestampAt, timestamp_ms);
  StoreBigEndian(batch + kCrcAt, BatchCrc({batch, bytes}));
}

}  // namespace leat::model
