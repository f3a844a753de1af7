#include "log/segment.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "log/batch_scanner.h"
#include "log/file_names.h"

namespace leat::log {
namespace {

int64_t FirstTimestampOf(const model::BatchHeader& header) {
  const bool replaced = header.delete_horizon_ms().has_value() || header.record_count == 0;
  return replaced ? header.max_timestamp_ms : header.base_timestamp_ms;
}

}  // namespace

absl::Status WriteIndex(env::Disk& disk, const IndexWrite& write) {
  if (write.how == IndexWrite::How::kReplaceOrRemove && write.bytes.empty()) {
    const absl::Status removed = disk.Remove(write.path);
    return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
  }
  if (write.how != IndexWrite::How::kAppend) return env::WriteFileAtomically(disk, write.path, write.bytes);
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(write.path, env::OpenMode::kCreate));
  LEAT_RETURN_IF_ERROR(file->Truncate(write.at));
  if (!write.bytes.empty()) LEAT_RETURN_IF_ERROR(file->WriteAt(write.at, write.bytes));
  return file->Sync();
}

Segment::Segment(const SegmentHome& home, model::Offset base, uint64_t size)
    : home_(home), base_(base), path_(SegmentPath(home.folder, base, kLogSuffix)), size_(size) {}

absl::StatusOr<std::unique_ptr<Segment>> Segment::Create(const SegmentHome& home, model::Offset base) {
  auto segment = std::make_unique<Segment>(home, base, 0);
  LEAT_ASSIGN_OR_RETURN(segment->file_, home.disk->Open(segment->path_, env::OpenMode::kCreate));
  // A file of this name that an earlier failure left is not ours.
  LEAT_RETURN_IF_ERROR(segment->file_->Truncate(0));
  segment->loaded_ = true;
  segment->sealed_ = false;
  segment->files_longer_ = true;
  segment->ReplaceAborted({});
  home.cache->Touch(segment.get());
  return segment;
}

Segment::~Segment() { home_.cache->Forget(this); }

std::vector<std::string> Segment::Files() const {
  return {path_, SegmentPath(home_.folder, base_, kOffsetIndexSuffix),
          SegmentPath(home_.folder, base_, kTimeIndexSuffix), SegmentPath(home_.folder, base_, kAbortedIndexSuffix)};
}

bool Segment::index_files_current() const {
  return aborted_file_current() && !files_longer_ && written_offsets_ == offsets().entries().size() &&
         written_times_ == times().entries().size();
}

void Segment::Drop() {
  file_.reset();
  indexes_.offsets = OffsetIndex();
  indexes_.times = TimeIndex();
  aborted_ = AbortedIndex();
  loaded_ = false;
}

absl::Status Segment::OpenFile() {
  if (file_ != nullptr) return absl::OkStatus();
  LEAT_ASSIGN_OR_RETURN(file_, home_.disk->Open(path_, env::OpenMode::kReadWrite));
  return absl::OkStatus();
}

void Segment::ClearIndexes() {
  indexes_ = SegmentIndexes();
  written_offsets_ = 0;
  written_times_ = 0;
  files_longer_ = true;
  ++generation_;
}

absl::Status Segment::ReadIndexes() {
  ClearIndexes();
  LEAT_ASSIGN_OR_RETURN(const std::string offset_bytes,
                        env::ReadWholeFile(*home_.disk, SegmentPath(home_.folder, base_, kOffsetIndexSuffix)));
  LEAT_ASSIGN_OR_RETURN(indexes_.offsets, OffsetIndex::Decode(offset_bytes, size_));
  LEAT_ASSIGN_OR_RETURN(const std::string time_bytes,
                        env::ReadWholeFile(*home_.disk, SegmentPath(home_.folder, base_, kTimeIndexSuffix)));
  LEAT_ASSIGN_OR_RETURN(indexes_.times, TimeIndex::Decode(time_bytes));
  written_offsets_ = offsets().entries().size();
  written_times_ = times().entries().size();
  files_longer_ = false;
  if (!times().entries().empty()) {
    indexes_.max_timestamp_ms = times().entries().back().timestamp_ms;
    indexes_.offset_of_max = times().entries().back().relative_offset;
  }
  return absl::OkStatus();
}

absl::Status Segment::Load() {
  if (!loaded_) {
    LEAT_RETURN_IF_ERROR(OpenFile());
    // Whatever is wrong with an index file, the segment itself has what it should say.
    if (!ReadIndexes().ok()) LEAT_RETURN_IF_ERROR(RebuildIndexes());
    if (absl::Status status = LoadAborted(); !status.ok() && !absl::IsDataLoss(status)) return status;
    loaded_ = true;
  }
  home_.cache->Touch(this);
  return absl::OkStatus();
}

