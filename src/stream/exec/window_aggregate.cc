// GROUP BY window and keys over TUMBLE, HOP, CUMULATE and windows that rows have already. Each row is accumulated once,
// into its slice; a window that the watermark passes merges its slices per key and emits one row a key, sorted by the
// key's bytes. A row is late only when the last of its windows has fired; until then it is added to its slice, which
// the windows still to come will read. Of an input that takes rows back a slice counts the rows of each key, and those
// of each value under MIN, MAX and DISTINCT; a key whose rows are all taken back gives none.
#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/operators.h"
#include "stream/exec/slice_store.h"
#include "stream/exec/window_output.h"
#include "stream/exec/window_zone.h"

namespace leat::exec {
namespace {

struct WindowState : OperatorState {
  std::unique_ptr<SliceStore> slices;
  FiredWatermark fired;
  int64_t next_window_end = kMinWatermark;  // derived from it
  KeyedBlock merged;
  std::vector<KeyedBlock> merged_distinct;
  std::string key;       // scratch
  std::string distinct;  // scratch

  explicit WindowState(const AccumulatorLayout& layout) : merged(layout.bytes()) {
    for (size_t i = 0; i < layout.slots().size(); ++i) merged_distinct.emplace_back(sizeof(int64_t));
  }
};

class WindowAggregate : public Operator {
 public:
  WindowAggregate(plan::NodePtr node, const WindowMath& window, const WindowZone& zone, AccumulatorLayout layout)
      : node_(std::move(node)),
        window_(window),
        zone_(zone),
        layout_(std::move(layout)),
        retracting_(node_->inputs[0]->produces_updates) {}

  std::string Name() const override { return StrCat("WindowAggregate#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override;
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override;

 private:
  absl::Status AddRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row, Slice* slice,
                      WindowState* state, Output& output) const;
  void CountValue(const BoundSlot& bound, const data::Batch& input, size_t row, size_t slot, Slice* slice,
                  WindowState* state) const;
  absl::Status Fire(int64_t window_end, WindowState* state, WindowOutput* out) const;
  absl::Status MergeDistinct(const Slice& slice, WindowState* state) const;

  plan::NodePtr node_;
  WindowMath window_;
  WindowZone zone_;
  AccumulatorLayout layout_;
  bool retracting_;  // the input can take rows back
};

absl::StatusOr<std::unique_ptr<OperatorState>> WindowAggregate::Open(state::StateBackend& backend) const {
  auto state = std::make_unique<WindowState>(layout_);
  LEAT_ASSIGN_OR_RETURN(state->slices, SliceStore::Open(layout_, backend, node_->id, {}));
  LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, kProgressTable)));
  state->next_window_end = window_.NextWindowEnd(state->fired.ms());
  return state;
}

absl::Status WindowAggregate::Process(OperatorState& operator_state, const Context&, const data::Batch& input,
                                      Output& output) const {
  auto& state = static_cast<WindowState&>(operator_state);
  const data::Column& time = *input.columns[static_cast<size_t>(node_->window.time_column)];
  const std::span<const int64_t> micros = time.values<int64_t>();
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  const std::vector<BoundSlot> bound = layout_.Bind(input);
  const int64_t attached = node_->window.kind == plan::WindowKind::kAttached ? 1 : 0;  // a window's end is outside it
  std::vector<uint32_t> late;
  Slice* slice = nullptr;
  int64_t slice_end = 0;
  for (uint32_t row = 0; row < input.rows; ++row) {
    if (time.IsNull(row) || (!retracting_ && data::IsRetraction(input.kind(row)))) {
      output.Fail(MakeFailedRow(input, row,
                                time.IsNull(row)
                                    ? "the time column of the window is NULL"
                                    : "a row is taken back, but the input of the window was planned insert-only"));
      continue;
    }
    const int64_t end = window_.SliceEnd(zone_.MillisOf(micros[row]) - attached);
    if (window_.LastWindowEnd(end) < state.next_window_end) {
      late.push_back(row);
      continue;
    }
    if (slice == nullptr || end != slice_end) {
      LEAT_ASSIGN_OR_RETURN(slice, state.slices->Use(end));
      slice_end = end;
    }
    state.key.clear();
    data::EncodeKey(keys, row, &state.key);
    LEAT_RETURN_IF_ERROR(AddRow(bound, input, row, slice, &state, output));
  }
  if (!late.empty()) output.Late(input, late);
  return state.slices->EnforceLimit();
}

absl::Status WindowAggregate::AddRow(const std::vector<BoundSlot>& bound, const data::Batch& input, size_t row,
                                     Slice* slice, WindowState* state, Output& output) const {
  const Sign sign = data::IsRetraction(input.kind(row)) ? Sign::kRetract : Sign::kAdd;
  bool added = false;
  const uint32_t entry = slice->groups.FindOrAdd(HashKeyBytes(state->key), state->key, &added);
  slice->groups.MarkDirty(entry);
  char* accumulator = slice->groups.value(entry);
  if (sign == Sign::kRetract && layout_.CountedRows(accumulator) <= 0) {
    ++state->counters.ignored_retractions;
    return absl::OkStatus();
  }
  if (sign == Sign::kAdd) {
    if (const auto reason = layout_.Refuses(bound, row, accumulator)) {
      output.Fail(MakeFailedRow(input, row, *reason));
      return absl::OkStatus();
    }
  }
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!bound[i].Takes(row)) continue;
    if (bound[i].slot->distinct) {
      CountValue(bound[i], input, row, i, slice, state);
    } else if (!AccumulatorLayout::Add(bound[i], row, sign, accumulator, slice->groups.texts())) {
      ++state->counters.ignored_retractions;
    }
  }
  return absl::OkStatus();
}

