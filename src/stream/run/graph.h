// The physical graph of a job: the plan's nodes with their operators, and the edges between them. An edge into a keyed
// operator is an exchange: its rows go to the worker that owns the row's key group. Immutable; shared by all workers.
#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "stream/data/key_codec.h"
#include "stream/exec/operator.h"
#include "stream/plan/plan.h"

namespace leat::run {

struct GraphEdge {
  int to = -1;    // index of the consuming node
  int input = 0;  // which of its inputs
  bool exchange = false;
  std::vector<int> keys;  // exchange: the columns that make the key; empty: everything goes to one worker
};

struct GraphNode {
  plan::NodePtr plan;
  std::unique_ptr<exec::Operator> op;  // null for sources, values, unions and sinks
  std::vector<GraphEdge> consumers;
  int inputs = 0;
};

struct Graph {
  std::vector<GraphNode> nodes;  // inputs before their consumers
  std::vector<int> sources;      // kSource and kValues
  std::vector<int> sinks;
};

absl::StatusOr<Graph> BuildGraph(const plan::JobPlan& plan);

// The rows of a kValues node.
data::Batch ValuesBatch(const plan::Node& node);

// Which of `workers` owns a key group.
inline int WorkerOfKeyGroup(int key_group, int workers) { return key_group * workers / data::kMaxParallelism; }

}  // namespace leat::run
