#include "stream/run/graph.h"

#include <absl/container/flat_hash_map.h>

namespace leat::run {
namespace {

using plan::NodeKind;

bool IsJoin(NodeKind kind) {
  return kind == NodeKind::kJoin || kind == NodeKind::kIntervalJoin || kind == NodeKind::kWindowJoin ||
         kind == NodeKind::kTemporalJoin || kind == NodeKind::kLookupJoin;
}

bool NeedsExchange(const plan::Node& node) {
  const NodeKind kind = node.kind;
  if (kind == NodeKind::kWindowAssign) return node.window.kind == plan::WindowKind::kSession;
  return kind == NodeKind::kOver || kind == NodeKind::kMatch || kind == NodeKind::kRank ||
         kind == NodeKind::kWindowAggregate || kind == NodeKind::kGroupAggregate || kind == NodeKind::kNormalize ||
         kind == NodeKind::kUpsertMaterialize || IsJoin(kind);
}

// The columns of an input by which its rows go to the workers.
const std::vector<int>& ExchangeKeys(const plan::Node& node, size_t input) {
  if (!IsJoin(node.kind)) return node.keys;
  return input == 0 ? node.join.left_keys : node.join.right_keys;
}

bool HasOperator(const plan::Node& node) {
  return node.kind == NodeKind::kCalc || node.kind == NodeKind::kWindowAssign || node.kind == NodeKind::kUnnest ||
         NeedsExchange(node);
}

class Builder {
 public:
  absl::StatusOr<int> Add(const plan::NodePtr& node) {
    if (const auto known = index_.find(node.get()); known != index_.end()) return known->second;
    std::vector<int> inputs;
    for (const plan::NodePtr& input : node->inputs) {
      LEAT_ASSIGN_OR_RETURN(const int index, Add(input));
      inputs.push_back(index);
    }
    GraphNode made;
    made.plan = node;
    made.inputs = static_cast<int>(inputs.size());
    if (HasOperator(*node)) {
      LEAT_ASSIGN_OR_RETURN(made.op, exec::MakeOperator(node));
    }
    const int index = static_cast<int>(graph_.nodes.size());
    graph_.nodes.push_back(std::move(made));
    index_[node.get()] = index;
    for (size_t i = 0; i < inputs.size(); ++i) {
      GraphEdge edge{.to = index, .input = static_cast<int>(i)};
      edge.exchange = NeedsExchange(*node);
      if (edge.exchange) edge.keys = ExchangeKeys(*node, i);
      graph_.nodes[static_cast<size_t>(inputs[i])].consumers.push_back(std::move(edge));
    }
    if (node->kind == NodeKind::kSource || node->kind == NodeKind::kValues) graph_.sources.push_back(index);
    if (node->kind == NodeKind::kSink) graph_.sinks.push_back(index);
    return index;
  }
  Graph Take() { return std::move(graph_); }

 private:
  Graph graph_;
  absl::flat_hash_map<const plan::Node*, int> index_;
};

}  // namespace

absl::StatusOr<Graph> BuildGraph(const plan::JobPlan& plan) {
  Builder builder;
  for (const plan::NodePtr& sink : plan.sinks) LEAT_RETURN_IF_ERROR(builder.Add(sink).status());
  return builder.Take();
}

data::Batch ValuesBatch(const plan::Node& node) {
  data::Batch batch;
  batch.schema = node.schema;
  batch.rows = node.rows.size();
  for (size_t c = 0; c < node.schema->fields.size(); ++c) {
    auto column = std::make_shared<data::Column>(node.schema->fields[c].type);
    for (const std::vector<data::Value>& row : node.rows) column->AppendValue(row[c]);
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

}  // namespace leat::run
