#include "log/log_cut.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "base/logging.h"
#include "log/change_mark.h"
#include "log/checkpoint_file.h"
#include "log/file_names.h"
#include "log/group_sync.h"
#include "log/segment_swap.h"

namespace leat::log {
namespace {

absl::Status RemoveIfThere(env::Disk& disk, const std::string& path) {
  const absl::Status removed = disk.Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

// True: written. False: there was no room, and the file is gone; a checkpoint that is missing says the least.
absl::StatusOr<bool> WriteOrRemove(env::Disk& disk, const std::string& path, std::string_view text) {
  absl::Status written = env::WriteFileAtomically(disk, path, text);
  if (written.ok()) return true;
  if (!absl::IsResourceExhausted(written)) return written;
  LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path + ".tmp"));
  LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path));
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(env::ParentPath(path))));
  return false;
}

std::optional<model::Offset> BaseOf(std::string_view name) {
  for (const std::string_view suffix : SegmentSuffixes()) {
    for (const std::string_view more : {std::string_view(), kCleanedSuffix, kSwapSuffix}) {
      if (const auto base = ParseSegmentName(name, StrCat(suffix, more))) return base;
    }
  }
  return std::nullopt;
}

using SegmentFiles = std::map<model::Offset, std::vector<std::string>, std::greater<>>;  // the newest first

// Of segments that begin behind `base`; of all if there is none. And snapshots that say more than a log that ends at
// `end` can.
struct Leftovers {
  SegmentFiles segments;
  std::vector<std::string> snapshots;
};
absl::StatusOr<Leftovers> FindBehind(env::Disk& disk, const std::string& folder, model::Offset base,
                                     model::Offset end) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(folder));
  Leftovers found;
  for (const std::string& name : names) {
    const std::string path = env::JoinPath(folder, name);
    if (const auto at = BaseOf(name); at && *at > base) found.segments[*at].push_back(path);
    if (const auto at = ParseSegmentName(name, kSnapshotSuffix); at && *at > end) found.snapshots.push_back(path);
  }
  return found;
}

constexpr model::Offset kBeforeAll(-1);

// A file that cannot be written yet because the disk is full is written when segments, which are to go anyway, have
// made room: the newest goes first. What is left of the log meanwhile may be less than the recovery point says.
absl::Status NoteRestart(env::Disk& disk, const std::string& folder, const std::string& text) {
  const std::string path = env::JoinPath(folder, kRestartFile);
  absl::Status noted = env::WriteFileAtomically(disk, path, text);
  if (noted.ok() || !absl::IsResourceExhausted(noted)) return noted;
  LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path + ".tmp"));
  LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, env::JoinPath(folder, kRecoveryPointFile)));
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
  LEAT_ASSIGN_OR_RETURN(const Leftovers all, FindBehind(disk, folder, kBeforeAll, kBeforeAll));
  for (const auto& [base, paths] : all.segments) {
    for (const std::string& gone : paths) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, gone));
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
    noted = env::WriteFileAtomically(disk, path, text);
    if (noted.ok() || !absl::IsResourceExhausted(noted)) return noted;
    LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path + ".tmp"));
  }
  return noted;
}

