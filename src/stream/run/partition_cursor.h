// The reading position in one source partition: fetched bytes in, batches with their watermark out. Pure; not
// thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/aborted_filter.h"
#include "model/ids.h"
#include "stream/run/source_decoder.h"

namespace leat::run {

// A piece of a partition, in order: the rows, then the watermark that holds behind them.
struct SourceChunk {
  data::Batch batch;
  int64_t watermark_ms = exec::kMinWatermark;
};

class PartitionCursor {
 public:
  struct Options {
    model::TopicPartition partition;
    model::Offset start;
    model::Offset end = model::Offset{INT64_MAX};  // bounded: the first offset not to read
    int64_t watermark_ms = exec::kMinWatermark;    // of the checkpoint
    bool watermark_on_event = false;               // a watermark a row instead of one a batch
  };
  explicit PartitionCursor(const Options& options);

  // What a fetch at fetch_offset() brought: whole batches, and the end of what can be read of the partition now.
  void Feed(std::string batches, model::Offset end, std::vector<model::AbortedTransaction> aborted = {});
  // The partition ends at `end`, which was not known before.
  void EndAt(model::Offset end) { options_.end = end; }
  model::Offset fetch_offset() const { return fetch_offset_; }
  size_t buffered_bytes() const { return buffered_bytes_; }
  bool has_data() const { return !buffers_.empty(); }
  // Decodes up to about max_rows records; a chunk per batch, or one per step of the watermark with on-event.
  absl::StatusOr<std::vector<SourceChunk>> Next(SourceDecoder& decoder, size_t max_rows, const exec::Context& context,
                                                const DeadRecordSink& dead);

  const model::TopicPartition& partition() const { return options_.partition; }
  model::Offset next_offset() const { return next_offset_; }  // behind the last record decoded
  int64_t watermark_ms() const { return watermark_ms_; }
  void AdvanceWatermark(int64_t to_ms) { watermark_ms_ = std::max(watermark_ms_, to_ms); }
  bool at_end() const { return buffers_.empty() && next_offset_ >= end_; }  // nothing to read right now
  bool finished() const { return next_offset_ >= options_.end; }
  uint64_t records_read() const { return records_read_; }
  // Of the oldest record of the last Next; 0: it read none, or none has one.
  int64_t oldest_timestamp_ms() const { return oldest_timestamp_ms_; }

 private:
  struct Buffer {
    std::string bytes;
    model::AbortedFilter aborted;
    size_t used = 0;
  };
  absl::Status Collect(size_t max_rows, std::vector<model::RecordIterator>* iterators,
                       std::vector<model::RecordView>* records);
  void Split(SourceDecoder::Decoded decoded, std::vector<SourceChunk>* chunks);

  Options options_;
  std::shared_ptr<const data::SourcePartition> source_;
  std::deque<Buffer> buffers_;
  size_t buffered_bytes_ = 0;
  model::Offset next_offset_;
  model::Offset fetch_offset_;
  model::Offset end_{-1};
  int64_t watermark_ms_;
  uint64_t records_read_ = 0;
  int64_t oldest_timestamp_ms_ = 0;
};

}  // namespace leat::run
