#include "log/recovery.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "log/batch_scanner.h"
#include "log/change_mark.h"
#include "log/checkpoint_file.h"
#include "log/damage.h"
#include "log/file_names.h"
#include "log/segment_swap.h"
#include "log/tail_judge.h"

namespace leat::log {
namespace {

class Recovery {
 public:
  Recovery(const SegmentHome& home, const model::TopicPartition& tp, const RecoveryRules& rules,
           std::vector<std::string> names)
      : home_(home), tp_(tp), rules_(rules), names_(std::move(names)) {}

  absl::StatusOr<RecoveredLog> Run() {
    changing_ = Has(kChangeMark) || Has(kUndoMark);
    LEAT_RETURN_IF_ERROR(FinishSwaps(*home_.disk, home_.folder, &names_));
    LEAT_RETURN_IF_ERROR(ReadCheckpoints());
    LEAT_RETURN_IF_ERROR(FindSegments());
    if (log_.segments.empty()) return MakeFirstSegment();
    LEAT_RETURN_IF_ERROR(DropBelowLogStart());
    LEAT_RETURN_IF_ERROR(ReadEpochs());
    LEAT_RETURN_IF_ERROR(ScanFromRecoveryPoint());
    LEAT_RETURN_IF_ERROR(MakeDurable());
    return std::move(log_);
  }

 private:
  std::string Path(std::string_view name) const { return env::JoinPath(home_.folder, name); }
  bool Has(std::string_view name) const { return std::binary_search(names_.begin(), names_.end(), name); }
  absl::StatusOr<std::optional<model::Offset>> ReadCheckpoint(std::string_view name) const {
    if (!Has(name)) return std::nullopt;
    return ReadOffsetCheckpoint(*home_.disk, Path(name), tp_);
  }
  // Before anything is removed or cut: MakeDurable syncs it.
  absl::Status BeginChange() {
    if (std::exchange(changing_, true)) return absl::OkStatus();
    return MarkChange(*home_.disk, home_.folder);
  }

  absl::Status ReadCheckpoints() {
    absl::StatusOr<std::optional<model::Offset>> start = ReadCheckpoint(kLogStartFile);
    if (!start.ok()) {
      return Annotate(start.status(),
                      "cannot tell which records were deleted; restore this file, or remove it to serve "
                      "all that is left");
    }
    recorded_start_ = start->value_or(model::Offset(0));
    const absl::StatusOr<std::optional<model::Offset>> point = ReadCheckpoint(kRecoveryPointFile);
    if (point.ok()) {
      recorded_point_ = point->value_or(model::Offset(0));
    } else if (absl::IsDataLoss(point.status())) {
      LogWarning("log", Message(point.status()), "; the whole log of ", tp_.ToString(), " is scanned instead");
    } else {
      return point.status();
    }
    return absl::OkStatus();
  }

