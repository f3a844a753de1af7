// Top-N: ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) between two numbers, ORDER BY with LIMIT, and deduplication,
// which is Top-1 by a time. Over rows that only come, the rows behind the last number are forgotten; over rows that go
// again, all are kept, for one of them may move up. Without the number in the output a row that leaves is -D and one
// that enters +I; with it, each number whose row changes is -U and +U, as is the one row of a Top-1.
#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/operators.h"
#include "stream/exec/ranked_rows.h"
#include "stream/exec/row_output.h"
#include "stream/exec/sort_key.h"
#include "stream/exec/ttl_table.h"

namespace leat::exec {
namespace {

using data::RowKind;

// A partition with more than that is read and written once for a batch, not for each of its rows.
constexpr size_t kManyBytes = 4096;

struct RankState : OperatorState {
  struct Held {
    RankedRows rows;
    bool changed = false;
  };
  RankState(const plan::Node& node, TtlTable table) : rows(table), out(node.schema) {}
  TtlTable rows;
  absl::flat_hash_map<std::string, Held> held;  // by key, those of many bytes; empty between batches
  RowOutput out;
};

class Rank : public Operator {
 public:
  explicit Rank(plan::NodePtr node)
      : node_(std::move(node)),
        retracting_(node_->inputs[0]->produces_updates),
        one_row_(node_->rank.from == 1 && node_->rank.to == 1) {}

