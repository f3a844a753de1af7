#include "stream/run/job_runner.h"

#include <mutex>

#include "base/logging.h"
#include "stream/run/await.h"
#include "stream/run/checkpointer.h"
#include "stream/run/job_context.h"
#include "stream/run/job_metrics.h"
#include "stream/run/restore.h"
#include "stream/run/task_store.h"
#include "stream/run/worker.h"

namespace leat::run {
namespace {

// Errors that time heals: they do not count towards the limit of restarts.
bool IsTransient(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kResourceExhausted;
}

class Runner final : public JobRunner {
 public:
  Runner(Spec spec, LogPort& port, env::Metrics& metrics)
      : spec_(std::move(spec)), port_(port), metrics_(spec_.name, metrics, port, &counters_), wake_(*spec_.threads) {
    status_.state = State::kStarting;
    thread_ = spec_.threads->Start([this] { Main(); });
  }

  JobStatus Status() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    JobStatus status = status_;
    status.rows_in = counters_.rows_in.load();
    status.rows_out = counters_.rows_out.load();
    status.rows_late = counters_.rows_late.load();
    status.rows_dead = counters_.rows_dead.load();
    status.state_bytes = counters_.state_bytes.load();
    status.checkpoints = counters_.checkpoints.load();
    status.last_checkpoint_ms = counters_.checkpoint_ms.load();
    status.has_state = status.has_state || status.checkpoints > 0;
    status.log = log_.Show();
    if (job_ == nullptr) return status;
    for (InputProgress& input : status.inputs) {
      for (const auto& [key, progress] : job_->progress) {
        if (key.second != input.partition) continue;
        input.high_watermark = model::Offset{progress->high_watermark.load()};
        input.watermark_ms = progress->watermark_ms.load();
      }
    }
    return status;
  }

  JobProgress Progress() const override { return metrics_.Progress(); }
  void PublishMetrics() override {
    bool running = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      running = status_.state == State::kRunning || status_.state == State::kFinished;
    }
    metrics_.Publish(running);
  }

  void Stop(absl::AnyInvocable<void(absl::Status)> done) override {
    std::shared_ptr<JobContext> job;
    bool ended = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended = ended_;
      stopping_ = true;
      job = job_;
      if (!ended) on_stopped_.push_back(std::move(done));
    }
    if (ended) {
      done(absl::OkStatus());
      return;
    }
    wake_.Push(0);  // ends a backoff
    if (job != nullptr) job->control.Push(StopEvent{});
  }

 private:
  void Main();
  absl::Status RunOnce(bool* checkpointed);
  absl::Status Look();
  void Run();
  bool Backoff(int attempt);
  void Abandon(const absl::Status& status);
  void Say(std::string text);
  void SetState(State state, const absl::Status& error);
  void Know(const Restored& restored);
  bool stopping() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }
  void OnCheckpoint(const CheckpointReport& report);

  Spec spec_;
  LogPort& port_;
  Counters counters_;
  JobLog log_;
  JobMetrics metrics_;
  std::unique_ptr<state::CommittedStore> store_;  // control thread; lives over restarts

  mutable std::mutex mutex_;
  JobStatus status_;
  std::shared_ptr<JobContext> job_;
  bool stopping_ = false;
  bool ended_ = false;
  std::vector<absl::AnyInvocable<void(absl::Status)>> on_stopped_;
  Inbox<int> wake_;
  std::unique_ptr<Threads::Thread> thread_;  // last: it ends before anything that it uses
};

void Runner::Say(std::string text) {
  LogInfo("job " + spec_.name, text);
  log_.Say(port_.WallMillis(), std::move(text));
}

void Runner::SetState(State state, const absl::Status& error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  status_.state = state;
  status_.error = error.ok() ? "" : std::string(Message(error));
}

// Whose state there is, before anything can go wrong with it.
void Runner::Know(const Restored& restored) {
  const std::lock_guard<std::mutex> lock(mutex_);
  status_.operators = restored.operators;
  status_.has_state = restored.workers > 0;
  status_.state_revision = restored.revision;
  status_.state_known = true;
}

void Runner::OnCheckpoint(const CheckpointReport& report) {
  metrics_.OnCheckpoint(report);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (job_ != nullptr) status_.operators = job_->operators;
  status_.has_state = true;
  status_.state_revision = spec_.revision;
  status_.checkpoint_duration_seconds = report.duration_seconds;
  for (const SourcePosition& position : report.positions) {
    for (InputProgress& input : status_.inputs) {
      if (input.partition == position.partition) input.offset = position.next;
    }
  }
}

