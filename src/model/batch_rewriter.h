// Writes a stored batch again with some of its records left out, as compaction does. What stays is what readers and
// producer state go by: base offset, last offset delta, leader epoch, producer id, epoch and base sequence, codec, and
// the offset and time of every kept record. One batch each; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/record_batch.h"

namespace leat::model {

// The header without producer, sequence, transaction and control bits.
BatchHeader WithoutProducer(BatchHeader header);

class BatchRewriter {
 public:
  // `delete_horizon_ms`: the horizon that the batch gets; nullopt keeps the one it has, if any.
  BatchRewriter(const BatchHeader& original, std::optional<int64_t> delete_horizon_ms);
  // A record of the original, in order.
  void Keep(const RecordView& record);
  // Without any record: an uncompressed header with the original's largest timestamp and no horizon, which keeps the
  // offsets and the producer's last sequence. kResourceExhausted: more than a batch can say.
  absl::StatusOr<std::string> Finish();

 private:
  BatchHeader header_;
  std::optional<int64_t> horizon_ms_;
  std::string records_;  // behind room for the header
  int32_t count_ = 0;
  int64_t base_timestamp_ms_ = kNoTimestamp;
  int64_t max_timestamp_ms_ = kNoTimestamp;
};

// SetLogAppendTime for a batch that is part of a larger buffer. REQUIRES: `bytes` bytes of one whole batch.
void SetLogAppendTime(char* batch, size_t bytes, int64_t timestamp_ms);

// The same batch under another codec. REQUIRES: a validated batch. kResourceExhausted, kDataLoss: as Decompress.
absl::StatusOr<std::string> CompressAnew(std::string_view batch, Compression compression,
                                         size_t max_decompressed_bytes);

}  // namespace leat::model
