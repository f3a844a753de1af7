#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/spare_buffers.h"
#include "log/batch_scanner.h"
#include "log/partition_log_impl.h"

namespace leat::log {

absl::Status PartitionLogImpl::CheckReadable(model::Offset from) const {
  // Records that are being deleted may be gone before the new log start is durable.
  const model::Offset first = std::max(log_start_, log_start_target_);
  if (from >= first && from <= log_end_) return absl::OkStatus();
  return OutOfRange(tp_.ToString(), ": offset ", from, " is not in the log, which holds ", first, " to ", log_end_);
}

absl::StatusOr<ReadResult> PartitionLogImpl::Read(model::Offset from, size_t max_bytes, model::Isolation isolation) {
  LEAT_RETURN_IF_ERROR(CheckReadable(from));
  ReadResult result;
  result.high_watermark = high_watermark_;
  result.log_start = log_start_;
  result.last_stable_offset = last_stable_offset();
  const model::Offset end = EndFor(isolation);
  if (from >= end) return result;
  if (const Fence* fence = FenceAt(from); fence != nullptr) return DataLoss(fence->what);
  LEAT_ASSIGN_OR_RETURN(result.batches, ReadBatches(SegmentOf(from), from, end, max_bytes));
  if (isolation == model::Isolation::kReadCommitted && !result.batches.empty()) {
    LEAT_ASSIGN_OR_RETURN(result.aborted, AbortedIn(from, next_read_.offset));
  }
  return result;
}

absl::StatusOr<std::string> PartitionLogImpl::ReadBatches(size_t segment_index, model::Offset from, model::Offset end,
                                                          size_t max_bytes) {
  Segment& segment = *segments_[segment_index];
  LEAT_RETURN_IF_ERROR(segment.Load());
  LEAT_ASSIGN_OR_RETURN(const Start start, FindStart(segment, from));
  const uint64_t left = segment.size() - start.position;
  std::string bytes =
      TakeBuffer(static_cast<size_t>(std::min<uint64_t>(std::max(max_bytes, model::kBatchHeaderBytes), left)));
  LEAT_ASSIGN_OR_RETURN(size_t n, segment.file()->ReadAt(start.position, bytes.data(), bytes.size()));
  size_t whole = 0;
  model::Offset expected = start.offset;
  std::string problem;
  while (problem.empty() && expected < end) {
    const std::string_view rest = std::string_view(bytes).substr(whole, n - whole);
    if (rest.size() < model::kBatchHeaderBytes && whole > 0) break;
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(rest);
    problem = HeaderProblem(header, expected, home_.gaps_until);
    if (problem.empty() && header->leader_epoch != epochs_.At(header->base_offset)) {
      problem = StrCat("expected leader epoch ", epochs_.At(header->base_offset), ", found ", header->leader_epoch);
    }
    if (problem.empty() && header->total_bytes() > left - whole) problem = "the batch runs past the end of its segment";
    if (!problem.empty()) break;
    if (header->total_bytes() > rest.size()) {
      if (whole > 0) break;
      // The first batch alone is larger than what was asked for.
      bytes.resize(header->total_bytes());
      LEAT_ASSIGN_OR_RETURN(const size_t more,
                            segment.file()->ReadAt(start.position + n, bytes.data() + n, bytes.size() - n));
      n += more;
      if (n < bytes.size()) problem = "the file is shorter than it was";
      continue;
    }
    const absl::StatusOr<model::BatchHeader> checked = model::ValidateBatch(
        rest.substr(0, header->total_bytes()), model::RecordCheck::kHeaderAndCrc, kLargestBatchBytes);
    if (!checked.ok()) {
      problem = std::string(Message(checked.status()));
      break;
    }
    // Only where the log's start lies inside of a batch does a mark.
    if (header->next_offset() > end) break;
    whole += header->total_bytes();
    expected = header->next_offset();
  }
  if (!problem.empty()) {
    LEAT_RETURN_IF_ERROR(AddFence(segment_index, start.position + whole, expected, problem));
    if (whole == 0) {
      const Fence* fence = FenceAt(expected);
      return DataLoss(fence != nullptr ? fence->what : problem);
    }
  }
  bytes.resize(whole);
  // Two readers that take turns each find where they were.
  if (next_read_.offset != from) other_read_ = next_read_;
  next_read_ = {start.position + whole, expected};
  return bytes;
}

// The batch that holds `from`.
absl::StatusOr<PartitionLogImpl::Start> PartitionLogImpl::FindStart(Segment& segment, model::Offset from) {
  if (from == segment.base()) return Start{0, from};
  if (from == next_read_.offset && next_read_.position < segment.size()) return next_read_;
  if (from == other_read_.offset && other_read_.position < segment.size()) return other_read_;
  return WalkTo(segment, from);
}

absl::StatusOr<PartitionLogImpl::Start> PartitionLogImpl::WalkTo(Segment& segment, model::Offset from) {
  const size_t segment_index = SegmentOf(segment.base());
  const std::vector<OffsetIndex::Entry>& entries = segment.offsets().entries();
  const OffsetIndex::Entry* floor = segment.offsets().Floor(from - segment.base());
  size_t entry = floor == nullptr ? 0 : static_cast<size_t>(floor - entries.data()) + 1;
  const size_t first_try = entry;
  Start start{0, segment.base()};
  // The nearest entry that points at the batch it names; the segment's start if none does.
  for (; entry > 0; --entry) {
    const OffsetIndex::Entry& candidate = entries[entry - 1];
    char bytes[model::kBatchHeaderBytes];
    LEAT_ASSIGN_OR_RETURN(const size_t n,
                          segment.file()->ReadAt(static_cast<uint64_t>(candidate.position), bytes, sizeof(bytes)));
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
    if (header.ok() && header->last_offset() - segment.base() == candidate.relative_offset &&
        header->base_offset >= segment.base()) {
      start = {static_cast<uint64_t>(candidate.position), header->base_offset};
      break;
    }
  }
  for (;;) {
    BatchScanner scanner(*segment.file(), start.position, segment.size(), start.offset, home_.gaps_until,
                         ScanCheck::kHeader);
    for (;;) {
      const Start here{scanner.position(), scanner.expected()};
      LEAT_ASSIGN_OR_RETURN(ScannedBatch batch, scanner.Next());
      if (batch.kind == ScannedBatch::Kind::kBatch) {
        if (scanner.expected() <= from) continue;
        // Walking past an entry without meeting it shows that the index is wrong, not the segment.
        if (entry != first_try) LEAT_RETURN_IF_ERROR(segment.RebuildIndexes());
        return here;
      }
      if (batch.kind == ScannedBatch::Kind::kEnd) batch.problem = "the segment ends here";
      LEAT_RETURN_IF_ERROR(AddFence(segment_index, here.position, here.offset, batch.problem));
      const auto fence = fences_.find(here.offset);
      if (fence == fences_.end() || fence->second.end > from) {
        return DataLoss(fence == fences_.end() ? batch.problem : fence->second.what);
      }
      start = {fence->second.end_position, fence->second.end};
      break;
    }
  }
}

// Fences from the damaged batch to the next one that the index knows, or to the end of the segment. Index entries that
// point at nothing are no help and are passed over.
absl::Status PartitionLogImpl::AddFence(size_t segment_index, uint64_t position, model::Offset from,
                                        std::string_view what) {
  Segment& segment = *segments_[segment_index];
  Fence fence;
  fence.position = position;
  fence.end = EndOf(segment_index);
  fence.end_position = segment.size();
  for (const OffsetIndex::Entry& entry : segment.offsets().entries()) {
    if (static_cast<uint64_t>(entry.position) <= position) continue;
    char bytes[model::kBatchHeaderBytes];
    LEAT_ASSIGN_OR_RETURN(const size_t n,
                          segment.file()->ReadAt(static_cast<uint64_t>(entry.position), bytes, sizeof(bytes)));
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
    if (!header.ok() || header->last_offset() - segment.base() != entry.relative_offset ||
        header->base_offset <= from) {
      continue;
    }
    fence.end = header->base_offset;
    fence.end_position = static_cast<uint64_t>(entry.position);
    break;
  }
  fence.what = StrCat(segment.path(), ": damaged at byte ", position, ": ", what, ". Offsets ", from, " to ",
                      fence.end - 1, " cannot be read: restore the file from a copy, or go on from offset ", fence.end);
  LogError("log", fence.what);
  fences_[from] = std::move(fence);
  return absl::OkStatus();
}

const PartitionLogImpl::Fence* PartitionLogImpl::FenceAt(model::Offset offset) const {
  auto it = fences_.upper_bound(offset);
  if (it == fences_.begin()) return nullptr;
  --it;
  return offset < it->second.end ? &it->second : nullptr;
}

}  // namespace leat::log
