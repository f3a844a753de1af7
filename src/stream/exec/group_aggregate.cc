// GROUP BY keys without a window: a changelog. The first row of a group gives +I, later ones -U and +U, the last one
// taken back -D; a result that does not change is not emitted again. State is one entry a group.
#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/accumulator.h"
#include "stream/exec/group_output.h"
#include "stream/exec/operators.h"
#include "stream/exec/ordered_bag.h"
#include "stream/exec/slice_store.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::AggregateKind;

struct GroupState : OperatorState {
  state::StateTable* groups = nullptr;
  std::vector<state::StateTable*> slot_tables;  // per slot, null if it needs none
  std::string key;                              // scratch
  std::string slot_key;                         // scratch
  std::vector<char> accumulator;                // scratch: the group's, while its row is worked on
};

class GroupAggregate : public Operator {
 public:
  GroupAggregate(plan::NodePtr node, AccumulatorLayout layout)
      : node_(std::move(node)), layout_(std::move(layout)), retracting_(node_->inputs[0]->produces_updates) {}

  std::string Name() const override { return StrCat("GroupAggregate#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override;
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  bool IsExtreme(size_t slot) const {
    const AggregateKind kind = layout_.slots()[slot].kind;
    return kind == AggregateKind::kMin || kind == AggregateKind::kMax;
  }
  bool HasExtreme() const {
    for (size_t i = 0; i < layout_.slots().size(); ++i) {
      if (IsExtreme(i)) return true;
    }
    return false;
  }
  absl::Status ProcessRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row, GroupState* state,
                          GroupOutput* out) const;
  absl::Status Apply(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row, Sign sign,
                     GroupState* state, data::TextArena& texts) const;
  absl::StatusOr<bool> CountDistinct(size_t slot, const data::Batch& input, size_t row, Sign sign,
                                     GroupState* state) const;
  absl::Status ChangeExtreme(size_t slot, const data::Batch& input, size_t row, Sign sign, GroupState* state,
                             data::TextArena& texts) const;

  plan::NodePtr node_;
  AccumulatorLayout layout_;
  bool retracting_;  // the input can take rows back: MIN and MAX keep all values
};

absl::StatusOr<std::unique_ptr<OperatorState>> GroupAggregate::Open(state::StateBackend& backend) const {
  auto state = std::make_unique<GroupState>();
  state->groups = &backend.Table(node_->id, kGroupTable);
  for (size_t i = 0; i < layout_.slots().size(); ++i) {
    const bool needed = layout_.slots()[i].distinct || (retracting_ && IsExtreme(i));
    state->slot_tables.push_back(needed ? &backend.Table(node_->id, kFirstSlotTable + static_cast<int>(i)) : nullptr);
  }
  state->accumulator.resize(layout_.bytes());
  return state;
}

absl::Status GroupAggregate::Process(OperatorState& operator_state, const Context&, const data::Batch& input,
                                     Output& output) const {
  auto& state = static_cast<GroupState&>(operator_state);
  const std::vector<BoundSlot> bound = layout_.Bind(input);
  GroupOutput out(*node_, layout_, input, output);
  for (size_t row = 0; row < input.rows; ++row) {
    if (!retracting_ && data::IsRetraction(input.kind(row)) && HasExtreme()) {
      output.Fail(
          MakeFailedRow(input, row, "a row is taken back, but the input of MIN or MAX was planned insert-only"));
      continue;
    }
    LEAT_RETURN_IF_ERROR(ProcessRow(bound, input, row, &state, &out));
  }
  return out.Flush();
}

absl::Status GroupAggregate::ProcessRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row,
                                        GroupState* state, GroupOutput* out) const {
  const Sign sign = data::IsRetraction(input.kind(row)) ? Sign::kRetract : Sign::kAdd;
  state->key.clear();
  data::EncodeKey(out->keys(), row, &state->key);
  bool first = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->groups->Mutate(0, state->key, &first));
  char* accumulator = state->accumulator.data();
  int64_t rows = 0;
  if (first) {
    if (sign == Sign::kRetract) {
      ++state->counters.ignored_retractions;
      return state->groups->Erase(0, state->key);
    }
    std::ranges::fill(state->accumulator, 0);
  } else {
    if (value->size() < sizeof(rows)) return DataLoss("state: a group of ", value->size(), " bytes");
    std::memcpy(&rows, value->data(), sizeof(rows));
    LEAT_RETURN_IF_ERROR(layout_.Load(std::string_view(*value).substr(sizeof(rows)), accumulator));
    out->AppendOld(row, accumulator);
  }
  data::TextArena texts;
  LEAT_RETURN_IF_ERROR(Apply(bound, input, row, sign, state, texts));
  rows += static_cast<int64_t>(sign);
  if (rows <= 0) {
    LEAT_RETURN_IF_ERROR(state->groups->Erase(0, state->key));
    return out->FinishDelete();
  }
  // Built apart: texts of the accumulator may lie in the value that is replaced.
  std::string stored(reinterpret_cast<const char*>(&rows), sizeof(rows));
  layout_.Store(accumulator, &stored);
  LEAT_RETURN_IF_ERROR(first ? out->FinishInsert(row, accumulator) : out->FinishUpdate(row, accumulator));
  *value = std::move(stored);
  return absl::OkStatus();
}

