// The regular join of two changelogs, in all its types. Each side is kept as a multiset by join key; where a side is
// outer (or is the left of a semi, anti or mark join), each of its rows is kept with the number of rows it meets, so
// that its padded row comes and goes when that number leaves and reaches 0. NULL keys meet nothing: such rows are not
// kept.
#include <algorithm>

#include "base/strings.h"
#include "stream/exec/calendar.h"
#include "stream/exec/change_output.h"
#include "stream/exec/join_condition.h"
#include "stream/exec/join_side.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::JoinType;
using Side = JoinCondition::Side;

constexpr int kLeftTable = 0;
constexpr int kRightTable = 2;
// Rows that go with the watermark go in so many steps, but not in shorter ones.
constexpr int64_t kStepsKept = 8;
constexpr int64_t kShortestStepMs = 1000;

struct JoinState : OperatorState {
  JoinState(JoinSide a, JoinSide b) : left(std::move(a)), right(std::move(b)) {}
  JoinSide left;
  JoinSide right;
  std::string key;  // scratch
  std::string row;  // scratch
};

// Where the condition holds, for a run of a batch's rows.
struct Tried {
  uint32_t first = 0;
  uint32_t end = 0;
  std::vector<size_t> begins;    // per row: its first pair; then the end of all
  std::vector<uint8_t> holds;    // per pair
  std::vector<RowError> errors;  // by row of the batch
};

// What one row of the input does.
struct Step {
  const data::Batch& batch;
  uint32_t row;
  Side side;
  const Context& context;
  JoinSide& own;
  JoinSide& other;
  JoinedRows& rows;
  Output& output;
  const Tried& tried;

  RowKind kind() const { return batch.kind(row); }
  bool adds() const { return !data::IsRetraction(kind()); }
};

class Join : public Operator {
 public:
  Join(plan::NodePtr node, JoinCondition condition) : node_(std::move(node)), condition_(std::move(condition)) {}