absl::Status Segment::LoadAborted() {
  aborted_ = AbortedIndex();
  written_aborted_ = 0;
  aborted_file_longer_ = false;
  aborted_damaged_ = false;
  aborted_checked_ = false;
  ++aborted_generation_;
  const absl::StatusOr<std::string> bytes =
      env::ReadWholeFile(*home_.disk, SegmentPath(home_.folder, base_, kAbortedIndexSuffix));
  if (absl::IsNotFound(bytes.status())) {
    ReplaceAborted({});
    aborted_file_longer_ = false;
    return absl::OkStatus();
  }
  if (!bytes.ok()) {
    aborted_damaged_ = true;
    return bytes.status();
  }
  absl::StatusOr<AbortedIndex> aborted = AbortedIndex::Decode(*bytes, base_, base_ + INT32_MAX);
  if (!aborted.ok()) {
    aborted_damaged_ = true;
    return aborted.status();
  }
  aborted_ = *std::move(aborted);
  written_aborted_ = aborted_.entries().size();
  return absl::OkStatus();
}

bool Segment::DropAbortedFrom(model::Offset offset) {
  const size_t before = aborted_.entries().size();
  aborted_.DropFrom(offset);
  if (aborted_.entries().size() < written_aborted_) aborted_file_longer_ = true;
  written_aborted_ = std::min(written_aborted_, aborted_.entries().size());
  if (aborted_checked_) NoteLeastAborted();
  return aborted_.entries().size() < before;
}

void Segment::ReplaceAborted(AbortedIndex aborted) {
  aborted_ = std::move(aborted);
  aborted_damaged_ = false;
  aborted_file_longer_ = true;
  written_aborted_ = 0;
  ++aborted_generation_;
  aborted_checked_ = true;
  NoteLeastAborted();
}

void Segment::NoteAborted(const AbortedEntry& entry) {
  aborted_.Add(entry);
  if (aborted_checked_) NoteLeastAborted();
}

void Segment::NoteLeastAborted() {
  model::Offset least(INT64_MAX);
  for (const AbortedEntry& entry : aborted_.entries()) least = std::min(least, entry.first_offset);
  least_aborted_ = least;
}

absl::Status Segment::LoadForRecovery(model::Offset from) {
  LEAT_RETURN_IF_ERROR(OpenFile());
  sealed_ = false;
  // A process that was killed may have left room behind the end.
  reserved_ = size_ >= kReserveFrom;
  if (!ReadIndexes().ok()) {
    ClearIndexes();
    if (size_ > 0 && from > base_) ++rebuilds_;
  } else {
    const auto& kept = offsets().entries();
    indexes_.offsets.DropFrom(from - base_);
    // The entry of a seal goes too: the segment may turn out to be the last one.
    indexes_.times.DropFrom(kept.empty() ? 0 : kept.back().relative_offset + 1);
    const std::vector<TimeIndex::Entry>& kept_times = times().entries();
    files_longer_ = kept.size() < written_offsets_ || kept_times.size() < written_times_;
    written_offsets_ = kept.size();
    written_times_ = kept_times.size();
    indexes_.max_timestamp_ms = kept_times.empty() ? -1 : kept_times.back().timestamp_ms;
    indexes_.offset_of_max = kept_times.empty() ? 0 : kept_times.back().relative_offset;
  }
  loaded_ = true;
  home_.cache->Touch(this);
  return absl::OkStatus();
}

absl::Status Segment::RebuildIndexes() {
  LEAT_RETURN_IF_ERROR(OpenFile());
  ClearIndexes();
  ++rebuilds_;
  BatchScanner scanner(*file_, 0, size_, base_, home_.gaps_until, ScanCheck::kHeader);
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind != ScannedBatch::Kind::kBatch) break;
    NoteBatch(batch.header, batch.position);
  }
  if (sealed_) Seal();
  loaded_ = true;
  return absl::OkStatus();
}

void Segment::ForgetIndexes() {
  ClearIndexes();
  ++rebuilds_;
}

uint64_t Segment::FloorPosition(model::Offset offset) const {
  const OffsetIndex::Entry* entry = offsets().Floor(offset - base_);
  return entry == nullptr ? 0 : static_cast<uint64_t>(entry->position);
}

absl::StatusOr<int64_t> Segment::FirstTimestamp() {
  if (first_timestamp_ms_) return *first_timestamp_ms_;
  if (size_ == 0) return -1;
  LEAT_RETURN_IF_ERROR(Load());
  BatchScanner scanner(*file_, 0, size_, base_, home_.gaps_until, ScanCheck::kHeader);
  LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
  if (batch.kind != ScannedBatch::Kind::kBatch) return -1;
  first_timestamp_ms_ = FirstTimestampOf(batch.header);
  return *first_timestamp_ms_;
}

absl::Status Segment::Write(std::span<const std::string_view> pieces) {
  uint64_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  if (size_ + bytes > reserve_at_) ReserveAhead(bytes);
  LEAT_RETURN_IF_ERROR(pieces.size() == 1 ? file_->WriteAt(size_, pieces[0]) : file_->WritePiecesAt(size_, pieces));
  size_ += bytes;
  return absl::OkStatus();
}

// What the file system decides for a whole stretch at once it need not decide for each page that is written.
void Segment::ReserveAhead(uint64_t bytes) {
  const uint64_t room = bytes + std::clamp(size_, kReserveFrom, kMostReserved);
  reserved_ |= file_->Reserve(size_, room);
  reserve_at_ = size_ + room;
}

