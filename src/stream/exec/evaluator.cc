#include "stream/exec/evaluator.h"

#include <algorithm>

#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using plan::FunctionId;

bool FunctionCanFail(FunctionId id) {
  switch (id) {
    case FunctionId::kCast:
    case FunctionId::kDivide:
    case FunctionId::kModulo:
    case FunctionId::kRepeat:
    case FunctionId::kLpad:
    case FunctionId::kRpad:
    case FunctionId::kRegexp:
    case FunctionId::kRegexpExtract:
    case FunctionId::kRegexpReplace:
    case FunctionId::kSimilar:
    case FunctionId::kLike:
    case FunctionId::kDateFormat:
    case FunctionId::kFromUnixTime:
    case FunctionId::kUnixTimestamp:
    case FunctionId::kToTimestampLtz:
    case FunctionId::kRegexpCount:
    case FunctionId::kRegexpInstr:
    case FunctionId::kRegexpSubstr:
    case FunctionId::kJsonValue:
    case FunctionId::kJsonQuery:
    case FunctionId::kJsonExists:
    case FunctionId::kElement:
    case FunctionId::kMapFromArrays:
      return true;
    default:
      return false;
  }
}

bool FunctionIsDeterministic(FunctionId id, size_t arguments) {
  switch (id) {
    case FunctionId::kCurrentWatermark:
    case FunctionId::kProcTime:
    case FunctionId::kCurrentTimestamp:
    case FunctionId::kLocalTimestamp:
    case FunctionId::kCurrentDate:
      return false;
    case FunctionId::kUnixTimestamp:
      return arguments > 0;
    default:
      return true;
  }
}

class LiteralNode : public Node {
 public:
  LiteralNode(data::Type type, data::ColumnPtr value) : Node(std::move(type)), value_(std::move(value)) {}
  Vector Run(const Frame&) const override { return {value_, true}; }
  const data::Column* constant() const override { return value_.get(); }

 private:
  data::ColumnPtr value_;
};

class InputNode : public Node {
 public:
  InputNode(data::Type type, int column) : Node(std::move(type)), column_(column) { AddInput(column); }
  Vector Run(const Frame& frame) const override { return {frame.input.columns[static_cast<size_t>(column_)], false}; }

 private:
  int column_;
};

class CallNode : public Node {
 public:
  CallNode(const plan::Expression& call, Nodes arguments, Kernel kernel)
      : Node(call.type), arguments_(std::move(arguments)), kernel_(std::move(kernel)), position_(call.position) {
    Adopt(arguments_, call.function);
  }

  Vector Run(const Frame& frame) const override {
    std::vector<Vector> values;
    values.reserve(arguments_.size());
    bool constant = true;
    for (const auto& argument : arguments_) {
      values.push_back(argument->Run(frame));
      constant = constant && values.back().constant;
    }
    if (constant) return RunOnce(frame, values);
    ErrorSink errors(position_, frame.errors);
    return {kernel_({type(), values, frame.input.rows, frame.context, errors}), false};
  }

 private:
  // One value for all rows; if it fails, every row fails.
  Vector RunOnce(const Frame& frame, const std::vector<Vector>& values) const {
    std::vector<RowError> failed;
    ErrorSink errors(position_, &failed);
    Vector result{kernel_({type(), values, 1, frame.context, errors}), true};
    if (failed.empty()) return result;
    for (uint32_t row = 0; row < frame.input.rows; ++row) frame.errors->push_back({row, failed.front().reason});
    return result;
  }

  Nodes arguments_;
  Kernel kernel_;
  plan::Position position_;
};

absl::StatusOr<std::unique_ptr<Node>> MakeCallNode(const plan::Expression& call, Nodes arguments) {
  if (IsLazy(call.function)) return MakeLazyNode(call, std::move(arguments));
  Binding binding{call, {}};
  for (const auto& argument : arguments) binding.constants.push_back(argument->constant());
  LEAT_ASSIGN_OR_RETURN(Kernel kernel, MakeKernel(binding));
  return std::unique_ptr<Node>(std::make_unique<CallNode>(call, std::move(arguments), std::move(kernel)));
}

