// MATCH_RECOGNIZE: rows wait until the watermark has passed their time, then go through the automaton of their key in
// the order of time; by processing time they go through it at once. A match is one row.
#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/keyed_matches.h"
#include "stream/exec/match_expression.h"
#include "stream/exec/operators.h"
#include "stream/exec/row_output.h"
#include "stream/exec/sort_key.h"
#include "stream/exec/window.h"

namespace leat::exec {
namespace {

// Tables: the begun matches of each key, waiting rows by time, the watermark, and by time the keys in which WITHIN ends
// something by then.
constexpr int kRunsTable = 0;
constexpr int kWaitingTable = 1;
constexpr int kWatermarkTable = 2;
constexpr int kTimersTable = 3;

// Matches that have ended, until their measures are computed together.
struct EndedMatches {
  std::vector<std::string> keys;
  std::vector<std::vector<std::shared_ptr<data::Column>>> values;  // of each measure
};

struct MatchState : OperatorState {
  MatchState(const plan::Node& node, state::StateBackend& backend)
      : runs(backend.Table(node.id, kRunsTable)),
        waiting(backend.Table(node.id, kWaitingTable)),
        timers(backend.Table(node.id, kTimersTable)),
        out(node.schema) {}
  state::StateTable& runs;
  state::StateTable& waiting;
  state::StateTable& timers;
  FiredWatermark fired;
  std::map<std::string, KeyedMatches, std::less<>> active;  // of the call that is running
  EndedMatches ended;
  RowOutput out;
};

// Rows in the order in which they go through the automatons, and what their conditions are where those look at no other
// row: computed for all of them when the first one is asked for.
struct Chunk {
  struct Condition {
    data::ColumnPtr met;
    std::map<size_t, std::string> errors;  // by row
  };
  std::vector<std::string> keys;
  std::vector<int64_t> times;
  std::vector<std::string> bytes;
  data::Batch rows;                                  // of MatchColumns
  std::vector<std::optional<Condition>> conditions;  // of each variable
};

class Match : public Operator {
 public:
  Match(plan::NodePtr node, MatchColumns columns)
      : node_(std::move(node)), columns_(std::move(columns)), automaton_(*node_->match) {}

  absl::Status Compile() {
    const auto& variables = node_->match->variables;
    for (size_t i = 0; i < variables.size(); ++i) {
      conditions_.emplace_back();
      if (!variables[i].condition) continue;
      LEAT_ASSIGN_OR_RETURN(conditions_.back(),
                            MatchEvaluator::Make(*variables[i].condition, columns_, static_cast<int>(i)));
    }
    for (const plan::MatchExpression& measure : node_->match->measures) {
      LEAT_ASSIGN_OR_RETURN(MatchEvaluator made, MatchEvaluator::Make(measure, columns_, -1));
      measures_.push_back(std::move(made));
    }
    return absl::OkStatus();
  }

  std::string Name() const override { return StrCat("Match#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<MatchState>(*node_, backend);
    LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, kWatermarkTable)));
    NewEnded(state.get());
    return state;
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override { return static_cast<MatchState&>(state).fired.Store(); }

 private:
  bool by_time() const { return node_->window.time_column >= 0; }
  data::Batch Narrow(const data::Batch& input) const;
  absl::Status Wait(int64_t ms, const data::Batch& input, const data::Batch& narrow, uint32_t row,
                    const std::string& key, MatchState* state) const;
  absl::Status AddGroup(int64_t ms, std::string_view key, std::string_view stored, Chunk* chunk) const;
  absl::Status WorkWaiting(const Context& context, MatchState* state, Output& output) const;
  absl::Status WorkBytes(Chunk* chunk, const Context& context, MatchState* state, Output& output) const;
  absl::Status Work(Chunk* chunk, const Context& context, MatchState* state, Output& output) const;
  absl::StatusOr<bool> Holds(int variable, const MatchView& view, Chunk* chunk, const Context& context) const;
  absl::StatusOr<KeyedMatches*> Find(std::string_view key, MatchState* state) const;
  absl::Status Timers(int64_t now_ms, MatchState* state) const;
  // Ends a call: what WITHIN ends, the changed keys to their tables, what is computed to the output.
  absl::Status Finish(int64_t now_ms, const Context& context, MatchState* state, Output& output) const;
  absl::Status StoreRun(const std::string& key, KeyedMatches* matches, MatchState* state) const;
  void Give(const std::string& key, const std::vector<CompletedMatch>& ended, const KeyedMatches& matches,
            MatchState* state, Output& output) const;
  void NewEnded(MatchState* state) const;
  absl::Status EmitEnded(const Context& context, MatchState* state, Output& output) const;

