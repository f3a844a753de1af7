#include "coordinator/group_coordinator.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/log_replay.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

using Outcome = group::CommitDecision::Outcome;
using model::ErrorCode;

// About what a live offset takes in the log; only the choice of when to rewrite depends on it.
constexpr uint64_t kBytesPerOffset = 128;

Outcome OutcomeOf(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kOutOfRange)
    return {ErrorCode::kRecordListTooLarge, std::string(Message(status))};
  return {ErrorCode::kKafkaStorageError, StrCat("the commit was not stored: ", Message(status))};
}

}  // namespace

GroupCoordinator::GroupCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, const Options& options)
    : shard_(shard), options_(options) {
  LEAT_CHECK(!logs.empty());
  for (log::PartitionLog* log : logs) partitions_.push_back({log, group::OffsetStore(options.limits)});
}

absl::StatusOr<std::unique_ptr<GroupCoordinator>> GroupCoordinator::Open(std::vector<log::PartitionLog*> logs,
                                                                         env::Shard& shard, const Options& options) {
  std::unique_ptr<GroupCoordinator> coordinator(new GroupCoordinator(std::move(logs), shard, options));
  for (size_t i = 0; i < coordinator->partitions_.size(); ++i) {
    Partition& partition = coordinator->partitions_[i];
    const absl::Status replayed = ReplayLog(*partition.log, [&](const model::RecordView& record) -> absl::Status {
      if (!record.key) return DataLoss("offset record without a key");
      return partition.store.Replay(*record.key, record.value);
    });
    LEAT_RETURN_IF_ERROR(Annotate(replayed, StrCat("replay of __consumer_offsets-", i)));
  }
  return coordinator;
}

size_t GroupCoordinator::IndexOf(std::string_view group) const {
  return static_cast<size_t>(group::PartitionForGroup(group, static_cast<int32_t>(partitions_.size())));
}

void GroupCoordinator::CommitOffsets(const group::CommitCommand& command, CommitDone done) {
  const size_t index = IndexOf(command.group);
  group::CommitDecision decision = partitions_[index].store.CommitOffsets(command, shard_.WallMillis());
  if (decision.records.empty()) {
    done(std::move(decision.outcomes));
    return;
  }
  Write(index, std::move(decision.records),
        [outcomes = std::move(decision.outcomes),
         done = std::move(done)](absl::StatusOr<log::AppendResult> result) mutable {
          if (!result.ok()) {
            for (Outcome& outcome : outcomes) {
              if (outcome.code == ErrorCode::kNone) outcome = OutcomeOf(result.status());
            }
          }
          done(std::move(outcomes));
        });
}

void GroupCoordinator::ForgetTopic(std::string_view topic) {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    std::vector<group::OffsetRecord> records = partitions_[i].store.ForgetTopic(topic);
    if (records.empty()) continue;
    Write(i, std::move(records), [topic = std::string(topic)](absl::StatusOr<log::AppendResult> result) {
      if (!result.ok()) {
        LogWarning("coordinator", "the committed offsets of the deleted topic ", topic,
                   " stay: ", Message(result.status()));
      }
    });
  }
}

void GroupCoordinator::ForgetGroup(std::string_view group, absl::AnyInvocable<void(absl::Status)> done) {
  const size_t index = IndexOf(group);
  std::vector<group::OffsetRecord> records = partitions_[index].store.ForgetGroup(group);
  if (records.empty()) {
    done(absl::OkStatus());
    return;
  }
  Write(index, std::move(records),
        [done = std::move(done)](absl::StatusOr<log::AppendResult> result) mutable { done(result.status()); });
}

void GroupCoordinator::Write(size_t index, std::vector<group::OffsetRecord> records, Written done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  model::BatchBuilder batch({});
  const int64_t now_ms = shard_.WallMillis();
  for (const group::OffsetRecord& record : records) {
    batch.Add(now_ms, record.key, record.value ? std::optional<std::string_view>(*record.value) : std::nullopt);
  }
  absl::StatusOr<std::string> bytes = batch.Finish();
  if (!bytes.ok()) {
    done(bytes.status());
    return;
  }
  ++partitions_[index].appends_under_way;
  partitions_[index].log->Append(
      *std::move(bytes), {.epoch = model::LeaderEpoch(0)},
      [this, index, records = std::move(records), done = std::move(done),
       hold = std::move(hold)](absl::StatusOr<log::AppendResult> result) mutable {
        --partitions_[index].appends_under_way;
        if (result.ok()) {
          for (const group::OffsetRecord& record : records) {
            LEAT_CHECK_OK(partitions_[index].store.Replay(
                record.key, record.value ? std::optional<std::string_view>(*record.value) : std::nullopt));
          }
          MaybeRewrite(index);
        }
        done(std::move(result));
      });
}

void GroupCoordinator::MaybeRewrite(size_t index) {
  Partition& partition = partitions_[index];
  const uint64_t alive = partition.store.offset_count() * kBytesPerOffset;
  const uint64_t size = partition.log->size_bytes();
  if (partition.rewriting || partition.appends_under_way > 0) return;
  if (size < options_.rewrite_above_bytes || size < options_.rewrite_factor * alive) return;
  std::vector<group::OffsetRecord> records = partition.store.Snapshot();
  if (records.empty()) return;
  // A batch has a largest size, so a large state goes in several; the last one's acknowledgement covers the others,
  // because acknowledgements come in append order, and one failure anywhere keeps everything.
  constexpr size_t kRecordsPerBatch = 1000;
  struct Rewrite {
    model::Offset first{-1};
    size_t waiting = 0;
    bool failed = false;
  };
  auto rewrite = std::make_shared<Rewrite>();
  rewrite->waiting = (records.size() + kRecordsPerBatch - 1) / kRecordsPerBatch;
  partition.rewriting = true;
  for (size_t from = 0; from < records.size(); from += kRecordsPerBatch) {
    const auto begin = records.begin() + static_cast<ptrdiff_t>(from);
    const auto end = records.begin() + static_cast<ptrdiff_t>(std::min(records.size(), from + kRecordsPerBatch));
    Write(index, {begin, end}, [this, index, rewrite](absl::StatusOr<log::AppendResult> result) {
      if (!result.ok()) rewrite->failed = true;
      if (result.ok() && rewrite->first < model::Offset(0)) rewrite->first = result->base_offset;
      if (--rewrite->waiting > 0) return;
      if (rewrite->failed) {
        partitions_[index].rewriting = false;
        return;
      }
      partitions_[index].log->DeleteRecordsBefore(
          rewrite->first, [this, index, hold = gate_.TryEnter()](const absl::Status& status) {
            if (!status.ok()) LogWarning("coordinator", "old offset commits stay: ", Message(status));
            partitions_[index].rewriting = false;
          });
    });
  }
}

const group::OffsetStore::GroupOffsets* GroupCoordinator::Find(std::string_view group) const {
  return partitions_[IndexOf(group)].store.Find(group);
}

std::vector<std::string> GroupCoordinator::Groups() const {
  std::vector<std::string> all;
  for (const Partition& partition : partitions_) {
    for (std::string& name : partition.store.Groups()) all.push_back(std::move(name));
  }
  std::sort(all.begin(), all.end());
  return all;
}

void GroupCoordinator::Close(env::Closure closed) { gate_.Close(std::move(closed)); }

}  // namespace leat::coordinator
