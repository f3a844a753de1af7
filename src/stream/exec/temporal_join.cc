// FOR SYSTEM_TIME AS OF an event time: each left row, when the watermark passes its time, with the version of the right
// row that held then. A version holds from its time until the next one of its key; a delete makes a hole. Versions that
// no left row can ask for any more go, all but the newest. Left rows that come behind the watermark are late.
#include <algorithm>
#include <span>

#include "base/strings.h"
#include "stream/exec/calendar.h"
#include "stream/exec/change_output.h"
#include "stream/exec/join_condition.h"
#include "stream/exec/operators.h"
#include "stream/exec/stored_rows.h"
#include "stream/exec/waiting_rows.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::JoinType;
using Side = JoinCondition::Side;

constexpr int kLeftTable = 0;   // by time and key: the rows that wait, their kind as tag
constexpr int kRightTable = 1;  // by key: the versions in order of time
constexpr int kProgressTable = 2;
constexpr uint8_t kHole = 0;
constexpr uint8_t kRow = 1;

struct TemporalState : OperatorState {
  TemporalState(state::StateTable& left_table, state::StateTable& right_table, EmittedWatermark watermark)
      : left(left_table), right(&right_table), emitted(watermark) {}
  WaitingRows left;
  state::StateTable* right;
  EmittedWatermark emitted;
  std::string key;  // scratch
  std::string row;  // scratch
};

// Keeps those after the watermark, and the newest of those before.
std::string Pruned(const std::vector<StoredRow>& versions, int64_t watermark_ms) {
  size_t first = 0;
  while (first + 1 < versions.size() && versions[first + 1].time_ms <= watermark_ms) ++first;
  std::string kept;
  for (size_t i = first; i < versions.size(); ++i) {
    AppendStoredRow(versions[i].time_ms, versions[i].tag, versions[i].row, &kept);
  }
  return kept;
}

class TemporalJoin : public Operator {
 public:
  TemporalJoin(plan::NodePtr node, JoinCondition condition)
      : node_(std::move(node)), condition_(std::move(condition)) {}

  std::string Name() const override { return StrCat("TemporalJoin#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(EmittedWatermark emitted, EmittedWatermark::Open(backend.Table(node_->id, kProgressTable)));
    return std::make_unique<TemporalState>(backend.Table(node_->id, kLeftTable), backend.Table(node_->id, kRightTable),
                                           emitted);
  }
  absl::Status Process(OperatorState&, const Context&, const data::Batch&, Output&) const override {
    return Internal(Name(), ": rows without the number of their input");
  }
  absl::Status ProcessInput(OperatorState& state, const Context&, int input, const data::Batch& batch,
                            Output& output) const override {
    auto& own = static_cast<TemporalState&>(state);
    return input == 0 ? TakeLeft(&own, batch, output) : TakeRight(&own, batch, output);
  }
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override {
    auto& own = static_cast<TemporalState&>(state);
    LEAT_RETURN_IF_ERROR(own.left.Flush());
    return own.emitted.Save();
  }

 private:
  absl::Status TakeLeft(TemporalState* state, const data::Batch& batch, Output& output) const;
  absl::Status TakeRight(TemporalState* state, const data::Batch& batch, Output& output) const;
  absl::Status AddVersion(int64_t time_ms, uint8_t tag, TemporalState* state) const;
  absl::Status Emit(std::string_view key, std::span<const StoredRow> lefts, const Context& context,
                    TemporalState* state, JoinedRows* rows, Output& output) const;
  absl::StatusOr<bool> Holds(const StoredRow& left, const StoredRow& right, const Context& context,
                             Output& output) const;
  absl::Status Padded(RowKind kind, const StoredRow& left, JoinedRows* rows) const {
    if (node_->join.type != JoinType::kLeft) return absl::OkStatus();
    return rows->Padded(kind, left.row, Side::kLeft);
  }

  plan::NodePtr node_;
  JoinCondition condition_;
};

absl::Status TemporalJoin::TakeLeft(TemporalState* state, const data::Batch& batch, Output& output) const {
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, node_->join.left_keys, node_->join.null_matches);
  const data::Column& time = *batch.columns[static_cast<size_t>(node_->join.left_time)];
  std::vector<uint32_t> late;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (time.IsNull(row)) {
      output.Fail(MakeFailedRow(batch, row, "the event time of a temporal join is NULL"));
      continue;
    }
    const int64_t time_ms = FloorDiv(time.values<int64_t>()[row], data::kMicrosPerMilli);
    if (time_ms <= state->emitted.ms()) {
      late.push_back(row);
      continue;
    }
    if (!keys.Encode(row, &state->key)) {
      if (node_->join.type != JoinType::kLeft) continue;
      LEAT_RETURN_IF_ERROR(rows.Padded(batch.kind(row), batch, row, Side::kLeft));
      continue;
    }
    state->row.clear();
    EncodeRow(batch, row, &state->row);
    LEAT_RETURN_IF_ERROR(state->left.Add(time_ms, state->key, static_cast<uint8_t>(batch.kind(row)), state->row));
  }
  if (!late.empty()) output.Late(batch, late);
  return out.Flush();
}

