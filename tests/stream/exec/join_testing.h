// What the tests of joins share: a join node over two inputs of one schema, the operator with its state on a store that
// outlives it, and its output as the rows that are there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/stream/exec/exec_testing.h"

namespace leat::exec::testing {

using data::RowKind;
using plan::JoinType;

inline constexpr JoinType kEveryType[] = {JoinType::kInner, JoinType::kLeft, JoinType::kRight,
                                          JoinType::kFull,  JoinType::kSemi, JoinType::kAnti};

// k, v, t: a nullable key, a number, an event time.
inline data::SchemaPtr InputSchema() {
  return MakeSchema({{"k", data::Int()}, {"v", data::Int()}, {"t", data::Timestamp(3)}});
}

inline std::shared_ptr<plan::Node> MakeJoinNode(plan::NodeKind kind, JoinType type) {
  auto node = std::make_shared<plan::Node>();
  for (int i = 0; i < 2; ++i) {
    auto source = std::make_shared<plan::Node>();
    source->schema = InputSchema();
    node->inputs.push_back(source);
  }
  node->kind = kind;
  node->id = 7;
  node->join.type = type;
  node->join.left_keys = {0};
  node->join.right_keys = {0};
  node->join.null_matches = {0};
  node->join.left_ttl_ms = node->join.right_ttl_ms = node->ttl_ms = 0;
  if (kind != plan::NodeKind::kJoin) node->join.left_time = node->join.right_time = 2;
  std::vector<data::Field> fields = InputSchema()->fields;
  if (type != JoinType::kSemi && type != JoinType::kAnti) {
    const data::SchemaPtr right = InputSchema();
    for (const data::Field& field : right->fields) fields.push_back(field);
  }
  node->schema = MakeSchema(std::move(fields));
  return node;
}

// left.v < right.v
inline ExpressionPtr LessByV() {
  return Call(FunctionId::kLess, {plan::Input(1, data::Int()), plan::Input(4, data::Int())});
}

struct JoinRow {
  std::optional<int32_t> k;
  int32_t v = 0;
  int64_t ms = 0;
  friend auto operator<=>(const JoinRow&, const JoinRow&) = default;

  std::vector<Value> ToValues() const { return {k ? Value{*k} : Value::Null(), Value{v}, Value{ms * 1000}}; }
};

inline data::Batch ToBatch(const std::vector<std::pair<RowKind, JoinRow>>& rows) {
  std::vector<std::vector<Value>> values;
  data::Batch batch;
  for (const auto& [kind, row] : rows) values.push_back(row.ToValues());
  batch = MakeBatch(InputSchema(), values);
  for (const auto& [kind, row] : rows) batch.kinds.push_back(kind);
  return batch;
}

// The rows that are there after all changes, as text without kinds, with how often they are there.
class Rows : public Output {
 public:
  absl::Status Emit(data::Batch batch) override {
    for (size_t row = 0; row < batch.rows; ++row) {
      const std::string text = data::FormatRow(batch, row);
      changes.push_back(text);
      const int by = data::IsRetraction(batch.kind(row)) ? -1 : 1;
      int& count = there[text.substr(2)];
      count += by;
      EXPECT_GE(count, 0) << text << " takes back what is not there";
      if (count == 0) there.erase(text.substr(2));
    }
    return absl::OkStatus();
  }
  void Late(const data::Batch&, std::span<const uint32_t> rows) override { late += rows.size(); }
  void Fail(FailedRow row) override { ADD_FAILURE() << row.reason; }

