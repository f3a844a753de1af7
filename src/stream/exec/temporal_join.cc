// FOR SYSTEM_TIME AS OF an event time: each left row, when the watermark passes its time, with the version of the right
// row that held then. A version holds from its time until the next one of its key; a delete makes a hole. Versions that
// no left row can ask for any more go, all but the newest. Left rows that come behind the watermark are late.
#include <algorithm>
#include <span>

#include "base/strings.h"
#include "stream/data/gather.h"
#include "stream/data/key_codec.h"
#include "stream/exec/calendar.h"
#include "stream/exec/change_output.h"
#include "stream/exec/join_condition.h"
#include "stream/exec/operators.h"
#include "stream/exec/stored_rows.h"
#include "stream/exec/version_cache.h"
#include "stream/exec/waiting_rows.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::JoinType;
using Side = JoinCondition::Side;

constexpr int kLeftTable = 0;   // the rows that wait
constexpr int kRightTable = 1;  // by key: the versions in order of time
constexpr int kProgressTable = 2;

struct TemporalState : OperatorState {
  TemporalState(WaitingRows waiting, state::StateTable& right_table, const data::SchemaPtr& right_schema,
                EmittedWatermark watermark)
      : left(std::move(waiting)), right(&right_table), versions(right_table, right_schema), emitted(watermark) {}
  WaitingRows left;
  state::StateTable* right;
  VersionCache versions;
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

// The output: pairs of a waiting row and a version, put together column by column.
class Pairs {
 public:
  Pairs(const data::SchemaPtr& schema, const VersionCache& versions, Output& output)
      : schema_(schema), versions_(versions), output_(output) {}

  // `version`: its row in the cache, or kNoRow. Both have to stay until Flush.
  absl::Status Add(const WaitingRows::Row& left, uint32_t version) {
    lefts_.push_back(left);
    rights_.push_back(version);
    kinds_.push_back(left.kind());
    // The old value and the new one stay in one batch.
    return lefts_.size() + 1 < data::kBatchRows || left.kind() == RowKind::kUpdateBefore ? absl::OkStatus() : Flush();
  }
  void Keep(const WaitingRows::Owners& owners) {
    if (!lefts_.empty()) owners_.insert(owners_.end(), owners.begin(), owners.end());
  }
  absl::Status Flush();

 private:
  const data::SchemaPtr& schema_;
  const VersionCache& versions_;
  Output& output_;
  std::vector<WaitingRows::Row> lefts_;
  std::vector<uint32_t> rights_;
  std::vector<RowKind> kinds_;
  WaitingRows::Owners owners_;
};

absl::Status Pairs::Flush() {
  if (lefts_.empty()) return absl::OkStatus();
  data::Batch batch{.schema = schema_, .columns = {}, .rows = lefts_.size()};
  const size_t left_width = lefts_[0].rows->batch.columns.size();
  std::vector<data::Cell> cells(lefts_.size());
  for (size_t column = 0; column < schema_->fields.size(); ++column) {
    for (size_t i = 0; i < lefts_.size(); ++i) {
      if (column < left_width) {
        cells[i] = {lefts_[i].rows->batch.columns[column].get(), lefts_[i].row};
      } else {
        const bool padded = rights_[i] == VersionCache::kNoRow;
        cells[i] = {padded ? nullptr : versions_.columns()[column - left_width].get(), padded ? 0 : rights_[i]};
      }
    }
    batch.columns.push_back(data::GatherCells(schema_->fields[column].type, cells));
  }
  if (std::ranges::any_of(kinds_, [](RowKind kind) { return kind != RowKind::kInsert; })) batch.kinds = kinds_;
  lefts_.clear();
  rights_.clear();
  kinds_.clear();
  owners_.clear();
  return output_.Emit(std::move(batch));
}

class TemporalJoin : public Operator {
 public:
  TemporalJoin(plan::NodePtr node, JoinCondition condition)
      : node_(std::move(node)), condition_(std::move(condition)) {}