  absl::Status FindSegments() {
    for (const std::string& name : names_) {
      if (name.ends_with(".tmp")) LEAT_RETURN_IF_ERROR(home_.disk->Remove(Path(name)));
      if (const auto at = ParseSegmentName(name, kSnapshotSuffix)) log_.snapshots.insert(*at);
      had_producers_ |= ParseSegmentName(name, kSnapshotSuffix) || ParseSegmentName(name, kAbortedIndexSuffix);
      const std::optional<model::Offset> base = ParseSegmentName(name, kLogSuffix);
      if (!base) continue;
      LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, home_.disk->Open(Path(name), env::OpenMode::kRead));
      LEAT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
      log_.segments.push_back(std::make_unique<Segment>(home_, *base, size));
    }
    // Indexes without their segment are what a crash left of a removal.
    for (const std::string& name : names_) {
      std::optional<model::Offset> base = ParseSegmentName(name, kOffsetIndexSuffix);
      if (!base) base = ParseSegmentName(name, kTimeIndexSuffix);
      if (!base) base = ParseSegmentName(name, kAbortedIndexSuffix);
      const auto same = [&](const std::unique_ptr<Segment>& s) { return s->base() == *base; };
      if (base && std::none_of(log_.segments.begin(), log_.segments.end(), same)) {
        LEAT_RETURN_IF_ERROR(home_.disk->Remove(Path(name)));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<RecoveredLog> MakeFirstSegment() {
    if (recorded_point_ > recorded_start_) return LostTail(recorded_start_);
    LEAT_ASSIGN_OR_RETURN(std::unique_ptr<Segment> segment, Segment::Create(home_, recorded_start_));
    segment->set_pinned(true);
    log_.segments.push_back(std::move(segment));
    log_.log_start = log_.log_end = log_.recovery_point = point_ = recorded_start_;
    LEAT_RETURN_IF_ERROR(RestoreProducers(recorded_start_));
    LEAT_RETURN_IF_ERROR(RemoveLaterSnapshots());
    LEAT_RETURN_IF_ERROR(MakeDurable());
    return std::move(log_);
  }

  // Removals are not synced one by one: after a crash some of the removed segments may be back.
  absl::Status DropBelowLogStart() {
    auto& segments = log_.segments;
    while (segments.size() > 1 && segments[1]->base() <= recorded_start_) {
      LEAT_RETURN_IF_ERROR(RemoveSegment(0));
    }
    log_.log_start = std::max(recorded_start_, segments.front()->base());
    // A log start is written after the records below it were synced: it is a recovery point too.
    point_ = std::max(recorded_point_, log_.log_start);
    return absl::OkStatus();
  }

  absl::Status RemoveSegment(size_t i) {
    for (const std::string& path : log_.segments[i]->Files()) {
      const absl::Status removed = home_.disk->Remove(path);
      if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
    }
    log_.segments.erase(log_.segments.begin() + static_cast<int64_t>(i));
    return absl::OkStatus();
  }

  absl::Status ReadEpochs() {
    const absl::StatusOr<std::string> text = Has(kEpochFile) ? env::ReadWholeFile(*home_.disk, Path(kEpochFile))
                                                             : absl::StatusOr<std::string>(NotFound(kEpochFile));
    absl::StatusOr<LeaderEpochs> epochs = text.ok() ? LeaderEpochs::Decode(*text) : text.status();
    if (epochs.ok()) {
      log_.epochs = *std::move(epochs);
      const size_t before = log_.epochs.entries().size();
      log_.epochs.DropFrom(point_);
      log_.epochs_changed = log_.epochs.entries().size() != before;
      return absl::OkStatus();
    }
    if (!absl::IsNotFound(epochs.status()) && !absl::IsDataLoss(epochs.status())) return epochs.status();
    log_.epochs_changed = true;
    for (const std::unique_ptr<Segment>& segment : log_.segments) {
      if (segment->base() >= point_) break;
      LEAT_RETURN_IF_ERROR(segment->Load());
      BatchScanner scanner(*segment->file(), 0, segment->size(), segment->base(), home_.gaps_until, ScanCheck::kHeader);
      for (;;) {
        LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
        if (batch.kind != ScannedBatch::Kind::kBatch || batch.header.base_offset >= point_) break;
        if (batch.header.leader_epoch > log_.epochs.latest()) {
          log_.epochs.Note(batch.header.leader_epoch, batch.header.base_offset);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status ScanFromRecoveryPoint() {
    auto& segments = log_.segments;
    size_t first = segments.size() - 1;
    // A segment that ends at the recovery point is included: its indexes may lack what rolling adds.
    while (first > 0 && segments[first]->base() >= point_) --first;
    first_scanned_ = first;
    expected_ = segments[first]->base();
    LEAT_RETURN_IF_ERROR(LoadAborted(segments[first].get()));
    for (size_t i = first; i < segments.size(); ++i) {
      if (segments[i]->base() != expected_) {
        LEAT_RETURN_IF_ERROR(HandleGap(i));
        break;
      }
      if (i > first) {
        segments[i - 1]->Seal();
        NoteSnapshot(segments[i]->base());
      }
      LEAT_ASSIGN_OR_RETURN(const bool go_on, ScanSegment(i));
      if (!go_on) break;
    }
    if (expected_ < point_) return LostTail(expected_);
    log_.log_end = expected_;
    log_.recovery_point = point_;
    LEAT_RETURN_IF_ERROR(RemoveLaterSnapshots());
    segments.back()->set_pinned(true);
    return absl::OkStatus();
  }

  // A log start that was written on a full disk may be ahead of the index files: only the recovery point vouches for
  // those.
  bool indexes_vouched() const { return point_ == recorded_point_; }

  // Bytes that the kernel still has as they were written are checked when they are read, like those below the recovery
  // point: of gigabytes only the headers are looked at. A write that was cut short ends the file inside a batch.
  ScanCheck tail_check() const {
    return rules_.page_cache == PageCache::kWhole && !changing_ ? ScanCheck::kMarkers : ScanCheck::kCrc;
  }

  // The producers up to the recovery point, and the aborted transactions of the first segment that is scanned.
  absl::Status LoadAborted(Segment* segment) {
    const model::Offset point = std::max(point_, segment->base());
    model::Offset from = indexes_vouched() ? point : segment->base();
    const absl::Status loaded = segment->LoadAborted();
    if (absl::IsDataLoss(loaded)) {
      LogWarning("log", segment->path(), ": ", Message(loaded), "; they are found again in the log");
      ++log_.report.rebuilt_indexes;
      from = segment->base();
      segment->ReplaceAborted({});
    } else if (!loaded.ok()) {
      return loaded;
    }
    if (segment->DropAbortedFrom(from)) {
      // Written by a checkpoint that did not end, or a wrong offset: what is left may lack that one.
      from = segment->base();
      segment->ReplaceAborted({});
    }
    LEAT_RETURN_IF_ERROR(RestoreProducers(from));
    LEAT_RETURN_IF_ERROR(ReplayProducers(*home_.disk, log_.segments, point, rules_.replay, &log_.producers,
                                         [segment](const AbortedEntry& entry) { segment->NoteAborted(entry); }));
    log_.decided_to = log_.producers.first_undecided().value_or(point);
    return absl::OkStatus();
  }

  // The state of the producers before the batches from `to` on. A log without any of their files had no producers below
  // its recovery point.
  absl::Status RestoreProducers(model::Offset to) {
    const model::Offset first = log_.segments.front()->base();
    const model::Offset otherwise = had_producers_ ? first : std::max(std::min(to, recorded_point_), first);
    LEAT_ASSIGN_OR_RETURN(log_.producers,
                          LoadNewestSnapshot(*home_.disk, home_.folder, log_.snapshots, {to, otherwise}));
    return ReplayProducers(*home_.disk, log_.segments, to, rules_.replay, &log_.producers, [](const AbortedEntry&) {});
  }

  // A snapshot is written once everything below it is on disk: it holds unless the log lost that.
  absl::Status RemoveLaterSnapshots() {
    while (!log_.snapshots.empty() && *log_.snapshots.rbegin() > log_.log_end) {
      LEAT_RETURN_IF_ERROR(BeginChange());
      const absl::Status removed =
          home_.disk->Remove(SegmentPath(home_.folder, *log_.snapshots.rbegin(), kSnapshotSuffix));
      if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
      log_.snapshots.erase(std::prev(log_.snapshots.end()));
    }
    return absl::OkStatus();
  }

  // Segment i does not begin where the one before it ended: that one lost its tail, or the name between was lost.
  absl::Status HandleGap(size_t i) {
    const Segment& segment = *log_.segments[i];
    if (segment.base() < expected_ || expected_ < point_) {
      return DamageError(segment, 0, StrCat("expected a segment that begins at offset ", expected_));
    }
    for (const std::unique_ptr<Segment>& s : log_.segments) {
      if (s->base() >= segment.base()) log_.report.cut_bytes += s->size();
    }
    log_.report.cut_reason = StrCat("the log ends at offset ", expected_, " before ", segment.path());
    LEAT_RETURN_IF_ERROR(BeginChange());
    while (log_.segments.size() > i) LEAT_RETURN_IF_ERROR(RemoveSegment(log_.segments.size() - 1));
    return absl::OkStatus();
  }

  // False if the log was cut in this segment.
  absl::StatusOr<bool> ScanSegment(size_t i) {
    Segment& segment = *log_.segments[i];
    const int rebuilds = segment.rebuilds();
    LEAT_RETURN_IF_ERROR(
        segment.LoadForRecovery(indexes_vouched() ? std::max(point_, segment.base()) : segment.base()));
    if (i > first_scanned_) segment.ReplaceAborted({});
    LEAT_ASSIGN_OR_RETURN(uint64_t position, WalkToPoint(segment));
    log_.report.rebuilt_indexes += segment.rebuilds() - rebuilds;
    if (expected_ < point_ && position == segment.size()) return true;
    BatchScanner scanner(*segment.file(), position, segment.size(), expected_, home_.gaps_until, tail_check());
    for (;;) {
      LEAT_ASSIGN_OR_RETURN(ScannedBatch batch, scanner.Next());
      if (batch.kind == ScannedBatch::Kind::kBatch && batch.header.leader_epoch < log_.epochs.latest()) {
        return DamageError(segment, batch.position,
                           StrCat("leader epoch ", batch.header.leader_epoch, " follows ", log_.epochs.latest()));
      }
      if (batch.kind == ScannedBatch::Kind::kBad) return HandleBad(i, batch);
      if (batch.kind == ScannedBatch::Kind::kEnd) break;
      log_.epochs_changed |= log_.epochs.Note(batch.header.leader_epoch, batch.header.base_offset);
      segment.NoteBatch(batch.header, batch.position);
      NoteProducer(batch, &segment);
      log_.report.scanned_bytes += batch.header.total_bytes();
      expected_ = scanner.expected();
    }
    return true;
  }

  // A crash may have come before the snapshot was written that belongs where a segment begins.
  void NoteSnapshot(model::Offset base) {
    if ((log_.producers.size() == 0 && !had_producers_) || log_.snapshots.contains(base)) return;
    log_.fresh_snapshots.emplace_back(base, log_.producers.EncodeSnapshot());
  }

  void NoteProducer(const ScannedBatch& batch, Segment* segment) {
    const std::optional<ProducerState::Ended> ended = ReplayBatch(batch, rules_.replay, &log_.producers);
    if (ended && ended->end == model::TransactionEnd::kAbort) segment->NoteAborted(ended->transaction);
  }

  // Walks the headers between the last index entry and the recovery point. An index that leads astray is built again.
  absl::StatusOr<uint64_t> WalkToPoint(Segment& segment) {
    if (point_ <= segment.base()) return uint64_t{0};
    for (const bool from_index : {true, false}) {
      uint64_t position = 0;
      model::Offset expected = segment.base();
      if (from_index && !segment.offsets().entries().empty()) {
        position = static_cast<uint64_t>(segment.offsets().entries().back().position);
        char bytes[model::kBatchHeaderBytes];
        LEAT_ASSIGN_OR_RETURN(const size_t n, segment.file()->ReadAt(position, bytes, sizeof(bytes)));
        const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(std::string_view(bytes, n));
        // The entry names the batch's last offset: a position that holds another batch is a wrong entry.
        if (header.ok() &&
            header->last_offset() - segment.base() == segment.offsets().entries().back().relative_offset) {
          expected = header->base_offset;
        } else {
          expected = model::Offset(-1);
        }
      }
      BatchScanner scanner(*segment.file(), position, segment.size(), expected, home_.gaps_until, ScanCheck::kHeader);
      ScannedBatch batch;
      for (;;) {
        const uint64_t here = scanner.position();
        const model::Offset next = scanner.expected();
        if (next < segment.base() || next > point_) break;
        expected_ = next;
        if (next == point_) return here;
        LEAT_ASSIGN_OR_RETURN(batch, scanner.Next());
        if (batch.kind == ScannedBatch::Kind::kEnd) return here;
        if (batch.kind == ScannedBatch::Kind::kBad) break;
        // A log start may lie inside a batch: that batch is scanned.
        if (scanner.expected() > point_) return here;
        segment.NoteBatch(batch.header, batch.position);
      }
      if (!from_index) return DamageError(segment, batch.position, batch.problem);
      segment.ForgetIndexes();
    }
    return Internal("unreachable");
  }

  absl::StatusOr<bool> HandleBad(size_t i, const ScannedBatch& bad) {
    Segment& segment = *log_.segments[i];
    LEAT_ASSIGN_OR_RETURN(const TailVerdict verdict,
                          JudgeTail(*segment.file(), bad.position, segment.size(), expected_, home_.gaps_until));
    if (expected_ < point_ || (verdict.kind == TailVerdict::Kind::kDamaged && rules_.tail == TailRule::kJudge)) {
      return DamageError(segment, bad.position, verdict.reason);
    }
    LEAT_RETURN_IF_ERROR(BeginChange());
    log_.report.cut_bytes = segment.size() - bad.position;
    while (log_.segments.size() > i + 1) {
      log_.report.cut_bytes += log_.segments.back()->size();
      LEAT_RETURN_IF_ERROR(RemoveSegment(log_.segments.size() - 1));
    }
    log_.report.cut_reason = StrCat(segment.path(), ": ", verdict.reason);
    LEAT_RETURN_IF_ERROR(segment.TruncateTo(bad.position));
    return false;
  }

  // Before anything is served or appended, the disk holds what recovery found, where that may matter: what was cut must
  // not come back between or behind bytes that are written now, and in class F a reader must not see records vanish
  // that the process before had not synced yet. The recovery point vouches for what lies below it.
  absl::Status MakeDurable() {
    if (log_.report.cut_bytes > 0) {
      LogWarning("log", tp_.ToString(), ": cut ", log_.report.cut_bytes, " bytes behind offset ", log_.log_end, ": ",
                 log_.report.cut_reason);
    }
    log_.durable_end = log_.log_end;
    const model::Offset decided_below_point = log_.decided_to;
    log_.decided_to = log_.producers.first_undecided().value_or(log_.log_end);
    if (rules_.fresh) return absl::OkStatus();
    const bool unsynced = log_.report.scanned_bytes > 0;
    if (!changing_ && !(unsynced && rules_.durability == Durability::kFsync)) {
      if (unsynced) log_.durable_end = point_;
      if (unsynced) log_.decided_to = std::min(log_.decided_to, decided_below_point);
      // A checkpoint syncs all names that there are, and the folder's own, before it is written.
      log_.names_durable = recorded_point_ > log_.segments.back()->base();
      return absl::OkStatus();
    }
    for (size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      LEAT_RETURN_IF_ERROR(log_.segments[i]->Load());
      LEAT_RETURN_IF_ERROR(SyncFailure(log_.segments[i]->file()->Sync()));
    }
    LEAT_RETURN_IF_ERROR(SyncFailure(home_.disk->SyncDirectory(home_.folder)));
    // The folder's own name: the process that made it may have died before it was synced.
    LEAT_RETURN_IF_ERROR(SyncFailure(home_.disk->SyncDirectory(env::ParentPath(home_.folder))));
    for (const std::string_view mark : {kChangeMark, kUndoMark}) UnmarkChange(*home_.disk, home_.folder, mark);
    log_.names_durable = true;
    return absl::OkStatus();
  }

  static absl::Status SyncFailure(const absl::Status& status) {
    if (status.ok()) return status;
    return Unavailable("the disk failed while a recovered log was synced: ", Message(status),
                       "; check the device, then restart");
  }

  absl::Status DamageError(const Segment& segment, uint64_t position, std::string_view what) const {
    return Damage(DataLoss(
        segment.path(), ": damaged at byte ", position, " (offsets from ", expected_, " on): ", what, ". The log of ",
        tp_.ToString(),
        " is not opened, so that nothing is lost silently: restore the file from a copy, or, to accept the loss of the "
        "records from offset ",
        expected_, " on, truncate it to ", position, " bytes and remove ", kRecoveryPointFile, " beside it"));
  }

  absl::Status LostTail(model::Offset end) const {
    return Damage(DataLoss(home_.folder, ": the records up to offset ", std::max(recorded_point_, recorded_start_),
                           " were on disk, but the log ends at offset ", end,
                           ". Restore the segments from a copy, or, to accept the loss, remove ", kRecoveryPointFile));
  }

  const SegmentHome& home_;
  const model::TopicPartition& tp_;
  const RecoveryRules rules_;
  std::vector<std::string> names_;
  RecoveredLog log_;
  model::Offset recorded_start_{0};
  model::Offset recorded_point_{0};
  model::Offset point_{0};     // the recovery point within what is left
  model::Offset expected_{0};  // the offset that the next batch begins with
  size_t first_scanned_ = 0;
  bool had_producers_ = false;  // says a file in the folder
  bool changing_ = false;       // what is there, or was, may be on the disk or not
};

}  // namespace

absl::StatusOr<RecoveredLog> RecoverLog(const SegmentHome& home, const model::TopicPartition& tp,
                                        const RecoveryRules& rules, std::vector<std::string> names) {
  return Recovery(home, tp, rules, std::move(names)).Run();
}

}  // namespace leat::log
