// The window join: rows of both sides that have the same window and equal keys, joined when the watermark passes the
// window's end. Rows that come later are late. State: the rows of each window by key, gone when it has fired.
#include <algorithm>
#include <limits>
#include <map>

#include "base/strings.h"
#include "stream/exec/calendar.h"
#include "stream/exec/change_output.h"
#include "stream/exec/join_condition.h"
#include "stream/exec/operators.h"
#include "stream/exec/stored_rows.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::JoinType;
using Side = JoinCondition::Side;

constexpr int kProgressTable = 2;

struct WindowJoinState : OperatorState {
  explicit WindowJoinState(EmittedWatermark watermark) : fired(watermark) {}
  state::StateTable* sides[2] = {nullptr, nullptr};
  EmittedWatermark fired;
  std::string key;  // scratch
  std::string row;  // scratch
};

// The rows of one key in one window.
struct Meeting {
  std::vector<StoredRow> left;
  std::vector<StoredRow> right;
};

class WindowJoin : public Operator {
 public:
  WindowJoin(plan::NodePtr node, JoinCondition condition) : node_(std::move(node)), condition_(std::move(condition)) {}

  std::string Name() const override { return StrCat("WindowJoin#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(EmittedWatermark fired, EmittedWatermark::Open(backend.Table(node_->id, kProgressTable)));
    auto state = std::make_unique<WindowJoinState>(fired);
    for (int side = 0; side < 2; ++side) state->sides[side] = &backend.Table(node_->id, side);
    return state;
  }
  absl::Status Process(OperatorState&, const Context&, const data::Batch&, Output&) const override {
    return Internal(Name(), ": rows without the number of their input");
  }
  absl::Status ProcessInput(OperatorState& state, const Context& context, int input, const data::Batch& batch,
                            Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override {
    return static_cast<WindowJoinState&>(state).fired.Save();
  }

 private:
  bool IsHalf() const { return node_->join.type == JoinType::kSemi || node_->join.type == JoinType::kAnti; }
  // Whether a row without a partner gives a row.
  bool StaysAlone(Side side) const {
    const JoinType type = node_->join.type;
    if (type == JoinType::kFull) return true;
    return side == Side::kLeft ? type == JoinType::kLeft || type == JoinType::kAnti : type == JoinType::kRight;
  }
  absl::Status Alone(const StoredRow& row, Side side, JoinedRows* rows) const {
    return IsHalf() ? rows->out.Add(RowKind::kInsert, row.row) : rows->Padded(RowKind::kInsert, row.row, side);
  }
  absl::Status Fire(int64_t window_end, const Context& context, WindowJoinState* state, JoinedRows* rows,
                    Output& output) const;
  absl::Status Meet(const Meeting& meeting, const Context& context, JoinedRows* rows, Output& output) const;
  absl::StatusOr<std::vector<uint8_t>> Matches(const StoredRow& left, const std::vector<std::string>& rights,
                                               const Context& context, Output& output) const;

  plan::NodePtr node_;
  JoinCondition condition_;
};

absl::Status WindowJoin::ProcessInput(OperatorState& operator_state, const Context&, int input,
                                      const data::Batch& batch, Output& output) const {
  auto& state = static_cast<WindowJoinState&>(operator_state);
  const plan::JoinSpec& join = node_->join;
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, input == 0 ? join.left_keys : join.right_keys, join.null_matches);
  const data::Column& end = *batch.columns[static_cast<size_t>(input == 0 ? join.left_time : join.right_time)];
  std::vector<uint32_t> late;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (end.IsNull(row) || data::IsRetraction(batch.kind(row))) {
      output.Fail(MakeFailedRow(
          batch, row,
          end.IsNull(row) ? "the window of a window join is NULL" : "a window join takes no updates or deletes"));
      continue;
    }
    const int64_t end_ms = FloorDiv(end.values<int64_t>()[row], data::kMicrosPerMilli);
    if (end_ms - 1 <= state.fired.ms()) {
      late.push_back(row);
      continue;
    }
    if (!keys.Encode(row, &state.key)) {
      const Side side = input == 0 ? Side::kLeft : Side::kRight;
      if (!StaysAlone(side)) continue;
      LEAT_RETURN_IF_ERROR(IsHalf() ? out.Add(RowKind::kInsert, batch, row)
                                    : rows.Padded(RowKind::kInsert, batch, row, side));
      continue;
    }
    state.row.clear();
    EncodeRow(batch, row, &state.row);
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * value, state.sides[input]->Mutate(end_ms, state.key, &inserted));
    AppendStoredRow(end_ms, 0, state.row, value);
  }
  if (!late.empty()) output.Late(batch, late);
  return out.Flush();
}

