// The compiled form of an expression: a tree of nodes, each of which yields a Vector for a batch.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "stream/exec/vector.h"

namespace leat::exec {

struct Frame {
  const data::Batch& input;
  const Context& context;
  std::vector<RowError>* errors;
};

class Node {
 public:
  explicit Node(data::Type type) : type_(std::move(type)) {}
  virtual ~Node() = default;
  virtual Vector Run(const Frame& frame) const = 0;

  const data::Type& type() const { return type_; }
  bool can_fail() const { return can_fail_; }            // some row could get an error
  bool deterministic() const { return deterministic_; }  // the same rows give the same values, whatever the context
  const std::set<int>& inputs() const { return inputs_; }
  // The one value of a folded node; null for others.
  virtual const data::Column* constant() const { return nullptr; }

 protected:
  void AddInput(int column);
  void Adopt(const std::vector<std::unique_ptr<Node>>& arguments, plan::FunctionId function);

 private:
  data::Type type_;
  bool can_fail_ = false;
  bool deterministic_ = true;
  std::set<int> inputs_;
};
using Nodes = std::vector<std::unique_ptr<Node>>;

absl::StatusOr<std::unique_ptr<Node>> CompileNode(const plan::ExpressionPtr& expression);

// Evaluates the node for the rows with selected[row] != 0 only: others cannot fail and have unspecified values.
Vector RunWhere(const Node& node, const Frame& frame, const std::vector<uint8_t>& selected);
// A column of as many rows as the batch has, from a Vector.
data::ColumnPtr Expand(const Vector& vector, size_t rows);

// Nodes that evaluate their arguments lazily: AND, OR, CASE, IF, COALESCE.
bool IsLazy(plan::FunctionId function);
absl::StatusOr<std::unique_ptr<Node>> MakeLazyNode(const plan::Expression& call, Nodes arguments);

// The kernel of a call, by family. kUnimplemented if there is none for these types.
absl::StatusOr<Kernel> MakeKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeLogicKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeCompareKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeInKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeArithmeticKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeDecimalKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeRoundingKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeMathKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeCastKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeTextKernel(const Binding& binding);
absl::StatusOr<Kernel> MakePatternKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeMoreTextKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeRegexpKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeJsonKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeJsonTextKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeDigestKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeTimeKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeIntervalKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeTimeTextKernel(const Binding& binding);

}  // namespace leat::exec
