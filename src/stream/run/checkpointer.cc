#include "stream/run/checkpointer.h"

#include <algorithm>

namespace leat::run {
namespace {

constexpr size_t kMaxBatchBytes = size_t{512} << 10;
constexpr int64_t kGroupOffsetsMs = 1000;  // committed offsets are for people's tools; once a second is enough

}  // namespace

Checkpointer::Checkpointer(std::shared_ptr<JobContext> job, state::CommittedStore& store,
                           std::function<void(const CheckpointReport&)> on_checkpoint)
    : job_(std::move(job)),
      store_(store),
      on_checkpoint_(std::move(on_checkpoint)),
      interval_ms_(std::max<int64_t>(1, absl::ToInt64Milliseconds(job_->options.checkpoint_interval))),
      last_ms_(job_->port->WallMillis()) {}

absl::Status Checkpointer::Run() {
  // A life that was cut off right behind its commit has not told the group.
  for (const std::vector<CursorStart>& cursors : job_->cursors) {
    for (const CursorStart& cursor : cursors) {
      if (cursor.partition.topic.empty()) continue;
      const int node = job_->graph.nodes[static_cast<size_t>(cursor.node)].plan->id;
      positions_.push_back({.node_id = node, .partition = cursor.partition, .next = cursor.start});
    }
  }
  CommitGroupOffsets();
  while (!done_) {
    for (ControlEvent& event : job_->control.Take(Wait())) {
      LEAT_RETURN_IF_ERROR(std::visit([this](auto& e) { return On(e); }, event));
    }
    if (phase_ != Phase::kIdle) continue;
    const bool end = stop_ || ended_ == job_->workers;
    if (!dirty_ && end) {
      finished_ = !stop_;
      return absl::OkStatus();
    }
    if (dirty_ && (end || Wait() <= absl::ZeroDuration())) Begin();
  }
  return absl::OkStatus();
}

// Until the next thing to do by time alone: the next barrier, or telling the group's offsets.
Duration Checkpointer::Wait() const {
  if (phase_ != Phase::kIdle || !dirty_) return absl::InfiniteDuration();
  if (hurry_ || stop_) return absl::ZeroDuration();
  const int64_t since = job_->port->WallMillis() - last_ms_;
  if (since < 0 || since >= interval_ms_) return absl::ZeroDuration();  // the wall clock may have been set back
  return absl::Milliseconds(interval_ms_ - since);
}

void Checkpointer::Broadcast(const std::function<WorkerMessage()>& make) {
  for (const auto& inbox : job_->inboxes) inbox->Push(make());
}

absl::Status Checkpointer::On(ProgressEvent&) {
  dirty_ = true;
  return absl::OkStatus();
}
absl::Status Checkpointer::On(EarlyCheckpointEvent&) {
  hurry_ = true;
  return absl::OkStatus();
}
absl::Status Checkpointer::On(StopEvent&) {
  stop_ = true;
  return absl::OkStatus();
}
absl::Status Checkpointer::On(InputEndEvent&) {
  ++ended_;
  dirty_ = true;  // the end of the input may have fired windows
  return absl::OkStatus();
}

void Checkpointer::Begin() {
  phase_ = Phase::kPausing;
  ++epoch_;
  paused_ = parts_ = durable_ = 0;
  changes_.clear();
  positions_.clear();
  begun_ms_ = job_->port->WallMillis();
  hurry_ = false;
  job_->pausing.store(true);
  Broadcast([] { return PauseMessage{}; });
}

absl::Status Checkpointer::On(PausedEvent&) {
  ++paused_;
  MaybeBarrier();
  return absl::OkStatus();
}
absl::Status Checkpointer::On(QuietEvent&) {
  MaybeBarrier();
  return absl::OkStatus();
}

// With all sources paused only rows in flight can make new rows; when there are none the graph is empty.
void Checkpointer::MaybeBarrier() {
  if (phase_ != Phase::kPausing || paused_ < job_->workers || job_->in_flight.load() != 0) return;
  phase_ = Phase::kCollecting;
  dirty_ = false;
  job_->pausing.store(false);
  job_->progressed.store(false);
  Broadcast([epoch = epoch_] { return BarrierMessage{epoch}; });
}

absl::Status Checkpointer::On(EpochEvent& event) {
  if (++parts_ == job_->workers) {
    totals_ = job_->counters->ToTotals();  // before anybody reads on: exactly the rows of this epoch
    Broadcast([] { return ResumeMessage{}; });
  }
  std::move(event.changes.begin(), event.changes.end(), std::back_inserter(changes_));
  return MaybeCommit();
}

absl::Status Checkpointer::On(OutputsDurableEvent& event) {
  if (event.epoch == epoch_) ++durable_;
  return MaybeCommit();
}

absl::Status Checkpointer::MaybeCommit() {
  if (phase_ != Phase::kCollecting || parts_ < job_->workers || durable_ < job_->workers) return absl::OkStatus();
  phase_ = Phase::kCommitting;
  changes_.push_back(EncodeParallelism(job_->workers));
  ++totals_.checkpoints;
  totals_.checkpoint_ms = job_->port->WallMillis();
  changes_.push_back(EncodeTotals(totals_));
  LEAT_ASSIGN_OR_RETURN(std::string batches, EncodeEpoch(epoch_, changes_, job_->port->WallMillis(), kMaxBatchBytes));
  append_records_ = changes_.size() + 2;
  job_->port->Append(
      {ChangelogTopic(job_->job), model::PartitionId{0}}, std::move(batches),
      [job = job_](absl::StatusOr<model::Offset> base) { job->control.Push(ChangelogEvent{std::move(base)}); });
  return absl::OkStatus();
}

absl::Status Checkpointer::On(ChangelogEvent& event) {
  if (!event.base.ok()) return Annotate(event.base.status(), "writing the changelog");
  const int64_t next = event.base->value() + static_cast<int64_t>(append_records_);
  LEAT_RETURN_IF_ERROR(Annotate(store_.Apply(changes_, next), "applying a checkpoint to the state"));
  Broadcast([epoch = epoch_] { return AppliedMessage{epoch}; });
  for (const state::Change& change : changes_) {
    if (!change.key.starts_with(PositionKeysBegin())) continue;
    LEAT_ASSIGN_OR_RETURN(SourcePosition position, DecodePosition(change.key, *change.value));
    if (position.node_id >= 0) positions_.push_back(std::move(position));
  }
  phase_ = Phase::kIdle;
  last_ms_ = job_->port->WallMillis();
  job_->counters->checkpoints = totals_.checkpoints;
  job_->counters->checkpoint_ms = totals_.checkpoint_ms;
  on_checkpoint_({.duration_seconds = static_cast<double>(last_ms_ - begun_ms_) / 1000, .positions = positions_});
  CommitGroupOffsets();
  return absl::OkStatus();
}

// For everybody's lag tools; the job itself goes on from its checkpoint.
void Checkpointer::CommitGroupOffsets() {
  const bool last = stop_ || ended_ == job_->workers || !job_->progressed.load();
  if (!last && std::abs(last_ms_ - offsets_ms_) < kGroupOffsetsMs) return;
  offsets_ms_ = last_ms_;
  std::map<std::string, std::vector<std::pair<model::TopicPartition, model::Offset>>> by_group;
  for (const auto& [node, table] : job_->tables) {
    const plan::Node& description = *job_->graph.nodes[static_cast<size_t>(node)].plan;
    if (description.kind != plan::NodeKind::kSource) continue;
    for (const SourcePosition& position : positions_) {
      if (position.node_id != description.id) continue;
      by_group[table.group_id.empty() ? job_->job : table.group_id].emplace_back(position.partition, position.next);
    }
  }
  for (auto& [group, offsets] : by_group) {
    job_->port->CommitOffsets(group, std::move(offsets), [job = job_](absl::Status status) {
      job->control.Push(CommittedOffsetsEvent{std::move(status)});
    });
  }
}

absl::Status Checkpointer::On(CommittedOffsetsEvent& event) {
  return Annotate(event.status, "committing the group's offsets");
}

}  // namespace leat::run
