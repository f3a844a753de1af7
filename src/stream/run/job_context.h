// What the threads of one run of a job share: the graph, the tables, the mailboxes, the counters. Made by the control
// thread, constant afterwards but for the atomics and the mailboxes; kept alive by every callback that may still come.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "env/metrics.h"
#include "stream/plan/operator_identity.h"
#include "stream/run/changelog.h"
#include "stream/run/cpu_budget.h"
#include "stream/run/delivery.h"
#include "stream/run/file_tables.h"
#include "stream/run/graph.h"
#include "stream/run/inbox.h"
#include "stream/run/job_log.h"
#include "stream/run/latency.h"
#include "stream/run/log_port.h"
#include "stream/run/operator_meter.h"
#include "stream/run/options.h"
#include "stream/run/sink_writer.h"
#include "stream/run/source_decoder.h"
#include "stream/run/table_options.h"
#include "stream/run/transaction_writer.h"

namespace leat::run {

// --- what a worker receives ---
struct RowsMessage {
  int node, input;
  data::Batch batch;
};
struct WatermarkMessage {
  int node, input, sender;
  int64_t watermark_ms;
};
struct FetchedMessage {
  size_t cursor;
  absl::StatusOr<LogData> data;
};
struct WakeMessage {};   // an append was acknowledged
struct PauseMessage {};  // stop reading sources, say so
struct BarrierMessage {  // nothing is in flight: hand over the epoch
  int64_t epoch;
  bool apply;  // and what the committed store lacks
};
struct CommittedMessage {  // the epoch is real
  int64_t epoch;
  bool applied;  // and in the committed store
};
struct ResumeMessage {};  // every worker has handed over: read on
struct StopMessage {};
using WorkerMessage = std::variant<RowsMessage, WatermarkMessage, FetchedMessage, WakeMessage, PauseMessage,
                                   BarrierMessage, CommittedMessage, ResumeMessage, StopMessage>;

// --- what the control thread receives ---
struct ProgressEvent {};  // something happened since the last checkpoint
struct PausedEvent {
  int worker;
};
struct QuietEvent {};  // perhaps nothing is in flight any more
struct EpochEvent {    // a worker's part of an epoch
  int worker;
  int64_t epoch;
  EpochPart part;                        // for the changelog
  std::vector<state::Change> positions;  // for both
  std::vector<state::Change> unapplied;  // for the committed store, if it was asked for
  size_t ahead_bytes;                    // of memory that hold what the committed store lacks
  std::vector<ReadSample> read;          // for the latency
};
struct OutputsDurableEvent {
  int worker;
  int64_t epoch;
};
struct ChangelogEvent {  // one append to the changelog, and where it ends
  absl::StatusOr<model::Offset> end;
};
struct EndedEvent {  // the epoch's transaction is committed, or perhaps not
  absl::Status status;
};
struct SettledEvent {  // readers see the last epoch
  absl::Status status;
};
struct CommittedOffsetsEvent {
  absl::Status status;
};
struct InputEndEvent {
  int worker;
};                               // all sources of this worker are bounded and read
struct EarlyCheckpointEvent {};  // uncommitted state nears its budget
struct CaughtUpEvent {};         // no worker has anything left to read
struct FailedEvent {
  absl::Status status;
};
struct StopEvent {};
using ControlEvent = std::variant<ProgressEvent, PausedEvent, QuietEvent, EpochEvent, OutputsDurableEvent,
                                  ChangelogEvent, CommittedOffsetsEvent, SettledEvent, EndedEvent, InputEndEvent,
                                  EarlyCheckpointEvent, CaughtUpEvent, FailedEvent, StopEvent>;

// Shown by JobRunner::Status; outlives restarts of the job, and by Totals those of the process.
struct Counters {
  std::atomic<uint64_t> rows_in{0}, rows_out{0}, rows_late{0}, rows_dead{0};
  std::atomic<uint64_t> checkpoints{0};
  std::atomic<int64_t> checkpoint_ms{-1};
  std::atomic<size_t> state_bytes{0};  // of all workers
  env::Counter* rows_in_total = nullptr;
  env::Counter* rows_out_total = nullptr;
  env::Counter* rows_late_total = nullptr;
  env::Counter* rows_dead_total = nullptr;

