// Runs one job: cuts its plan into tasks, runs them on threads of the job's own, checkpoints, restarts with backoff,
// parks with the error shown. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "env/metrics.h"
#include "model/ids.h"
#include "stream/plan/operator_identity.h"
#include "stream/plan/plan.h"
#include "stream/run/delivery.h"
#include "stream/run/job_log.h"
#include "stream/run/job_progress.h"
#include "stream/run/log_port.h"
#include "stream/run/options.h"
#include "stream/run/threads.h"
#include "stream/state/committed_store.h"

namespace leat::run {

// kFinished: every source is bounded and read to its end.
enum class State { kStarting, kRunning, kRestarting, kStopped, kFailed, kFinished };

struct InputProgress {
  model::TopicPartition partition;
  model::Offset offset{-1};  // of the last committed checkpoint
  model::Offset high_watermark{-1};
  int64_t watermark_ms = INT64_MIN;
};

struct JobStatus {
  State state = State::kStarting;
  std::string error;
  int restarts = 0;
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;  // of all lives; read again after a crash: once
  int64_t last_checkpoint_ms = -1;                                   // wall time; -1: none yet
  double checkpoint_duration_seconds = 0;
  uint64_t checkpoints = 0;
  size_t state_bytes = 0;
  std::vector<InputProgress> inputs;
  bool state_known = false;    // the last checkpoint was read: what follows is so
  bool has_state = false;      // there is a checkpoint
  int64_t state_revision = 0;  // of the SQL that it is of; 0: there is none, or it does not say
  // As the last checkpoint knows them, or the first one will; empty: it says nothing of them.
  std::vector<plan::StatefulOperator> operators;
  std::string plan;  // by the numbers that it runs with; empty: it does not run
  JobLog::Lines log;
};

// kLook: does not run, but shows where the job stood when it ended, and ends by itself.
inline constexpr int64_t kFirstRevision = 1;  // of a job's SQL, as it was submitted

enum class Purpose { kRun, kLook };

// Where a node keeps the committed state of jobs; one job's is open once at a time. Blocks; any thread.
class StateStores {
 public:
  virtual ~StateStores() = default;
  virtual absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& job,
                                                                      const Options& options) = 0;
  virtual absl::Status Drop(const std::string& job, const Options& options) = 0;
};
// A RocksDB folder for each job in options.state_dir; in memory if that is empty. Lives as long as the process.
StateStores& RocksStateStores();

class JobRunner {
 public:
  struct Spec {
    std::string name;  // group id, dead-letter topic `<name>-dlq`, changelog `__leat_changelog_<name>`
    plan::JobPlan plan;
    int64_t revision = kFirstRevision;  // of the SQL: another one than the state is of may have other operators
    // Names of the operators whose state was given up for this revision: exactly they go. None: that was not recorded
    // (metadata of feature level 3), and whatever does not fit goes.
    std::optional<std::vector<std::string>> dropped = std::nullopt;
    Options options;
    DeliveryOptions delivery{};
    Purpose purpose = Purpose::kRun;
    // A state folder that holds more of the changelog than up to this offset is of another history, and made anew.
    int64_t usable_state_until = INT64_MAX;
    // Both outlive the runner.
    Threads* threads = &SystemThreads();
    StateStores* stores = &RocksStateStores();
    env::Disk* disk = nullptr;  // of tables with the connector filesystem; null: there are none
  };
  // Starts at once, from the last checkpoint if the changelog has one. `port` and `metrics` outlive the runner.
  static std::unique_ptr<JobRunner> Start(Spec spec, LogPort& port, env::Metrics& metrics);
  virtual ~JobRunner() = default;  // REQUIRES: stopped
  virtual JobStatus Status() const = 0;
  virtual JobProgress Progress() const { return {}; }
  // Brings the run's series of /metrics up to now.
  virtual void PublishMetrics() {}
  // Takes a last checkpoint and ends all threads; `done` on an unspecified thread. Also ends a failed or restarting
  // job.
  virtual void Stop(absl::AnyInvocable<void(absl::Status)> done) = 0;
};

// leat_job_running of a job.
env::Gauge& RunningGauge(env::Metrics& metrics, const std::string& job);

// Checks everything that can be known before a job is stored: formats, connectors, sinks, functions with kernels.
absl::Status CheckPlan(const plan::JobPlan& plan);
// kFailedPrecondition: a table lies in a folder that the configuration does not allow.
absl::Status CheckFiles(const plan::JobPlan& plan, const Options& options);
absl::Status CheckTable(const plan::Table& table);  // for sql::CompileOptions::check_table

}  // namespace leat::run
