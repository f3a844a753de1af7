// TUMBLE and HOP in GROUP BY with table.exec.emit.*: a window and key tells its result when it ends, and before and
// after that as it is told to; each time what it told before is taken back, and nothing happens if that is the same.
// State: per window and key the accumulators and what was told last; for each moment of the wall clock whom to look at.
// A window goes when the watermark is as far behind its end as late rows are taken.
#include <algorithm>

#include "base/bytes.h"
#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/accumulator.h"
#include "stream/exec/change_output.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/operators.h"
#include "stream/exec/slice_store.h"
#include "stream/exec/stored_rows.h"
#include "stream/exec/window_output.h"
#include "stream/exec/window_zone.h"

namespace leat::exec {
namespace {

using data::RowKind;

// One key in one window. Stored: a byte, then the accumulator and the row with their lengths.
struct Group {
  bool told_at_end = false;
  std::vector<char> accumulator;
  std::string told;  // the row as EncodeRow writes it; empty: none yet
};

struct EmittingState : OperatorState {
  state::StateTable* groups = nullptr;
  state::StateTable* timers = nullptr;          // by time: window end and key
  std::vector<state::StateTable*> slot_tables;  // values under DISTINCT; null for other slots
  FiredWatermark fired;
  int64_t next_timer_ms = kMaxWatermark;
  std::string key;  // scratch
};

std::string TimerKey(int64_t window_end, std::string_view key) {
  std::string timer;
  BytesWriter writer(&timer);
  writer.Write<int64_t>(window_end);
  writer.WriteBytes(key);
  return timer;
}

class EmittingWindows : public Operator {
 public:
  EmittingWindows(plan::NodePtr node, const WindowMath& window, const WindowZone& zone, AccumulatorLayout layout)
      : node_(std::move(node)), emit_(node_->window.emit), window_(window), zone_(zone), layout_(std::move(layout)) {}

  std::string Name() const override { return StrCat("WindowAggregate#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override;
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnTime(OperatorState& state, const Context& context, Output& output) const override;
  bool FollowsTheClock() const override { return emit_.early_ms > 0 || emit_.late_ms > 0; }
  int64_t NextTime(const OperatorState& state) const override {
    return static_cast<const EmittingState&>(state).next_timer_ms;
  }
  absl::Status OnBarrier(OperatorState& state) const override {
    return static_cast<EmittingState&>(state).fired.Store();
  }

 private:
  // A row of the batch on its way into a window.
  struct Step {
    const data::Batch& input;
    const std::vector<BoundSlot>& bound;
    uint32_t row;
    int64_t wall_ms;
    EmittingState& state;
    ChangeOutput& out;
    Output& output;
  };

  bool IsOver(int64_t window_end, int64_t watermark_ms) const {
    return SaturatingAdd(window_end - 1, emit_.lateness_ms) <= watermark_ms;
  }
  absl::Status AddRow(Step& step, int64_t window_end) const;
  absl::Status AddValues(Step& step, int64_t window_end, Group* group, data::TextArena& texts) const;
  absl::Status Tell(std::string_view key, int64_t window_end, Group* group, ChangeOutput* out) const;
  absl::Status End(int64_t window_end, EmittingState* state, ChangeOutput* out) const;
  absl::Status Drop(int64_t window_end, EmittingState* state, ChangeOutput* out) const;
  absl::Status SetTimer(int64_t due_ms, const std::string& timer, EmittingState* state) const;
  struct Due {
    int64_t due_ms;
    int64_t wall_ms;  // it may be long over
  };
  absl::Status OnTimer(Due at, const std::string& timer, EmittingState* state, ChangeOutput* out) const;
  absl::StatusOr<Group> Load(std::string_view stored) const;
  absl::Status Save(std::string_view key, int64_t window_end, const Group& group, EmittingState* state) const;

  plan::NodePtr node_;
  plan::EmitSpec emit_;
  WindowMath window_;
  WindowZone zone_;
  AccumulatorLayout layout_;
};

absl::StatusOr<std::unique_ptr<OperatorState>> EmittingWindows::Open(state::StateBackend& backend) const {
  auto state = std::make_unique<EmittingState>();
  state->groups = &backend.Table(node_->id, kGroupTable);
  LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, kProgressTable)));
  const int slots = static_cast<int>(layout_.slots().size());
  for (int i = 0; i < slots; ++i) {
    const bool distinct = layout_.slots()[static_cast<size_t>(i)].distinct;
    state->slot_tables.push_back(distinct ? &backend.Table(node_->id, kFirstSlotTable + i) : nullptr);
  }
  state->timers = &backend.Table(node_->id, kFirstSlotTable + slots);
  LEAT_ASSIGN_OR_RETURN(const auto next, state->timers->NextNamespace(kMinWatermark + 1));
  state->next_timer_ms = next.value_or(kMaxWatermark);
  return state;
}

absl::Status EmittingWindows::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                                      Output& output) const {
  auto& state = static_cast<EmittingState&>(operator_state);
  const data::Column& time = *input.columns[static_cast<size_t>(node_->window.time_column)];
  const std::span<const int64_t> micros = time.values<int64_t>();
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  const std::vector<BoundSlot> bound = layout_.Bind(input);
  ChangeOutput out(node_->schema, output);
  std::vector<uint32_t> late;
  for (uint32_t row = 0; row < input.rows; ++row) {
    if (time.IsNull(row) || data::IsRetraction(input.kind(row))) {
      output.Fail(MakeFailedRow(input, row,
                                time.IsNull(row) ? "the time column of the window is NULL"
                                                 : "a row is taken back, but the input of the window was planned "
                                                   "insert-only"));
      continue;
    }
    state.key.clear();
    data::EncodeKey(keys, row, &state.key);
    Step step{input, bound, row, context.wall_ms, state, out, output};
    const int64_t first = window_.SliceEnd(zone_.MillisOf(micros[row]));
    if (IsOver(window_.LastWindowEnd(first), state.fired.ms())) late.push_back(row);
    for (int64_t end = first; end <= window_.LastWindowEnd(first); end += window_.slide()) {
      if (!IsOver(end, state.fired.ms())) LEAT_RETURN_IF_ERROR(AddRow(step, end));
    }
  }
  if (!late.empty()) output.Late(input, late);
  return out.Flush();
}