  std::string Name() const override { return StrCat("Join#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override;
  absl::Status Process(OperatorState&, const Context&, const data::Batch&, Output&) const override {
    return Internal(Name(), ": rows without the number of their input");
  }
  absl::Status ProcessInput(OperatorState& state, const Context& context, int input, const data::Batch& batch,
                            Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  bool IsHalf() const {
    const JoinType type = node_->join.type;
    return type == JoinType::kSemi || type == JoinType::kAnti || type == JoinType::kMark;
  }
  bool IsOuter(Side side) const {
    const JoinType type = node_->join.type;
    return type == JoinType::kFull || type == (side == Side::kLeft ? JoinType::kLeft : JoinType::kRight);
  }
  // The column by which rows of this side go with the watermark; -1: they stay.
  int TimeOf(Side side) const { return side == Side::kLeft ? node_->join.left_time : node_->join.right_time; }
  int64_t KeepMs(Side side) const { return side == Side::kLeft ? -node_->join.lower_ms : node_->join.upper_ms; }
  int64_t StepMs(Side side) const { return std::max(kShortestStepMs, KeepMs(side) / kStepsKept); }
  static Side Opposite(Side side) { return side == Side::kLeft ? Side::kRight : Side::kLeft; }

  absl::Status ProcessRow(Step& step, JoinState* state) const;
  absl::Status TryCondition(const data::Batch& batch, Side side, const Context& context, const JoinKeys& keys,
                            JoinState* state, Tried* tried) const;
  absl::Status WithoutKey(Step& step) const;
  absl::Status Meet(Step& step, const std::string& key, int32_t* met) const;
  absl::Status MeetOne(Step& step, std::string_view other, int32_t& matches) const;
  absl::Status MeetHalf(Step& step, std::string_view left, int32_t& matches) const;
  absl::Status Turn(Step& step, std::string_view left, bool meets) const;
  absl::Status Alone(Step& step, bool meets) const;
  absl::Status Finish(Step& step, int32_t met) const;
  absl::Status Keep(Step& step, int32_t met, JoinState* state) const;

  plan::NodePtr node_;
  JoinCondition condition_;
};

absl::StatusOr<std::unique_ptr<OperatorState>> Join::Open(state::StateBackend& backend) const {
  const plan::JoinSpec& join = node_->join;
  LEAT_ASSIGN_OR_RETURN(JoinSide left,
                        JoinSide::Open(backend, node_->id, kLeftTable, join.left_ttl_ms, StepMs(Side::kLeft)));
  LEAT_ASSIGN_OR_RETURN(JoinSide right,
                        JoinSide::Open(backend, node_->id, kRightTable, join.right_ttl_ms, StepMs(Side::kRight)));
  return std::make_unique<JoinState>(std::move(left), std::move(right));
}

absl::Status Join::ProcessInput(OperatorState& operator_state, const Context& context, int input,
                                const data::Batch& batch, Output& output) const {
  auto& state = static_cast<JoinState&>(operator_state);
  LEAT_RETURN_IF_ERROR(state.left.Sweep(context.wall_ms));
  LEAT_RETURN_IF_ERROR(state.right.Sweep(context.wall_ms));
  const Side side = input == 0 ? Side::kLeft : Side::kRight;
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, input == 0 ? node_->join.left_keys : node_->join.right_keys, node_->join.null_matches);
  JoinSide& own = input == 0 ? state.left : state.right;
  JoinSide& other = input == 0 ? state.right : state.left;
  Tried tried;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (!condition_.always() && row == tried.end) {
      LEAT_RETURN_IF_ERROR(TryCondition(batch, side, context, keys, &state, &tried));
    }
    Step step{batch, row, side, context, own, other, rows, output, tried};
    LEAT_RETURN_IF_ERROR(keys.Encode(row, &state.key) ? ProcessRow(step, &state) : WithoutKey(step));
  }
  return out.Flush();
}

// At the end of the input nothing has to make room.
absl::Status Join::OnWatermark(OperatorState& operator_state, const Context& context, Output&) const {
  auto& state = static_cast<JoinState&>(operator_state);
  if (context.watermark_ms == kMaxWatermark) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(state.left.DropPassed(context.watermark_ms));
  return state.right.DropPassed(context.watermark_ms);
}

absl::Status Join::WithoutKey(Step& step) const {
  if (IsHalf()) {
    return step.side == Side::kLeft ? Alone(step, false) : absl::OkStatus();
  }
  if (!IsOuter(step.side)) return absl::OkStatus();
  return step.rows.Padded(step.adds() ? RowKind::kInsert : RowKind::kDelete, step.batch, step.row, step.side);
}

absl::Status Join::ProcessRow(Step& step, JoinState* state) const {
  state->row.clear();
  EncodeRow(step.batch, step.row, &state->row);
  const int64_t now_ms = step.context.wall_ms;
  if (!step.adds()) {
    LEAT_ASSIGN_OR_RETURN(const bool found, step.own.Remove(state->key, state->row, now_ms));
    // With rows that are forgotten what was emitted for it is still there, and goes.
    if (!found) {
      ++state->counters.ignored_retractions;
      if (!step.own.forgets()) return absl::OkStatus();
    }
  }
  for (const RowError& error : step.tried.errors) {
    if (error.row == step.row) step.output.Fail(MakeFailedRow(step.batch, step.row, error.reason));
  }
  int32_t met = 0;
  LEAT_RETURN_IF_ERROR(Meet(step, state->key, &met));
  LEAT_RETURN_IF_ERROR(Finish(step, met));
  return step.adds() ? Keep(step, met, state) : absl::OkStatus();
}

absl::Status Join::Keep(Step& step, int32_t met, JoinState* state) const {
  int64_t until_ms = JoinSide::kForEver;
  if (const int time = TimeOf(step.side); time >= 0 && !step.own.forgets()) {
    const data::Column& column = *step.batch.columns[static_cast<size_t>(time)];
    if (column.IsNull(step.row)) return absl::OkStatus();  // the condition is true of no pair with it
    until_ms = SaturatingAdd(FloorDiv(column.values<int64_t>()[step.row], data::kMicrosPerMilli), KeepMs(step.side));
    if (until_ms < step.context.watermark_ms) return absl::OkStatus();
  }
  return step.own.Add(state->key, state->row, met, step.context.wall_ms, until_ms);
}

// For the rows from tried->end on, as many as have kPairs pairs together. What rows of one batch meet does not depend
// on each other: they change their own side alone, and of the other one how many it meets.
absl::Status Join::TryCondition(const data::Batch& batch, Side side, const Context& context, const JoinKeys& keys,
                                JoinState* state, Tried* tried) const {
  constexpr size_t kPairs = 4096;
  JoinSide& other = side == Side::kLeft ? state->right : state->left;
  JoinCondition::Trial trial(condition_, side);
  *tried = {.first = tried->end, .end = tried->end, .begins = {0}, .holds = {}, .errors = {}};
  for (; tried->end < batch.rows && trial.pairs() < kPairs; ++tried->end) {
    if (keys.Encode(tried->end, &state->key)) {
      const auto add = [&](std::string_view row, int32_t&) { return trial.Add(tried->end, row); };
      LEAT_RETURN_IF_ERROR(other.ForEach(state->key, context.wall_ms, JoinSide::Access::kRead, add));
    }
    tried->begins.push_back(trial.pairs());
  }
  tried->holds = trial.Matches(batch, context, &tried->errors);
  return absl::OkStatus();
}

absl::Status Join::Meet(Step& step, const std::string& key, int32_t* met) const {
  const bool counted = IsHalf() ? step.side == Side::kRight : IsOuter(Opposite(step.side));
  const Tried& tried = step.tried;
  size_t pair = tried.begins.empty() ? 0 : tried.begins[step.row - tried.first];
  return step.other.ForEach(key, step.context.wall_ms, counted ? JoinSide::Access::kChange : JoinSide::Access::kRead,
                            [&](std::string_view other, int32_t& matches) {
                              if (!tried.begins.empty() && tried.holds[pair++] == 0) return absl::OkStatus();
                              ++*met;
                              return IsHalf() ? MeetHalf(step, other, matches) : MeetOne(step, other, matches);
                            });
}

absl::Status Join::MeetOne(Step& step, std::string_view other, int32_t& matches) const {
  const Side other_side = Opposite(step.side);
  const bool inner = node_->join.type == JoinType::kInner;
  if (step.adds()) {
    if (IsOuter(other_side) && matches++ == 0) {
      LEAT_RETURN_IF_ERROR(step.rows.Padded(RowKind::kDelete, other, other_side));
    }
    return step.rows.Pair(inner ? step.kind() : RowKind::kInsert, step.batch, step.row, step.side, other);
  }
  LEAT_RETURN_IF_ERROR(step.rows.Pair(inner ? step.kind() : RowKind::kDelete, step.batch, step.row, step.side, other));
  if (IsOuter(other_side) && matches > 0 && --matches == 0) {
    return step.rows.Padded(RowKind::kInsert, other, other_side);
  }
  return absl::OkStatus();
}

// A right row makes left rows come and go, or changes what is said of them.
absl::Status Join::MeetHalf(Step& step, std::string_view left, int32_t& matches) const {
  if (step.side == Side::kLeft) return absl::OkStatus();
  if (step.adds()) return matches++ == 0 ? Turn(step, left, true) : absl::OkStatus();
  return matches > 0 && --matches == 0 ? Turn(step, left, false) : absl::OkStatus();
}

// From now on the stored left row meets right ones, or none.
absl::Status Join::Turn(Step& step, std::string_view left, bool meets) const {
  if (node_->join.type == JoinType::kMark) {
    LEAT_RETURN_IF_ERROR(step.rows.Marked(RowKind::kDelete, left, !meets));
    return step.rows.Marked(RowKind::kInsert, left, meets);
  }
  const bool comes = meets == (node_->join.type == JoinType::kSemi);
  return step.rows.out.Add(comes ? RowKind::kInsert : RowKind::kDelete, left);
}

// A left row of a semi, anti or mark join.
absl::Status Join::Alone(Step& step, bool meets) const {
  if (node_->join.type == JoinType::kMark) return step.rows.Marked(step.kind(), step.batch, step.row, meets);
  if (meets != (node_->join.type == JoinType::kSemi)) return absl::OkStatus();
  return step.rows.out.Add(step.kind(), step.batch, step.row);
}

// What the row gives besides its pairs.
absl::Status Join::Finish(Step& step, int32_t met) const {
  if (IsHalf()) {
    return step.side == Side::kLeft ? Alone(step, met > 0) : absl::OkStatus();
  }
  if (met > 0 || !IsOuter(step.side)) return absl::OkStatus();
  return step.rows.Padded(step.adds() ? RowKind::kInsert : RowKind::kDelete, step.batch, step.row, step.side);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<Join>(node, std::move(condition)));
}

}  // namespace leat::exec
