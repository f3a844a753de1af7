// The control loop of a running job: barriers when there is progress, one atomic step per epoch, the end. On the job's
// control thread; the workers talk to it through JobContext::control.
//
// A checkpoint: pause the sources of all workers; once nothing is in flight between them, a barrier: every worker hands
// over its changed state and positions and reads on. When all outputs of the epoch are acknowledged, the epoch is
// appended to the changelog as one unit; when that is acknowledged it is applied to the committed store. The step that
// makes the epoch real is the append: outputs can join it as a transaction.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/status.h"
#include "stream/run/changelog.h"
#include "stream/run/job_context.h"

namespace leat::run {

struct CheckpointReport {
  double duration_seconds = 0;
  std::vector<SourcePosition> positions;
};

class Checkpointer {
 public:
  Checkpointer(std::shared_ptr<JobContext> job, state::CommittedStore& store,
               std::function<void(const CheckpointReport&)> on_checkpoint);
  // OK: stopped (after a last checkpoint) or finished; else why the job must restart.
  absl::Status Run();
  bool finished() const { return finished_; }

 private:
  enum class Phase { kIdle, kPausing, kCollecting, kCommitting };
  absl::Status On(ProgressEvent&);
  absl::Status On(PausedEvent&);
  absl::Status On(QuietEvent&);
  absl::Status On(EpochEvent& event);
  absl::Status On(OutputsDurableEvent& event);
  absl::Status On(ChangelogEvent& event);
  absl::Status On(CommittedOffsetsEvent& event);
  absl::Status On(InputEndEvent&);
  absl::Status On(EarlyCheckpointEvent&);
  absl::Status On(FailedEvent& event) { return event.status; }
  absl::Status On(StopEvent&);
  Duration Wait() const;
  void Begin();
  void MaybeBarrier();
  absl::Status MaybeCommit();
  void CommitGroupOffsets();
  void Broadcast(const std::function<WorkerMessage()>& make);

  std::shared_ptr<JobContext> job_;
  state::CommittedStore& store_;
  std::function<void(const CheckpointReport&)> on_checkpoint_;
  int64_t interval_ms_;
  Phase phase_ = Phase::kIdle;
  bool dirty_ = false;  // progress since the last barrier
  bool hurry_ = false;  // do not wait for the interval
  bool stop_ = false;
  bool finished_ = false;
  bool done_ = false;
  int64_t epoch_ = 0;
  int paused_ = 0;
  int parts_ = 0;
  int durable_ = 0;
  int ended_ = 0;
  int64_t begun_ms_ = 0;
  int64_t last_ms_ = 0;
  int64_t offsets_ms_ = 0;  // when group offsets were last committed
  std::vector<state::Change> changes_;
  std::vector<SourcePosition> positions_;
  Totals totals_;  // as of the epoch that is being collected
  size_t append_records_ = 0;
};

}  // namespace leat::run