absl::Status Segment::TruncateTo(uint64_t size) {
  LEAT_RETURN_IF_ERROR(file_->Truncate(size));
  size_ = size;
  return absl::OkStatus();
}

// What was known before the batch of `to`: the entries up to there, and the batches behind the last one.
absl::StatusOr<SegmentIndexes> Segment::IndexesUpTo(uint64_t position, model::Offset to) {
  SegmentIndexes kept = indexes_;
  kept.bytes_since_entry = 0;
  kept.offsets.DropFrom(to - base_);
  struct {
    uint64_t position;
    model::Offset offset;
  } start{0, base_};
  if (const auto& entries = kept.offsets.entries(); !entries.empty()) {
    const OffsetIndex::Entry& last = entries.back();
    char bytes[model::kBatchHeaderBytes];
    LEAT_ASSIGN_OR_RETURN(const size_t n, file_->ReadAt(static_cast<uint64_t>(last.position), bytes, sizeof(bytes)));
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
    if (header.ok() && header->last_offset() - base_ == last.relative_offset) {
      start = {static_cast<uint64_t>(last.position), header->base_offset};
    } else {
      kept.offsets = OffsetIndex();
    }
  }
  const auto& entries = kept.offsets.entries();
  kept.times.DropFrom(entries.empty() ? 0 : entries.back().relative_offset + 1);
  const auto& times = kept.times.entries();
  kept.max_timestamp_ms = times.empty() ? -1 : times.back().timestamp_ms;
  kept.offset_of_max = times.empty() ? 0 : times.back().relative_offset;
  BatchScanner scanner(*file_, start.position, position, start.offset, home_.gaps_until, ScanCheck::kHeader);
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind != ScannedBatch::Kind::kBatch) return kept;
    kept.Note(batch.header, base_, batch.position, home_.index_interval_bytes);
  }
}

absl::Status Segment::CutTo(uint64_t position, model::Offset to) {
  LEAT_ASSIGN_OR_RETURN(indexes_, IndexesUpTo(position, to));
  size_ = position;
  sealed_ = false;
  reserved_ = false;  // it goes with the cut
  reserve_at_ = std::max(size_, kReserveFrom);
  if (position == 0) first_timestamp_ms_.reset();
  written_offsets_ = 0;
  written_times_ = 0;
  files_longer_ = true;
  ++generation_;
  aborted_.DropFrom(to);
  aborted_file_longer_ = true;
  written_aborted_ = 0;
  ++aborted_generation_;
  if (aborted_checked_) NoteLeastAborted();
  return absl::OkStatus();
}

void Segment::NoteBatch(const model::BatchHeader& header, uint64_t position) {
  if (position == 0) first_timestamp_ms_ = FirstTimestampOf(header);
  indexes_.Note(header, base_, position, home_.index_interval_bytes);
}

void Segment::Seal() {
  sealed_ = true;
  GiveRoomBack();
  indexes_.Seal();
}

// If that fails the room is lost until the segment is removed, and nothing else.
void Segment::GiveRoomBack() {
  if (std::exchange(reserved_, false)) file_->Truncate(size_).IgnoreError();
}

Segment::IndexMark Segment::index_mark() const {
  return {generation_, offsets().entries().size(), times().entries().size(), aborted_generation_,
          aborted_.entries().size()};
}

std::vector<IndexWrite> Segment::PendingIndexWrites() const {
  std::vector<IndexWrite> writes;
  if (!loaded_) return writes;
  if (files_longer_ || written_offsets_ != offsets().entries().size() || written_times_ != times().entries().size()) {
    const auto how = files_longer_ ? IndexWrite::How::kReplace : IndexWrite::How::kAppend;
    const size_t offsets = files_longer_ ? 0 : written_offsets_;
    const size_t times = files_longer_ ? 0 : written_times_;
    writes.push_back({how, SegmentPath(home_.folder, base_, kOffsetIndexSuffix), offsets * OffsetIndex::kEntryBytes,
                      this->offsets().Encode(offsets)});
    writes.push_back({how, SegmentPath(home_.folder, base_, kTimeIndexSuffix), times * TimeIndex::kEntryBytes,
                      this->times().Encode(times)});
  }
  if (!aborted_file_current() && !aborted_damaged_) {
    const auto how = aborted_file_longer_ ? IndexWrite::How::kReplaceOrRemove : IndexWrite::How::kAppend;
    const size_t first = aborted_file_longer_ ? 0 : written_aborted_;
    writes.push_back({how, SegmentPath(home_.folder, base_, kAbortedIndexSuffix), first * AbortedIndex::kEntryBytes,
                      aborted_.Encode(first)});
  }
  return writes;
}

void Segment::MarkIndexWritten(const IndexMark& mark) {
  if (mark.generation == generation_) {
    written_offsets_ = mark.offsets;
    written_times_ = mark.times;
    files_longer_ = false;
  }
  if (mark.aborted_generation == aborted_generation_) {
    written_aborted_ = mark.aborted;
    aborted_file_longer_ = false;
  }
}

}  // namespace leat::log