absl::Status EmittingWindows::AddRow(Step& step, int64_t window_end) const {
  EmittingState& state = step.state;
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state.groups->Find(window_end, state.key));
  const std::string bytes = stored == nullptr ? std::string() : *stored;
  LEAT_ASSIGN_OR_RETURN(Group group, Load(bytes));
  if (const auto reason = layout_.Refuses(step.bound, step.row, group.accumulator.data())) {
    step.output.Fail(MakeFailedRow(step.input, step.row, *reason));
    return absl::OkStatus();
  }
  data::TextArena texts;
  LEAT_RETURN_IF_ERROR(AddValues(step, window_end, &group, texts));
  const bool ended = window_end - 1 <= state.fired.ms();
  // What comes after the end of a window that did not tell of it then is told at once, whatever is said of late rows.
  const int64_t often_ms = !ended ? emit_.early_ms : group.told_at_end && emit_.late_ms >= 0 ? emit_.late_ms : 0;
  if (often_ms == 0) LEAT_RETURN_IF_ERROR(Tell(state.key, window_end, &group, &step.out));
  LEAT_RETURN_IF_ERROR(Save(state.key, window_end, group, &state));
  if (often_ms <= 0) return absl::OkStatus();
  // One timer for a key and window at a time: it stands at the first row, and sets itself again.
  const std::string timer = TimerKey(window_end, state.key);
  LEAT_ASSIGN_OR_RETURN(const std::string* set, state.timers->Find(kMinWatermark, timer));
  return set == nullptr ? SetTimer(step.wall_ms + often_ms, timer, &state) : absl::OkStatus();
}

absl::Status EmittingWindows::AddValues(Step& step, int64_t window_end, Group* group, data::TextArena& texts) const {
  for (size_t i = 0; i < step.bound.size(); ++i) {
    const BoundSlot& bound = step.bound[i];
    if (!bound.Takes(step.row)) continue;
    if (bound.slot->distinct) {
      std::string value;
      data::EncodeKey({&step.input.columns[static_cast<size_t>(bound.slot->argument)], 1}, step.row, &value);
      std::string key;
      AppendDistinctKey(step.state.key, value, &key);
      bool first = false;
      LEAT_ASSIGN_OR_RETURN(std::string * seen, step.state.slot_tables[i]->Mutate(window_end, key, &first));
      if (!first) continue;
      seen->assign(1, '\1');
    }
    AccumulatorLayout::Add(bound, step.row, Sign::kAdd, group->accumulator.data(), texts);
  }
  return absl::OkStatus();
}