  std::map<std::string, int> there;
  std::vector<std::string> changes;
  size_t late = 0;
};

// What a row of the result looks like in Rows.
inline std::string Text(const JoinRow* left, const JoinRow* right, JoinType type) {
  std::vector<Value> values;
  std::vector<data::Field> fields;
  const auto add = [&](const JoinRow* row) {
    for (size_t i = 0; i < 3; ++i) {
      values.push_back(row == nullptr ? Value::Null() : row->ToValues()[i]);
      fields.push_back(InputSchema()->fields[i]);
    }
  };
  add(left);
  if (type != JoinType::kSemi && type != JoinType::kAnti) add(right);
  return data::FormatRow(MakeBatch(MakeSchema(std::move(fields)), {values}), 0).substr(2);
}

// The join of two lists of rows as it is defined: `meets` says which pairs do.
template <typename F>
std::map<std::string, int> NaiveJoin(const std::vector<JoinRow>& lefts, const std::vector<JoinRow>& rights,
                                     JoinType type, const F& meets) {
  std::map<std::string, int> result;
  std::vector<int> met(rights.size(), 0);
  for (const JoinRow& left : lefts) {
    bool any = false;
    for (size_t i = 0; i < rights.size(); ++i) {
      if (!meets(left, rights[i])) continue;
      any = true;
      ++met[i];
      if (type != JoinType::kSemi && type != JoinType::kAnti) ++result[Text(&left, &rights[i], type)];
    }
    const bool alone = type == JoinType::kLeft || type == JoinType::kFull || type == JoinType::kAnti;
    if (any ? type == JoinType::kSemi : alone) ++result[Text(&left, nullptr, type)];
  }
  for (size_t i = 0; i < rights.size(); ++i) {
    const bool alone = type == JoinType::kRight || type == JoinType::kFull;
    if (alone && met[i] == 0) ++result[Text(nullptr, &rights[i], type)];
  }
  return result;
}

// An operator of two inputs that can be killed.
class JoinTask {
 public:
  explicit JoinTask(const plan::NodePtr& node) : store_(state::MakeMemoryStore()) {
    auto made = MakeOperator(node);
    LEAT_CHECK_OK(made.status());
    operator_ = *std::move(made);
    Open();
  }
  void Process(int input, const std::vector<std::pair<RowKind, JoinRow>>& rows) {
    LEAT_CHECK_OK(operator_->ProcessInput(*state_, context, input, ToBatch(rows), output));
  }
  void Insert(int input, const JoinRow& row) { Process(input, {{RowKind::kInsert, row}}); }
  void Delete(int input, const JoinRow& row) { Process(input, {{RowKind::kDelete, row}}); }
  void Watermark(int64_t ms) {
    context.watermark_ms = ms;
    LEAT_CHECK_OK(operator_->OnWatermark(*state_, context, output));
  }
  void Barrier() {
    LEAT_CHECK_OK(operator_->OnBarrier(*state_));
    backend_->TakeChanges(++epoch_, "", [](std::string_view, std::optional<std::string_view>) {});
    LEAT_CHECK_OK(store_->Apply(backend_->TakeUnapplied(""), epoch_));
    backend_->OnApplied(epoch_);
    committed_ = output;
  }
  // Back to the last barrier, the output as well.
  void KillAndRestore() {
    state_.reset();
    Open();
    output = committed_;
  }
  std::vector<std::string> TakeChanges() { return std::exchange(output.changes, {}); }
  size_t StateEntries() {
    Barrier();
    size_t entries = 0;
    LEAT_CHECK_OK(store_->Scan("", std::string(1, '\xff'), [&](std::string_view, std::string_view) {
      ++entries;
      return true;
    }));
    return entries;
  }
  int64_t OutputWatermark(int64_t ms) const { return operator_->OutputWatermark(ms); }

  Context context;
  Rows output;

 private:
  void Open() {
    backend_ = state::StateBackend::Create(*store_, {});
    auto state = operator_->Open(*backend_);
    LEAT_CHECK_OK(state.status());
    state_ = *std::move(state);
    context.watermark_ms = kMinWatermark;
  }
  std::unique_ptr<state::CommittedStore> store_;
  std::unique_ptr<state::StateBackend> backend_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<OperatorState> state_;
  int64_t epoch_ = 0;
  Rows committed_;
};

}  // namespace leat::exec::testing
