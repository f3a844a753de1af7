// The interval join: lower <= left time - right time <= upper. A row is kept, by key and by a step of time, while rows
// that it can meet may still come; then it goes, and gives its padded row if its side is outer and it has met none.
// Late rows meet what is kept and are not kept themselves, as on Flink.
#include <algorithm>

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

constexpr int64_t kStepsPerInterval = 8;
constexpr uint8_t kUnmet = 0;
constexpr uint8_t kMet = 1;

struct IntervalState : OperatorState {
  state::StateTable* sides[2] = {nullptr, nullptr};
  std::string key;  // scratch
  std::string row;  // scratch
};

struct Step {
  const data::Batch& batch;
  uint32_t row;
  int side;
  int64_t time_ms;
  const Context& context;
  JoinedRows& rows;
  Output& output;

  Side own() const { return side == 0 ? Side::kLeft : Side::kRight; }
  Side other() const { return side == 0 ? Side::kRight : Side::kLeft; }
};

class IntervalJoin : public Operator {
 public:
  IntervalJoin(plan::NodePtr node, JoinCondition condition)
      : node_(std::move(node)),
        condition_(std::move(condition)),
        lower_(node_->join.lower_ms),
        upper_(node_->join.upper_ms),
        step_(std::max<int64_t>(1, (upper_ - lower_) / kStepsPerInterval)) {}

  std::string Name() const override { return StrCat("IntervalJoin#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<IntervalState>();
    for (int side = 0; side < 2; ++side) state->sides[side] = &backend.Table(node_->id, side);
    return state;
  }
  absl::Status Process(OperatorState&, const Context&, const data::Batch&, Output&) const override {
    return Internal(Name(), ": rows without the number of their input");
  }
  absl::Status ProcessInput(OperatorState& state, const Context& context, int input, const data::Batch& batch,
                            Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  int64_t OutputWatermark(int64_t watermark_ms) const override {
    if (watermark_ms == kMaxWatermark || watermark_ms == kMinWatermark) return watermark_ms;
    return SaturatingAdd(watermark_ms, -(std::max({int64_t{0}, upper_, -lower_}) + step_ + 1));
  }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  bool IsOuter(int side) const {
    const JoinType type = node_->join.type;
    return type == JoinType::kFull || type == (side == 0 ? JoinType::kLeft : JoinType::kRight);
  }
  // The time of the last row of the other side that a row can meet, and of the first.
  int64_t Last(int side, int64_t time_ms) const {
    return side == 0 ? SaturatingAdd(time_ms, -lower_) : SaturatingAdd(time_ms, upper_);
  }
  int64_t First(int side, int64_t time_ms) const {
    return side == 0 ? SaturatingAdd(time_ms, -upper_) : SaturatingAdd(time_ms, lower_);
  }
  int64_t StepOf(int64_t time_ms) const { return FloorDiv(time_ms, step_) * step_; }

  absl::Status ProcessRow(Step& step, IntervalState* state) const;
  absl::Status MeetStep(Step& step, state::Namespace ns, IntervalState* state, bool* met) const;
  absl::Status Keep(const Step& step, bool met, IntervalState* state) const;
  absl::Status Expire(int side, int64_t watermark_ms, IntervalState* state, JoinedRows* rows) const;

  plan::NodePtr node_;
  JoinCondition condition_;
  const int64_t lower_;
  const int64_t upper_;
  const int64_t step_;
};

absl::Status IntervalJoin::ProcessInput(OperatorState& operator_state, const Context& context, int input,
                                        const data::Batch& batch, Output& output) const {
  auto& state = static_cast<IntervalState&>(operator_state);
  const plan::JoinSpec& join = node_->join;
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, input == 0 ? join.left_keys : join.right_keys, join.null_matches);
  const data::Column& time = *batch.columns[static_cast<size_t>(input == 0 ? join.left_time : join.right_time)];
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (time.IsNull(row) || data::IsRetraction(batch.kind(row))) {
      output.Fail(MakeFailedRow(batch, row,
                                time.IsNull(row) ? "the event time of an interval join is NULL"
                                                 : "an interval join takes no updates or deletes"));
      continue;
    }
    Step step{batch, row, input, FloorDiv(time.values<int64_t>()[row], data::kMicrosPerMilli), context, rows, output};
    if (keys.Encode(row, &state.key)) {
      LEAT_RETURN_IF_ERROR(ProcessRow(step, &state));
    } else if (IsOuter(input)) {
      LEAT_RETURN_IF_ERROR(rows.Padded(RowKind::kInsert, batch, row, step.own()));
    }
  }
  return out.Flush();
}