  std::string Name() const override { return StrCat("TemporalJoin#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(EmittedWatermark emitted, EmittedWatermark::Open(backend.Table(node_->id, kProgressTable)));
    LEAT_ASSIGN_OR_RETURN(WaitingRows waiting, WaitingRows::Open(backend.Table(node_->id, kLeftTable), left_schema()));
    return std::make_unique<TemporalState>(std::move(waiting), backend.Table(node_->id, kRightTable),
                                           node_->inputs[1]->schema, emitted);
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
  absl::Status Join(std::span<const WaitingRows::Row> lefts, const Context& context, TemporalState* state, Pairs* pairs,
                    Output& output) const;
  absl::StatusOr<bool> Holds(const WaitingRows::Row& left, uint32_t version, const Context& context,
                             const VersionCache& versions, Output& output) const;
  const data::SchemaPtr& left_schema() const { return node_->inputs[0]->schema; }

  plan::NodePtr node_;
  JoinCondition condition_;
};

absl::Status TemporalJoin::TakeLeft(TemporalState* state, const data::Batch& batch, Output& output) const {
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, node_->join.left_keys, node_->join.null_matches);
  const data::Column& time = *batch.columns[static_cast<size_t>(node_->join.left_time)];
  std::vector<uint32_t> late;
  std::vector<uint32_t> waiting;
  std::vector<int64_t> times_ms;
  KeyedRows held;
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
    waiting.push_back(row);
    times_ms.push_back(time_ms);
    held.AddKey(state->key);
  }
  held.batch = data::Gather(batch, waiting);
  LEAT_RETURN_IF_ERROR(state->left.Add(std::move(held), times_ms));
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
    LEAT_RETURN_IF_ERROR(AddVersion(time_ms, batch.kind(row) == RowKind::kDelete ? kVersionHole : kVersionRow, state));
  }
  return absl::OkStatus();
}

// Of two versions with one time the later one counts.
absl::Status TemporalJoin::AddVersion(int64_t time_ms, uint8_t tag, TemporalState* state) const {
  bool inserted = false;
  state->versions.Forget(state->key);
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
  Pairs pairs(node_->schema, state.versions, output);
  const auto join = [&](std::span<const WaitingRows::Row> lefts, const WaitingRows::Owners& owners) {
    LEAT_RETURN_IF_ERROR(Join(lefts, context, &state, &pairs, output));
    pairs.Keep(owners);
    if (!state.versions.IsFull()) return absl::OkStatus();
    LEAT_RETURN_IF_ERROR(pairs.Flush());
    state.versions.Clear();
    return absl::OkStatus();
  };
  LEAT_RETURN_IF_ERROR(state.left.Take(context.watermark_ms, join));
  state.emitted.Raise(context.watermark_ms);
  return pairs.Flush();
}

absl::Status TemporalJoin::Join(std::span<const WaitingRows::Row> lefts, const Context& context, TemporalState* state,
                                Pairs* pairs, Output& output) const {
  for (const WaitingRows::Row& left : lefts) {
    LEAT_ASSIGN_OR_RETURN(uint32_t version, state->versions.Find(left.key(), left.time_ms));
    if (version != VersionCache::kNoRow && !condition_.always()) {
      LEAT_ASSIGN_OR_RETURN(const bool holds, Holds(left, version, context, state->versions, output));
      if (!holds) version = VersionCache::kNoRow;
    }
    if (version == VersionCache::kNoRow && node_->join.type != JoinType::kLeft) continue;
    LEAT_RETURN_IF_ERROR(pairs->Add(left, version));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TemporalJoin::Holds(const WaitingRows::Row& left, uint32_t version, const Context& context,
                                         const VersionCache& versions, Output& output) const {
  const data::Batch& batch = left.rows->batch;
  const std::vector<data::ColumnPtr> columns(versions.columns().begin(), versions.columns().end());
  std::string right;
  data::EncodeKey(columns, version, &right);
  std::vector<std::string> errors;
  LEAT_ASSIGN_OR_RETURN(const std::vector<uint8_t> flags,
                        condition_.Matches(batch, left.row, Side::kLeft, {right}, context, &errors));
  for (std::string& error : errors) output.Fail(MakeFailedRow(batch, left.row, std::move(error)));
  return flags[0] != 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeTemporalJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<TemporalJoin>(node, std::move(condition)));
}

}  // namespace leat::exec
