// How the group coordinator carries out what its cores decide: appends, answers, timers, and the log begun anew.
#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/group_coordinator.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

// About what a live offset takes in the log; only the choice of when to rewrite depends on it.
constexpr uint64_t kBytesPerOffset = 128;
// Many small records are split into batches of this size, so that no batch is larger than a log takes.
constexpr size_t kBatchBytes = size_t{256} << 10;

absl::StatusOr<std::string> Encode(const std::vector<group::OffsetRecord>& records,
                                   const std::optional<group::TxnStamp>& transaction, int64_t now_ms) {
  model::BatchBuilder::Options options;
  if (transaction) {
    options.producer_id = transaction->producer;
    options.producer_epoch = transaction->epoch;
    options.transactional = true;
  }
  std::string bytes;
  auto batch = std::make_unique<model::BatchBuilder>(options);
  for (size_t i = 0; i < records.size(); ++i) {
    const group::OffsetRecord& record = records[i];
    batch->Add(now_ms, record.key, record.value ? std::optional<std::string_view>(*record.value) : std::nullopt);
    if (i + 1 < records.size() && batch->uncompressed_bytes() < kBatchBytes) continue;
    LEAT_ASSIGN_OR_RETURN(const std::string finished, batch->Finish());
    bytes += finished;
    batch = std::make_unique<model::BatchBuilder>(options);
  }
  return bytes;
}

}  // namespace

void GroupCoordinator::Pump(size_t index) {
  // An append may fail at once and an answer may ask again: both come back here with effects of their own.
  group::Effects effects = partitions_[index]->core.TakeEffects();
  for (group::Write& write : effects.writes) Append(index, std::move(write));
  for (group::Answer& answer : effects.answers) Answer(std::move(answer));
  ArmTimer(index);
}

void GroupCoordinator::Answer(group::Answer answer) {
  const auto it = waiters_.find(answer.to.value());
  if (it == waiters_.end()) return;  // it was answered when the coordinator began to close
  Waiter waiter = std::move(it->second);
  waiters_.erase(it);
  waiter.done(std::move(answer.reply));
}

void GroupCoordinator::Append(size_t index, group::Write write) {
  Write(index, std::move(write.records), write.transaction,
        [this, index, id = write.id](const absl::StatusOr<log::AppendResult>& result) {
          partitions_[index]->core.OnWritten(id, result.status(), now());
          Pump(index);
        });
}

void GroupCoordinator::ArmTimer(size_t index) {
  Partition& partition = *partitions_[index];
  const Instant next = partition.core.NextDeadline();
  if (gate_.closing() || (partition.timer != nullptr && partition.timer_at == next)) return;
  partition.timer.reset();
  partition.timer_at = next;
  if (next == Instant::Max()) return;
  partition.timer = shard_.RunAt(next, [this, index] {
    partitions_[index]->timer.reset();
    partitions_[index]->core.Tick(now());
    Pump(index);
  });
}

void GroupCoordinator::Write(size_t index, std::vector<group::OffsetRecord> records,
                             std::optional<group::TxnStamp> transaction, Written done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  absl::StatusOr<std::string> bytes = Encode(records, transaction, shard_.WallMillis());
  if (!bytes.ok()) {
    done(bytes.status());
    return;
  }
  ++partitions_[index]->appends_under_way;
  const model::ProducerId producer = transaction ? transaction->producer : model::ProducerId(-1);
  append_(
      model::PartitionId(static_cast<int32_t>(index)), *std::move(bytes), log::Origin::kCoordinator,
      [this, index, producer, records = std::move(records), done = std::move(done),
       hold = std::move(hold)](absl::StatusOr<log::AppendResult> result) mutable {
        --partitions_[index]->appends_under_way;
        if (result.ok()) {
          model::Offset offset = result->base_offset;
          for (const group::OffsetRecord& record : records) {
            LEAT_CHECK_OK(partitions_[index]->core.Replay(
                {offset, producer}, record.key,
                record.value ? std::optional<std::string_view>(*record.value) : std::nullopt));
            ++offset;
          }
        }
        const bool written = result.ok();
        done(std::move(result));
        if (written) MaybeRewrite(index);
      });
}

void GroupCoordinator::MaybeRewrite(size_t index) {
  Partition& partition = *partitions_[index];
  const group::OffsetStore& offsets = partition.core.offsets();
  const uint64_t size = partition.log->size_bytes();
  if (partition.rewriting || partition.appends_under_way > 0 || gate_.closing()) return;
  if (size < std::max(options_.rewrite_above_bytes, partition.rewrite_above_bytes)) return;
  if (size < options_.rewrite_factor * offsets.offset_count() * kBytesPerOffset) return;
  if (offsets.pending_count() > 0) return;
  std::vector<group::OffsetRecord> records = partition.core.Snapshot();
  uint64_t alive = 0;
  for (const group::OffsetRecord& record : records) alive += record.key.size() + record.value->size();
  partition.rewrite_above_bytes = options_.rewrite_factor * alive;
  if (records.empty() || size < partition.rewrite_above_bytes) return;
  // A large state goes in several appends; the last one's acknowledgement covers the others, because acknowledgements
  // come in append order, and one failure anywhere keeps everything.
  constexpr size_t kRecordsPerAppend = 1000;
  struct Rewrite {
    model::Offset first{-1};
    size_t waiting = 0;
    bool failed = false;
  };
  auto rewrite = std::make_shared<Rewrite>();
  rewrite->waiting = (records.size() + kRecordsPerAppend - 1) / kRecordsPerAppend;
  partition.rewriting = true;
  for (size_t from = 0; from < records.size(); from += kRecordsPerAppend) {
    const auto begin = records.begin() + static_cast<ptrdiff_t>(from);
    const auto end = records.begin() + static_cast<ptrdiff_t>(std::min(records.size(), from + kRecordsPerAppend));
    Write(index, {begin, end}, std::nullopt, [this, index, rewrite](absl::StatusOr<log::AppendResult> result) {
      if (!result.ok()) rewrite->failed = true;
      if (result.ok() && rewrite->first < model::Offset(0)) rewrite->first = result->base_offset;
      if (--rewrite->waiting > 0) return;
      if (rewrite->failed) {
        partitions_[index]->rewriting = false;
        return;
      }
      partitions_[index]->log->DeleteRecordsBefore(
          rewrite->first, [this, index, hold = gate_.TryEnter()](const absl::Status& status) {
            if (!status.ok()) LogWarning("coordinator", "old offset commits stay: ", Message(status));
            partitions_[index]->rewriting = false;
          });
    });
  }
}

}  // namespace leat::coordinator
