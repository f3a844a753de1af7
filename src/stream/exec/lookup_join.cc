// FOR SYSTEM_TIME AS OF the processing time: each left row, when it comes, with the right row of its key that is there.
// Later changes of the right side change nothing that has been emitted. State: the right side's rows by key.
#include "base/strings.h"
#include "stream/exec/change_output.h"
#include "stream/exec/join_condition.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::JoinType;
using Side = JoinCondition::Side;

constexpr int kRightTable = 0;

struct LookupState : OperatorState {
  state::StateTable* right = nullptr;
  std::string key;  // scratch
  std::string row;  // scratch
};

class LookupJoin : public Operator {
 public:
  LookupJoin(plan::NodePtr node, JoinCondition condition) : node_(std::move(node)), condition_(std::move(condition)) {}

  std::string Name() const override { return StrCat("LookupJoin#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<LookupState>();
    state->right = &backend.Table(node_->id, kRightTable);
    return state;
  }
  absl::Status Process(OperatorState&, const Context&, const data::Batch&, Output&) const override {
    return Internal(Name(), ": rows without the number of their input");
  }
  absl::Status ProcessInput(OperatorState& state, const Context& context, int input, const data::Batch& batch,
                            Output& output) const override {
    auto& own = static_cast<LookupState&>(state);
    return input == 0 ? LookUp(&own, context, batch, output) : TakeRight(&own, batch);
  }
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  absl::Status LookUp(LookupState* state, const Context& context, const data::Batch& batch, Output& output) const;
  absl::Status TakeRight(LookupState* state, const data::Batch& batch) const;

  plan::NodePtr node_;
  JoinCondition condition_;
};

absl::Status LookupJoin::TakeRight(LookupState* state, const data::Batch& batch) const {
  const JoinKeys keys(batch, node_->join.right_keys, node_->join.null_matches);
  for (uint32_t row = 0; row < batch.rows; ++row) {
    if (!keys.Encode(row, &state->key)) continue;
    if (data::IsRetraction(batch.kind(row))) {
      LEAT_RETURN_IF_ERROR(state->right->Erase(0, state->key));
      continue;
    }
    state->row.clear();
    EncodeRow(batch, row, &state->row);
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * value, state->right->Mutate(0, state->key, &inserted));
    *value = state->row;
  }
  return absl::OkStatus();
}

absl::Status LookupJoin::LookUp(LookupState* state, const Context& context, const data::Batch& batch,
                                Output& output) const {
  ChangeOutput out(node_->schema, output);
  JoinedRows rows{out, node_->inputs[0]->schema->fields.size(), node_->inputs[1]->schema->fields.size()};
  const JoinKeys keys(batch, node_->join.left_keys, node_->join.null_matches);
  for (uint32_t row = 0; row < batch.rows; ++row) {
    const std::string* found = nullptr;
    if (keys.Encode(row, &state->key)) {
      LEAT_ASSIGN_OR_RETURN(found, state->right->Find(0, state->key));
    }
    bool joined = found != nullptr;
    if (joined && !condition_.always()) {
      std::vector<std::string> errors;
      LEAT_ASSIGN_OR_RETURN(const std::vector<uint8_t> flags,
                            condition_.Matches(batch, row, Side::kLeft, {*found}, context, &errors));
      for (std::string& error : errors) output.Fail(MakeFailedRow(batch, row, std::move(error)));
      joined = flags[0] != 0;
    }
    if (joined) {
      LEAT_RETURN_IF_ERROR(rows.Pair(RowKind::kInsert, batch, row, Side::kLeft, *found));
    } else if (node_->join.type == JoinType::kLeft) {
      LEAT_RETURN_IF_ERROR(rows.Padded(RowKind::kInsert, batch, row, Side::kLeft));
    }
  }
  return out.Flush();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeLookupJoin(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(JoinCondition condition, JoinCondition::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<LookupJoin>(node, std::move(condition)));
}

}  // namespace leat::exec
