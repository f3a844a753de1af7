// What the tests of this module share: typed expressions in few words, one-row evaluation, and an operator on a state
// backend that can be killed and restored.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "stream/exec/evaluator.h"
#include "stream/exec/operator.h"
#include "stream/state/state_backend.h"

namespace leat::exec::testing {

using data::Value;
using plan::ExpressionPtr;
using plan::FunctionId;

inline ExpressionPtr Lit(Value value, data::Type type) { return plan::Literal(std::move(value), std::move(type)); }
inline ExpressionPtr Text(std::string text) { return Lit({std::move(text)}, data::String()); }
inline ExpressionPtr Int(int32_t value) { return Lit({value}, data::Int()); }
inline ExpressionPtr Big(int64_t value) { return Lit({value}, data::BigInt()); }
inline ExpressionPtr Real(double value) { return Lit({value}, data::Double()); }
inline ExpressionPtr Bool(bool value) { return Lit({value}, data::Boolean()); }
inline ExpressionPtr Null(data::Type type) { return Lit(Value::Null(), std::move(type)); }
inline ExpressionPtr Dec(int64_t unscaled, int precision, int scale) {
  return Lit({data::Int128{unscaled}}, data::Decimal(precision, scale));
}
inline ExpressionPtr Ts(int64_t millis) { return Lit({millis * 1000}, data::Timestamp(3)); }

inline ExpressionPtr Cast(ExpressionPtr argument, data::Type type, FunctionId id = FunctionId::kCast) {
  type.nullable = argument->type.nullable;
  return plan::Call(id, {std::move(argument)}, std::move(type), {3, 7});
}

// The call as the analyser would make it: arguments cast, result type inferred.
inline ExpressionPtr Call(FunctionId id, std::vector<ExpressionPtr> arguments) {
  std::vector<data::Type> types;
  for (const ExpressionPtr& argument : arguments) types.push_back(argument->type);
  std::vector<data::Type> casts;
  const absl::StatusOr<data::Type> type = plan::InferCall(id, types, &casts);
  EXPECT_TRUE(type.ok()) << type.status() << " for function " << static_cast<int>(id);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!data::SameIgnoringNullability(types[i], casts[i])) arguments[i] = Cast(arguments[i], casts[i]);
  }
  return plan::Call(id, std::move(arguments), type.ok() ? *type : data::NullType(), {3, 7});
}

// The value of each row as text; "error: <reason>" for a failed row.
inline std::vector<std::string> Evaluate(const ExpressionPtr& expression, const data::Batch& batch,
                                         const Context& context = {}) {
  const auto evaluator = Evaluator::Compile(expression);
  if (!evaluator.ok()) return std::vector<std::string>(batch.rows, StrCat("compile: ", Message(evaluator.status())));
  std::vector<RowError> errors;
  const data::ColumnPtr column = (*evaluator)->Evaluate(batch, context, &errors);
  EXPECT_EQ(column->size(), batch.rows);
  std::vector<std::string> result;
  for (size_t row = 0; row < batch.rows; ++row) {
    result.push_back(data::FormatValue(column->GetValue(row), expression->type));
  }
  for (const RowError& error : errors) result[error.row] = StrCat("error: ", error.reason);
  return result;
}

// Replaces the literals of a call by input columns of three rows: the value, NULL, the value.
inline ExpressionPtr ToInputs(const ExpressionPtr& expression, data::Batch* batch) {
  if (expression->kind == plan::Expression::Kind::kLiteral) {
    auto column = std::make_shared<data::Column>(expression->type.AsNullable());
    column->AppendValue(expression->literal);
    column->AppendNull();
    column->AppendValue(expression->literal);
    batch->columns.push_back(column);
    return plan::Input(static_cast<int>(batch->columns.size()) - 1, expression->type.AsNullable());
  }
  auto copy = std::make_shared<plan::Expression>(*expression);
  for (ExpressionPtr& argument : copy->arguments) argument = ToInputs(argument, batch);
  return copy;
}

// Collects what an operator emits as lines.
class Lines : public Output {
 public:
  absl::Status Emit(data::Batch batch) override {
    EXPECT_GT(batch.rows, 0u);
    EXPECT_LE(batch.rows, data::kBatchRows);
    for (size_t row = 0; row < batch.rows; ++row) lines.push_back(data::FormatRow(batch, row));
    return absl::OkStatus();
  }
  void Late(const data::Batch& input, std::span<const uint32_t> rows) override {
    for (const uint32_t row : rows) lines.push_back("late " + data::FormatRow(input, row));
  }
  void Fail(FailedRow row) override { lines.push_back(StrCat("fail ", row.row, " @", row.offset, ": ", row.reason)); }
  std::vector<std::string> lines;
};

// An operator with its state on a committed store that outlives it.
class Task {
 public:
  explicit Task(plan::NodePtr node) : store_(state::MakeMemoryStore()) {
    auto made = MakeOperator(node);
    EXPECT_TRUE(made.ok()) << made.status();
    operator_ = std::move(*made);
    Open();
  }
  void Process(const data::Batch& batch) { LEAT_CHECK_OK(operator_->Process(*state_, context_, batch, output)); }
  void Watermark(int64_t ms) {
    context_.watermark_ms = ms;
    LEAT_CHECK_OK(operator_->OnWatermark(*state_, context_, output));
  }
  // Commits everything up to here.
  void Barrier() {
    LEAT_CHECK_OK(operator_->OnBarrier(*state_));
    backend_->TakeChanges(++epoch_, "", [](std::string_view, std::optional<std::string_view>) {});
    LEAT_CHECK_OK(store_->Apply(backend_->TakeUnapplied(""), epoch_));
    backend_->OnApplied(epoch_);
  }
  // Loses everything since the last barrier.
  void KillAndRestore() {
    state_.reset();
    Open();
  }
  OperatorState& state() { return *state_; }
  size_t CommittedBytes() const { return store_->MemoryBytes(); }

  Lines output;

 private:
  void Open() {
    backend_ = state::StateBackend::Create(*store_, {});
    auto state = operator_->Open(*backend_);
    EXPECT_TRUE(state.ok()) << state.status();
    state_ = std::move(*state);
    context_.watermark_ms = kMinWatermark;
  }

  std::unique_ptr<state::CommittedStore> store_;
  std::unique_ptr<state::StateBackend> backend_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<OperatorState> state_;
  Context context_;
  int64_t epoch_ = 0;
};

inline data::SchemaPtr MakeSchema(std::vector<data::Field> fields) {
  return std::make_shared<const data::Schema>(data::Schema{std::move(fields)});
}

inline data::Batch MakeBatch(const data::SchemaPtr& schema, const std::vector<std::vector<Value>>& rows) {
  data::Batch batch;
  batch.schema = schema;
  batch.rows = rows.size();
  for (size_t i = 0; i < schema->fields.size(); ++i) {
    auto column = std::make_shared<data::Column>(schema->fields[i].type);
    for (const auto& row : rows) column->AppendValue(row[i]);
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

}  // namespace leat::exec::testing