  std::string Name() const override { return StrCat("Rank#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(TtlTable rows, TtlTable::Open(backend, node_->id, 0, node_->ttl_ms));
    return std::make_unique<RankState>(*node_, rows);
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  enum class Move { kIn, kOut };
  static absl::Status Write(const std::string& key, const RankedRows& rows, int64_t now_ms, RankState* state) {
    return rows.size() == 0 ? state->rows.Erase(key) : state->rows.Set(key, rows.Store(), now_ms);
  }
  // What changes at the numbers from..to, and how it is put out.
  struct Change {
    const RankedRow* before;  // null: the number had no row
    const RankedRow* after;
    int64_t number;
  };
  absl::Status ProcessRow(const std::string& key, RankedRow row, Move move, int64_t now_ms, RankState* state,
                          Output& output) const;
  absl::Status MoveRow(RankedRow row, Move move, RankedRows* rows, bool* changed, RankState* state,
                       Output& output) const {
    return move == Move::kIn ? Add(std::move(row), rows, changed, state, output)
                             : Take(row, rows, changed, state, output);
  }
  absl::Status Add(RankedRow row, RankedRows* rows, bool* changed, RankState* state, Output& output) const;
  absl::Status Take(const RankedRow& row, RankedRows* rows, bool* changed, RankState* state, Output& output) const;
  absl::Status Put(const std::vector<Change>& changes, Move move, RankState* state, Output& output) const;
  absl::Status PutRow(const RankedRow& row, int64_t number, RowKind kind, RankState* state, Output& output) const;
  // How the numbers from..to change when, at `at` (from 0), a row is put in or taken out of `rows`.
  std::vector<Change> ChangesOf(const RankedRows& rows, size_t at, const RankedRow& row, Move move) const;

  plan::NodePtr node_;
  bool retracting_;
  bool one_row_;
};

absl::Status Rank::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                           Output& output) const {
  auto& state = static_cast<RankState&>(operator_state);
  LEAT_RETURN_IF_ERROR(state.rows.Forget(context.wall_ms));
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  std::string key;
  for (size_t row = 0; row < input.rows; ++row) {
    const bool takes = data::IsRetraction(input.kind(row));
    if (takes && !retracting_) {
      output.Fail(MakeFailedRow(input, row, "a row is taken back, but the input of Top-N was planned insert-only"));
      continue;
    }
    key.clear();
    data::EncodeKey(keys, row, &key);
    RankedRow ranked;
    AppendSortKey(input, node_->order, row, &ranked.order);
    data::EncodeKey(input.columns, row, &ranked.row);
    LEAT_RETURN_IF_ERROR(
        ProcessRow(key, std::move(ranked), takes ? Move::kOut : Move::kIn, context.wall_ms, &state, output));
  }
  for (const auto& [held_key, held] : state.held) {
    if (held.changed) LEAT_RETURN_IF_ERROR(Write(held_key, held.rows, context.wall_ms, &state));
  }
  state.held.clear();
  return state.out.Flush(output);
}

absl::Status Rank::ProcessRow(const std::string& key, RankedRow row, Move move, int64_t now_ms, RankState* state,
                              Output& output) const {
  if (const auto held = state->held.find(key); held != state->held.end()) {
    return MoveRow(std::move(row), move, &held->second.rows, &held->second.changed, state, output);
  }
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> stored, state->rows.Find(key, now_ms));
  LEAT_ASSIGN_OR_RETURN(RankedRows rows, RankedRows::Parse(stored.value_or(std::string_view())));
  if (stored && stored->size() > kManyBytes) {
    RankState::Held& held = state->held[key];
    held.rows = std::move(rows);
    return MoveRow(std::move(row), move, &held.rows, &held.changed, state, output);
  }
  bool changed = false;
  LEAT_RETURN_IF_ERROR(MoveRow(std::move(row), move, &rows, &changed, state, output));
  return changed ? Write(key, rows, now_ms, state) : absl::OkStatus();
}

std::vector<Rank::Change> Rank::ChangesOf(const RankedRows& rows, size_t at, const RankedRow& row, Move move) const {
  const auto first = std::max(static_cast<size_t>(node_->rank.from - 1), at);
  const size_t last =
      std::min(static_cast<size_t>(node_->rank.to - 1), move == Move::kIn ? rows.size() : rows.size() - 1);
  const auto row_at = [&](size_t i) { return i < rows.size() ? &rows.at(i) : nullptr; };
  std::vector<Change> changes;
  for (size_t i = first; i <= last; ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    if (move == Move::kIn) {
      changes.push_back({row_at(i), i == at ? &row : row_at(i - 1), number});
    } else {
      changes.push_back({row_at(i), row_at(i + 1), number});
    }
  }
  return changes;
}

absl::Status Rank::Add(RankedRow row, RankedRows* rows, bool* changed, RankState* state, Output& output) const {
  const size_t at = rows->PlaceOf(row.order, node_->rank.newest_first);
  const auto kept = static_cast<size_t>(node_->rank.to);
  if (!retracting_ && at >= kept) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(Put(ChangesOf(*rows, at, row, Move::kIn), Move::kIn, state, output));
  rows->Insert(at, std::move(row));
  if (!retracting_ && rows->size() > kept) rows->Erase(kept);
  *changed = true;
  return absl::OkStatus();
}

absl::Status Rank::Take(const RankedRow& row, RankedRows* rows, bool* changed, RankState* state, Output& output) const {
  const size_t at = rows->Find(row);
  if (at == rows->size()) {
    ++state->counters.ignored_retractions;
    return absl::OkStatus();
  }
  LEAT_RETURN_IF_ERROR(Put(ChangesOf(*rows, at, row, Move::kOut), Move::kOut, state, output));
  rows->Erase(at);
  *changed = true;
  return absl::OkStatus();
}

absl::Status Rank::Put(const std::vector<Change>& changes, Move move, RankState* state, Output& output) const {
  if (changes.empty()) return absl::OkStatus();
  if (!node_->rank.with_rank && !one_row_) {
    // Rows that only move from number to number stay.
    const RankedRow* leaves = move == Move::kIn ? changes.back().before : changes.front().before;
    const RankedRow* enters = move == Move::kIn ? changes.front().after : changes.back().after;
    if (leaves != nullptr) LEAT_RETURN_IF_ERROR(PutRow(*leaves, 0, RowKind::kDelete, state, output));
    return enters == nullptr ? absl::OkStatus() : PutRow(*enters, 0, RowKind::kInsert, state, output);
  }
  for (const Change& change : changes) {
    if (change.before == nullptr) {
      LEAT_RETURN_IF_ERROR(PutRow(*change.after, change.number, RowKind::kInsert, state, output));
    } else if (change.after == nullptr) {
      LEAT_RETURN_IF_ERROR(PutRow(*change.before, change.number, RowKind::kDelete, state, output));
    } else if (change.before->row != change.after->row) {
      LEAT_RETURN_IF_ERROR(PutRow(*change.before, change.number, RowKind::kUpdateBefore, state, output));
      LEAT_RETURN_IF_ERROR(PutRow(*change.after, change.number, RowKind::kUpdateAfter, state, output));
    }
  }
  return absl::OkStatus();
}

absl::Status Rank::PutRow(const RankedRow& row, int64_t number, RowKind kind, RankState* state, Output& output) const {
  const size_t width = node_->inputs[0]->schema->fields.size();
  LEAT_RETURN_IF_ERROR(state->out.AppendStored(row.row, width));
  if (node_->rank.with_rank) state->out.Row()[width]->Append<int64_t>(number);
  return state->out.Finish(kind, output);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeRank(const plan::NodePtr& node) {
  if (node->rank.from < 1 || node->rank.to < node->rank.from) {
    return InvalidArgument("Top-N: expected numbers from 1 on, got ", node->rank.from, " to ", node->rank.to);
  }
  return std::unique_ptr<Operator>(std::make_unique<Rank>(node));
}

}  // namespace leat::exec
