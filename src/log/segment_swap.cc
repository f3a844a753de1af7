#include "log/segment_swap.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/logging.h"
#include "log/batch_scanner.h"
#include "log/file_names.h"
#include "log/group_sync.h"

namespace leat::log {
namespace {

std::string With(std::string_view suffix, std::string_view more) { return StrCat(suffix, more); }

absl::Status RemoveIfThere(env::Disk& disk, const std::string& path) {
  const absl::Status removed = disk.Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::Status RenameIfThere(env::Disk& disk, const std::string& from, const std::string& to) {
  const absl::Status renamed = disk.Rename(from, to);
  return absl::IsNotFound(renamed) ? absl::OkStatus() : renamed;
}

// Steps 3 and 4.
absl::Status FinishSwap(env::Disk& disk, const SegmentSwap& swap) {
  for (const model::Offset base : swap.replaced) {
    for (const std::string_view suffix : SegmentSuffixes()) {
      LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, SegmentPath(swap.folder, base, suffix)));
    }
  }
  for (const std::string_view suffix : SegmentSuffixes()) {
    if (suffix != kLogSuffix) LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, SegmentPath(swap.folder, swap.base, suffix)));
  }
  LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(swap.folder)));
  // A swap that recovery finishes may have lost an index: it is built again when the segment is loaded.
  for (const std::string_view suffix : SegmentSuffixes()) {
    LEAT_RETURN_IF_ERROR(RenameIfThere(disk, SegmentPath(swap.folder, swap.base, With(suffix, kSwapSuffix)),
                                       SegmentPath(swap.folder, swap.base, suffix)));
  }
  return FailedSyncIsFinal(disk.SyncDirectory(swap.folder));
}

// Where the offsets of a new segment end.
absl::StatusOr<model::Offset> EndOfNewSegment(env::Disk& disk, const std::string& path, model::Offset base) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(path, env::OpenMode::kRead));
  LEAT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  BatchScanner scanner(*file, 0, size, base, model::Offset(std::numeric_limits<int64_t>::max()), ScanCheck::kHeader);
  for (;;) {
    LEAT_ASSIGN_OR_RETURN(const ScannedBatch batch, scanner.Next());
    if (batch.kind == ScannedBatch::Kind::kEnd && scanner.expected() > base) return scanner.expected();
    if (batch.kind != ScannedBatch::Kind::kBatch) {
      return DataLoss(path, ": damaged at byte ", batch.position, ": ",
                      batch.problem.empty() ? "it holds no batch" : batch.problem,
                      ". Compaction had put it in the place of older segments, which may be gone: restore the "
                      "partition's folder from a copy");
    }
  }
}

}  // namespace

std::vector<std::string_view> SegmentSuffixes() {
  return {kLogSuffix, kOffsetIndexSuffix, kTimeIndexSuffix, kAbortedIndexSuffix};
}

SwapOutcome RunSwap(env::Disk& disk, const SegmentSwap& swap) {
  const auto rename = [&](std::string_view suffix) {
    return disk.Rename(SegmentPath(swap.folder, swap.base, With(suffix, kCleanedSuffix)),
                       SegmentPath(swap.folder, swap.base, With(suffix, kSwapSuffix)));
  };
  // Without an aborted index: see cleaner.h.
  for (const std::string_view suffix : {kOffsetIndexSuffix, kTimeIndexSuffix}) {
    if (absl::Status status = rename(suffix); !status.ok()) return {.status = std::move(status)};
  }
  absl::Status status = rename(kLogSuffix);
  if (absl::IsResourceExhausted(status)) return {.status = std::move(status)};
  if (status.ok()) status = FailedSyncIsFinal(disk.SyncDirectory(swap.folder));
  if (status.ok()) status = FinishSwap(disk, swap);
  return {.status = std::move(status), .committed = true};
}

absl::Status RemoveCleaned(env::Disk& disk, const std::string& folder, model::Offset base) {
  for (const std::string_view suffix : SegmentSuffixes()) {
    LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, SegmentPath(folder, base, With(suffix, kCleanedSuffix))));
    if (suffix == kLogSuffix) continue;
    LEAT_RETURN_IF_ERROR(RemoveIfThere(disk, SegmentPath(folder, base, With(suffix, kSwapSuffix))));
  }
  return absl::OkStatus();
}

absl::Status FinishSwaps(env::Disk& disk, const std::string& folder, std::vector<std::string>* found) {
  const std::vector<std::string>& names = *found;
  const bool any = std::ranges::any_of(
      names, [](std::string_view name) { return name.ends_with(kCleanedSuffix) || name.ends_with(kSwapSuffix); });
  if (!any) return absl::OkStatus();
  for (const std::string& name : names) {
    if (name.ends_with(kCleanedSuffix)) LEAT_RETURN_IF_ERROR(disk.Remove(env::JoinPath(folder, name)));
  }
  for (const std::string& name : names) {
    const std::optional<model::Offset> base = ParseSegmentName(name, With(kLogSuffix, kSwapSuffix));
    if (!base) continue;
    LEAT_ASSIGN_OR_RETURN(const model::Offset end, EndOfNewSegment(disk, env::JoinPath(folder, name), *base));
    SegmentSwap swap{.folder = folder, .base = *base, .replaced = {}};
    for (const std::string& other : names) {
      for (const std::string_view suffix : SegmentSuffixes()) {
        const std::optional<model::Offset> old = ParseSegmentName(other, suffix);
        if (old && *old > *base && *old < end) swap.replaced.push_back(*old);
      }
    }
    LogInfo("log", folder, ": finishing the swap of compacted segment ", *base);
    LEAT_RETURN_IF_ERROR(FinishSwap(disk, swap));
  }
  // An index whose log was not renamed: nothing was put in anything's place.
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> left, disk.List(folder));
  for (const std::string& name : left) {
    if (name.ends_with(kSwapSuffix)) LEAT_RETURN_IF_ERROR(disk.Remove(env::JoinPath(folder, name)));
  }
  LEAT_ASSIGN_OR_RETURN(*found, disk.List(folder));
  return absl::OkStatus();
}

}  // namespace leat::log