absl::Status DoCut(env::Disk& disk, const LogCut& cut, CutOutcome* outcome) {
  const auto lower = [&](std::string_view name, std::optional<model::Offset> to) -> absl::StatusOr<bool> {
    if (!to) return true;
    return WriteOrRemove(disk, env::JoinPath(cut.folder, name), EncodeOffsetCheckpoint(cut.tp, *to));
  };
  if (!cut.snapshot.empty()) {
    LEAT_ASSIGN_OR_RETURN(outcome->snapshot_noted,
                          WriteOrRemove(disk, SegmentPath(cut.folder, cut.end, kSnapshotSuffix), cut.snapshot));
  }
  if (cut.snapshot.empty() || outcome->snapshot_noted) {
    LEAT_ASSIGN_OR_RETURN(outcome->recovery_point_noted, lower(kRecoveryPointFile, cut.recovery_point));
  } else {
    // Recovery must look for the producers in all of the log.
    LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, env::JoinPath(cut.folder, kRecoveryPointFile)));
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(cut.folder)));
  }
  LEAT_ASSIGN_OR_RETURN(outcome->watermark_noted, lower(kWatermarkFile, cut.watermark));
  LEAT_RETURN_IF_ERROR(lower(kCleanerFile, cut.cleaned_to).status());
  LEAT_ASSIGN_OR_RETURN(const Leftovers behind, FindBehind(disk, cut.folder, cut.base, cut.end));
  for (const auto& [base, paths] : behind.segments) {
    for (const std::string& path : paths) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path));
  }
  for (const std::string& path : behind.snapshots) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path));
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(cut.folder)));
  LEAT_RETURN_IF_ERROR(cut.file->Truncate(cut.size));
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(cut.file->Sync()));
  if (cut.epochs.empty()) return absl::OkStatus();
  const absl::Status epochs = env::WriteFileAtomically(disk, env::JoinPath(cut.folder, kEpochFile), cut.epochs);
  outcome->epochs_noted = epochs.ok();
  return absl::IsResourceExhausted(epochs) ? absl::OkStatus() : epochs;
}

}  // namespace

CutOutcome RunCut(env::Disk& disk, const LogCut& cut) {
  CutOutcome outcome;
  outcome.status = MarkChange(disk, cut.folder);
  if (outcome.status.ok()) outcome.status = DoCut(disk, cut, &outcome);
  if (outcome.status.ok()) UnmarkChange(disk, cut.folder);
  return outcome;
}

absl::Status RunRestart(env::Disk& disk, const std::string& folder, const model::TopicPartition& tp, model::Offset at) {
  // Where it begins must not go with the folder's own name, which nothing may have synced yet.
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(env::ParentPath(folder))));
  LEAT_RETURN_IF_ERROR(MarkChange(disk, folder));
  LEAT_RETURN_IF_ERROR(NoteRestart(disk, folder, EncodeOffsetCheckpoint(tp, at)));
  return FinishRestart(disk, folder, tp);
}

absl::Status FinishRestart(env::Disk& disk, const std::string& folder, const model::TopicPartition& tp) {
  const std::string path = env::JoinPath(folder, kRestartFile);
  const absl::StatusOr<std::optional<model::Offset>> at = ReadOffsetCheckpoint(disk, path, tp);
  if (!at.ok()) {
    return Annotate(at.status(),
                    "the log was being emptied, to begin again where this file says; remove the partition's folder, so "
                    "that it is copied from another node");
  }
  if (!at->has_value()) return absl::OkStatus();
  LogInfo("log", tp.ToString(), ": emptying the log, it begins again at offset ", **at);
  LEAT_RETURN_IF_ERROR(MarkChange(disk, folder));
  LEAT_ASSIGN_OR_RETURN(const Leftovers all, FindBehind(disk, folder, kBeforeAll, kBeforeAll));
  for (const auto& [base, paths] : all.segments) {
    for (const std::string& gone : paths) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, gone));
  }
  for (const std::string& gone : all.snapshots) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, gone));
  for (const std::string_view name : {kRecoveryPointFile, kEpochFile, kWatermarkFile, kCleanerFile, kGapsFile}) {
    LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, env::JoinPath(folder, name)));
  }
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
  LEAT_RETURN_IF_ERROR(
      env::WriteFileAtomically(disk, env::JoinPath(folder, kLogStartFile), EncodeOffsetCheckpoint(tp, **at)));
  LEAT_RETURN_IF_ERROR(disk.Open(SegmentPath(folder, **at, kLogSuffix), env::OpenMode::kCreate).status());
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
  LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, path));
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(folder)));
  UnmarkChange(disk, folder);
  return absl::OkStatus();
}

}  // namespace leat::log
