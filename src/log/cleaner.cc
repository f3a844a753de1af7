#include "log/cleaner.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "log/file_names.h"
#include "log/segment_swap.h"
#include "model/transaction.h"

namespace leat::log {
namespace {

constexpr size_t kWriteBufferBytes = size_t{256} << 10;
// A sync of a whole large segment would hold a disk thread for long.
constexpr uint64_t kSyncEveryBytes = uint64_t{8} << 20;

absl::Status WriteNew(env::Disk& disk, const std::string& path, std::string_view bytes) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(path, env::OpenMode::kCreate));
  LEAT_RETURN_IF_ERROR(file->Truncate(0));
  LEAT_RETURN_IF_ERROR(file->WriteAt(0, bytes));
  const absl::Status synced = file->Sync();
  return absl::IsResourceExhausted(synced) ? DataLoss(Message(synced)) : synced;
}

}  // namespace

CleaningRun::CleaningRun(Plan plan)
    : plan_(std::move(plan)),
      map_(plan_.map_bytes, plan_.seed),
      map_end_(plan_.first_dirty),
      map_transactions_(plan_.aborted),
      transactions_(plan_.aborted) {
  LEAT_CHECK(!plan_.segments.empty());
  while (segment_ < plan_.segments.size() && plan_.segments[segment_].end <= plan_.first_dirty) ++segment_;
}

absl::Status CleaningRun::RunSlice(env::Disk& disk, size_t bytes) {
  LEAT_CHECK(state_ == State::kWorking && failure_ == Failure::kNone);
  const uint64_t before = stats_.read_bytes + stats_.written_bytes;
  while (state_ == State::kWorking && stats_.read_bytes + stats_.written_bytes - before < bytes) {
    absl::Status status = Step(disk);
    if (status.ok()) continue;
    if (failure_ == Failure::kNone) failure_ = Failure::kTryAgain;
    // What is left of a group that cannot be finished would only take room.
    out_.reset();
    if (const std::optional<model::Offset> base = begun(); base && failure_ != Failure::kDisk) {
      static_cast<void>(RemoveCleaned(disk, plan_.folder, *base));
    }
    return status;
  }
  return absl::OkStatus();
}

absl::Status CleaningRun::Step(env::Disk& disk) { return mapping_ ? StepMap(disk) : StepClean(disk); }

absl::Status CleaningRun::Fail(Failure failure, absl::Status status) {
  failure_ = failure;
  return status;
}

model::Offset CleaningRun::rewritten_to() const {
  return groups_.empty() ? plan_.segments.front().base : plan_.segments[groups_.back().last].end;
}

std::optional<model::Offset> CleaningRun::begun() const {
  if (group_.from.empty()) return std::nullopt;
  return group_.from.front().base;
}

absl::StatusOr<bool> CleaningRun::NextBatch(env::Disk& disk, const SegmentFacts& segment, ScannedBatch* batch) {
  if (scanner_ == nullptr) {
    const std::string path = SegmentPath(plan_.folder, segment.base, kLogSuffix);
    LEAT_ASSIGN_OR_RETURN(file_, disk.Open(path, env::OpenMode::kRead));
    scanner_ =
        std::make_unique<BatchScanner>(*file_, 0, segment.bytes, segment.base, plan_.gaps_until, ScanCheck::kCrc);
  }
  LEAT_ASSIGN_OR_RETURN(*batch, scanner_->Next());
  if (batch->kind == ScannedBatch::Kind::kBatch) {
    stats_.read_bytes += batch->header.total_bytes();
    return true;
  }
  if (batch->kind == ScannedBatch::Kind::kEnd && scanner_->expected() != segment.end) {
    batch->problem = StrCat("it ends at offset ", scanner_->expected(), " instead of ", segment.end);
  }
  if (!batch->problem.empty()) {
    return Fail(Failure::kDamaged,
                DataLoss(SegmentPath(plan_.folder, segment.base, kLogSuffix), ": damaged at byte ", batch->position,
                         " (offsets from ", scanner_->expected(), " on): ", batch->problem));
  }
  scanner_.reset();
  file_.reset();
  return false;
}

