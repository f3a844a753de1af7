// OVER: each row with the values of functions over the rows of its partition before it and itself. By event time, rows
// wait until the watermark has passed their time and come out in the order of time; without a time they come out at
// once. An unbounded frame keeps values, a bounded one the rows that a frame to come can hold. Without functions it is
// ORDER BY time.
#include <algorithm>

#include "base/bytes.h"
#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/operators.h"
#include "stream/exec/over_functions.h"
#include "stream/exec/row_output.h"
#include "stream/exec/sort_key.h"
#include "stream/exec/ttl_table.h"
#include "stream/exec/window.h"

namespace leat::exec {
namespace {

// Tables: each key's values or past rows (and the index of their TTL), waiting rows by time, the watermark, and for
// each time the keys whose past rows may be behind every frame by then.
constexpr int kPastTable = 0;
constexpr int kWaitingTable = 2;
constexpr int kWatermarkTable = 3;
constexpr int kExpiryTable = 4;

struct OverState : OperatorState {
  OverState(const plan::Node& node, TtlTable past_rows, state::StateBackend& backend)
      : past(past_rows),
        waiting(backend.Table(node.id, kWaitingTable)),
        expiry(backend.Table(node.id, kExpiryTable)),
        out(node.schema) {}
  TtlTable past;
  state::StateTable& waiting;
  state::StateTable& expiry;
  FiredWatermark fired;
  RowOutput out;
};

// A row that a bounded frame may still hold: its time, and the columns that the functions read.
struct PastRow {
  int64_t ms = 0;
  std::string row;
};
// The past of a key with a bounded frame. A look at it is due at `look_ms`, 0 if none is.
struct Past {
  int64_t look_ms = 0;
  int64_t last_ms = 0;
  std::vector<PastRow> rows;

  absl::Status Parse(std::string_view stored) {
    BytesReader reader(stored);
    look_ms = reader.Read<int64_t>();
    last_ms = reader.Read<int64_t>();
    while (reader.ok() && reader.remaining() > 0) {
      PastRow row;
      row.ms = reader.Read<int64_t>();
      row.row = reader.ReadBytes(reader.ReadUnsignedVarint());
      rows.push_back(std::move(row));
    }
    return reader.ok() ? absl::OkStatus() : DataLoss("state: the past rows of OVER are cut off");
  }
  std::string Store() const {
    std::string out;
    BytesWriter writer(&out);
    writer.Write<int64_t>(look_ms);
    writer.Write<int64_t>(last_ms);
    for (const PastRow& row : rows) {
      writer.Write<int64_t>(row.ms);
      writer.WriteUnsignedVarint(row.row.size());
      writer.WriteBytes(row.row);
    }
    return out;
  }
};

class Over : public Operator {
 public:
  Over(plan::NodePtr node, OverFunctions functions)
      : node_(std::move(node)), functions_(std::move(functions)), width_(node_->inputs[0]->schema->fields.size()) {}

  std::string Name() const override { return StrCat(node_->aggregates.empty() ? "Sort#" : "Over#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    // Frames that time bounds are cleared by the watermark.
    const bool by_watermark = node_->aggregates.empty() || (bounded() && !node_->frame.rows);
    const int64_t ttl_ms = by_watermark ? 0 : std::max<int64_t>(0, node_->ttl_ms);
    LEAT_ASSIGN_OR_RETURN(TtlTable past, TtlTable::Open(backend, node_->id, kPastTable, ttl_ms));
    auto state = std::make_unique<OverState>(*node_, past, backend);
    LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, kWatermarkTable)));
    return state;
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override { return static_cast<OverState&>(state).fired.Store(); }

