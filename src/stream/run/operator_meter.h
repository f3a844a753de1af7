// What the operators of a job have done on one worker, in one run: written by the worker's thread, read by any. Reading
// while rows flow gives numbers of about one time, which do not add up to the row.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/time.h"
#include "stream/exec/operator.h"
#include "stream/run/graph.h"
#include "stream/run/job_progress.h"
#include "stream/run/task.h"

namespace leat::run {

class WorkerMeter final : public TaskObserver {
 public:
  // `now` is asked whenever another operator begins to work: about twice for each batch that an operator gets.
  WorkerMeter(size_t nodes, std::function<Instant()> now)
      : nodes_(std::make_unique<Node[]>(nodes)), count_(nodes), now_(std::move(now)) {}

  // --- the worker's thread ---
  void Begin(int node) override;
  void End() override;
  void RowsIn(int node, uint64_t rows) override { Add(At(node).rows_in, rows); }
  void RowsOut(int node, uint64_t rows) override { Add(At(node).rows_out, rows); }
  void Watermark(int node, int64_t watermark_ms) override {
    At(node).watermark_ms.store(watermark_ms, std::memory_order_relaxed);
  }
  void RowsLate(int node, uint64_t rows) { Add(At(node).rows_late, rows); }
  void RowsDead(int node, uint64_t rows) { Add(At(node).rows_dead, rows); }
  void Backpressured(int node, Duration time) {
    Add(At(node).backpressured_nanos, static_cast<uint64_t>(absl::ToInt64Nanoseconds(time)));
  }
  void SetStateBytes(int node, uint64_t bytes) { At(node).state_bytes.store(bytes, std::memory_order_relaxed); }

  // --- any thread ---
  // Adds what this worker did; the watermark is the lowest.
  void AddTo(std::vector<OperatorProgress>* all) const;

 private:
  // One writer: a load and a store, and no cache line that two workers write.
  struct alignas(64) Node {
    std::atomic<uint64_t> rows_in{0}, rows_out{0}, rows_late{0}, rows_dead{0};
    std::atomic<uint64_t> busy_nanos{0}, backpressured_nanos{0}, state_bytes{0};
    std::atomic<int64_t> watermark_ms{exec::kMinWatermark};
  };
  static void Add(std::atomic<uint64_t>& counter, uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Node& At(int node) { return nodes_[static_cast<size_t>(node)]; }
  // The time since the last change goes to the operator that works now.
  void Charge();

  const std::unique_ptr<Node[]> nodes_;
  const size_t count_;
  const std::function<Instant()> now_;
  std::vector<int> working_;  // the last one, called by the one before it
  Instant since_;
};

// The operators of a graph with what `workers` did, by node.
std::vector<OperatorProgress> OperatorsOf(const Graph& graph, const std::vector<std::unique_ptr<WorkerMeter>>& workers);
// Adds what an earlier life of the same job did; what is of now alone (state, watermark) stays.
void AddEarlier(const std::vector<OperatorProgress>& earlier, std::vector<OperatorProgress>* all);

}  // namespace leat::run