// Of rows that only come it is enough to know that the value is there.
void WindowAggregate::CountValue(const BoundSlot& bound, const data::Batch& input, size_t row, size_t slot,
                                 Slice* slice, WindowState* state) const {
  std::string value;
  data::EncodeKey({&input.columns[static_cast<size_t>(bound.slot->argument)], 1}, row, &value);
  state->distinct.clear();
  AppendDistinctKey(state->key, value, &state->distinct);
  bool added = false;
  KeyedBlock& values = slice->distinct[slot];
  const uint32_t entry = values.FindOrAdd(HashKeyBytes(state->distinct), state->distinct, &added);
  if (!added && !retracting_) return;
  int64_t count = 0;
  std::memcpy(&count, values.value(entry), sizeof(count));
  if (!data::IsRetraction(input.kind(row))) {
    ++count;
  } else if (count > 0) {
    --count;
  } else {
    ++state->counters.ignored_retractions;
  }
  std::memcpy(values.value(entry), &count, sizeof(count));
  values.MarkDirty(entry);
}

absl::Status WindowAggregate::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<WindowState&>(operator_state);
  if (context.watermark_ms <= state.fired.ms()) return absl::OkStatus();
  WindowOutput out(*node_, window_, zone_, layout_, output);
  const int64_t limit = SaturatingAdd(context.watermark_ms, 1);
  int64_t end = state.next_window_end;
  while (true) {
    // The next window with a slice in it: from gap to gap, never window by window.
    const std::optional<int64_t> first = state.slices->Next(window_.FirstSliceEnd(end));
    if (!first) break;
    end = std::max(end, *first);
    if (end > limit) break;
    LEAT_RETURN_IF_ERROR(Fire(end, &state, &out));
    for (std::optional<int64_t> old = first; old && window_.LastWindowEnd(*old) <= end;
         old = state.slices->Next(window_.FirstSliceEnd(end))) {
      LEAT_RETURN_IF_ERROR(state.slices->Erase(*old));
    }
    end = SaturatingAdd(end, window_.slide());
  }
  state.fired.Set(context.watermark_ms);
  state.next_window_end = window_.NextWindowEnd(context.watermark_ms);
  LEAT_RETURN_IF_ERROR(out.Flush());
  return state.slices->EnforceLimit();
}

absl::Status WindowAggregate::Fire(int64_t window_end, WindowState* state, WindowOutput* out) const {
  state->merged.Clear();
  for (KeyedBlock& block : state->merged_distinct) block.Clear();
  for (std::optional<int64_t> end = state->slices->Next(window_.FirstSliceEnd(window_end)); end && *end <= window_end;
       end = state->slices->Next(*end + 1)) {
    LEAT_ASSIGN_OR_RETURN(Slice * slice, state->slices->Find(*end));
    for (uint32_t entry = 0; entry < slice->groups.size(); ++entry) {
      bool added = false;
      const uint32_t into = state->merged.FindOrAdd(slice->groups.hash(entry), slice->groups.key(entry), &added);
      if (added) {
        // A window that only says which keys there are has no bytes of them.
        if (layout_.bytes() > 0) std::memcpy(state->merged.value(into), slice->groups.value(entry), layout_.bytes());
        layout_.Borrow(state->merged.value(into));
      } else {
        layout_.Merge(slice->groups.value(entry), state->merged.value(into), state->merged.texts());
      }
    }
    if (layout_.has_distinct()) LEAT_RETURN_IF_ERROR(MergeDistinct(*slice, state));
  }
  return out->Add(window_end, state->merged);
}

// Feeds every value that no earlier slice of the window held to its aggregate.
absl::Status WindowAggregate::MergeDistinct(const Slice& slice, WindowState* state) const {
  for (size_t i = 0; i < layout_.slots().size(); ++i) {
    const AggregateSlot& slot = layout_.slots()[i];
    const KeyedBlock& values = slice.distinct[i];
    for (uint32_t entry = 0; entry < values.size(); ++entry) {
      int64_t count = 0;
      std::memcpy(&count, values.value(entry), sizeof(count));
      if (count <= 0) continue;
      bool added = false;
      state->merged_distinct[i].FindOrAdd(values.hash(entry), values.key(entry), &added);
      if (!added) continue;
      std::string_view group;
      std::string_view value;
      if (!SplitDistinctKey(values.key(entry), &group, &value)) return DataLoss("state: a DISTINCT key is cut off");
      data::Column column(slot.argument_type);
      data::Column* const columns[] = {&column};
      LEAT_RETURN_IF_ERROR(data::DecodeKey(value, columns));
      const uint32_t into = state->merged.FindOrAdd(HashKeyBytes(group), group, &added);
      AccumulatorLayout::Add(AccumulatorLayout::BindColumn(slot, column), 0, Sign::kAdd, state->merged.value(into),
                             state->merged.texts());
    }
  }
  return absl::OkStatus();
}

absl::Status WindowAggregate::OnBarrier(OperatorState& operator_state) const {
  auto& state = static_cast<WindowState&>(operator_state);
  LEAT_RETURN_IF_ERROR(state.slices->Flush());
  return state.fired.Store();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindowAggregate(const plan::NodePtr& node) {
  if (node->window.kind == plan::WindowKind::kSession) return MakeSessionAggregate(node);
  if (node->window.emit.IsSet()) return MakeEmittingWindows(node);
  LEAT_ASSIGN_OR_RETURN(const WindowMath window, WindowMath::Make(node->window));
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout, AccumulatorLayout::OfWindow(*node));
  return std::unique_ptr<Operator>(std::make_unique<WindowAggregate>(node, window, zone, std::move(layout)));
}

}  // namespace leat::exec
