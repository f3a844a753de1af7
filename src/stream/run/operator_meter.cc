#include "stream/run/operator_meter.h"

#include <algorithm>

namespace leat::run {
namespace {

std::string NameOf(const GraphNode& node) {
  if (node.op != nullptr) return node.op->Name();
  const plan::Node& plan = *node.plan;
  switch (plan.kind) {
    case plan::NodeKind::kSource:
      return StrCat("Source ", plan.table->name, "#", plan.id);
    case plan::NodeKind::kSink:
      return StrCat("Sink ", plan.table->name, "#", plan.id);
    case plan::NodeKind::kValues:
      return StrCat("Values#", plan.id);
    default:
      return StrCat("Union#", plan.id);
  }
}

double Seconds(uint64_t nanos) { return static_cast<double>(nanos) / 1e9; }

}  // namespace

void WorkerMeter::Charge() {
  const Instant now = now_();
  if (!working_.empty() && now > since_) {
    Add(At(working_.back()).busy_nanos, static_cast<uint64_t>(now.nanos() - since_.nanos()));
  }
  since_ = now;
}

void WorkerMeter::Begin(int node) {
  Charge();
  working_.push_back(node);
}

void WorkerMeter::End() {
  Charge();
  working_.pop_back();
}

void WorkerMeter::AddTo(std::vector<OperatorProgress>* all) const {
  for (size_t i = 0; i < std::min(count_, all->size()); ++i) {
    const Node& node = nodes_[i];
    OperatorProgress& sum = (*all)[i];
    sum.rows_in += node.rows_in.load(std::memory_order_relaxed);
    sum.rows_out += node.rows_out.load(std::memory_order_relaxed);
    sum.rows_late += node.rows_late.load(std::memory_order_relaxed);
    sum.rows_dead += node.rows_dead.load(std::memory_order_relaxed);
    sum.state_bytes += node.state_bytes.load(std::memory_order_relaxed);
    sum.busy_seconds += Seconds(node.busy_nanos.load(std::memory_order_relaxed));
    sum.backpressured_seconds += Seconds(node.backpressured_nanos.load(std::memory_order_relaxed));
    sum.watermark_ms = std::min(sum.watermark_ms, node.watermark_ms.load(std::memory_order_relaxed));
  }
}

std::vector<OperatorProgress> OperatorsOf(const Graph& graph,
                                          const std::vector<std::unique_ptr<WorkerMeter>>& workers) {
  std::vector<OperatorProgress> all;
  for (const GraphNode& node : graph.nodes) {
    all.push_back({.id = node.plan->id,
                   .name = NameOf(node),
                   .watermark_ms = workers.empty() ? exec::kMinWatermark : exec::kMaxWatermark});
  }
  for (const auto& worker : workers) worker->AddTo(&all);
  return all;
}

void AddEarlier(const std::vector<OperatorProgress>& earlier, std::vector<OperatorProgress>* all) {
  for (size_t i = 0; i < std::min(earlier.size(), all->size()); ++i) {
    OperatorProgress& sum = (*all)[i];
    const OperatorProgress& before = earlier[i];
    sum.rows_in += before.rows_in;
    sum.rows_out += before.rows_out;
    sum.rows_late += before.rows_late;
    sum.rows_dead += before.rows_dead;
    sum.busy_seconds += before.busy_seconds;
    sum.backpressured_seconds += before.backpressured_seconds;
  }
}

}  // namespace leat::run