absl::Status IntervalJoin::ProcessRow(Step& step, IntervalState* state) const {
  const int64_t first = First(step.side, step.time_ms);
  const int64_t last = Last(step.side, step.time_ms);
  state->row.clear();
  EncodeRow(step.batch, step.row, &state->row);
  bool met = false;
  state::StateTable& other = *state->sides[1 - step.side];
  std::vector<state::Namespace> steps;
  LEAT_ASSIGN_OR_RETURN(auto ns, other.NextNamespace(StepOf(first)));
  while (ns && *ns <= last) {
    steps.push_back(*ns);
    LEAT_ASSIGN_OR_RETURN(ns, other.NextNamespace(*ns + 1));
  }
  for (const state::Namespace one : steps) LEAT_RETURN_IF_ERROR(MeetStep(step, one, state, &met));
  if (step.context.watermark_ms < last) return Keep(step, met, state);
  if (met || !IsOuter(step.side)) return absl::OkStatus();
  return step.rows.Padded(RowKind::kInsert, step.batch, step.row, step.own());
}

absl::Status IntervalJoin::MeetStep(Step& step, state::Namespace ns, IntervalState* state, bool* met) const {
  const int other_side = 1 - step.side;
  state::StateTable& other = *state->sides[other_side];
  LEAT_ASSIGN_OR_RETURN(const std::string* found, other.Find(ns, state->key));
  if (found == nullptr) return absl::OkStatus();
  std::string bytes = *found;
  LEAT_ASSIGN_OR_RETURN(const std::vector<StoredRow> all, ReadStoredRows(bytes));
  std::vector<StoredRow> candidates;
  std::vector<std::string> others;
  for (const StoredRow& row : all) {
    if (row.time_ms < First(step.side, step.time_ms) || row.time_ms > Last(step.side, step.time_ms)) continue;
    if (Last(other_side, row.time_ms) < step.context.watermark_ms) continue;  // it has gone, if not from the tables
    candidates.push_back(row);
    if (!condition_.always()) others.emplace_back(row.row);
  }
  std::vector<std::string> errors;
  std::vector<uint8_t> flags(candidates.size(), 1);
  if (!condition_.always()) {
    LEAT_ASSIGN_OR_RETURN(flags, condition_.Matches(step.batch, step.row, step.own(), others, step.context, &errors));
  }
  for (std::string& error : errors) step.output.Fail(MakeFailedRow(step.batch, step.row, std::move(error)));
  std::string changed;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (flags[i] == 0) continue;
    *met = true;
    LEAT_RETURN_IF_ERROR(step.rows.Pair(RowKind::kInsert, step.batch, step.row, step.own(), candidates[i].row));
    if (!IsOuter(other_side) || candidates[i].tag == kMet) continue;
    if (changed.empty()) changed = bytes;
    changed[candidates[i].tag_at] = static_cast<char>(kMet);
  }
  if (changed.empty()) return absl::OkStatus();
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, other.Mutate(ns, state->key, &inserted));
  value->swap(changed);
  return absl::OkStatus();
}

absl::Status IntervalJoin::Keep(const Step& step, bool met, IntervalState* state) const {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value,
                        state->sides[step.side]->Mutate(StepOf(step.time_ms), state->key, &inserted));
  AppendStoredRow(step.time_ms, met ? kMet : kUnmet, state->row, value);
  return absl::OkStatus();
}

absl::Status IntervalJoin::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<IntervalState&>(operator_state);
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  for (int side = 0; side < 2; ++side) {
    LEAT_RETURN_IF_ERROR(Expire(side, context.watermark_ms, &state, &rows));
  }
  return out.Flush();
}

// Steps of time go as a whole, when the last row that could be in them has no one to meet any more.
absl::Status IntervalJoin::Expire(int side, int64_t watermark_ms, IntervalState* state, JoinedRows* rows) const {
  state::StateTable& table = *state->sides[side];
  LEAT_ASSIGN_OR_RETURN(auto ns, table.NextNamespace(std::numeric_limits<int64_t>::min()));
  while (ns && (watermark_ms == kMaxWatermark || Last(side, *ns + step_ - 1) < watermark_ms)) {
    if (IsOuter(side)) {
      LEAT_ASSIGN_OR_RETURN(const KeyedBytes entries, SortedEntries(table, *ns));
      for (const auto& [key, bytes] : entries) {
        LEAT_ASSIGN_OR_RETURN(const std::vector<StoredRow> stored, ReadStoredRows(bytes));
        for (const StoredRow& row : stored) {
          if (row.tag == kMet) continue;
          LEAT_RETURN_IF_ERROR(rows->Padded(RowKind::kInsert, row.row, side == 0 ? Side::kLeft : Side::kRight));
        }
      }
    }
    LEAT_RETURN_IF_ERROR(table.EraseNamespace(*ns));
    LEAT_ASSIGN_OR_RETURN(ns, table.NextNamespace(*ns));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeIntervalJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<IntervalJoin>(node, std::move(condition)));
}

}  // namespace leat::exec
