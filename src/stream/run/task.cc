#include "stream/run/task.h"

#include <algorithm>

#include "stream/data/key_codec.h"

namespace leat::run {

using plan::NodeKind;

// Where the operator of one node puts its rows.
class Task::NodeOutput final : public exec::Output {
 public:
  NodeOutput(Task& task, int node) : task_(task), node_(node) {}
  absl::Status Emit(data::Batch batch) override { return task_.Forward(node_, std::move(batch)); }
  void Late(const data::Batch& input, std::span<const uint32_t> rows) override {
    task_.output_.Late(node_, input, rows);
  }
  void Fail(exec::FailedRow row) override { task_.output_.Fail(node_, std::move(row)); }

 private:
  Task& task_;
  int node_;
};

struct Task::Instance {
  Instance(Task& task, int node) : output(task, node) {}
  NodeOutput output;
  std::unique_ptr<exec::OperatorState> state;
  // What each sender of each input has announced; a forward input has one sender, an exchange one per worker.
  std::vector<std::vector<int64_t>> inputs;
  int64_t watermark_ms = exec::kMinWatermark;
};

Task::Task(const Graph& graph, const Options& options, TaskOutput& output)
    : graph_(graph), options_(options), output_(output) {}
Task::~Task() = default;

absl::StatusOr<std::unique_ptr<Task>> Task::Open(const Graph& graph, const Options& options,
                                                 state::StateBackend& backend, TaskOutput& output) {
  auto task = std::unique_ptr<Task>(new Task(graph, options, output));  // NOLINT: private constructor
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    auto instance = std::make_unique<Instance>(*task, static_cast<int>(i));
    instance->inputs.resize(static_cast<size_t>(graph.nodes[i].inputs), {exec::kMinWatermark});
    if (graph.nodes[i].op != nullptr) {
      LEAT_ASSIGN_OR_RETURN(instance->state, graph.nodes[i].op->Open(backend));
    }
    task->instances_.push_back(std::move(instance));
  }
  for (const GraphNode& node : graph.nodes) {
    for (const GraphEdge& edge : node.consumers) {
      if (!edge.exchange) continue;
      auto& senders = task->instances_[static_cast<size_t>(edge.to)]->inputs[static_cast<size_t>(edge.input)];
      senders.assign(static_cast<size_t>(options.workers), exec::kMinWatermark);
    }
  }
  return task;
}

int64_t Task::watermark(int node) const { return instances_[static_cast<size_t>(node)]->watermark_ms; }

absl::StatusOr<int64_t> Task::OnTime() {
  int64_t next_ms = exec::kMaxWatermark;
  for (size_t i = 0; i < instances_.size(); ++i) {
    const exec::Operator* op = graph_.nodes[i].op.get();
    if (op == nullptr || !op->FollowsTheClock()) continue;
    Instance& instance = *instances_[i];
    const exec::Context context{.wall_ms = wall_ms_, .watermark_ms = instance.watermark_ms};
    {
      const OperatorWork work(options_.observer, static_cast<int>(i));
      LEAT_RETURN_IF_ERROR(op->OnTime(*instance.state, context, instance.output));
    }
    next_ms = std::min(next_ms, op->NextTime(*instance.state));
  }
  return next_ms;
}

absl::Status Task::PushSource(int node, data::Batch batch) {
  if (batch.rows == 0) return absl::OkStatus();
  return Forward(node, std::move(batch));
}

absl::Status Task::SourceWatermark(int node, int64_t watermark_ms) {
  Instance& instance = *instances_[static_cast<size_t>(node)];
  if (watermark_ms <= instance.watermark_ms) return absl::OkStatus();
  SetWatermark(node, watermark_ms);
  return ForwardWatermark(node, watermark_ms);
}

absl::Status Task::Receive(int node, int input, data::Batch batch) { return Process(node, input, std::move(batch)); }

absl::Status Task::ReceiveWatermark(int node, int input, int sender, int64_t watermark_ms) {
  return InputWatermark(node, input, sender, watermark_ms);
}

absl::Status Task::Process(int node, int input, data::Batch batch) {
  const GraphNode& description = graph_.nodes[static_cast<size_t>(node)];
  if (options_.observer != nullptr) options_.observer->RowsIn(node, batch.rows);
  const OperatorWork work(options_.observer, node);
  if (description.plan->kind == NodeKind::kSink) return output_.WriteSink(node, batch);
  if (description.op == nullptr) return Forward(node, std::move(batch));  // a union
  Instance& instance = *instances_[static_cast<size_t>(node)];
  const exec::Context context{.wall_ms = wall_ms_, .watermark_ms = instance.watermark_ms};
  return description.op->ProcessInput(*instance.state, context, input, batch, instance.output);
}