 private:
  bool bounded() const { return node_->frame.preceding >= 0; }
  bool by_time() const { return node_->window.time_column >= 0; }
  absl::StatusOr<bool> IsLate(int64_t ms, const std::string& key, const Context& context, OverState* state) const;
  // The rows of one key and one time, in order: each the bytes of all its columns.
  struct Group {
    std::string key;
    std::vector<std::string> rows;
  };
  absl::StatusOr<Group> ReadGroup(std::string_view key, std::string_view stored) const;
  absl::Status Work(int64_t ms, const Group& group, int64_t now_ms, OverState* state, Output& output) const;
  absl::Status WorkUnbounded(const Group& group, const data::Batch& batch, int64_t now_ms, OverState* state,
                             Output& output) const;
  absl::Status WorkBounded(int64_t ms, const Group& group, const data::Batch& batch, int64_t now_ms, OverState* state,
                           Output& output) const;
  absl::StatusOr<data::Batch> Narrow(const std::vector<std::string>& rows) const;
  absl::StatusOr<data::Batch> PastBatch(const Past& past) const;
  absl::Status Emit(const std::string& row, const OverFunctions::Values& values, const data::Batch& batch, size_t at,
                    OverState* state, Output& output) const;
  absl::Status Look(int64_t ms, const std::string& key, int64_t now_ms, OverState* state) const;

  plan::NodePtr node_;
  OverFunctions functions_;
  size_t width_;
};

absl::Status Over::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                           Output& output) const {
  auto& state = static_cast<OverState&>(operator_state);
  LEAT_RETURN_IF_ERROR(state.past.Forget(context.wall_ms));
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  const data::Column* time = by_time() ? input.columns[static_cast<size_t>(node_->window.time_column)].get() : nullptr;
  std::vector<uint32_t> late;
  std::string key;
  for (uint32_t row = 0; row < input.rows; ++row) {
    if (data::IsRetraction(input.kind(row)) || (time != nullptr && time->IsNull(row))) {
      output.Fail(MakeFailedRow(input, row,
                                data::IsRetraction(input.kind(row)) ? "OVER takes no updates or deletes"
                                                                    : "the time column of ORDER BY is NULL"));
      continue;
    }
    key.clear();
    data::EncodeKey(keys, row, &key);
    std::string encoded;
    data::EncodeKey(input.columns, row, &encoded);
    if (time == nullptr) {
      LEAT_RETURN_IF_ERROR(Work(context.wall_ms, {key, {encoded}}, context.wall_ms, &state, output));
      continue;
    }
    const int64_t ms = WindowMath::MillisOf(time->values<int64_t>()[row]);
    LEAT_ASSIGN_OR_RETURN(const bool is_late, IsLate(ms, key, context, &state));
    if (is_late) {
      late.push_back(row);
      continue;
    }
    std::string order;
    AppendSortKey(input, node_->order, row, &order);
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * waiting, state.waiting.Mutate(ms, key, &inserted));
    BytesWriter writer(waiting);
    writer.WriteUnsignedVarint(order.size());
    writer.WriteBytes(order);
    writer.WriteUnsignedVarint(encoded.size());
    writer.WriteBytes(encoded);
  }
  if (!late.empty()) output.Late(input, late);
  return state.out.Flush(output);
}

// A bounded frame, and ORDER BY, take a row behind the watermark as long as its key has not gone beyond it, as Flink
// does.
absl::StatusOr<bool> Over::IsLate(int64_t ms, const std::string& key, const Context& context, OverState* state) const {
  if (ms > state->fired.ms()) return false;
  if (!bounded() && !node_->aggregates.empty()) return true;
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> stored, state->past.Find(key, context.wall_ms));
  if (!stored) return false;
  Past past;
  LEAT_RETURN_IF_ERROR(past.Parse(*stored));
  return ms <= past.last_ms;
}

absl::StatusOr<Over::Group> Over::ReadGroup(std::string_view key, std::string_view stored) const {
  std::vector<std::pair<std::string, std::string>> rows;
  BytesReader reader(stored);
  while (reader.remaining() > 0) {
    std::string order(reader.ReadBytes(reader.ReadUnsignedVarint()));
    std::string row(reader.ReadBytes(reader.ReadUnsignedVarint()));
    if (!reader.ok()) return DataLoss("state: the waiting rows of OVER are cut off");
    rows.emplace_back(std::move(order), std::move(row));
  }
  std::ranges::stable_sort(rows, {}, [](const auto& row) -> const std::string& { return row.first; });
  Group group{.key = std::string(key), .rows = {}};
  for (auto& [order, row] : rows) group.rows.push_back(std::move(row));
  return group;
}