// One life of the job: restore, run until stopped, finished or failed. Threads have ended when it returns.
absl::Status Runner::RunOnce(bool* checkpointed) {
  LEAT_ASSIGN_OR_RETURN(std::shared_ptr<TransactionWriter> transaction, OpenTransactions(spec_, port_));
  LEAT_RETURN_IF_ERROR(RestoreStore(spec_, port_, &store_));
  LEAT_ASSIGN_OR_RETURN(Restored restored, ReadPositions(*store_));
  Know(restored);
  LEAT_ASSIGN_OR_RETURN(std::shared_ptr<JobContext> job,
                        PrepareRun(spec_, port_, counters_, *store_, std::move(restored), std::move(transaction)));
  job->log = &log_;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    job_ = job;
    status_.plan = job->plan_text;
    if (!status_.has_state) status_.operators = job->operators;  // otherwise those whose state there is
    status_.inputs.clear();
    for (const std::vector<CursorStart>& cursors : job->cursors) {
      for (const CursorStart& cursor : cursors) {
        if (!cursor.partition.topic.empty())
          status_.inputs.push_back({.partition = cursor.partition, .offset = cursor.start});
      }
    }
    if (stopping_) return absl::OkStatus();
  }
  std::vector<std::unique_ptr<TaskStore>> stores;
  std::vector<std::unique_ptr<Threads::Thread>> threads;
  for (int worker = 0; worker < job->workers; ++worker) {
    stores.push_back(std::make_unique<TaskStore>(*store_, worker));
    threads.push_back(
        spec_.threads->Start([job, worker, store = stores.back().get()] { RunWorker(job, worker, *store); }));
  }
  metrics_.Begin(job);
  SetState(State::kRunning, absl::OkStatus());
  Say(StrCat("running with ", job->workers, " worker(s) over ", job->progress.size(), " partition(s)"));
  Checkpointer checkpointer(job, *store_, [&](const CheckpointReport& report) {
    *checkpointed = true;
    OnCheckpoint(report);
  });
  const absl::Status status = checkpointer.Run();
  for (const auto& inbox : job->inboxes) inbox->Push(StopMessage{});
  threads.clear();
  metrics_.End();
  if (job->transaction != nullptr) job->transaction->Close();
  for (const auto& inbox : job->inboxes) inbox->Close();
  job->control.Close();
  if (status.ok() && checkpointer.finished()) SetState(State::kFinished, absl::OkStatus());
  if (status.ok() && checkpointer.leaves_work() && job->transaction != nullptr) Abandon(status);
  return status;
}

// Waits before the next try; true if the job is to be stopped instead.
bool Runner::Backoff(int attempt) {
  Duration wait = spec_.options.restart_backoff;
  for (int i = 1; i < attempt && wait < spec_.options.restart_backoff_max; ++i) wait *= 2;
  wake_.Take(std::min(wait, spec_.options.restart_backoff_max));
  return stopping();
}

// The positions of a job that does not run.
absl::Status Runner::Look() {
  const auto changelog = Await<absl::StatusOr<std::vector<PartitionOffsets>>>(
      *spec_.threads, [&](auto done) { port_.DescribeTopic(ChangelogTopic(spec_.name), std::move(done)); });
  if (absl::IsNotFound(changelog.status())) {  // it has never run
    Know({});
    return absl::OkStatus();
  }
  LEAT_RETURN_IF_ERROR(RestoreStore(spec_, port_, &store_));
  LEAT_ASSIGN_OR_RETURN(const Restored restored, ReadPositions(*store_));
  counters_.Restore(restored.totals);
  Know(restored);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [key, position] : restored.positions) {
    status_.inputs.push_back(
        {.partition = position.partition, .offset = position.next, .watermark_ms = position.watermark_ms});
  }
  return absl::OkStatus();
}

void Runner::Main() {
  if (spec_.purpose == Purpose::kRun) {
    Run();
  } else if (const absl::Status status = Look(); !status.ok()) {
    SetState(State::kStopped, Annotate(status, "where the job stopped is not known"));
  }
  if (store_ != nullptr) {
    if (const absl::StatusOr<int64_t> flushed = store_->Flush(); !flushed.ok())
      Say(StrCat("state: ", Message(flushed.status())));
    store_.reset();
  }
  std::vector<absl::AnyInvocable<void(absl::Status)>> waiting;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    const bool stopped = stopping_ || spec_.purpose == Purpose::kLook;
    if (stopped && status_.state != State::kFinished) status_.state = State::kStopped;
    waiting = std::exchange(on_stopped_, {});
  }
  for (auto& done : waiting) done(absl::OkStatus());
}

// The job ends in the middle of an epoch: what it wrote of it is aborted now, so that readers of its outputs need not
// wait for the transaction to run out of time.
void Runner::Abandon(const absl::Status& status) {
  if (absl::IsAborted(status)) return;  // another life has the transactional id, or the log has aborted already
  if (const auto opened = OpenTransactions(spec_, port_); !opened.ok()) {
    Say(StrCat("the last epoch is left to its transaction's timeout: ", Message(opened.status())));
  }
}

void Runner::Run() {
  for (const std::string& warning : spec_.plan.warnings) Say(StrCat("warning: ", warning));
  int failures = 0;
  int counted = 0;
  absl::Status status;
  while (true) {
    bool checkpointed = false;
    status = RunOnce(&checkpointed);
    if (status.ok()) return;
    if (stopping()) break;
    if (checkpointed) failures = counted = 0;
    ++failures;
    if (!IsTransient(status)) ++counted;
    if (counted > spec_.options.max_restarts) {
      SetState(State::kFailed, status);
      Say(StrCat("failed for good after ", counted, " tries: ", Message(status)));
      break;
    }
    SetState(State::kRestarting, status);
    Say(StrCat("restarting after: ", Message(status)));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++status_.restarts;
    }
    metrics_.OnRestart();
    if (Backoff(failures)) break;
  }
  Abandon(status);
}

}  // namespace

std::unique_ptr<JobRunner> JobRunner::Start(Spec spec, LogPort& port, env::Metrics& metrics) {
  // Of a job that does not run there are no series.
  env::Metrics& shown = spec.purpose == Purpose::kRun ? metrics : env::NullMetrics();
  return std::make_unique<Runner>(std::move(spec), port, shown);
}

}  // namespace leat::run
