// Appends that come for a partition in one turn of its shard are written together: one call of the disk for all of
// them, and pages of the page cache that are taken in larger pieces.
#include <algorithm>
#include <utility>

#include "log/partition_log_impl.h"
#include "log/producer_recovery.h"

namespace leat::log {
namespace {

// Of one write. More than that is not cheaper any more.
constexpr size_t kMostGathered = 64;
constexpr uint64_t kMostGatheredBytes = uint64_t{1} << 20;

std::optional<model::EndMarker> MarkerOf(const PreparedAppend& append, const PreparedBatch& batch) {
  return DecodeIfMarker(append.bytes.view().substr(batch.at, batch.header.total_bytes()));
}

}  // namespace

// Whether an append may wait for others. One of a transaction may not, since its answer decides about others; nor may
// one whose check depends on what an earlier one that waits will leave behind.
bool PartitionLogImpl::MayWait(std::string_view batches, const AppendOptions& options) const {
  if (options.when != WriteTime::kThisTurn || options.verification != VerificationTicket::kNone) return false;
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(batches);
  if (!header.ok() || header->transactional() || header->control()) return false;
  if (gathered_.empty()) return true;
  if (gathered_.back().epoch != options.epoch) return false;
  if (gathered_.size() == kMostGathered || gathered_bytes_ + batches.size() > kMostGatheredBytes) return false;
  if (header->producer_id.value() < 0) return true;
  return std::none_of(gathered_.begin(), gathered_.end(), [&](const Checked& earlier) {
    return earlier.append.batches.front().header.producer_id == header->producer_id;
  });
}

void PartitionLogImpl::Gather(Checked checked) {
  gathered_bytes_ += checked.append.bytes.size();
  gathered_.push_back(std::move(checked));
  if (gathered_.size() > 1) return;
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) return WriteGathered();
  shared_.shard.Post([this, hold = std::move(hold)] { WriteGathered(); });
}

void PartitionLogImpl::WriteGathered() {
  if (gathered_.empty()) return;
  std::vector<Checked> group = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  if (absl::Status status = CheckWritable(); status.ok()) {
    WriteAll(group, std::nullopt);
  } else {
    for (Checked& one : group) one.done(status);
  }
  // For its capacity, unless the answers have led to other appends.
  group.clear();
  if (gathered_.capacity() == 0) gathered_.swap(group);
}

// Checked and written. What fits into the active segment goes there at once.
void PartitionLogImpl::WriteAll(std::span<Checked> group, const std::optional<model::EndMarker>& marker) {
  absl::Status status;
  while (!group.empty()) {
    absl::StatusOr<bool> roll = NeedsRoll(group[0].append, active().size());
    status = roll.status();
    if (status.ok() && *roll) status = Roll();
    if (!status.ok()) break;
    size_t count = 1;
    uint64_t end = active().size() + group[0].append.bytes.size();
    // The age of an empty segment is that of what comes first.
    for (; count < group.size() && active().size() > 0; ++count) {
      roll = NeedsRoll(group[count].append, end);
      if (!roll.ok() || *roll) break;
      end += group[count].append.bytes.size();
    }
    status = WriteToActive(group.first(count));
    if (!status.ok()) break;
    for (Checked& one : group.first(count)) NoteWritten(one, marker);
    group = group.subspan(count);
  }
  if (!status.ok()) FailUnwritten(group, status);
  if (options_.durability == Durability::kFsync) shared_.sync->Request(this);
  Advance();
}

void PartitionLogImpl::NoteWritten(Checked& written, const std::optional<model::EndMarker>& marker) {
  const PreparedAppend& append = written.append;
  const model::Offset base = append.batches.front().header.base_offset;
  log_end_ = append.batches.back().header.next_offset();
  for (const PreparedBatch& batch : append.batches) {
    epochs_changed_ |= epochs_.Note(batch.header.leader_epoch, batch.header.base_offset);
    if (batch.header.control() && !marker) {
      NoteProducer(batch.header, MarkerOf(append, batch));  // as the leader has it
    } else {
      NoteProducer(batch.header, marker);
    }
  }
  parked_.push_back({{base, log_end_ - 1, append.log_append_time_ms}, options_.durability, std::move(written.done)});
}

void PartitionLogImpl::FailUnwritten(std::span<Checked> group, const absl::Status& status) {
  absl::Status why;
  if (absl::IsResourceExhausted(status)) {
    why = ResourceExhausted("disk full, nothing was appended to ", tp_.ToString(), ": ", Message(status),
                            "; free space or lower the retention");
  } else {
    shared_.go_offline(status);
    why = shared_.offline;
  }
  for (Checked& one : group) one.done(why);
}

}  // namespace leat::log