absl::Status Over::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<OverState&>(operator_state);
  if (!by_time() || context.watermark_ms <= state.fired.ms()) return absl::OkStatus();
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> ms, state.waiting.NextNamespace(kMinWatermark));
    if (!ms || *ms > context.watermark_ms) break;
    std::vector<std::pair<std::string, std::string>> groups;
    LEAT_RETURN_IF_ERROR(state.waiting.Scan(
        *ms, [&](std::string_view key, std::string_view value) { groups.emplace_back(key, value); }));
    LEAT_RETURN_IF_ERROR(state.waiting.EraseNamespace(*ms));
    std::ranges::sort(groups);
    for (const auto& [key, stored] : groups) {
      LEAT_ASSIGN_OR_RETURN(const Group group, ReadGroup(key, stored));
      LEAT_RETURN_IF_ERROR(Work(*ms, group, context.wall_ms, &state, output));
    }
  }
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> ms, state.expiry.NextNamespace(kMinWatermark));
    if (!ms || *ms > context.watermark_ms) break;
    std::vector<std::string> keys;
    LEAT_RETURN_IF_ERROR(
        state.expiry.Scan(*ms, [&](std::string_view key, std::string_view) { keys.emplace_back(key); }));
    LEAT_RETURN_IF_ERROR(state.expiry.EraseNamespace(*ms));
    for (const std::string& key : keys) LEAT_RETURN_IF_ERROR(Look(*ms, key, context.wall_ms, &state));
  }
  state.fired.Set(context.watermark_ms);
  return state.out.Flush(output);
}

absl::Status Over::Work(int64_t ms, const Group& group, int64_t now_ms, OverState* state, Output& output) const {
  if (node_->aggregates.empty()) {
    for (const std::string& row : group.rows) {
      LEAT_RETURN_IF_ERROR(state->out.AppendStored(row, width_));
      LEAT_RETURN_IF_ERROR(state->out.Finish(data::RowKind::kInsert, output));
    }
    Past past;
    past.last_ms = ms;
    return state->past.Set(group.key, past.Store(), now_ms);
  }
  LEAT_ASSIGN_OR_RETURN(const data::Batch batch, Narrow(group.rows));
  return bounded() ? WorkBounded(ms, group, batch, now_ms, state, output)
                   : WorkUnbounded(group, batch, now_ms, state, output);
}

absl::Status Over::WorkUnbounded(const Group& group, const data::Batch& batch, int64_t now_ms, OverState* state,
                                 Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> stored, state->past.Find(group.key, now_ms));
  OverFunctions::Values values = functions_.Empty();
  if (stored) LEAT_RETURN_IF_ERROR(functions_.Load(*stored, &values));
  const std::vector<BoundSlot> bound = functions_.Bind(batch);
  if (!node_->frame.rows) {
    for (size_t row = 0; row < batch.rows; ++row) functions_.Add(batch, bound, row, &values);
  }
  for (size_t row = 0; row < batch.rows; ++row) {
    if (node_->frame.rows) functions_.Add(batch, bound, row, &values);
    LEAT_RETURN_IF_ERROR(Emit(group.rows[row], values, batch, row, state, output));
  }
  return state->past.Set(group.key, functions_.Store(values), now_ms);
}