absl::Status Task::Forward(int node, data::Batch batch) {
  if (batch.rows == 0) return absl::OkStatus();
  if (options_.observer != nullptr) options_.observer->RowsOut(node, batch.rows);
  const std::vector<GraphEdge>& consumers = graph_.nodes[static_cast<size_t>(node)].consumers;
  for (size_t i = 0; i < consumers.size(); ++i) {
    const GraphEdge& edge = consumers[i];
    if (edge.exchange && options_.workers > 1) {
      LEAT_RETURN_IF_ERROR(Exchange(edge, batch));
    } else if (i + 1 == consumers.size()) {
      LEAT_RETURN_IF_ERROR(Process(edge.to, edge.input, std::move(batch)));
    } else {
      LEAT_RETURN_IF_ERROR(Process(edge.to, edge.input, batch));  // columns are shared, not copied
    }
  }
  return absl::OkStatus();
}

absl::Status Task::Exchange(const GraphEdge& edge, const data::Batch& batch) {
  std::vector<data::ColumnPtr> keys;
  for (const int key : edge.keys) keys.push_back(batch.columns[static_cast<size_t>(key)]);
  std::vector<std::vector<uint32_t>> rows(static_cast<size_t>(options_.workers));
  std::string bytes;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    bytes.clear();
    data::EncodeKey(keys, row, &bytes);
    rows[static_cast<size_t>(WorkerOfKeyGroup(data::KeyGroup(bytes), options_.workers))].push_back(row);
  }
  for (int worker = 0; worker < options_.workers; ++worker) {
    const std::vector<uint32_t>& chosen = rows[static_cast<size_t>(worker)];
    if (chosen.empty()) continue;
    data::Batch part = chosen.size() == batch.rows ? batch : data::Gather(batch, chosen);
    if (worker == options_.worker) {
      LEAT_RETURN_IF_ERROR(Process(edge.to, edge.input, std::move(part)));
    } else {
      output_.SendBatch(worker, edge.to, edge.input, std::move(part));
    }
  }
  return absl::OkStatus();
}

absl::Status Task::ForwardWatermark(int node, int64_t watermark_ms) {
  for (const GraphEdge& edge : graph_.nodes[static_cast<size_t>(node)].consumers) {
    const bool remote = edge.exchange && options_.workers > 1;
    if (remote) output_.SendWatermark(edge.to, edge.input, watermark_ms);
    LEAT_RETURN_IF_ERROR(InputWatermark(edge.to, edge.input, edge.exchange ? options_.worker : 0, watermark_ms));
  }
  return absl::OkStatus();
}

absl::Status Task::InputWatermark(int node, int input, int sender, int64_t watermark_ms) {
  Instance& instance = *instances_[static_cast<size_t>(node)];
  int64_t& slot = instance.inputs[static_cast<size_t>(input)][static_cast<size_t>(sender)];
  slot = std::max(slot, watermark_ms);
  int64_t combined = exec::kMaxWatermark;
  for (const std::vector<int64_t>& senders : instance.inputs) {
    for (const int64_t announced : senders) combined = std::min(combined, announced);
  }
  if (combined <= instance.watermark_ms) return absl::OkStatus();
  SetWatermark(node, combined);
  if (const exec::Operator* op = graph_.nodes[static_cast<size_t>(node)].op.get(); op != nullptr) {
    const exec::Context context{.wall_ms = wall_ms_, .watermark_ms = combined};
    {
      const OperatorWork work(options_.observer, node);
      LEAT_RETURN_IF_ERROR(op->OnWatermark(*instance.state, context, instance.output));
    }
    return ForwardWatermark(node, op->OutputWatermark(combined));
  }
  return ForwardWatermark(node, combined);
}

void Task::SetWatermark(int node, int64_t watermark_ms) {
  instances_[static_cast<size_t>(node)]->watermark_ms = watermark_ms;
  if (options_.observer != nullptr) options_.observer->Watermark(node, watermark_ms);
}

absl::Status Task::Barrier() {
  for (size_t i = 0; i < instances_.size(); ++i) {
    if (graph_.nodes[i].op != nullptr) LEAT_RETURN_IF_ERROR(graph_.nodes[i].op->OnBarrier(*instances_[i]->state));
  }
  return absl::OkStatus();
}

}  // namespace leat::run
