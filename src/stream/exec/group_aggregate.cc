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
#include "stream/exec/ttl_values.h"

namespace leat::exec {
namespace {

using data::RowKind;
using plan::AggregateKind;

struct GroupState : OperatorState {
  explicit GroupState(TtlValues values) : groups(values) {}
  TtlValues groups;
  std::vector<std::optional<TtlValues>> slot_tables;  // per slot, none if it needs none
  int64_t now_ms = 0;                                 // of the batch
  std::string key;                                    // scratch
  std::string slot_key;                               // scratch
  std::vector<char> accumulator;                      // scratch: the group's, while its row is worked on
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
  // Aggregates that forget what a row taken back would need.
  bool Forgets(size_t slot) const {
    const ListKeeps keeps = layout_.slots()[slot].keeps;
    return IsExtreme(slot) || keeps == ListKeeps::kFirst || keeps == ListKeeps::kLast;
  }
  bool HasForgetful() const {
    for (size_t i = 0; i < layout_.slots().size(); ++i) {
      if (Forgets(i)) return true;
    }
    return false;
  }
  absl::Status ProcessRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row, GroupState* state,
                          GroupOutput* out, Output& output) const;
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
  const int64_t ttl_ms = std::max<int64_t>(0, node_->ttl_ms);
  LEAT_ASSIGN_OR_RETURN(TtlValues groups, TtlValues::Open(backend, node_->id, kGroupTable, kProgressTable, ttl_ms));
  auto state = std::make_unique<GroupState>(groups);
  const int slots = static_cast<int>(layout_.slots().size());
  for (size_t i = 0; i < layout_.slots().size(); ++i) {
    const bool needed = layout_.slots()[i].distinct || (retracting_ && IsExtreme(i));
    state->slot_tables.emplace_back();
    if (!needed) continue;
    const int table = kFirstSlotTable + static_cast<int>(i);
    LEAT_ASSIGN_OR_RETURN(state->slot_tables.back(), TtlValues::Open(backend, node_->id, table, table + slots, ttl_ms));
  }
  state->accumulator.resize(layout_.bytes());
  return state;
}

absl::Status GroupAggregate::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                                     Output& output) const {
  auto& state = static_cast<GroupState&>(operator_state);
  state.now_ms = context.wall_ms;
  LEAT_RETURN_IF_ERROR(state.groups.Forget(state.now_ms));
  for (auto& table : state.slot_tables) {
    if (table) LEAT_RETURN_IF_ERROR(table->Forget(state.now_ms));
  }
  const std::vector<BoundSlot> bound = layout_.Bind(input);
  GroupOutput out(*node_, layout_, input, output);
  for (size_t row = 0; row < input.rows; ++row) {
    if (!retracting_ && data::IsRetraction(input.kind(row)) && HasForgetful()) {
      output.Fail(
          MakeFailedRow(input, row, "a row is taken back, but the input of the aggregate was planned insert-only"));
      continue;
    }
    LEAT_RETURN_IF_ERROR(ProcessRow(bound, input, row, &state, &out, output));
  }
  return out.Flush();
}