absl::Status Over::WorkBounded(int64_t ms, const Group& group, const data::Batch& batch, int64_t now_ms,
                               OverState* state, Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> stored, state->past.Find(group.key, now_ms));
  Past past;
  if (stored) LEAT_RETURN_IF_ERROR(past.Parse(*stored));
  past.last_ms = ms;
  const size_t before = past.rows.size();
  for (size_t row = 0; row < batch.rows; ++row) {
    past.rows.push_back({ms, {}});
    data::EncodeKey(batch.columns, row, &past.rows.back().row);
  }
  LEAT_ASSIGN_OR_RETURN(const data::Batch frame, PastBatch(past));
  const std::vector<BoundSlot> bound = functions_.Bind(frame);
  const auto preceding = static_cast<size_t>(node_->frame.preceding);
  size_t first = 0;
  OverFunctions::Values values = functions_.Empty();
  if (!node_->frame.rows) {
    while (past.rows[first].ms < ms - node_->frame.preceding) ++first;
    for (size_t row = first; row < frame.rows; ++row) functions_.Add(frame, bound, row, &values);
  }
  for (size_t row = 0; row < batch.rows; ++row) {
    const size_t at = before + row;
    if (node_->frame.rows) {
      first = at > preceding ? at - preceding : 0;
      values = functions_.Empty();
      for (size_t i = first; i <= at; ++i) functions_.Add(frame, bound, i, &values);
    }
    LEAT_RETURN_IF_ERROR(Emit(group.rows[row], values, frame, at, state, output));
  }
  // ROWS: the next row's frame has `preceding` rows before it.
  if (node_->frame.rows) first = past.rows.size() > preceding ? past.rows.size() - preceding : 0;
  past.rows.erase(past.rows.begin(), past.rows.begin() + static_cast<std::ptrdiff_t>(first));
  if (!node_->frame.rows && by_time() && past.look_ms < SaturatingAdd(ms, node_->frame.preceding + 1)) {
    past.look_ms = SaturatingAdd(ms, node_->frame.preceding + node_->frame.preceding / 2 + 1);
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * look, state->expiry.Mutate(past.look_ms, group.key, &inserted));
    look->assign(1, '\1');
  }
  return state->past.Set(group.key, past.Store(), now_ms);
}

// The key's past goes half a frame after the last frame that can hold its newest row: as on Flink, rows that come that
// late still find it.
absl::Status Over::Look(int64_t ms, const std::string& key, int64_t now_ms, OverState* state) const {
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> stored, state->past.Find(key, now_ms));
  if (!stored) return absl::OkStatus();
  Past past;
  LEAT_RETURN_IF_ERROR(past.Parse(*stored));
  return past.look_ms <= ms ? state->past.Erase(key) : absl::OkStatus();  // else a later look is due
}

absl::StatusOr<std::vector<data::ColumnPtr>> DecodeRows(const data::Schema& schema,
                                                        const std::vector<std::string>& rows) {
  std::vector<std::shared_ptr<data::Column>> columns;
  std::vector<data::Column*> into;
  for (const data::Field& field : schema.fields) {
    columns.push_back(std::make_shared<data::Column>(field.type));
    into.push_back(columns.back().get());
  }
  for (const std::string& row : rows) LEAT_RETURN_IF_ERROR(data::DecodeKey(row, into));
  return std::vector<data::ColumnPtr>(columns.begin(), columns.end());
}

// Of rows of the input, the columns that the functions read.
absl::StatusOr<data::Batch> Over::Narrow(const std::vector<std::string>& rows) const {
  LEAT_ASSIGN_OR_RETURN(const std::vector<data::ColumnPtr> whole, DecodeRows(*node_->inputs[0]->schema, rows));
  data::Batch batch;
  batch.schema = functions_.schema();
  batch.rows = rows.size();
  for (const int column : functions_.columns()) batch.columns.push_back(whole[static_cast<size_t>(column)]);
  return batch;
}

absl::StatusOr<data::Batch> Over::PastBatch(const Past& past) const {
  std::vector<std::string> rows;
  for (const PastRow& row : past.rows) rows.push_back(row.row);
  data::Batch batch;
  batch.schema = functions_.schema();
  batch.rows = rows.size();
  LEAT_ASSIGN_OR_RETURN(batch.columns, DecodeRows(*functions_.schema(), rows));
  return batch;
}

absl::Status Over::Emit(const std::string& row, const OverFunctions::Values& values, const data::Batch& batch,
                        size_t at, OverState* state, Output& output) const {
  LEAT_RETURN_IF_ERROR(state->out.AppendStored(row, width_));
  LEAT_RETURN_IF_ERROR(functions_.Append(values, batch, at, std::span(state->out.Row()).subspan(width_)));
  return state->out.Finish(data::RowKind::kInsert, output);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeOver(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(OverFunctions functions, OverFunctions::Make(*node));
  return std::unique_ptr<Operator>(std::make_unique<Over>(node, std::move(functions)));
}

}  // namespace leat::exec
