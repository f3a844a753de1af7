// The control loop of a running job: barriers when there is progress, one atomic step per epoch, the end. On the job's
// control thread; the workers talk to it through JobContext::control.
//
// A checkpoint: pause the sources of all workers; once nothing is in flight between them, a barrier: every worker hands
// over its changed state and positions and reads on. Then, exactly once: the epoch goes to the changelog in the
// transaction of its outputs; when all of that is acknowledged the transaction is committed, which makes the epoch
// real. At least once: when all outputs are acknowledged, the epoch is appended to the changelog, and that append makes
// it real.
//
// The committed store lags behind the changelog: it gets the changes of many epochs at once, when there are 32, when
// they take much memory or much changelog, and with the last epoch of a job that is stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "stream/run/changelog.h"
#include "stream/run/job_context.h"
#include "stream/run/merged_changes.h"

namespace leat::run {

struct CheckpointReport {
  double duration_seconds = 0;
  size_t bytes = 0;  // of changelog
  int64_t committed_ms = 0;
  std::vector<ReadSample> read;  // in the epoch
  std::vector<SourcePosition> positions;
};

class Checkpointer {
 public:
  Checkpointer(std::shared_ptr<JobContext> job, state::CommittedStore& store,
               std::function<void(const CheckpointReport&)> on_checkpoint);
  // OK: stopped (after a last checkpoint) or finished; else why the job must restart.
  absl::Status Run();
  bool finished() const { return finished_; }
  // Behind the last checkpoint something was written that nobody will commit.
  bool leaves_work() const { return dirty_; }

 private:
  // kAppending: outputs and changelog are on their way, at least once: the changelog alone; kEnding: the transaction's
  // end is.
  enum class Phase { kIdle, kPausing, kCollecting, kAppending, kEnding };
  absl::Status On(ProgressEvent&);
  absl::Status On(PausedEvent&);
  absl::Status On(QuietEvent&);
  absl::Status On(EpochEvent& event);
  absl::Status On(OutputsDurableEvent& event);
  absl::Status On(ChangelogEvent& event);
  absl::Status On(EndedEvent& event);
  absl::Status On(SettledEvent& event);
  absl::Status On(CommittedOffsetsEvent& event);
  absl::Status On(InputEndEvent&);
  absl::Status On(EarlyCheckpointEvent&);
  absl::Status On(CaughtUpEvent&);
  absl::Status On(FailedEvent& event) { return event.status; }
  absl::Status On(StopEvent&);
  bool exactly_once() const { return job_->transaction != nullptr; }
  int64_t IntervalMillis() const;
  Duration Wait() const;
  Duration UntilBarrier() const;
  void Begin();
  void MaybeBarrier();
  absl::Status MaybeAppend();
  absl::Status AppendChangelog();
  absl::Status MaybeEnd();
  absl::Status OnCommitted();
  absl::Status ApplyToStore();
  bool StoreLagsTooFar() const;
  Duration UntilTelling() const;
  void TellGroups();
  void CommitOffsets();
  void Broadcast(const std::function<WorkerMessage()>& make);

  std::shared_ptr<JobContext> job_;
  state::CommittedStore& store_;
  std::function<void(const CheckpointReport&)> on_checkpoint_;
  int64_t longest_ms_;
  int64_t shortest_ms_;
  Phase phase_ = Phase::kIdle;
  bool dirty_ = false;  // progress since the last barrier
  bool hurry_ = false;  // do not wait for the interval
  bool stop_ = false;
  bool last_ = false;  // the epoch under way was begun to stop: nothing is read behind it
  bool finished_ = false;
  bool done_ = false;
  int64_t epoch_ = 0;
  int paused_ = 0;
  int parts_ = 0;
  int durable_ = 0;
  int ended_ = 0;
  int appending_ = 0;   // appends of the changelog that are not acknowledged
  bool untold_ = true;  // positions_ are committed, and no group knows them
  int telling_ = 0;     // groups that are being told
  int64_t longest_backlog_ms_;
  int64_t begun_ms_;
  int64_t last_ms_;
  int64_t caught_up_ms_;  // when there was no backlog for the last time
  int64_t told_ms_ = 0;
  std::map<std::string, std::vector<std::pair<model::TopicPartition, model::Offset>>> to_tell_;  // by group
  EpochPart part_;                                                                               // of all workers
  std::vector<ReadSample> read_;                                                                 // by all workers
  size_t epoch_bytes_ = 0;                                                                       // of changelog
  CpuMeter cpu_{job_->threads};                                                                  // of this thread
  std::vector<state::Change> metadata_;                // positions, totals: of the changelog and the store
  MergedChanges unapplied_metadata_;                   // of the epochs that the store lacks
  std::vector<std::vector<state::Change>> unapplied_;  // by worker
  bool hurried_ = false;                               // the epoch under way did not wait for the interval
  bool apply_ = false;                                 // the epoch under way brings the store up to itself
  size_t ahead_bytes_ = 0;                             // the most that a worker held when it last handed over
  size_t lag_bytes_ = 0;                               // of changelog behind the store's position
  size_t unflushed_bytes_ = 0;                         // of changelog that the store may have in memory alone
  int lag_epochs_ = 0;
  std::vector<SourcePosition> positions_;
  Totals totals_;           // as of the epoch that is being collected
  bool caught_up_ = false;  // since the last barrier
  model::Offset changelog_end_{-1};
};

}  // namespace leat::run
