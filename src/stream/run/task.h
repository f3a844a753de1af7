// One worker's share of a job: an instance of every operator, over the source partitions and key groups that the worker
// owns. Pure: batches and watermarks in, calls on TaskOutput out; no thread, clock or IO. The driver (worker.h, or
// TestDriver) serialises calls.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "stream/exec/operator.h"
#include "stream/run/graph.h"
#include "stream/state/state_backend.h"

namespace leat::run {

// What a task asks its driver to do. Node numbers index Graph::nodes.
class TaskOutput {
 public:
  virtual ~TaskOutput() = default;
  virtual void SendBatch(int worker, int node, int input, data::Batch batch) = 0;
  virtual void SendWatermark(int node, int input, int64_t watermark_ms) = 0;  // to every other worker
  virtual absl::Status WriteSink(int node, const data::Batch& batch) = 0;
  virtual void Late(int node, const data::Batch& batch, std::span<const uint32_t> rows) = 0;
  virtual void Fail(int node, exec::FailedRow row) = 0;
};

// Who is told what a task does, for metrics. Called on the task's thread.
class TaskObserver {
 public:
  virtual ~TaskObserver() = default;
  // The node's operator works from Begin to End; within, others do to which it hands rows.
  virtual void Begin(int node) = 0;
  virtual void End() = 0;
  virtual void RowsIn(int node, uint64_t rows) = 0;
  virtual void RowsOut(int node, uint64_t rows) = 0;  // of sinks the driver knows
  virtual void Watermark(int node, int64_t watermark_ms) = 0;
};

// A node's operator works as long as this lives. `observer` may be null.
class OperatorWork {
 public:
  OperatorWork(TaskObserver* observer, int node) : observer_(observer) {
    if (observer_ != nullptr) observer_->Begin(node);
  }
  ~OperatorWork() {
    if (observer_ != nullptr) observer_->End();
  }
  OperatorWork(const OperatorWork&) = delete;
  OperatorWork& operator=(const OperatorWork&) = delete;

 private:
  TaskObserver* const observer_;
};

class Task {
 public:
  struct Options {
    int worker = 0;
    int workers = 1;
    TaskObserver* observer = nullptr;  // outlives the task; null: nobody looks
  };
  // `graph`, `backend` and `output` outlive the task.
  static absl::StatusOr<std::unique_ptr<Task>> Open(const Graph& graph, const Options& options,
                                                    state::StateBackend& backend, TaskOutput& output);
  ~Task();

  // The wall time that PROCTIME() and CURRENT_TIMESTAMP show from now on.
  void SetWallMillis(int64_t wall_ms) { wall_ms_ = wall_ms; }
  // The same for the operators that do something by it without a row. When to call it again: kMaxWatermark for never.
  absl::StatusOr<int64_t> OnTime();
  // Rows of a source, and its watermark over this worker's partitions of it (kMaxWatermark if it has none).
  absl::Status PushSource(int node, data::Batch batch);
  absl::Status SourceWatermark(int node, int64_t watermark_ms);
  // What another worker's SendBatch and SendWatermark said.
  absl::Status Receive(int node, int input, data::Batch batch);
  absl::Status ReceiveWatermark(int node, int input, int sender, int64_t watermark_ms);
  // Everything before the barrier has been pushed: moves operator state into the state tables.
  absl::Status Barrier();
  int64_t watermark(int node) const;

 private:
  class NodeOutput;
  struct Instance;
  Task(const Graph& graph, const Options& options, TaskOutput& output);
  absl::Status Process(int node, int input, data::Batch batch);
  absl::Status Forward(int node, data::Batch batch);
  absl::Status Exchange(const GraphEdge& edge, const data::Batch& batch);
  absl::Status ForwardWatermark(int node, int64_t watermark_ms);
  absl::Status InputWatermark(int node, int input, int sender, int64_t watermark_ms);
  void SetWatermark(int node, int64_t watermark_ms);

  const Graph& graph_;
  const Options options_;
  TaskOutput& output_;
  int64_t wall_ms_ = 0;
  std::vector<std::unique_ptr<Instance>> instances_;  // by node
};

}  // namespace leat::run
