// Ranges that reads found damaged, and a peer's copy of them.
#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/partition_log_impl.h"
#include "log/replicated_check.h"

namespace leat::log {

std::vector<OffsetRange> PartitionLogImpl::damaged() const {
  std::vector<OffsetRange> ranges;
  for (const auto& [from, fence] : fences_) {
    if (from >= log_start_ || fence.end > log_start_) ranges.push_back({from, fence.end});
  }
  return ranges;
}

absl::StatusOr<PartitionLogImpl::Patch> PartitionLogImpl::PlanMend(model::Offset from, model::Offset to,
                                                                   OwnedBytes batches) {
  const auto found = fences_.find(from);
  if (found == fences_.end() || to > found->second.end || to <= from) {
    return NotFound(tp_.ToString(), ": offsets ", from, " to ", to - 1, " are not a damaged range, or its beginning");
  }
  const Fence& fence = found->second;
  const model::LeaderEpoch before = from > model::Offset(0) ? epochs_.At(from - 1) : model::LeaderEpoch(-1);
  LEAT_ASSIGN_OR_RETURN(ReplicatedAppend copy, CheckReplicated(std::move(batches), {from, before}));
  Patch patch{.file = nullptr, .position = fence.position, .bytes = {}, .from = from, .to = from};
  size_t size = 0;
  for (const PreparedBatch& batch : copy.batches) {
    if (batch.header.base_offset >= to) break;
    if (batch.header.base_offset != patch.to) break;
    if (batch.header.leader_epoch != epochs_.At(batch.header.base_offset)) {
      return InvalidArgument(tp_.ToString(), ": the copy's batch at offset ", batch.header.base_offset, " is of epoch ",
                             batch.header.leader_epoch, ", the log's is of ", epochs_.At(batch.header.base_offset));
    }
    size = batch.at + batch.header.total_bytes();
    patch.to = batch.header.next_offset();
    patch.control |= batch.header.control();
  }
  const uint64_t room = fence.end_position - fence.position;
  const bool whole = patch.to == fence.end;
  if (patch.to < to || patch.to > fence.end || (whole ? size != room : size >= room)) {
    return FailedPrecondition(tp_.ToString(), ": the copy of offsets ", from, " to ", to - 1, " has ", size,
                              " bytes and ends with offset ", patch.to - 1, ", the place of ", from, " to ",
                              fence.end - 1, " in the log has ", room,
                              ": one of both was compacted; remove the log, so that it is copied anew");
  }
  patch.bytes = std::string(copy.bytes.view().substr(0, size));
  Segment& segment = *segments_[SegmentOf(from)];
  LEAT_RETURN_IF_ERROR(segment.Load());
  patch.file = segment.file();
  return patch;
}

absl::Status PartitionLogImpl::FinishMend(const Patch& patch) {
  const auto found = fences_.find(patch.from);
  if (found == fences_.end() || found->second.position != patch.position || patch.to > found->second.end) {
    return Aborted("the damaged range of ", tp_.ToString(), " at offset ", patch.from, " is gone");
  }
  Fence rest = std::move(found->second);
  fences_.erase(found);
  ForgetReads();
  LogInfo("log", tp_.ToString(), ": offsets ", patch.from, " to ", patch.to - 1, " were mended");
  const size_t i = SegmentOf(patch.from);
  if (patch.to < rest.end) {
    rest.position = patch.position + patch.bytes.size();
    rest.what = StrCat(segments_[i]->path(), ": damaged at byte ", rest.position, ". Offsets ", patch.to, " to ",
                       rest.end - 1, " cannot be read yet: they are being copied");
    fences_[patch.to] = std::move(rest);
    return absl::OkStatus();
  }
  // An index that was built around the damage knows nothing of what it held.
  const auto next = fences_.lower_bound(segments_[i]->base());
  if (next == fences_.end() || next->first >= EndOf(i)) LEAT_RETURN_IF_ERROR(segments_[i]->RebuildIndexes());
  if (patch.control) LEAT_RETURN_IF_ERROR(RebuildAborted(i));
  if (fences_.empty()) uncleanable_ = absl::OkStatus();
  return absl::OkStatus();
}

void PartitionLogImpl::Mend(model::Offset from, model::Offset to, OwnedBytes batches,
                            absl::AnyInvocable<void(absl::Status)> done) {
  if (!shared_.offline.ok()) return done(shared_.offline);
  if (closed_) return done(Unavailable("the log of ", tp_.ToString(), " is closed"));
  struct Mending {
    OwnedBytes batches;
    Patch patch;
    bool planned = false;
  };
  auto mending = std::make_shared<Mending>();
  mending->batches = std::move(batches);
  RunUpkeep({.prepare = [this, from, to, mending]() -> absl::AnyInvocable<absl::Status()> {
               absl::StatusOr<Patch> patch = PlanMend(from, to, std::move(mending->batches));
               if (!patch.ok()) return [status = patch.status()] { return status; };
               mending->patch = *std::move(patch);
               mending->planned = true;
               return [mending] {
                 const Patch& planned = mending->patch;
                 LEAT_RETURN_IF_ERROR(planned.file->WriteAt(planned.position, planned.bytes));
                 return FailedSyncIsFinal(planned.file->Sync());
               };
             },
             .finish =
                 [this, mending, done = std::move(done)](absl::Status status) mutable {
                   if (mending->planned) HandleUpkeepFailure(status);
                   if (status.ok()) status = FinishMend(mending->patch);
                   done(status);
                 }});
}

}  // namespace leat::log