  Totals ToTotals() const { return {rows_in, rows_out, rows_late, rows_dead, checkpoints, checkpoint_ms}; }
  // Rows that a life read behind its last checkpoint are read again: they count once.
  void Restore(const Totals& totals) {
    rows_in = totals.rows_in;
    rows_out = totals.rows_out;
    rows_late = totals.rows_late;
    rows_dead = totals.rows_dead;
    checkpoints = totals.checkpoints;
    checkpoint_ms = totals.checkpoint_ms;
    state_bytes = 0;  // no worker holds any yet
  }
};

// Where a worker begins to read one partition.
struct CursorStart {
  int node = 0;
  model::TopicPartition partition;
  model::Offset start;
  model::Offset end{INT64_MAX};
  int64_t watermark_ms = INT64_MIN;
};

struct JobContext {
  explicit JobContext(Threads& threads_in) : threads(threads_in), control(threads_in) {}
  Threads& threads;
  std::string job;
  Options options;
  Graph graph;
  std::string plan_text;                          // of the plan by the numbers that it runs with
  std::vector<plan::StatefulOperator> operators;  // that checkpoints have something of
  std::set<int> emitted_values;                   // VALUES, by plan node, whose rows a checkpoint has
  std::vector<state::Change> first_changes;       // that the first checkpoint makes; taken by it
  bool changes_state = false;                     // it is to come also if no row does
  std::map<int, KafkaTable> tables;               // of sources and sinks of records, by graph node
  std::map<int, FileTable> files;                 // of those with the connector filesystem
  std::map<int, KnownFiles> known_files;          // that the last checkpoint knows, by plan node
  std::map<int, SettledFiles> settled;            // of sinks
  std::map<int, std::pair<std::string, SettledFiles>> dropped_files;  // of sinks that are gone, with their folder
  env::Disk* disk = nullptr;                                          // null: there are no files
  std::map<int, TopicShape> sink_topics;                              // by graph node
  std::map<int, Delivery> deliveries;                                 // of sinks
  DeliveryOptions delivery;
  CheckpointInterval interval;
  // Null: the job delivers at least once, and every append goes out as it comes.
  std::shared_ptr<TransactionWriter> transaction;
  std::string dead_letter_topic;
  TopicShape dead_letters;
  std::string late_topic;  // empty: late rows are only counted
  TopicShape late_rows;
  int workers = 1;
  std::vector<std::vector<CursorStart>> cursors;  // by worker
  LogPort* port = nullptr;
  Counters* counters = nullptr;
  JobLog* log = nullptr;

  std::unique_ptr<CpuBudget> cpu_budget;             // null: without a limit
  std::atomic<int64_t> cpu_nanos{0};                 // used by the job's threads
  std::atomic<int64_t> cpu_limited_nanos{0};         // that workers had rows to read and waited because of the limit
  std::vector<std::unique_ptr<WorkerMeter>> meters;  // by worker
  std::vector<std::unique_ptr<Inbox<WorkerMessage>>> inboxes;  // by worker
  Inbox<ControlEvent> control;
  std::atomic<int64_t> in_flight{0};       // rows and watermarks between workers
  std::atomic<size_t> in_flight_bytes{0};  // of those rows: sources wait above a limit
  std::atomic<bool> progressed{false};     // a ProgressEvent is on its way
  std::atomic<bool> pausing{false};
  std::atomic<int> reading{0};         // workers that have fetched more than they have read
  std::atomic<bool> caught_up{false};  // since the last barrier `reading` was zero once; a CaughtUpEvent says so

  struct Progress {  // of a cursor, for people and for workers all of whose partitions are idle
    std::atomic<int64_t> high_watermark{-1};
    std::atomic<int64_t> watermark_ms{INT64_MIN};
    std::atomic<bool> left_out{false};  // of its source's watermark: idle, or at the end of a bounded input
  };
  std::map<std::pair<int, model::TopicPartition>, std::unique_ptr<Progress>> progress;  // by source node and partition

  // One of the job's threads has used so much. For how long it may begin nothing new.
  Duration Spend(Duration cpu) {
    cpu_nanos.fetch_add(absl::ToInt64Nanoseconds(cpu));
    if (cpu_budget == nullptr) return absl::ZeroDuration();
    const Instant now = port->Now();
    cpu_budget->Spend(cpu, now);
    return cpu_budget->Debt(now);
  }
};

}  // namespace leat::run