// Replaces a node over constants by its value. One that fails stays: it must fail only the rows that reach it.
std::unique_ptr<Node> Fold(std::unique_ptr<Node> node) {
  if (!node->inputs().empty() || !node->deterministic()) return node;
  if (node->type().storage() == data::Storage::kRow) return node;
  data::Batch one_row;
  one_row.rows = 1;
  std::vector<RowError> errors;
  const Vector value = node->Run({one_row, Context{}, &errors});
  if (!errors.empty()) return node;
  return std::make_unique<LiteralNode>(node->type(), value.column);
}

class NodeEvaluator : public Evaluator {
 public:
  explicit NodeEvaluator(std::unique_ptr<Node> node) : node_(std::move(node)) {}
  data::ColumnPtr Evaluate(const data::Batch& input, const Context& context,
                           std::vector<RowError>* errors) const override {
    return Expand(node_->Run({input, context, errors}), input.rows);
  }

 private:
  std::unique_ptr<Node> node_;
};

}  // namespace

void Node::AddInput(int column) { inputs_.insert(column); }

void Node::Adopt(const Nodes& arguments, plan::FunctionId function) {
  can_fail_ = FunctionCanFail(function);
  deterministic_ = FunctionIsDeterministic(function, arguments.size());
  for (const auto& argument : arguments) {
    can_fail_ = can_fail_ || argument->can_fail();
    deterministic_ = deterministic_ && argument->deterministic();
    inputs_.insert(argument->inputs().begin(), argument->inputs().end());
  }
}

absl::StatusOr<std::unique_ptr<Node>> CompileNode(const plan::ExpressionPtr& expression) {
  switch (expression->kind) {
    case plan::Expression::Kind::kInput:
      return std::unique_ptr<Node>(std::make_unique<InputNode>(expression->type, expression->input));
    case plan::Expression::Kind::kLiteral:
      return std::unique_ptr<Node>(
          std::make_unique<LiteralNode>(expression->type, data::Constant(expression->type, expression->literal, 1)));
    case plan::Expression::Kind::kCall:
      break;
  }
  Nodes arguments;
  for (const plan::ExpressionPtr& argument : expression->arguments) {
    LEAT_ASSIGN_OR_RETURN(auto node, CompileNode(argument));
    arguments.push_back(std::move(node));
  }
  LEAT_ASSIGN_OR_RETURN(auto node, MakeCallNode(*expression, std::move(arguments)));
  return Fold(std::move(node));
}

Vector RunWhere(const Node& node, const Frame& frame, const std::vector<uint8_t>& selected) {
  if (!node.can_fail()) return node.Run(frame);
  std::vector<uint32_t> rows;
  std::vector<uint32_t> places(selected.size(), 0);
  for (uint32_t row = 0; row < selected.size(); ++row) {
    if (selected[row] == 0) continue;
    places[row] = static_cast<uint32_t>(rows.size());
    rows.push_back(row);
  }
  if (rows.size() == selected.size()) return node.Run(frame);
  if (rows.empty()) return {AllNull(node.type(), 1), true};

  data::Batch part;
  part.schema = frame.input.schema;
  part.rows = rows.size();
  part.columns.resize(frame.input.columns.size());
  for (const int column : node.inputs()) {
    const auto i = static_cast<size_t>(column);
    part.columns[i] = data::Gather(frame.input.columns[i], rows);
  }
  std::vector<RowError> errors;
  Vector result = node.Run({part, frame.context, &errors});
  for (RowError& error : errors) frame.errors->push_back({rows[error.row], std::move(error.reason)});
  if (result.constant) return result;
  return {data::Gather(result.column, places), false};
}

data::ColumnPtr Expand(const Vector& vector, size_t rows) {
  if (!vector.constant) return vector.column;
  return data::Gather(vector.column, std::vector<uint32_t>(rows, 0));
}

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Compile(plan::ExpressionPtr expression) {
  LEAT_ASSIGN_OR_RETURN(auto node, CompileNode(expression));
  return std::unique_ptr<Evaluator>(std::make_unique<NodeEvaluator>(std::move(node)));
}

}  // namespace leat::exec