  plan::NodePtr node_;
  MatchColumns columns_;
  MatchAutomaton automaton_;
  std::vector<std::optional<MatchEvaluator>> conditions_;  // of each variable
  std::vector<MatchEvaluator> measures_;
};

data::Batch Match::Narrow(const data::Batch& input) const {
  data::Batch narrow;
  narrow.schema = columns_.schema();
  narrow.rows = input.rows;
  for (const int column : columns_.columns()) narrow.columns.push_back(input.columns[static_cast<size_t>(column)]);
  return narrow;
}

absl::Status Match::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                            Output& output) const {
  auto& state = static_cast<MatchState&>(operator_state);
  if (!by_time()) LEAT_RETURN_IF_ERROR(Timers(context.wall_ms, &state));
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  const data::Column* time = by_time() ? input.columns[static_cast<size_t>(node_->window.time_column)].get() : nullptr;
  const data::Batch narrow = Narrow(input);
  std::vector<uint32_t> late;
  std::vector<uint32_t> now;
  Chunk chunk;
  for (uint32_t row = 0; row < input.rows; ++row) {
    const bool retraction = data::IsRetraction(input.kind(row));
    if (retraction || (time != nullptr && time->IsNull(row))) {
      output.Fail(MakeFailedRow(
          input, row,
          retraction ? "MATCH_RECOGNIZE takes no updates or deletes" : "the time column of ORDER BY is NULL"));
      continue;
    }
    std::string key;
    data::EncodeKey(keys, row, &key);
    if (time == nullptr) {
      now.push_back(row);
      chunk.keys.push_back(std::move(key));
      chunk.times.push_back(context.wall_ms);
      data::EncodeKey(narrow.columns, row, &chunk.bytes.emplace_back());
      continue;
    }
    const int64_t ms = WindowMath::MillisOf(time->values<int64_t>()[row]);
    if (ms <= state.fired.ms()) {
      late.push_back(row);
      continue;
    }
    LEAT_RETURN_IF_ERROR(Wait(ms, input, narrow, row, key, &state));
  }
  if (!late.empty()) output.Late(input, late);
  if (by_time()) return absl::OkStatus();
  chunk.rows = now.size() == input.rows ? narrow : data::Gather(narrow, now);
  LEAT_RETURN_IF_ERROR(Work(&chunk, context, &state, output));
  return Finish(context.wall_ms, context, &state, output);
}

absl::Status Match::Wait(int64_t ms, const data::Batch& input, const data::Batch& narrow, uint32_t row,
                         const std::string& key, MatchState* state) const {
  std::string order;
  AppendSortKey(input, node_->order, row, &order);
  std::string bytes;
  data::EncodeKey(narrow.columns, row, &bytes);
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * waiting, state->waiting.Mutate(ms, key, &inserted));
  BytesWriter writer(waiting);
  writer.WriteUnsignedVarint(order.size());
  writer.WriteBytes(order);
  writer.WriteUnsignedVarint(bytes.size());
  writer.WriteBytes(bytes);
  return absl::OkStatus();
}