absl::Status GroupAggregate::ProcessRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row,
                                        GroupState* state, GroupOutput* out, Output& output) const {
  const Sign sign = data::IsRetraction(input.kind(row)) ? Sign::kRetract : Sign::kAdd;
  state->key.clear();
  data::EncodeKey(out->keys(), row, &state->key);
  bool first = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->groups.Mutate(state->key, state->now_ms, &first));
  char* accumulator = state->accumulator.data();
  int64_t rows = 0;
  if (first) {
    if (sign == Sign::kRetract) {
      ++state->counters.ignored_retractions;
      return state->groups.Erase(state->key);
    }
    std::ranges::fill(state->accumulator, 0);
  } else {
    if (value->size() < sizeof(rows)) return DataLoss("state: a group of ", value->size(), " bytes");
    std::memcpy(&rows, value->data(), sizeof(rows));
    LEAT_RETURN_IF_ERROR(layout_.Load(std::string_view(*value).substr(sizeof(rows)), accumulator));
    if (sign == Sign::kAdd) {
      if (const auto reason = layout_.Refuses(bound, row, accumulator)) {
        output.Fail(MakeFailedRow(input, row, *reason));
        state->groups.Stamp(value, state->now_ms);
        return absl::OkStatus();
      }
    }
    out->AppendOld(row, accumulator);
  }
  data::TextArena texts;
  LEAT_RETURN_IF_ERROR(Apply(bound, input, row, sign, state, texts));
  rows += static_cast<int64_t>(sign);
  if (rows <= 0) {
    LEAT_RETURN_IF_ERROR(state->groups.Erase(state->key));
    return out->FinishDelete();
  }
  // Built apart: texts of the accumulator may lie in the value that is replaced.
  std::string stored(reinterpret_cast<const char*>(&rows), sizeof(rows));
  layout_.Store(accumulator, &stored);
  LEAT_RETURN_IF_ERROR(first ? out->FinishInsert(row, accumulator) : out->FinishUpdate(row, accumulator));
  *value = std::move(stored);
  state->groups.Stamp(value, state->now_ms);
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
    if (!AccumulatorLayout::Add(bound[i], row, sign, state->accumulator.data(), texts)) {
      ++state->counters.ignored_retractions;
    }
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
  TtlValues& table = *state->slot_tables[slot];
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, table.Mutate(state->slot_key, state->now_ms, &inserted));
  if (inserted) value->assign(sizeof(int64_t), '\0');
  if (value->size() != sizeof(int64_t)) return DataLoss("state: a DISTINCT count of ", value->size(), " bytes");
  int64_t count = 0;
  std::memcpy(&count, value->data(), sizeof(count));
  const int64_t next = count + static_cast<int64_t>(sign);
  if (next < 0) {
    ++state->counters.ignored_retractions;
    LEAT_RETURN_IF_ERROR(table.Erase(state->slot_key));
    return false;
  }
  std::memcpy(value->data(), &next, sizeof(next));
  table.Stamp(value, state->now_ms);
  if (next == 0) LEAT_RETURN_IF_ERROR(table.Erase(state->slot_key));
  return count == 0 || next == 0;
}

// Keeps all values of the group, and the extreme of them in the accumulator.
absl::Status GroupAggregate::ChangeExtreme(size_t slot, const data::Batch& input, size_t row, Sign sign,
                                           GroupState* state, data::TextArena& texts) const {
  const AggregateSlot& aggregate = layout_.slots()[slot];
  const data::Column& column = *input.columns[static_cast<size_t>(aggregate.argument)];
  std::string encoded;
  EncodeOrdered(column, row, &encoded);
  TtlValues& table = *state->slot_tables[slot];
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * bag, table.Mutate(state->key, state->now_ms, &inserted));
  const OrderedBag order(OrderedValueBytes(aggregate.argument_type.storage()));
  if (!order.Change(encoded, static_cast<int64_t>(sign), bag)) ++state->counters.ignored_retractions;
  const auto extreme = aggregate.kind == AggregateKind::kMin ? order.Smallest(*bag) : order.Largest(*bag);
  layout_.Reset(slot, state->accumulator.data());
  if (!extreme) return table.Erase(state->key);
  data::Column one(aggregate.argument_type);
  LEAT_RETURN_IF_ERROR(DecodeOrdered(*extreme, &one));
  AccumulatorLayout::Add(AccumulatorLayout::BindColumn(aggregate, one), 0, Sign::kAdd, state->accumulator.data(),
                         texts);
  table.Stamp(bag, state->now_ms);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeGroupAggregate(const plan::NodePtr& node) {
  const InputRows rows = node->inputs[0]->produces_updates ? InputRows::kChanges : InputRows::kInserts;
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout,
                        AccumulatorLayout::Make(node->aggregates, *node->inputs[0]->schema, rows));
  return std::unique_ptr<Operator>(std::make_unique<GroupAggregate>(node, std::move(layout)));
}

}  // namespace leat::exec