// Puts the result out, if it is another than the last one.
absl::Status EmittingWindows::Tell(std::string_view key, int64_t window_end, Group* group, ChangeOutput* out) const {
  std::vector<data::ColumnPtr> columns;
  std::vector<data::Column*> keys;
  for (size_t i = 0; i < node_->schema->fields.size(); ++i) {
    auto column = std::make_shared<data::Column>(node_->schema->fields[i].type);
    if (i < node_->keys.size()) keys.push_back(column.get());
    if (i >= node_->keys.size() && i < node_->keys.size() + layout_.slots().size()) {
      AccumulatorLayout::AppendResult(layout_.slots()[i - node_->keys.size()], group->accumulator.data(), column.get());
    } else if (i >= node_->keys.size()) {
      column->Append<int64_t>(WindowBoundMicros(node_->window_columns[i - node_->keys.size() - layout_.slots().size()],
                                                window_end, window_, zone_));
    }
    columns.push_back(std::move(column));
  }
  LEAT_RETURN_IF_ERROR(data::DecodeKey(key, keys));
  std::string row;
  data::EncodeKey(columns, 0, &row);
  if (row == group->told) return absl::OkStatus();
  if (!group->told.empty()) LEAT_RETURN_IF_ERROR(out->Add(RowKind::kUpdateBefore, group->told));
  LEAT_RETURN_IF_ERROR(out->Add(group->told.empty() ? RowKind::kInsert : RowKind::kUpdateAfter, row));
  group->told = std::move(row);
  return absl::OkStatus();
}

absl::Status EmittingWindows::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<EmittingState&>(operator_state);
  const int64_t before_ms = state.fired.ms();
  if (context.watermark_ms <= before_ms) return absl::OkStatus();
  ChangeOutput out(node_->schema, output);
  for (int64_t from = kMinWatermark;;) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> end, state.groups->NextNamespace(from));
    if (!end || *end - 1 > context.watermark_ms) break;
    if (*end - 1 > before_ms) LEAT_RETURN_IF_ERROR(End(*end, &state, &out));
    if (IsOver(*end, context.watermark_ms)) LEAT_RETURN_IF_ERROR(Drop(*end, &state, &out));
    from = *end + 1;
  }
  state.fired.Set(context.watermark_ms);
  return out.Flush();
}

absl::Status EmittingWindows::End(int64_t window_end, EmittingState* state, ChangeOutput* out) const {
  LEAT_ASSIGN_OR_RETURN(const KeyedBytes entries, SortedEntries(*state->groups, window_end));
  for (const auto& [key, bytes] : entries) {
    LEAT_ASSIGN_OR_RETURN(Group group, Load(bytes));
    LEAT_RETURN_IF_ERROR(Tell(key, window_end, &group, out));
    if (emit_.lateness_ms == 0) continue;
    group.told_at_end = true;
    LEAT_RETURN_IF_ERROR(Save(key, window_end, group, state));
    // What has been looked at early is not any more; late rows set a timer of their own.
    if (FollowsTheClock()) LEAT_RETURN_IF_ERROR(state->timers->Erase(kMinWatermark, TimerKey(window_end, key)));
  }
  return absl::OkStatus();
}

// Where late rows are taken, a key whose timer is not due yet has some that nobody was told of.
absl::Status EmittingWindows::Drop(int64_t window_end, EmittingState* state, ChangeOutput* out) const {
  if (FollowsTheClock()) {
    LEAT_ASSIGN_OR_RETURN(const KeyedBytes entries, SortedEntries(*state->groups, window_end));
    for (const auto& [key, bytes] : entries) {
      const std::string timer = TimerKey(window_end, key);
      LEAT_ASSIGN_OR_RETURN(const std::string* set, state->timers->Find(kMinWatermark, timer));
      if (set != nullptr && emit_.lateness_ms > 0) {
        LEAT_ASSIGN_OR_RETURN(Group group, Load(bytes));
        LEAT_RETURN_IF_ERROR(Tell(key, window_end, &group, out));
      }
      LEAT_RETURN_IF_ERROR(state->timers->Erase(kMinWatermark, timer));
    }
  }
  for (state::StateTable* table : state->slot_tables) {
    if (table != nullptr) LEAT_RETURN_IF_ERROR(table->EraseNamespace(window_end));
  }
  return state->groups->EraseNamespace(window_end);
}

