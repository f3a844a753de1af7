#include "stream/run/checkpointer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/record_batch.h"
#include "stream/run/datagen.h"
#include "stream/run/planted.h"

namespace leat::run {
namespace {

constexpr size_t kMaxBatchBytes = size_t{512} << 10;
// Committed offsets are for people's tools: once a second is enough, a little sooner when the job has caught up.
constexpr int64_t kTellMs = 1000;
constexpr int64_t kTellCaughtUpMs = 20;
// An epoch takes this part of the time for which the backlog has lasted, up to the longest, or to this part of what a
// transaction may take.
constexpr int64_t kBacklogShare = 4;
constexpr int64_t kLongestBacklogMs = 1000;
constexpr int64_t kTransactionShare = 4;
// The part of the job's memory that changes may take which the committed store lacks; and the most bytes of changelog
// behind what it was given, and behind what of that is durable: twice this is what a start has to replay.
constexpr size_t kLagShare = 8;
constexpr int kMaxLagEpochs = 32;

}  // namespace

Checkpointer::Checkpointer(std::shared_ptr<JobContext> job, state::CommittedStore& store,
                           std::function<void(const CheckpointReport&)> on_checkpoint)
    : job_(std::move(job)),
      store_(store),
      on_checkpoint_(std::move(on_checkpoint)),
      longest_ms_(std::max<int64_t>(1, absl::ToInt64Milliseconds(job_->interval.longest))),
      shortest_ms_(
          job_->interval.fixed
              ? longest_ms_
              : std::clamp<int64_t>(absl::ToInt64Milliseconds(job_->delivery.shortest_interval), 1, longest_ms_)),
      longest_backlog_ms_(
          std::clamp<int64_t>(absl::ToInt64Milliseconds(job_->delivery.max_transaction_timeout) / kTransactionShare,
                              longest_ms_, std::max(longest_ms_, kLongestBacklogMs))),
      begun_ms_(job_->port->WallMillis()),
      last_ms_(begun_ms_),
      caught_up_ms_(begun_ms_) {
  dirty_ = job_->changes_state;
}

absl::Status Checkpointer::Run() {
  // A life that was cut off right behind its commit has not told the group. Whatever it wrote is visible: who opened
  // the producer has waited for that.
  for (const std::vector<CursorStart>& cursors : job_->cursors) {
    for (const CursorStart& cursor : cursors) {
      if (cursor.partition.topic.empty()) continue;
      const int node = job_->graph.nodes[static_cast<size_t>(cursor.node)].plan->id;
      positions_.push_back({.node_id = node, .partition = cursor.partition, .next = cursor.start});
    }
  }
  TellGroups();
  while (!done_) {
    for (ControlEvent& event : job_->control.Take(Wait())) {
      LEAT_RETURN_IF_ERROR(std::visit([this](auto& e) { return On(e); }, event));
    }
    if (phase_ != Phase::kIdle) continue;
    const bool end = stop_ || ended_ == job_->workers;
    if (UntilTelling() <= absl::ZeroDuration()) TellGroups();
    const bool over = end && (last_ || !dirty_);
    if (over && telling_ == 0) {
      finished_ = !stop_;
      return absl::OkStatus();
    }
    if (!over && dirty_ && (end || UntilBarrier() <= absl::ZeroDuration())) Begin();
  }
  return absl::OkStatus();
}

// While there is a backlog a checkpoint only costs: nobody waits for the last row, and the longer it has lasted the
// less does a longer epoch matter. A job that has caught up gives its rows away soon, but spends no more than half of
// its time on that.
int64_t Checkpointer::IntervalMillis() const {
  const bool backlog = !caught_up_ && job_->reading.load() > 0;
  if (!backlog) return std::clamp(last_ms_ - begun_ms_, shortest_ms_, longest_ms_);
  if (job_->interval.fixed) return longest_ms_;
  const int64_t lasted_ms = job_->port->WallMillis() - caught_up_ms_;
  return std::clamp(lasted_ms / kBacklogShare, longest_ms_, longest_backlog_ms_);
}

// Until the next thing to do by time alone.
Duration Checkpointer::Wait() const {
  if (phase_ != Phase::kIdle) return absl::InfiniteDuration();
  return std::min(UntilBarrier(), UntilTelling());
}

Duration Checkpointer::UntilBarrier() const {
  if (!dirty_) return absl::InfiniteDuration();
  if (hurry_ || stop_) return absl::ZeroDuration();
  const int64_t since = job_->port->WallMillis() - last_ms_;
  const int64_t interval_ms = IntervalMillis();
  if (since < 0 || since >= interval_ms) return absl::ZeroDuration();  // the wall clock may have been set back
  return absl::Milliseconds(interval_ms - since);
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
absl::Status Checkpointer::On(CaughtUpEvent&) {
  caught_up_ = true;
  caught_up_ms_ = job_->port->WallMillis();
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
  part_ = {};
  metadata_.clear();
  positions_.clear();
  begun_ms_ = job_->port->WallMillis();
  hurried_ = std::exchange(hurry_, false);
  last_ = stop_;
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
  caught_up_ = false;
  job_->caught_up.store(false);
  job_->pausing.store(false);
  job_->progressed.store(false);
  apply_ = last_ || hurried_ || StoreLagsTooFar() || Planted(Defect::kStateBeforeCommit);
  ahead_bytes_ = 0;
  unapplied_.assign(static_cast<size_t>(job_->workers), {});
  Broadcast([this] { return BarrierMessage{epoch_, apply_}; });
}

absl::Status Checkpointer::On(EpochEvent& event) {
  const auto append = [](auto& from, auto* to) { std::move(from.begin(), from.end(), std::back_inserter(*to)); };
  append(event.part.batches, &part_.batches);
  append(event.part.changes, &part_.changes);
  append(event.positions, &metadata_);
  append(event.read, &read_);
  part_.batched += event.part.batched;
  unapplied_[static_cast<size_t>(event.worker)] = std::move(event.unapplied);
  ahead_bytes_ = std::max(ahead_bytes_, event.ahead_bytes);
  if (++parts_ < job_->workers) return absl::OkStatus();
  totals_ = job_->counters->ToTotals();  // before anybody reads on: exactly the rows of this epoch
  // Input that never pauses must not keep a job from stopping.
  if (!last_) Broadcast([] { return ResumeMessage{}; });
  return MaybeAppend();
}

absl::Status Checkpointer::On(OutputsDurableEvent& event) {
  if (event.epoch == epoch_) ++durable_;
  return phase_ == Phase::kCollecting ? MaybeAppend() : MaybeEnd();
}

// In a transaction nothing is real before its end, so that the changelog need not wait for the outputs.
absl::Status Checkpointer::MaybeAppend() {
  if (parts_ < job_->workers || (!exactly_once() && durable_ < job_->workers)) return absl::OkStatus();
  phase_ = Phase::kAppending;
  return AppendChangelog();
}

absl::Status Checkpointer::AppendChangelog() {
  metadata_.push_back(EncodeParallelism(job_->workers));
  std::vector<state::Change> first = std::exchange(job_->first_changes, {});
  std::move(first.begin(), first.end(), std::back_inserter(metadata_));
  ++totals_.checkpoints;
  totals_.checkpoint_ms = job_->port->WallMillis();
  metadata_.push_back(EncodeTotals(totals_));
  if (Planted(Defect::kPositionsWithoutState) && epoch_ % 8 == 5) part_ = {};
  part_.changes.insert(part_.changes.end(), metadata_.begin(), metadata_.end());
  const auto records_of_epoch = part_.batched + static_cast<int64_t>(part_.changes.size()) + 2;
  LEAT_ASSIGN_OR_RETURN(std::vector<std::string> appends,
                        EncodeEpochBatches(epoch_, std::exchange(part_, {}), job_->port->WallMillis(), kMaxBatchBytes));
  epoch_bytes_ = 0;
  for (const std::string& batch : appends) epoch_bytes_ += batch.size();
  lag_bytes_ += epoch_bytes_;
  ++lag_epochs_;
  const model::TopicPartition partition{ChangelogTopic(job_->job), model::PartitionId{0}};
  // One append, so that only a power cut may leave a part of it; in a transaction one for each batch.
  if (!exactly_once()) {
    for (size_t i = 1; i < appends.size(); ++i) appends.front() += appends[i];
    appends.resize(1);
  }
  appending_ = static_cast<int>(appends.size());
  for (std::string& append : appends) {
    const int64_t records = exactly_once() ? model::ParseBatchHeader(append)->record_count : records_of_epoch;
    auto done = [job = job_, records](absl::StatusOr<model::Offset> base) {
      if (base.ok()) *base = *base + records;
      job->control.Push(ChangelogEvent{std::move(base)});
    };
    if (exactly_once()) {
      job_->transaction->Append(epoch_, partition, std::move(append), std::move(done));
    } else {
      job_->port->Append({.partition = partition, .batches = std::move(append)}, std::move(done));
    }
  }
  return absl::OkStatus();
}

absl::Status Checkpointer::On(ChangelogEvent& event) {
  if (!event.end.ok()) return Annotate(event.end.status(), "writing the changelog");
  changelog_end_ = std::max(changelog_end_, *event.end);
  --appending_;
  return MaybeEnd();
}

// A group that waits for its offsets waits for the end of this producer's last transaction: the next end comes later.
absl::Status Checkpointer::MaybeEnd() {
  if (phase_ != Phase::kAppending || appending_ > 0 || durable_ < job_->workers) return absl::OkStatus();
  if (!exactly_once()) return OnCommitted();
  if (telling_ > 0) return absl::OkStatus();
  phase_ = Phase::kEnding;
  if (Planted(Defect::kStateBeforeCommit)) LEAT_RETURN_IF_ERROR(ApplyToStore());
  job_->transaction->Commit(epoch_,
                            [job = job_](absl::Status status) { job->control.Push(EndedEvent{std::move(status)}); });
  return absl::OkStatus();
}

absl::Status Checkpointer::On(EndedEvent& event) {
  LEAT_RETURN_IF_ERROR(event.status);
  return OnCommitted();
}

// The epoch is real.
absl::Status Checkpointer::OnCommitted() {
  if (!apply_) {
    unapplied_metadata_.Add(metadata_);
  } else if (!exactly_once() || !Planted(Defect::kStateBeforeCommit)) {
    LEAT_RETURN_IF_ERROR(ApplyToStore());
  }
  Broadcast([this] { return CommittedMessage{epoch_, apply_}; });
  for (const state::Change& change : metadata_) {
    if (!change.value || !change.key.starts_with(PositionKeysBegin())) continue;  // a file that is forgotten
    LEAT_ASSIGN_OR_RETURN(SourcePosition position, DecodePosition(change.key, *change.value));
    if (position.node_id >= 0) positions_.push_back(std::move(position));
  }
  phase_ = Phase::kIdle;
  last_ms_ = job_->port->WallMillis();
  job_->counters->checkpoints = totals_.checkpoints;
  job_->counters->checkpoint_ms = totals_.checkpoint_ms;
  job_->Spend(cpu_.Take());
  on_checkpoint_({.duration_seconds = static_cast<double>(last_ms_ - begun_ms_) / 1000,
                  .bytes = epoch_bytes_,
                  .committed_ms = last_ms_,
                  .read = std::exchange(read_, {}),
                  .positions = positions_});
  untold_ = true;
  return absl::OkStatus();
}

bool Checkpointer::StoreLagsTooFar() const {
  const size_t limit = job_->options.memory_limit_bytes / kLagShare;
  return ahead_bytes_ > limit / static_cast<size_t>(job_->workers) || lag_bytes_ > limit ||
         lag_epochs_ >= kMaxLagEpochs;
}

// Everything that the store lacks, up to this epoch. What it was given is in its memory until it decides to write it:
// of entries that are overwritten again and again little is, however long the changelog has become.
absl::Status Checkpointer::ApplyToStore() {
  unapplied_metadata_.Add(metadata_);
  std::vector<state::Change> changes = std::move(unapplied_.front());
  for (size_t worker = 1; worker < unapplied_.size(); ++worker) {
    std::move(unapplied_[worker].begin(), unapplied_[worker].end(), std::back_inserter(changes));
  }
  unapplied_.clear();
  std::vector<state::Change> metadata = unapplied_metadata_.Take();
  std::move(metadata.begin(), metadata.end(), std::back_inserter(changes));
  LEAT_RETURN_IF_ERROR(Annotate(store_.Apply(changes, changelog_end_.value()), "applying a checkpoint to the state"));
  unflushed_bytes_ += std::exchange(lag_bytes_, 0);
  lag_epochs_ = 0;
  if (unflushed_bytes_ > job_->options.memory_limit_bytes / kLagShare) {
    LEAT_RETURN_IF_ERROR(Annotate(store_.Flush().status(), "writing the state to the disk"));
    unflushed_bytes_ = 0;
  }
  return absl::OkStatus();
}

Duration Checkpointer::UntilTelling() const {
  if (!untold_ || telling_ > 0) return absl::InfiniteDuration();
  if (stop_ || ended_ == job_->workers) return absl::ZeroDuration();
  const int64_t since = job_->port->WallMillis() - told_ms_;
  const int64_t wait_ms = dirty_ ? kTellMs : kTellCaughtUpMs;
  return since < 0 || since >= wait_ms ? absl::ZeroDuration() : absl::Milliseconds(wait_ms - since);
}

// For everybody's lag tools; the job itself goes on from its checkpoint. Whoever waits for a group to have read
// everything looks for the rows next: they are visible first.
void Checkpointer::TellGroups() {
  untold_ = false;
  told_ms_ = job_->port->WallMillis();
  to_tell_.clear();
  for (const auto& [node, table] : job_->tables) {
    const plan::Node& description = *job_->graph.nodes[static_cast<size_t>(node)].plan;
    if (description.kind != plan::NodeKind::kSource || IsGenerated(table) || IsOfFiles(table)) continue;
    for (const SourcePosition& position : positions_) {
      if (position.node_id != description.id) continue;
      to_tell_[table.group_id.empty() ? job_->job : table.group_id].emplace_back(position.partition, position.next);
    }
  }
  telling_ = static_cast<int>(to_tell_.size());
  if (telling_ == 0) {
    // A job without groups has nobody to tell. But its last rows are visible before it says that it has finished.
    if (!exactly_once() || ended_ < job_->workers) return;
    telling_ = 1;
  }
  if (!exactly_once()) return CommitOffsets();
  job_->transaction->Settle([job = job_](absl::Status status) { job->control.Push(SettledEvent{std::move(status)}); });
}

void Checkpointer::CommitOffsets() {
  for (auto& [group, offsets] : to_tell_) {
    job_->port->CommitOffsets(group, std::move(offsets), [job = job_](absl::Status status) {
      job->control.Push(CommittedOffsetsEvent{std::move(status)});
    });
  }
}

absl::Status Checkpointer::On(SettledEvent& event) {
  LEAT_RETURN_IF_ERROR(Annotate(event.status, "waiting for the transaction of an epoch to be seen"));
  if (to_tell_.empty()) {
    telling_ = 0;
    return MaybeEnd();
  }
  CommitOffsets();
  return absl::OkStatus();
}

absl::Status Checkpointer::On(CommittedOffsetsEvent& event) {
  --telling_;
  LEAT_RETURN_IF_ERROR(Annotate(event.status, "committing the group's offsets"));
  return MaybeEnd();
}

}  // namespace leat::run
