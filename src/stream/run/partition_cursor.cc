#include "stream/run/partition_cursor.h"

#include <algorithm>

namespace leat::run {
namespace {

constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;

}  // namespace

PartitionCursor::PartitionCursor(const Options& options)
    : options_(options),
      source_(std::make_shared<data::SourcePartition>(
          data::SourcePartition{options.partition.topic, options.partition.partition.value()})),
      next_offset_(options.start),
      fetch_offset_(options.start),
      watermark_ms_(options.watermark_ms) {}

void PartitionCursor::Feed(std::string batches, model::Offset end, std::vector<model::AbortedTransaction> aborted) {
  end_ = std::max(end_, end);
  if (batches.empty()) return;
  // The offset to go on from is behind the last batch.
  std::string_view rest = batches;
  while (!rest.empty()) {
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(rest);
    if (!header.ok() || header->total_bytes() > rest.size()) break;  // Next reports the damage
    fetch_offset_ = header->next_offset();
    rest.remove_prefix(header->total_bytes());
  }
  buffered_bytes_ += batches.size();
  buffers_.push_back({std::move(batches), model::AbortedFilter(std::move(aborted)), 0});
}

// Takes the records of whole log batches from the first buffer until there are enough. Their views live in the buffer
// and the iterators.
absl::Status PartitionCursor::Collect(size_t max_rows, std::vector<model::RecordIterator>* iterators,
                                      std::vector<model::RecordView>* records) {
  Buffer& buffer = buffers_.front();
  std::string_view rest = std::string_view(buffer.bytes).substr(buffer.used);
  while (!rest.empty() && records->size() < max_rows && next_offset_ < options_.end) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&rest));
    buffer.used += batch.size();
    LEAT_ASSIGN_OR_RETURN(auto iterator, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
    const model::BatchHeader header = iterator.header();
    LEAT_ASSIGN_OR_RETURN(const bool aborted, buffer.aborted.Skips(batch, header));
    if (!header.control() && !aborted) {
      iterators->push_back(std::move(iterator));
      model::RecordView record;
      while (true) {
        LEAT_ASSIGN_OR_RETURN(const bool more, iterators->back().Next(&record));
        if (!more) break;
        if (record.offset >= next_offset_ && record.offset < options_.end) records->push_back(record);
      }
    }
    next_offset_ = std::min(header.next_offset(), options_.end);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SourceChunk>> PartitionCursor::Next(SourceDecoder& decoder, size_t max_rows,
                                                               const exec::Context& context,
                                                               const DeadRecordSink& dead) {
  std::vector<SourceChunk> chunks;
  if (buffers_.empty()) return chunks;
  std::vector<model::RecordIterator> iterators;
  std::vector<model::RecordView> records;
  LEAT_RETURN_IF_ERROR(Annotate(Collect(max_rows, &iterators, &records), options_.partition.ToString()));
  records_read_ += records.size();
  oldest_timestamp_ms_ = records.empty() ? 0 : INT64_MAX;
  for (const model::RecordView& record : records) {
    oldest_timestamp_ms_ = std::min(oldest_timestamp_ms_, record.timestamp_ms);
  }
  for (size_t first = 0; first < records.size(); first += max_rows) {
    const size_t count = std::min(max_rows, records.size() - first);
    LEAT_ASSIGN_OR_RETURN(SourceDecoder::Decoded decoded,
                          decoder.Decode(source_, std::span(records).subspan(first, count), context, dead));
    Split(std::move(decoded), &chunks);
  }
  if (buffers_.front().used == buffers_.front().bytes.size() || finished()) {
    buffered_bytes_ -= buffers_.front().bytes.size();
    buffers_.pop_front();
  }
  return chunks;
}

// Periodic watermarks: one chunk. On event: a chunk ends at each row that moves the watermark.
void PartitionCursor::Split(SourceDecoder::Decoded decoded, std::vector<SourceChunk>* chunks) {
  if (decoded.batch.rows == 0) return;
  uint32_t first = 0;
  const auto cut = [&](uint32_t end) {
    std::vector<uint32_t> rows(end - first);
    for (uint32_t i = first; i < end; ++i) rows[i - first] = i;
    chunks->push_back({data::Gather(decoded.batch, rows), watermark_ms_});
    first = end;
  };
  for (uint32_t row = 0; row < decoded.watermarks_ms.size(); ++row) {
    if (decoded.watermarks_ms[row] <= watermark_ms_) continue;
    watermark_ms_ = decoded.watermarks_ms[row];
    if (options_.watermark_on_event) cut(row + 1);
  }
  if (first == 0) {
    chunks->push_back({std::move(decoded.batch), watermark_ms_});
  } else if (first < decoded.batch.rows) {
    cut(static_cast<uint32_t>(decoded.batch.rows));
  }
}

}  // namespace leat::run