absl::Status Match::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<MatchState&>(operator_state);
  if (!by_time() || context.watermark_ms <= state.fired.ms()) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(WorkWaiting(context, &state, output));
  LEAT_RETURN_IF_ERROR(Timers(context.watermark_ms, &state));
  state.fired.Set(context.watermark_ms);
  return Finish(context.watermark_ms, context, &state, output);
}

absl::Status Match::WorkWaiting(const Context& context, MatchState* state, Output& output) const {
  Chunk chunk;
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> ms, state->waiting.NextNamespace(kMinWatermark));
    if (!ms || *ms > context.watermark_ms) break;
    std::vector<std::pair<std::string, std::string>> groups;
    LEAT_RETURN_IF_ERROR(state->waiting.Scan(
        *ms, [&](std::string_view key, std::string_view value) { groups.emplace_back(key, value); }));
    LEAT_RETURN_IF_ERROR(state->waiting.EraseNamespace(*ms));
    std::ranges::sort(groups);
    for (const auto& [key, stored] : groups) LEAT_RETURN_IF_ERROR(AddGroup(*ms, key, stored, &chunk));
    if (chunk.keys.size() < data::kBatchRows) continue;
    LEAT_RETURN_IF_ERROR(WorkBytes(&chunk, context, state, output));
    chunk = {};
  }
  return WorkBytes(&chunk, context, state, output);
}

// The rows of one key and one time in the order of ORDER BY's other columns, and then of their coming.
absl::Status Match::AddGroup(int64_t ms, std::string_view key, std::string_view stored, Chunk* chunk) const {
  std::vector<std::pair<std::string_view, std::string_view>> rows;
  BytesReader reader(stored);
  while (reader.remaining() > 0) {
    const std::string_view order = reader.ReadBytes(reader.ReadUnsignedVarint());
    const std::string_view row = reader.ReadBytes(reader.ReadUnsignedVarint());
    if (!reader.ok()) return DataLoss("state: the waiting rows of MATCH_RECOGNIZE are cut off");
    rows.emplace_back(order, row);
  }
  std::ranges::stable_sort(rows, {}, [](const auto& row) { return row.first; });
  for (const auto& [order, row] : rows) {
    chunk->keys.emplace_back(key);
    chunk->times.push_back(ms);
    chunk->bytes.emplace_back(row);
  }
  return absl::OkStatus();
}

absl::Status Match::WorkBytes(Chunk* chunk, const Context& context, MatchState* state, Output& output) const {
  std::vector<std::shared_ptr<data::Column>> columns;
  std::vector<data::Column*> into;
  for (const data::Field& field : columns_.schema()->fields) {
    columns.push_back(std::make_shared<data::Column>(field.type));
    into.push_back(columns.back().get());
  }
  for (const std::string& row : chunk->bytes) LEAT_RETURN_IF_ERROR(data::DecodeKey(row, into));
  chunk->rows.schema = columns_.schema();
  chunk->rows.columns.assign(columns.begin(), columns.end());
  chunk->rows.rows = chunk->bytes.size();
  return Work(chunk, context, state, output);
}

absl::Status Match::Work(Chunk* chunk, const Context& context, MatchState* state, Output& output) const {
  chunk->conditions.resize(conditions_.size());
  for (size_t row = 0; row < chunk->keys.size(); ++row) {
    const std::string& key = chunk->keys[row];
    LEAT_ASSIGN_OR_RETURN(KeyedMatches * matches, Find(key, state));
    const auto condition = [&](int variable, const PartialMatch& match) -> absl::StatusOr<bool> {
      return Holds(variable,
                   MatchView{.match = match,
                             .kept = matches->rows(),
                             .first_kept = matches->first_row(),
                             .tried = &chunk->rows,
                             .tried_row = row,
                             .tried_variable = variable},
                   chunk, context);
    };
    std::vector<CompletedMatch> ended;
    automaton_.Expire(&matches->run, chunk->times[row], &ended);
    Give(key, ended, *matches, state, output);
    ended.clear();
    const absl::Status status = automaton_.Step(&matches->run, chunk->times[row], condition, &ended);
    if (status.code() == absl::StatusCode::kInvalidArgument) {
      // As if the row had never come.
      output.Fail(MakeFailedRow(chunk->rows, row, std::string(Message(status))));
      continue;
    }
    LEAT_RETURN_IF_ERROR(status);
    if (!ended.empty() || !matches->run.idle()) {
      LEAT_RETURN_IF_ERROR(matches->Append(chunk->times[row], chunk->bytes[row]));
      Give(key, ended, *matches, state, output);
    }
    if (matches->run.idle()) matches->Clear();
    if (state->ended.keys.size() >= data::kBatchRows) LEAT_RETURN_IF_ERROR(EmitEnded(context, state, output));
  }
  return absl::OkStatus();
}

