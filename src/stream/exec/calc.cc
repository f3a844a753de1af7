// Calc: keeps the rows for which a condition is true, then computes expressions. A row that fails goes to the
// dead-letter output with the reason; the others go on.
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "stream/exec/evaluator.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

void CollectInputs(const plan::Expression& expression, std::set<int>* inputs) {
  if (expression.kind == plan::Expression::Kind::kInput) inputs->insert(expression.input);
  for (const plan::ExpressionPtr& argument : expression.arguments) CollectInputs(*argument, inputs);
}

class Calc : public StatelessOperator {
 public:
  Calc(plan::NodePtr node, std::unique_ptr<Evaluator> condition, std::vector<std::unique_ptr<Evaluator>> expressions)
      : node_(std::move(node)), condition_(std::move(condition)), expressions_(std::move(expressions)) {
    for (const plan::ExpressionPtr& expression : node_->expressions) CollectInputs(*expression, &inputs_);
  }

  std::string Name() const override { return StrCat("Calc#", node_->id); }

  absl::Status Process(OperatorState&, const Context& context, const data::Batch& input,
                       Output& output) const override {
    if (input.rows == 0) return absl::OkStatus();
    std::vector<uint32_t> rows;
    data::Batch kept = input;
    if (condition_ != nullptr) {
      rows = Filter(context, input, output);
      if (rows.size() < input.rows) kept = Chosen(input, rows);
    }
    if (kept.rows == 0) return absl::OkStatus();
    std::vector<RowError> errors;
    std::vector<data::ColumnPtr> columns = Project(context, kept, &errors);
    if (!errors.empty()) {
      // Every row is judged by all expressions, so the rest can be gathered from what is computed already. People are
      // shown whole rows.
      const data::Batch shown = kept.rows == input.rows ? input : data::Gather(input, rows);
      const std::vector<uint32_t> good = ReportFailures(shown, std::move(errors), output);
      for (data::ColumnPtr& column : columns) column = data::Gather(column, good);
      kept = Origin(kept, good);
      if (kept.rows == 0) return absl::OkStatus();
    }
    kept.columns = std::move(columns);
    kept.schema = node_->schema;
    return output.Emit(std::move(kept));
  }

 private:
  // The rows that meet the condition.
  std::vector<uint32_t> Filter(const Context& context, const data::Batch& input, Output& output) const {
    std::vector<RowError> errors;
    const data::ColumnPtr met = condition_->Evaluate(input, context, &errors);
    std::vector<uint8_t> keep(met->values<uint8_t>().begin(), met->values<uint8_t>().end());
    if (met->has_nulls()) {
      for (size_t row = 0; row < input.rows; ++row) keep[row] &= met->validity()[row];
    }
    for (const RowError& error : errors) keep[error.row] = 0;
    if (!errors.empty()) ReportFailures(input, std::move(errors), output);
    std::vector<uint32_t> rows;
    rows.reserve(input.rows);
    for (uint32_t row = 0; row < input.rows; ++row) {
      if (keep[row] != 0) rows.push_back(row);
    }
    return rows;
  }

  // The chosen rows, with those columns alone that the expressions read.
  data::Batch Chosen(const data::Batch& input, std::span<const uint32_t> rows) const {
    data::Batch chosen = Origin(input, rows);
    chosen.columns.resize(input.columns.size());
    for (const int column : inputs_) {
      const auto i = static_cast<size_t>(column);
      chosen.columns[i] = data::Gather(input.columns[i], rows);
    }
    return chosen;
  }

  std::vector<data::ColumnPtr> Project(const Context& context, const data::Batch& input,
                                       std::vector<RowError>* errors) const {
    std::vector<data::ColumnPtr> columns;
    columns.reserve(expressions_.size());
    for (const auto& expression : expressions_) columns.push_back(expression->Evaluate(input, context, errors));
    return columns;
  }

  // The chosen rows' kinds and origin, without columns.
  static data::Batch Origin(const data::Batch& batch, std::span<const uint32_t> rows) {
    data::Batch bare;
    bare.schema = batch.schema;
    bare.rows = batch.rows;
    bare.kinds = batch.kinds;
    bare.source = batch.source;
    bare.offsets = batch.offsets;
    return data::Gather(bare, rows);
  }

  plan::NodePtr node_;
  std::unique_ptr<Evaluator> condition_;
  std::vector<std::unique_ptr<Evaluator>> expressions_;
  std::set<int> inputs_;  // of the expressions
};

}  // namespace

FailedRow MakeFailedRow(const data::Batch& batch, size_t row, std::string reason) {
  FailedRow failed;
  failed.reason = std::move(reason);
  failed.row = data::FormatRow(batch, row);
  failed.source = batch.source;
  if (!batch.offsets.empty()) failed.offset = batch.offsets[row];
  return failed;
}

std::vector<uint32_t> ReportFailures(const data::Batch& batch, std::vector<RowError> errors, Output& output) {
  std::stable_sort(errors.begin(), errors.end(), [](const RowError& a, const RowError& b) { return a.row < b.row; });
  std::vector<uint32_t> good;
  size_t next = 0;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (next == errors.size() || errors[next].row != row) {
      good.push_back(row);
      continue;
    }
    output.Fail(MakeFailedRow(batch, row, std::move(errors[next].reason)));
    while (next < errors.size() && errors[next].row == row) ++next;  // the first reason of a row is told
  }
  return good;
}

absl::StatusOr<std::unique_ptr<Operator>> MakeCalc(const plan::NodePtr& node) {
  std::unique_ptr<Evaluator> condition;
  if (node->condition != nullptr) {
    LEAT_ASSIGN_OR_RETURN(condition, Evaluator::Compile(node->condition));
  }
  std::vector<std::unique_ptr<Evaluator>> expressions;
  for (const plan::ExpressionPtr& expression : node->expressions) {
    LEAT_ASSIGN_OR_RETURN(auto evaluator, Evaluator::Compile(expression));
    expressions.push_back(std::move(evaluator));
  }
  return std::unique_ptr<Operator>(std::make_unique<Calc>(node, std::move(condition), std::move(expressions)));
}

}  // namespace leat::exec