absl::Status GroupAggregate::Apply(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row, Sign sign,
                                   GroupState* state, data::TextArena& texts) const {
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!bound[i].Takes(row)) continue;
    if (bound[i].slot->distinct) {
      LEAT_ASSIGN_OR_RETURN(const bool changes, CountDistinct(i, input, row, sign, state));
      if (!changes) continue;
    } else if (retracting_ && IsExtreme(i)) {
      LEAT_RETURN_IF_ERROR(ChangeExtreme(i, input, row, sign, state, texts));
      continue;
    }
    AccumulatorLayout::Add(bound[i], row, sign, state->accumulator.data(), texts);
  }
  return absl::OkStatus();
}

// Counts the value; true if it is the first of its kind that came or the last that went.
absl::StatusOr<bool> GroupAggregate::CountDistinct(size_t slot, const data::Batch& input, size_t row, Sign sign,
                                                   GroupState* state) const {
  std::string value_key;
  data::EncodeKey({&input.columns[static_cast<size_t>(layout_.slots()[slot].argument)], 1}, row, &value_key);
  state->slot_key.clear();
  AppendDistinctKey(state->key, value_key, &state->slot_key);
  state::StateTable& table = *state->slot_tables[slot];
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, table.Mutate(0, state->slot_key, &inserted));
  if (inserted) value->assign(sizeof(int64_t), '\0');
  if (value->size() != sizeof(int64_t)) return DataLoss("state: a DISTINCT count of ", value->size(), " bytes");
  int64_t count = 0;
  std::memcpy(&count, value->data(), sizeof(count));
  const int64_t next = count + static_cast<int64_t>(sign);
  if (next < 0) {
    ++state->counters.ignored_retractions;
    LEAT_RETURN_IF_ERROR(table.Erase(0, state->slot_key));
    return false;
  }
  std::memcpy(value->data(), &next, sizeof(next));
  if (next == 0) LEAT_RETURN_IF_ERROR(table.Erase(0, state->slot_key));
  return count == 0 || next == 0;
}

// Keeps all values of the group, and the extreme of them in the accumulator.
absl::Status GroupAggregate::ChangeExtreme(size_t slot, const data::Batch& input, size_t row, Sign sign,
                                           GroupState* state, data::TextArena& texts) const {
  const AggregateSlot& aggregate = layout_.slots()[slot];
  const data::Column& column = *input.columns[static_cast<size_t>(aggregate.argument)];
  std::string encoded;
  EncodeOrdered(column, row, &encoded);
  state::StateTable& table = *state->slot_tables[slot];
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * bag, table.Mutate(0, state->key, &inserted));
  const OrderedBag order(OrderedValueBytes(aggregate.argument_type.storage()));
  if (!order.Change(encoded, static_cast<int64_t>(sign), bag)) ++state->counters.ignored_retractions;
  const auto extreme = aggregate.kind == AggregateKind::kMin ? order.Smallest(*bag) : order.Largest(*bag);
  layout_.Reset(slot, state->accumulator.data());
  if (!extreme) return table.Erase(0, state->key);
  data::Column one(aggregate.argument_type);
  LEAT_RETURN_IF_ERROR(DecodeOrdered(*extreme, &one));
  AccumulatorLayout::Add(AccumulatorLayout::BindColumn(aggregate, one), 0, Sign::kAdd, state->accumulator.data(),
                         texts);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeGroupAggregate(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout, AccumulatorLayout::Make(node->aggregates, *node->inputs[0]->schema));
  return std::unique_ptr<Operator>(std::make_unique<GroupAggregate>(node, std::move(layout)));
}

}  // namespace leat::exec
