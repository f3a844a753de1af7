// Kafka's record batch, magic 2 (KIP-98): the unit on disk and on the wire. Base offset and leader epoch are patched in
// place by the log; the CRC covers everything behind them.
//
//   0 base offset i64 | 8 batch length i32 (bytes behind this field) | 12 partition leader epoch i32 | 16 magic i8
//   17 crc u32 (of what follows) | 21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64
//   35 max timestamp i64 | 43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61
//   records
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/compression.h"
#include "model/ids.h"

namespace leat::model {

inline constexpr size_t kBatchHeaderBytes = 61;
inline constexpr size_t kBatchLogOverheadBytes = 12;  // base offset and batch length
inline constexpr int64_t kNoTimestamp = -1;

struct BatchHeader {
  Offset base_offset;
  int32_t batch_length = 0;  // bytes behind the length field
  LeaderEpoch leader_epoch{-1};
  int8_t magic = 2;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = kNoTimestamp;
  int64_t max_timestamp_ms = kNoTimestamp;
  ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t record_count = 0;

  size_t total_bytes() const { return kBatchLogOverheadBytes + static_cast<size_t>(batch_length); }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return base_offset + last_offset_delta + 1; }
  Compression compression() const { return static_cast<Compression>(attributes & 7); }
  bool log_append_time() const { return (attributes & 8) != 0; }
  bool transactional() const { return (attributes & 16) != 0; }
  bool control() const { return (attributes & 32) != 0; }
  // Compaction wrote in the base timestamp's place when the batch's tombstones (or its marker) may go (KIP-534).
  std::optional<int64_t> delete_horizon_ms() const {
    return (attributes & 64) != 0 ? std::optional(base_timestamp_ms) : std::nullopt;
  }
};

// Reads the header at the front of bytes, without looking at the records. kOutOfRange: fewer than a header's bytes;
// kDataLoss: the fields cannot be a batch (magic, length, count).
absl::StatusOr<BatchHeader> ParseBatchHeader(std::string_view bytes);

// kHeaderAndCrc: a batch as a log holds it: one that compaction wrote again may have fewer records than offsets, none
// at all, and a delete horizon. kEveryRecord: a batch as a producer sends it: every record decodes, the offset deltas
// are 0, 1, 2.., there is no delete horizon. kEveryRecordWithKey: and every record of a data batch has a key.
enum class RecordCheck { kHeaderAndCrc, kEveryRecord, kEveryRecordWithKey };

// Checks one whole batch: length equals bytes.size(), magic, CRC, known attributes, count against last offset delta,
// and with kEveryRecord that the records are as said above and end where the batch does (a compressed batch is
// decompressed, to at most max_decompressed_bytes). kDataLoss says what is wrong and where; kInvalidArgument: a record
// has no key.
absl::StatusOr<BatchHeader> ValidateBatch(std::string_view bytes, RecordCheck check, size_t max_decompressed_bytes);

struct Header {
  std::string_view key;
  std::optional<std::string_view> value;
};

// A record inside a batch: views into the batch (or into the iterator's decompressed copy).
struct RecordView {
  Offset offset;
  int64_t timestamp_ms = kNoTimestamp;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt is a tombstone
  std::vector<Header> headers;
};

// Walks the records of one validated batch.
class RecordIterator {
 public:
  // Decompresses if needed. `batch` must outlive the iterator.
  static absl::StatusOr<RecordIterator> Open(std::string_view batch, size_t max_decompressed_bytes);
  RecordIterator(RecordIterator&&) noexcept;
  RecordIterator& operator=(RecordIterator&&) noexcept;
  ~RecordIterator();
  const BatchHeader& header() const { return header_; }
  // False at the end. The record's views live until the iterator is destroyed; *record's headers vector is reused.
  absl::StatusOr<bool> Next(RecordView* record);

 private:
  RecordIterator() = default;
  BatchHeader header_;
  std::unique_ptr<std::string> decompressed_;
  std::string_view rest_;
  int32_t read_ = 0;
};

// Splits the concatenated batches of a fetch answer or a segment: the first batch of *bytes, which is then removed from
// its front. kOutOfRange: the rest is an incomplete batch.
absl::StatusOr<std::string_view> TakeBatch(std::string_view* bytes);

// Builds one batch. Not reusable after Finish.
class BatchBuilder {
 public:
  struct Options {
    Compression compression = Compression::kNone;
    Offset base_offset{0};
    LeaderEpoch leader_epoch{-1};
    ProducerId producer_id{-1};
    int16_t producer_epoch = -1;
    int32_t base_sequence = -1;
    bool transactional = false;
    bool control = false;
  };
  explicit BatchBuilder(const Options& options);
  void Add(int64_t timestamp_ms, std::optional<std::string_view> key, std::optional<std::string_view> value,
           const std::vector<Header>& headers = {});
  int32_t record_count() const { return count_; }
  // Bytes of the batch if it were finished now, before compression.
  size_t uncompressed_bytes() const { return records_.size(); }
  absl::StatusOr<std::string> Finish();  // REQUIRES: record_count() > 0

 private:
  Options options_;
  std::string records_;  // behind room for the header
  int32_t count_ = 0;
  int64_t base_timestamp_ms_ = kNoTimestamp;
  int64_t max_timestamp_ms_ = kNoTimestamp;
};

// In-place edits that do not touch the CRC.
void SetBaseOffset(char* batch, Offset offset);
void SetLeaderEpoch(char* batch, LeaderEpoch epoch);
// Who wrote the batch, for idempotence (KIP-98); recomputes the CRC.
struct ProducerStamp {
  ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  bool transactional = false;
};
void SetProducer(std::string* batch, const ProducerStamp& stamp);
// Stamps log append time (attribute bit and max timestamp) and recomputes the CRC of the whole batch.
void SetLogAppendTime(std::string* batch, int64_t timestamp_ms);

}  // namespace leat::model