absl::Status TemporalJoin::TakeRight(TemporalState* state, const data::Batch& batch, Output& output) const {
  const JoinKeys keys(batch, node_->join.right_keys, node_->join.null_matches);
  const data::Column& time = *batch.columns[static_cast<size_t>(node_->join.right_time)];
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (batch.kind(row) == RowKind::kUpdateBefore) continue;  // the new version ends the old one
    if (time.IsNull(row)) {
      output.Fail(MakeFailedRow(batch, row, "the event time of a version is NULL"));
      continue;
    }
    if (!keys.Encode(row, &state->key)) continue;
    state->row.clear();
    EncodeRow(batch, row, &state->row);
    const int64_t time_ms = FloorDiv(time.values<int64_t>()[row], data::kMicrosPerMilli);
    LEAT_RETURN_IF_ERROR(AddVersion(time_ms, batch.kind(row) == RowKind::kDelete ? kHole : kRow, state));
  }
  return absl::OkStatus();
}

// Of two versions with one time the later one counts.
absl::Status TemporalJoin::AddVersion(int64_t time_ms, uint8_t tag, TemporalState* state) const {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->right->Mutate(0, state->key, &inserted));
  LEAT_ASSIGN_OR_RETURN(std::vector<StoredRow> versions, ReadStoredRows(*value));
  auto at = std::ranges::find_if(versions, [&](const StoredRow& version) { return version.time_ms >= time_ms; });
  const StoredRow added{.time_ms = time_ms, .tag = tag, .row = state->row};
  if (at != versions.end() && at->time_ms == time_ms) {
    *at = added;
  } else {
    versions.insert(at, added);
  }
  std::string kept = Pruned(versions, state->emitted.ms());
  value->swap(kept);
  return absl::OkStatus();
}

absl::Status TemporalJoin::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<TemporalState&>(operator_state);
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  LEAT_RETURN_IF_ERROR(
      state.left.Take(context.watermark_ms, [&](std::string_view key, std::span<const StoredRow> lefts) {
        return Emit(key, lefts, context, &state, &rows, output);
      }));
  state.emitted.Raise(context.watermark_ms);
  return out.Flush();
}

absl::Status TemporalJoin::Emit(std::string_view key, std::span<const StoredRow> lefts, const Context& context,
                                TemporalState* state, JoinedRows* rows, Output& output) const {
  // Stays where it is until the next call on this table.
  LEAT_ASSIGN_OR_RETURN(const std::string* found, state->right->Find(0, key));
  const std::string_view bytes = found == nullptr ? std::string_view() : *found;
  LEAT_ASSIGN_OR_RETURN(const std::vector<StoredRow> versions, ReadStoredRows(bytes));
  for (const StoredRow& left : lefts) {
    const auto next =
        std::ranges::find_if(versions, [&](const StoredRow& version) { return version.time_ms > left.time_ms; });
    const RowKind kind = static_cast<RowKind>(left.tag);
    bool joined = false;
    if (next != versions.begin() && std::prev(next)->tag == kRow) {
      LEAT_ASSIGN_OR_RETURN(joined, Holds(left, *std::prev(next), context, output));
    }
    LEAT_RETURN_IF_ERROR(joined ? rows->StoredPair(kind, left.row, std::prev(next)->row) : Padded(kind, left, rows));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TemporalJoin::Holds(const StoredRow& left, const StoredRow& right, const Context& context,
                                         Output& output) const {
  if (condition_.always()) return true;
  LEAT_ASSIGN_OR_RETURN(const data::Batch batch, DecodeRow(node_->inputs[0]->schema, left.row));
  std::vector<std::string> errors;
  LEAT_ASSIGN_OR_RETURN(const std::vector<uint8_t> flags,
                        condition_.Matches(batch, 0, Side::kLeft, {std::string(right.row)}, context, &errors));
  for (std::string& error : errors) output.Fail(MakeFailedRow(batch, 0, std::move(error)));
  return flags[0] != 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeTemporalJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<TemporalJoin>(node, std::move(condition)));
}

}  // namespace leat::exec