absl::Status CleaningRun::StepMap(env::Disk& disk) {
  if (segment_ == plan_.segments.size()) {
    EndMap(plan_.segments.back().end);
    return absl::OkStatus();
  }
  ScannedBatch batch;
  LEAT_ASSIGN_OR_RETURN(const bool more, NextBatch(disk, plan_.segments[segment_], &batch));
  if (!more) {
    ++segment_;
    return absl::OkStatus();
  }
  if (batch.header.next_offset() <= plan_.first_dirty) return absl::OkStatus();
  return NoteKeys(batch);
}

absl::Status CleaningRun::NoteKeys(const ScannedBatch& batch) {
  if (batch.header.control() || map_transactions_.IsAborted(batch.header)) return absl::OkStatus();
  absl::StatusOr<model::RecordIterator> records =
      model::RecordIterator::Open(batch.bytes, static_cast<size_t>(plan_.options.max_decompressed_batch_bytes));
  if (!records.ok()) return Fail(Failure::kDamaged, records.status());
  model::RecordView record;
  for (;;) {
    const absl::StatusOr<bool> more = records->Next(&record);
    if (!more.ok()) return Fail(Failure::kDamaged, more.status());
    if (!*more) return absl::OkStatus();
    if (!record.key || record.offset < plan_.first_dirty) continue;
    if (map_.Note(*record.key, record.offset) == OffsetMap::Put::kFull) {
      // The rest waits for the next cleaning.
      EndMap(record.offset);
      return absl::OkStatus();
    }
  }
}

void CleaningRun::EndMap(model::Offset end) {
  mapping_ = false;
  map_end_ = end;
  scanner_.reset();
  file_.reset();
  size_t reached = 0;
  while (reached < plan_.segments.size() && plan_.segments[reached].base < map_end_) ++reached;
  groups_ = GroupSegments(std::span(plan_.segments).first(reached), plan_.options.segment_bytes);
  if (groups_.empty()) state_ = State::kDone;
}

absl::Status CleaningRun::StepClean(env::Disk& disk) {
  if (group_.from.empty()) LEAT_RETURN_IF_ERROR(BeginGroup(disk));
  const SegmentGroup& group = groups_[next_group_];
  if (segment_ > group.last) return EndGroup(disk);
  ScannedBatch batch;
  LEAT_ASSIGN_OR_RETURN(const bool more, NextBatch(disk, plan_.segments[segment_], &batch));
  if (more) return CleanOne(batch);
  ++segment_;
  return absl::OkStatus();
}

absl::Status CleaningRun::BeginGroup(env::Disk& disk) {
  const SegmentGroup& group = groups_[next_group_];
  segment_ = group.first;
  group_.bytes = 0;
  group_.from.assign(plan_.segments.begin() + static_cast<ptrdiff_t>(group.first),
                     plan_.segments.begin() + static_cast<ptrdiff_t>(group.last) + 1);
  changed_ = group.first != group.last;
  indexes_ = SegmentIndexes();
  unsynced_bytes_ = 0;
  const std::string path =
      SegmentPath(plan_.folder, plan_.segments[group.first].base, StrCat(kLogSuffix, kCleanedSuffix));
  LEAT_ASSIGN_OR_RETURN(out_, disk.Open(path, env::OpenMode::kCreate));
  return out_->Truncate(0);
}

absl::Status CleaningRun::CleanOne(const ScannedBatch& batch) {
  const CleaningView view = {map_, map_end_, plan_.wall_ms, absl::ToInt64Milliseconds(plan_.options.delete_retention),
                             static_cast<size_t>(plan_.options.max_decompressed_batch_bytes)};
  absl::StatusOr<CleanedBatch> cleaned = CleanBatch(batch.bytes, view, Judge(batch));
  if (!cleaned.ok()) return Fail(Failure::kDamaged, cleaned.status());
  changed_ |= cleaned->kind != CleanedBatch::Kind::kUnchanged;
  stats_.dropped_records += static_cast<uint64_t>(batch.header.record_count - cleaned->record_count);
  if (cleaned->kind == CleanedBatch::Kind::kDropped) return absl::OkStatus();
  const bool rewritten = cleaned->kind == CleanedBatch::Kind::kRewritten;
  const std::string_view bytes = rewritten ? std::string_view(cleaned->bytes) : batch.bytes;
  if (group_.bytes + bytes.size() > INT32_MAX) {
    return Fail(Failure::kDamaged, OutOfRange("the segments from offset ", group_.from.front().base,
                                              " on would grow past what an index can address"));
  }
  LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header, model::ParseBatchHeader(bytes));
  indexes_.Note(header, group_.from.front().base, group_.bytes, plan_.options.index_interval_bytes);
  buffer_.append(bytes);
  group_.bytes += bytes.size();
  stats_.written_bytes += bytes.size();
  return buffer_.size() < kWriteBufferBytes ? absl::OkStatus() : Flush();
}