// The namespace kMinWatermark of the timers says when the timer of each window and key is due.
absl::Status EmittingWindows::SetTimer(int64_t due_ms, const std::string& timer, EmittingState* state) const {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * due, state->timers->Mutate(kMinWatermark, timer, &inserted));
  due->clear();
  BytesWriter(due).Write<int64_t>(due_ms);
  LEAT_ASSIGN_OR_RETURN(std::string * entry, state->timers->Mutate(due_ms, timer, &inserted));
  entry->assign(1, '\1');
  state->next_timer_ms = std::min(state->next_timer_ms, due_ms);
  return absl::OkStatus();
}

absl::Status EmittingWindows::OnTime(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<EmittingState&>(operator_state);
  if (!FollowsTheClock() || context.wall_ms < state.next_timer_ms) return absl::OkStatus();
  ChangeOutput out(node_->schema, output);
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const auto due, state.timers->NextNamespace(kMinWatermark + 1));
    state.next_timer_ms = due.value_or(kMaxWatermark);
    if (!due || *due > context.wall_ms) break;
    LEAT_ASSIGN_OR_RETURN(const KeyedBytes timers, SortedEntries(*state.timers, *due));
    LEAT_RETURN_IF_ERROR(state.timers->EraseNamespace(*due));
    for (const auto& [timer, bytes] : timers) {
      LEAT_RETURN_IF_ERROR(OnTimer({.due_ms = *due, .wall_ms = context.wall_ms}, timer, &state, &out));
    }
  }
  return out.Flush();
}

absl::Status EmittingWindows::OnTimer(Due at, const std::string& timer, EmittingState* state, ChangeOutput* out) const {
  LEAT_ASSIGN_OR_RETURN(const std::string* set, state->timers->Find(kMinWatermark, timer));
  if (set == nullptr || BytesReader(*set).Read<int64_t>() != at.due_ms) return absl::OkStatus();  // of another time
  BytesReader reader(timer);
  const auto window_end = reader.Read<int64_t>();
  const std::string_view key = reader.rest();
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->groups->Find(window_end, key));
  if (stored == nullptr) return DataLoss("state: a timer of a window that is not there");
  const std::string bytes = *stored;
  LEAT_ASSIGN_OR_RETURN(Group group, Load(bytes));
  const std::string told = group.told;
  LEAT_RETURN_IF_ERROR(Tell(key, window_end, &group, out));
  if (group.told != told) LEAT_RETURN_IF_ERROR(Save(key, window_end, group, state));
  const int64_t often_ms = window_end - 1 <= state->fired.ms() ? emit_.late_ms : emit_.early_ms;
  if (often_ms <= 0) return state->timers->Erase(kMinWatermark, timer);
  // The next moment that is still to come: of a job that was stopped for hours those between are over.
  return SetTimer(at.due_ms + often_ms * ((at.wall_ms - at.due_ms) / often_ms + 1), timer, state);
}

// The texts of the accumulator point into `stored`.
absl::StatusOr<Group> EmittingWindows::Load(std::string_view stored) const {
  Group group;
  group.accumulator.resize(layout_.bytes());
  if (stored.empty()) return group;
  BytesReader reader(stored);
  group.told_at_end = reader.Read<uint8_t>() != 0;
  LEAT_RETURN_IF_ERROR(layout_.Load(reader.ReadBytes(reader.ReadUnsignedVarint()), group.accumulator.data()));
  group.told = reader.ReadBytes(reader.ReadUnsignedVarint());
  if (!reader.ok()) return DataLoss("state: a key of a window is cut off");
  return group;
}

absl::Status EmittingWindows::Save(std::string_view key, int64_t window_end, const Group& group,
                                   EmittingState* state) const {
  std::string accumulator;
  layout_.Store(group.accumulator.data(), &accumulator);
  std::string stored;
  BytesWriter writer(&stored);
  writer.Write<uint8_t>(group.told_at_end ? 1 : 0);
  writer.WriteUnsignedVarint(accumulator.size());
  writer.WriteBytes(accumulator);
  writer.WriteUnsignedVarint(group.told.size());
  writer.WriteBytes(group.told);
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->groups->Mutate(window_end, key, &inserted));
  *value = std::move(stored);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeEmittingWindows(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(const WindowMath window, WindowMath::Make(node->window));
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout, AccumulatorLayout::Make(node->aggregates, *node->inputs[0]->schema));
  return std::unique_ptr<Operator>(std::make_unique<EmittingWindows>(node, window, zone, std::move(layout)));
}

}  // namespace leat::exec
