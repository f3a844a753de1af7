#include "log/batch_scanner.h"

#include <algorithm>

namespace leat::log {
namespace {
// Walking headers skips the bytes between them; checking reads all.
constexpr size_t kHeaderReadAheadBytes = 8 << 10;
constexpr size_t kCrcReadAheadBytes = 256 << 10;
}  // namespace

std::string HeaderProblem(const absl::StatusOr<model::BatchHeader>& header, model::Offset expected,
                          model::Offset gaps_until) {
  if (!header.ok()) return std::string(Message(header.status()));
  // The last batch of what was compacted stays: a gap never reaches the end of that.
  const bool gap = header->base_offset > expected && header->next_offset() <= gaps_until;
  if (header->base_offset != expected && !gap) {
    return StrCat("expected a batch of offset ", expected, ", found one of offset ", header->base_offset);
  }
  if (header->total_bytes() > kLargestBatchBytes || header->last_offset_delta < 0) {
    return StrCat("a batch of ", header->total_bytes(), " bytes and last offset delta ", header->last_offset_delta,
                  " cannot be");
  }
  return "";
}

BatchScanner::BatchScanner(const env::File& file, uint64_t position, uint64_t end, model::Offset expected,
                           model::Offset gaps_until, ScanCheck check)
    : file_(file), position_(position), end_(end), expected_(expected), gaps_until_(gaps_until), check_(check) {}

absl::StatusOr<std::string_view> BatchScanner::Fill(size_t bytes) {
  const uint64_t left = end_ - position_;
  const size_t read_ahead = check_ == ScanCheck::kCrc ? kCrcReadAheadBytes : kHeaderReadAheadBytes;
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(bytes, left));
  if (position_ < buffer_at_ || position_ + wanted > buffer_at_ + buffer_.size()) {
    buffer_.resize(static_cast<size_t>(std::min<uint64_t>(std::max(wanted, read_ahead), left)));
    buffer_at_ = position_;
    LEAT_ASSIGN_OR_RETURN(const size_t n, file_.ReadAt(position_, buffer_.data(), buffer_.size()));
    buffer_.resize(n);
  }
  return std::string_view(buffer_).substr(static_cast<size_t>(position_ - buffer_at_), wanted);
}

absl::StatusOr<ScannedBatch> BatchScanner::Next() {
  ScannedBatch found;
  found.position = position_;
  if (position_ >= end_) return found;
  LEAT_ASSIGN_OR_RETURN(std::string_view bytes, Fill(model::kBatchHeaderBytes));
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(bytes);
  found.kind = ScannedBatch::Kind::kBad;
  found.problem = HeaderProblem(header, expected_, gaps_until_);
  if (!found.problem.empty()) return found;
  if (position_ + header->total_bytes() > end_) {
    found.problem = StrCat("a batch of ", header->total_bytes(), " bytes is cut off after ", end_ - position_);
    return found;
  }
  // Headers are enough to walk: the bytes are fetched only when they are checked.
  if (check_ == ScanCheck::kCrc || (check_ == ScanCheck::kMarkers && header->control())) {
    LEAT_ASSIGN_OR_RETURN(bytes, Fill(header->total_bytes()));
    const absl::StatusOr<model::BatchHeader> checked =
        model::ValidateBatch(bytes, model::RecordCheck::kHeaderAndCrc, kLargestBatchBytes);
    if (!checked.ok()) {
      found.problem = std::string(Message(checked.status()));
      return found;
    }
    found.bytes = bytes;
  }
  found.kind = ScannedBatch::Kind::kBatch;
  found.header = *header;
  position_ += header->total_bytes();
  expected_ = header->next_offset();
  return found;
}

}  // namespace leat::log