BatchVerdict CleaningRun::Judge(const ScannedBatch& batch) {
  const model::BatchHeader& header = batch.header;
  BatchVerdict verdict;
  if (!header.control()) {
    verdict.discard_records = transactions_.IsAborted(header);
  } else if (header.record_count == 0) {
    verdict.discard_records = transactions_.EndsNothing(header);
  } else if (const auto marker = model::DecodeMarkerBatch(batch.bytes); marker.ok() && *marker) {
    // Control records that end no transaction stay.
    const std::optional<int64_t> horizon = header.delete_horizon_ms();
    verdict.start_horizon = transactions_.EndsNothing(header);
    verdict.discard_records = verdict.start_horizon && horizon && *horizon <= plan_.wall_ms;
  }
  if (header.next_offset() == group_.from.back().end) verdict.empty = BatchVerdict::Empty::kPlaceholder;
  const auto producer = plan_.producers.find(header.producer_id);
  if (producer == plan_.producers.end()) return verdict;
  const ProducerState::LastBatch& last = producer->second;
  const bool is_last = last.last_offset.value() >= 0 ? last.last_offset == header.last_offset()
                                                     : header.control() && last.epoch == header.producer_epoch;
  if (!is_last) return verdict;
  verdict.empty = BatchVerdict::Empty::kWhole;
  // Of a marker the record is kept too: the producer's epoch and the coordinator's are to be found again.
  if (header.control()) verdict.discard_records = false;
  return verdict;
}

absl::Status CleaningRun::Flush() {
  if (!buffer_.empty()) {
    absl::Status written = out_->WriteAt(group_.bytes - buffer_.size(), buffer_);
    if (absl::IsResourceExhausted(written)) return written;
    if (!written.ok()) return Fail(Failure::kDisk, std::move(written));
    unsynced_bytes_ += buffer_.size();
    buffer_.clear();
  }
  if (unsynced_bytes_ < kSyncEveryBytes) return absl::OkStatus();
  unsynced_bytes_ = 0;
  if (absl::Status synced = out_->Sync(); !synced.ok()) return Fail(Failure::kDisk, std::move(synced));
  return absl::OkStatus();
}

absl::Status CleaningRun::EndGroup(env::Disk& disk) {
  const model::Offset base = group_.from.front().base;
  if (!changed_) {
    out_.reset();
    buffer_.clear();
    LEAT_RETURN_IF_ERROR(RemoveCleaned(disk, plan_.folder, base));
    GroupIsInPlace();
    return absl::OkStatus();
  }
  LEAT_RETURN_IF_ERROR(Flush());
  if (absl::Status synced = out_->Sync(); !synced.ok()) return Fail(Failure::kDisk, std::move(synced));
  out_.reset();
  indexes_.Seal();
  const auto write = [&](std::string_view suffix, const std::string& bytes) {
    absl::Status written = WriteNew(disk, SegmentPath(plan_.folder, base, StrCat(suffix, kCleanedSuffix)), bytes);
    if (written.ok() || absl::IsResourceExhausted(written)) return written;
    return Fail(Failure::kDisk, std::move(written));
  };
  LEAT_RETURN_IF_ERROR(write(kOffsetIndexSuffix, indexes_.offsets.Encode(0)));
  LEAT_RETURN_IF_ERROR(write(kTimeIndexSuffix, indexes_.times.Encode(0)));
  state_ = State::kGroupReady;
  return absl::OkStatus();
}

void CleaningRun::GroupIsInPlace() {
  group_ = Group();
  ++next_group_;
  state_ = next_group_ == groups_.size() ? State::kDone : State::kWorking;
}

}  // namespace leat::log