// kInvalidArgument: the condition cannot be computed for the row.
absl::StatusOr<bool> Match::Holds(int variable, const MatchView& view, Chunk* chunk, const Context& context) const {
  const auto& evaluator = conditions_[static_cast<size_t>(variable)];
  if (!evaluator) return true;
  std::vector<RowError> errors;
  if (!evaluator->local()) {
    auto values = evaluator->NewValues();
    evaluator->AppendValues(view, &values);
    const data::ColumnPtr met = evaluator->Evaluate({values.begin(), values.end()}, 1, context, &errors);
    if (!errors.empty()) return InvalidArgument(errors[0].reason);
    return !met->IsNull(0) && met->values<uint8_t>()[0] != 0;
  }
  auto& condition = chunk->conditions[static_cast<size_t>(variable)];
  if (!condition) {
    condition.emplace();
    condition->met = evaluator->EvaluateLocal(chunk->rows, context, &errors);
    for (const RowError& error : errors) condition->errors.emplace(error.row, error.reason);
  }
  const auto failed = condition->errors.find(view.tried_row);
  if (failed != condition->errors.end()) return InvalidArgument(failed->second);
  return !condition->met->IsNull(view.tried_row) && condition->met->values<uint8_t>()[view.tried_row] != 0;
}

absl::StatusOr<KeyedMatches*> Match::Find(std::string_view key, MatchState* state) const {
  const auto known = state->active.find(key);
  if (known != state->active.end()) return &known->second;
  KeyedMatches matches(automaton_.Begin(), columns_.schema());
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->runs.Find(0, key));
  if (stored != nullptr) LEAT_RETURN_IF_ERROR(matches.Load(*stored, automaton_));
  return &state->active.emplace(std::string(key), std::move(matches)).first->second;
}

// The keys that are due become active; Finish looks at them.
absl::Status Match::Timers(int64_t now_ms, MatchState* state) const {
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> ms, state->timers.NextNamespace(kMinWatermark));
    if (!ms || *ms > now_ms) return absl::OkStatus();
    std::vector<std::string> keys;
    LEAT_RETURN_IF_ERROR(
        state->timers.Scan(*ms, [&](std::string_view key, std::string_view) { keys.emplace_back(key); }));
    LEAT_RETURN_IF_ERROR(state->timers.EraseNamespace(*ms));
    for (const std::string& key : keys) {
      LEAT_ASSIGN_OR_RETURN(KeyedMatches * matches, Find(key, state));
      matches->timer_ms = KeyedMatches::kNoTimer;
    }
  }
}

absl::Status Match::Finish(int64_t now_ms, const Context& context, MatchState* state, Output& output) const {
  for (auto& [key, matches] : state->active) {
    std::vector<CompletedMatch> ended;
    automaton_.Expire(&matches.run, now_ms, &ended);
    Give(key, ended, matches, state, output);
    LEAT_RETURN_IF_ERROR(StoreRun(key, &matches, state));
    if (state->ended.keys.size() >= data::kBatchRows) LEAT_RETURN_IF_ERROR(EmitEnded(context, state, output));
  }
  state->active.clear();
  LEAT_RETURN_IF_ERROR(EmitEnded(context, state, output));
  return state->out.Flush(output);
}

