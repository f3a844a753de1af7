// Top-N and deduplication within windows that the rows have already: each window's best rows, put out once, in their
// order, when the watermark passes the window's end. Its state goes with the window.
#include <algorithm>

#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/operators.h"
#include "stream/exec/ranked_rows.h"
#include "stream/exec/row_output.h"
#include "stream/exec/sort_key.h"
#include "stream/exec/window.h"

namespace leat::exec {
namespace {

struct WindowRankState : OperatorState {
  explicit WindowRankState(const plan::Node& node, state::StateTable& table) : rows(table), out(node.schema) {}
  state::StateTable& rows;  // by the window's end
  FiredWatermark fired;
  RowOutput out;
};

class WindowRank : public Operator {
 public:
  explicit WindowRank(plan::NodePtr node) : node_(std::move(node)) {}

  std::string Name() const override { return StrCat("WindowRank#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<WindowRankState>(*node_, backend.Table(node_->id, 0));
    LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, 1)));
    return state;
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override {
    return static_cast<WindowRankState&>(state).fired.Store();
  }

 private:
  absl::Status Add(int64_t window_end, const std::string& key, RankedRow row, WindowRankState* state) const;
  absl::Status Fire(std::string_view stored, WindowRankState* state, Output& output) const;

  plan::NodePtr node_;
};

absl::Status WindowRank::Process(OperatorState& operator_state, const Context&, const data::Batch& input,
                                 Output& output) const {
  auto& state = static_cast<WindowRankState&>(operator_state);
  const data::Column& end = *input.columns[static_cast<size_t>(node_->window.time_column)];
  const std::span<const int64_t> micros = end.values<int64_t>();
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  std::vector<uint32_t> late;
  std::string key;
  for (uint32_t row = 0; row < input.rows; ++row) {
    if (end.IsNull(row) || data::IsRetraction(input.kind(row))) {
      output.Fail(MakeFailedRow(
          input, row,
          end.IsNull(row) ? "the end of the window is NULL" : "a window Top-N takes no updates or deletes"));
      continue;
    }
    const int64_t window_end = WindowMath::MillisOf(micros[row]);
    if (window_end - 1 <= state.fired.ms()) {
      late.push_back(row);
      continue;
    }
    key.clear();
    data::EncodeKey(keys, row, &key);
    RankedRow ranked;
    AppendSortKey(input, node_->order, row, &ranked.order);
    data::EncodeKey(input.columns, row, &ranked.row);
    LEAT_RETURN_IF_ERROR(Add(window_end, key, std::move(ranked), &state));
  }
  if (!late.empty()) output.Late(input, late);
  return absl::OkStatus();
}

absl::Status WindowRank::Add(int64_t window_end, const std::string& key, RankedRow row, WindowRankState* state) const {
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->rows.Find(window_end, key));
  LEAT_ASSIGN_OR_RETURN(RankedRows rows,
                        RankedRows::Parse(stored == nullptr ? std::string_view() : std::string_view(*stored)));
  const size_t at = rows.PlaceOf(row.order, node_->rank.newest_first);
  const auto kept = static_cast<size_t>(node_->rank.to);
  if (at >= kept) return absl::OkStatus();
  rows.Insert(at, std::move(row));
  if (rows.size() > kept) rows.Erase(kept);
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->rows.Mutate(window_end, key, &inserted));
  *value = rows.Store();
  return absl::OkStatus();
}

absl::Status WindowRank::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<WindowRankState&>(operator_state);
  if (context.watermark_ms <= state.fired.ms()) return absl::OkStatus();
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> end, state.rows.NextNamespace(kMinWatermark));
    if (!end || *end - 1 > context.watermark_ms) break;
    std::vector<std::pair<std::string, std::string>> groups;
    LEAT_RETURN_IF_ERROR(
        state.rows.Scan(*end, [&](std::string_view key, std::string_view value) { groups.emplace_back(key, value); }));
    LEAT_RETURN_IF_ERROR(state.rows.EraseNamespace(*end));
    std::ranges::sort(groups);
    for (const auto& [key, stored] : groups) LEAT_RETURN_IF_ERROR(Fire(stored, &state, output));
  }
  state.fired.Set(context.watermark_ms);
  return state.out.Flush(output);
}

absl::Status WindowRank::Fire(std::string_view stored, WindowRankState* state, Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const RankedRows rows, RankedRows::Parse(stored));
  const size_t width = node_->inputs[0]->schema->fields.size();
  for (auto i = static_cast<size_t>(node_->rank.from - 1); i < rows.size(); ++i) {
    LEAT_RETURN_IF_ERROR(state->out.AppendStored(rows.at(i).row, width));
    if (node_->rank.with_rank) state->out.Row()[width]->Append<int64_t>(static_cast<int64_t>(i) + 1);
    LEAT_RETURN_IF_ERROR(state->out.Finish(data::RowKind::kInsert, output));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindowRank(const plan::NodePtr& node) {
  if (node->rank.from < 1 || node->rank.to < node->rank.from) {
    return InvalidArgument("window Top-N: expected numbers from 1 on, got ", node->rank.from, " to ", node->rank.to);
  }
  return std::unique_ptr<Operator>(std::make_unique<WindowRank>(node));
}

}  // namespace leat::exec
