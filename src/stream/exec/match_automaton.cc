#include "stream/exec/match_automaton.h"

#include <algorithm>
#include <numeric>

#include "stream/exec/calendar.h"

namespace leat::exec {

int64_t PartialMatch::rows() const { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

std::pair<int64_t, int64_t> PartialMatch::RowsOf(int variable) const {
  if (!begun()) return {0, 0};
  if (variable < 0) return {start, start + rows()};
  const int64_t first = std::accumulate(counts.begin(), counts.begin() + variable, start);
  return {first, first + counts[static_cast<size_t>(variable)]};
}

// --- MatchQueue ---

void MatchQueue::Add(PartialMatch match) {
  size_t at = items_.size();
  items_.push_back(std::move(match));
  while (at > 0) {
    const size_t parent = (at - 1) / 2;
    if (items_[at].start >= items_[parent].start) break;
    std::swap(items_[at], items_[parent]);
    at = parent;
  }
}

void MatchQueue::SiftDown(size_t at) {
  while (at < items_.size() / 2) {
    size_t child = 2 * at + 1;
    if (child + 1 < items_.size() && items_[child].start > items_[child + 1].start) ++child;
    if (items_[at].start <= items_[child].start) break;
    std::swap(items_[at], items_[child]);
    at = child;
  }
}

PartialMatch MatchQueue::TakeFirst() {
  std::swap(items_.front(), items_.back());
  PartialMatch first = std::move(items_.back());
  items_.pop_back();
  SiftDown(0);
  return first;
}

void MatchQueue::RemoveIf(absl::FunctionRef<bool(const PartialMatch&)> is_over) {
  if (std::erase_if(items_, is_over) == 0) return;
  for (size_t i = items_.size() / 2; i-- > 0;) SiftDown(i);
}

int64_t MatchRun::FirstRow() const {
  int64_t first = next_row;
  for (const MatchQueue* queue : {&open, &completed}) {
    if (!queue->empty()) first = std::min(first, queue->first().start);
  }
  return first;
}

// --- the automaton ---

// Built from the back, as the state behind a variable must be there to be pointed to.
MatchAutomaton::MatchAutomaton(const plan::MatchSpec& spec)
    : variables_(spec.variables.size()),
      skip_(spec.skip),
      skip_variable_(spec.skip_variable),
      within_ms_(spec.within_ms) {
  int next = AddState(-1);
  for (size_t i = spec.variables.size(); i-- > 0;) {
    next = CompileVariable(static_cast<int>(i), spec.variables[i], next);
  }
  start_ = next;
}

int MatchAutomaton::AddState(int variable) {
  states_.push_back({.variable = variable, .edges = {}});
  return static_cast<int>(states_.size()) - 1;
}

// A state that takes one row; `proceed` >= 0: or none, and goes on there.
int MatchAutomaton::CompileOnce(int variable, int next, int proceed) {
  const int state = AddState(variable);
  states_[static_cast<size_t>(state)].edges.push_back({.take = true, .target = next, .unless = {}});
  if (proceed >= 0) {
    states_[static_cast<size_t>(state)].edges.push_back({.take = false, .target = proceed, .unless = {}});
  }
  return state;
}

int MatchAutomaton::CompileVariable(int variable, const plan::MatchVariable& spec, int next) {
  const bool optional = spec.min == 0;
  const int from = std::max(spec.min, 1);
  const bool loops = spec.max < 0;
  const bool choice = loops || (spec.min != spec.max && spec.max > 1);
  if (spec.greedy && choice) {
    for (Edge& edge : states_[static_cast<size_t>(next)].edges) edge.unless.push_back(variable);
  }
  int behind = next;
  if (loops) {
    behind = AddState(variable);
    auto& edges = states_[static_cast<size_t>(behind)].edges;
    edges.push_back({.take = false, .target = next, .unless = {}});
    edges.push_back({.take = true, .target = behind, .unless = {}});
  } else {
    for (int i = from; i < spec.max; ++i) behind = CompileOnce(variable, behind, next);
  }
  for (int i = 1; i < from; ++i) behind = CompileOnce(variable, behind, -1);
  return CompileOnce(variable, behind, optional ? next : -1);
}

MatchRun MatchAutomaton::Begin() const {
  MatchRun run;
  PartialMatch none{.state = start_};
  none.counts.assign(variables_, 0);
  run.open.Add(std::move(none));
  return run;
}

absl::StatusOr<bool> MatchAutomaton::Holds(const State& state, const Edge& edge, const PartialMatch& match,
                                           Condition condition) {
  if (edge.take) {
    LEAT_ASSIGN_OR_RETURN(const bool taken, condition(state.variable, match));
    if (!taken) return false;
  }
  for (const int variable : edge.unless) {
    LEAT_ASSIGN_OR_RETURN(const bool kept, condition(variable, match));
    if (kept) return false;
  }
  return true;
}

// Whether the match, which has just taken the row, can end in this state without a further one.
absl::StatusOr<bool> MatchAutomaton::CanEnd(int state, const PartialMatch& match, Condition condition) const {
  std::vector<int> stack = {state};
  while (!stack.empty()) {
    const State& at = states_[static_cast<size_t>(stack.back())];
    stack.pop_back();
    for (const Edge& edge : at.edges) {
      if (edge.take) continue;
      LEAT_ASSIGN_OR_RETURN(const bool holds, Holds(at, edge, match, condition));
      if (!holds) continue;
      if (edge.target == kFinal) return true;
      stack.push_back(edge.target);
    }
  }
  return false;
}

// The ways in which the match goes on with the row; none: it ends here without having become one.
absl::Status MatchAutomaton::Advance(const PartialMatch& match, int64_t row, int64_t time_ms, Condition condition,
                                     std::vector<PartialMatch>* next) const {
  std::vector<int> stack = {match.state};
  while (!stack.empty()) {
    const State& at = states_[static_cast<size_t>(stack.back())];
    stack.pop_back();
    for (const Edge& edge : at.edges) {
      LEAT_ASSIGN_OR_RETURN(const bool holds, Holds(at, edge, match, condition));
      if (!holds) continue;
      if (!edge.take) {
        stack.push_back(edge.target);
        continue;
      }
      PartialMatch taken = match;
      taken.state = edge.target;
      ++taken.counts[static_cast<size_t>(at.variable)];
      if (!match.begun()) {
        taken.start = row;
        taken.start_ms = time_ms;
      }
      LEAT_ASSIGN_OR_RETURN(const bool can_end, CanEnd(edge.target, match, condition));
      next->push_back(taken);
      if (!can_end) continue;
      taken.state = kFinal;
      next->push_back(std::move(taken));
    }
  }
  if (!match.begun()) next->push_back(match);
  return absl::OkStatus();
}

absl::Status MatchAutomaton::Step(MatchRun* run, int64_t time_ms, Condition condition,
                                  std::vector<CompletedMatch>* matches) const {
  Expire(run, time_ms, matches);
  MatchQueue open;
  MatchQueue ended;
  std::vector<PartialMatch> next;
  for (const PartialMatch& match : run->open.items()) {
    next.clear();
    LEAT_RETURN_IF_ERROR(Advance(match, run->next_row, time_ms, condition, &next));
    for (PartialMatch& one : next) (one.state == kFinal ? ended : open).Add(std::move(one));
    if (open.size() + run->completed.size() > kMaxPartialMatches) {
      return ResourceExhausted("MATCH_RECOGNIZE: more than ", kMaxPartialMatches,
                               " begun matches in the rows of one key; set WITHIN, or make the conditions narrower");
    }
  }
  run->open = std::move(open);
  ++run->next_row;
  for (const PartialMatch& match : ended.items()) run->completed.Add(match);
  GiveOut(run, time_ms, matches);
  return absl::OkStatus();
}

std::optional<int64_t> MatchAutomaton::NextExpiry(const MatchRun& run) const {
  if (within_ms_ <= 0 || run.open.empty() || !run.open.first().begun()) return std::nullopt;
  return SaturatingAdd(run.open.first().start_ms, within_ms_);
}

// One moment after the other, so that what comes out does not depend on how far apart the looks at the time are.
void MatchAutomaton::Expire(MatchRun* run, int64_t now_ms, std::vector<CompletedMatch>* matches) const {
  while (true) {
    const std::optional<int64_t> due = NextExpiry(*run);
    if (!due || *due > now_ms) return;
    run->open.RemoveIf(
        [&](const PartialMatch& match) { return match.begun() && SaturatingAdd(match.start_ms, within_ms_) <= *due; });
    GiveOut(run, *due, matches);
  }
}

void MatchAutomaton::GiveOut(MatchRun* run, int64_t time_ms, std::vector<CompletedMatch>* matches) const {
  while (!run->completed.empty() && (run->open.empty() || run->completed.first().start <= run->open.first().start)) {
    CompletedMatch given{.match = run->completed.TakeFirst(), .time_ms = time_ms};
    given.no_skip = !Skip(run, given.match);
    matches->push_back(std::move(given));
  }
}

// Drops what begins before the row where the search goes on; false: there is no such row.
bool MatchAutomaton::Skip(MatchRun* run, const PartialMatch& match) const {
  int64_t from = match.start + 1;  // TO NEXT ROW
  bool found = true;
  if (skip_ == plan::MatchSkip::kPastLastRow) {
    from = match.start + match.rows();
  } else if (skip_ != plan::MatchSkip::kToNextRow) {
    const auto [first, end] = match.RowsOf(skip_variable_);
    const int64_t row = skip_ == plan::MatchSkip::kToFirst ? first : end - 1;
    found = first < end && row != match.start;
    if (found) from = row;
  }
  const auto is_over = [&](const PartialMatch& other) { return other.begun() && other.start < from; };
  run->open.RemoveIf(is_over);
  run->completed.RemoveIf(is_over);
  return found;
}

}  // namespace leat::exec