absl::Status WindowJoin::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<WindowJoinState&>(operator_state);
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  while (true) {
    std::optional<int64_t> next;
    for (state::StateTable* side : state.sides) {
      LEAT_ASSIGN_OR_RETURN(const auto first, side->NextNamespace(std::numeric_limits<int64_t>::min()));
      if (first) next = std::min(next.value_or(*first), *first);
    }
    if (!next || *next - 1 > context.watermark_ms) break;
    LEAT_RETURN_IF_ERROR(Fire(*next, context, &state, &rows, output));
  }
  state.fired.Raise(context.watermark_ms);
  return out.Flush();
}

absl::Status WindowJoin::Fire(int64_t window_end, const Context& context, WindowJoinState* state, JoinedRows* rows,
                              Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const KeyedBytes left, SortedEntries(*state->sides[0], window_end));
  LEAT_ASSIGN_OR_RETURN(const KeyedBytes right, SortedEntries(*state->sides[1], window_end));
  std::map<std::string_view, Meeting> meetings;
  for (const auto& [key, bytes] : left) {
    LEAT_ASSIGN_OR_RETURN(meetings[key].left, ReadStoredRows(bytes));
  }
  for (const auto& [key, bytes] : right) {
    LEAT_ASSIGN_OR_RETURN(meetings[key].right, ReadStoredRows(bytes));
  }
  for (const auto& [key, meeting] : meetings) LEAT_RETURN_IF_ERROR(Meet(meeting, context, rows, output));
  for (state::StateTable* side : state->sides) LEAT_RETURN_IF_ERROR(side->EraseNamespace(window_end));
  return absl::OkStatus();
}

absl::Status WindowJoin::Meet(const Meeting& meeting, const Context& context, JoinedRows* rows, Output& output) const {
  std::vector<std::string> rights;
  if (!condition_.always()) {
    for (const StoredRow& right : meeting.right) rights.emplace_back(right.row);
  }
  std::vector<uint8_t> right_met(meeting.right.size(), 0);
  for (const StoredRow& left : meeting.left) {
    std::vector<uint8_t> flags(meeting.right.size(), 1);
    if (!condition_.always()) {
      LEAT_ASSIGN_OR_RETURN(flags, Matches(left, rights, context, output));
    }
    bool met = false;
    for (size_t i = 0; i < flags.size(); ++i) {
      if (flags[i] == 0) continue;
      met = true;
      right_met[i] = 1;
      if (!IsHalf()) LEAT_RETURN_IF_ERROR(rows->StoredPair(RowKind::kInsert, left.row, meeting.right[i].row));
    }
    if (met && node_->join.type == JoinType::kSemi) {
      LEAT_RETURN_IF_ERROR(rows->out.Add(RowKind::kInsert, left.row));
    } else if (!met && StaysAlone(Side::kLeft)) {
      LEAT_RETURN_IF_ERROR(Alone(left, Side::kLeft, rows));
    }
  }
  if (!StaysAlone(Side::kRight)) return absl::OkStatus();
  for (size_t i = 0; i < meeting.right.size(); ++i) {
    if (right_met[i] == 0) LEAT_RETURN_IF_ERROR(Alone(meeting.right[i], Side::kRight, rows));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> WindowJoin::Matches(const StoredRow& left, const std::vector<std::string>& rights,
                                                         const Context& context, Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const data::Batch batch, DecodeRow(node_->inputs[0]->schema, left.row));
  std::vector<std::string> errors;
  auto flags = condition_.Matches(batch, 0, Side::kLeft, rights, context, &errors);
  for (std::string& error : errors) output.Fail(MakeFailedRow(batch, 0, std::move(error)));
  return flags;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindowJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<WindowJoin>(node, std::move(condition)));
}

}  // namespace leat::exec