absl::Status Match::StoreRun(const std::string& key, KeyedMatches* matches, MatchState* state) const {
  const int64_t due = automaton_.NextExpiry(matches->run).value_or(KeyedMatches::kNoTimer);
  // A timer that comes too early is set anew; the one of a key that has nothing any more is taken back.
  const bool idle = matches->run.idle();
  if (idle && matches->timer_ms != KeyedMatches::kNoTimer) {
    LEAT_RETURN_IF_ERROR(state->timers.Erase(matches->timer_ms, key));
  }
  if (idle) return matches->stored ? state->runs.Erase(0, key) : absl::OkStatus();
  bool inserted = false;
  if (due < matches->timer_ms) {
    matches->timer_ms = due;
    LEAT_ASSIGN_OR_RETURN(std::string * timer, state->timers.Mutate(due, key, &inserted));
    timer->assign(1, '\1');
  }
  LEAT_ASSIGN_OR_RETURN(std::string * stored, state->runs.Mutate(0, key, &inserted));
  *stored = matches->Store();
  return absl::OkStatus();
}

void Match::NewEnded(MatchState* state) const {
  state->ended.keys.clear();
  state->ended.values.clear();
  for (const MatchEvaluator& measure : measures_) state->ended.values.push_back(measure.NewValues());
}

void Match::Give(const std::string& key, const std::vector<CompletedMatch>& ended, const KeyedMatches& matches,
                 MatchState* state, Output& output) const {
  for (const CompletedMatch& one : ended) {
    const MatchView view{
        .match = one.match, .kept = matches.rows(), .first_kept = matches.first_row(), .time_ms = one.time_ms};
    if (one.no_skip) {
      const auto last = static_cast<size_t>(one.match.start + one.match.rows() - 1 - view.first_kept);
      const std::string& variable = node_->match->variables[static_cast<size_t>(node_->match->skip_variable)].name;
      output.Fail(
          MakeFailedRow(matches.rows(), last,
                        StrCat("AFTER MATCH SKIP TO ", variable, ": the match that this row ends has no row of ",
                               variable, " behind its first one; the search went on at the next row")));
      continue;
    }
    state->ended.keys.push_back(key);
    for (size_t i = 0; i < measures_.size(); ++i) measures_[i].AppendValues(view, &state->ended.values[i]);
  }
}

absl::Status Match::EmitEnded(const Context& context, MatchState* state, Output& output) const {
  const std::vector<std::string> keys = std::move(state->ended.keys);
  if (keys.empty()) return absl::OkStatus();
  std::vector<RowError> errors;
  std::vector<data::ColumnPtr> columns;
  for (size_t i = 0; i < measures_.size(); ++i) {
    const auto& values = state->ended.values[i];
    columns.push_back(measures_[i].Evaluate({values.begin(), values.end()}, keys.size(), context, &errors));
  }
  NewEnded(state);
  data::Batch measured;
  measured.schema = std::make_shared<data::Schema>(data::Schema{
      {node_->schema->fields.begin() + static_cast<std::ptrdiff_t>(node_->keys.size()), node_->schema->fields.end()}});
  measured.columns = std::move(columns);
  measured.rows = keys.size();
  for (const uint32_t row : ReportFailures(measured, std::move(errors), output)) {
    LEAT_RETURN_IF_ERROR(state->out.AppendStored(keys[row], node_->keys.size()));
    for (size_t i = 0; i < measures_.size(); ++i) {
      state->out.Row()[node_->keys.size() + i]->AppendFrom(*measured.columns[i], row);
    }
    LEAT_RETURN_IF_ERROR(state->out.Finish(data::RowKind::kInsert, output));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeMatch(const plan::NodePtr& node) {
  auto match = std::make_unique<Match>(node, MatchColumns(*node));
  LEAT_RETURN_IF_ERROR(match->Compile());
  return std::unique_ptr<Operator>(std::move(match));
}

}  // namespace leat::exec
