// PATTERN of MATCH_RECOGNIZE as an automaton, and the matches that have begun in the rows of one key. It decides as
// Flink's does: all begun matches go on beside one another; a greedy variable keeps every row that it could take from
// the variable behind it; a match is given out once no match that began before it is still open. Pure: rows are numbers
// here, and whether a row can be a variable's is asked of the caller.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/status.h"
#include "stream/plan/plan.h"

namespace leat::exec {

// A match that has begun, or ended. Its rows follow each other, and those of a variable too, so that the first row and
// how many rows each variable has say everything.
struct PartialMatch {
  static constexpr int64_t kNotBegun = std::numeric_limits<int64_t>::max();
  int state = 0;
  int64_t start = kNotBegun;    // number of its first row
  int64_t start_ms = 0;         // the time of that
  std::vector<int32_t> counts;  // rows of each variable

  bool begun() const { return start != kNotBegun; }
  int64_t rows() const;
  // The number of the variable's first row, and one behind its last one; equal if it has none. -1: of the match.
  std::pair<int64_t, int64_t> RowsOf(int variable) const;
  friend bool operator==(const PartialMatch&, const PartialMatch&) = default;
};

// Matches by their first row. Which of several with the same first row comes first decides which of them wins, so the
// order is that of java.util.PriorityQueue to the letter.
class MatchQueue {
 public:
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  const PartialMatch& first() const { return items_.front(); }
  const std::vector<PartialMatch>& items() const { return items_; }  // in the order of the heap
  void Add(PartialMatch match);
  PartialMatch TakeFirst();
  // Removes those for which it is true.
  void RemoveIf(absl::FunctionRef<bool(const PartialMatch&)> is_over);

 private:
  void SiftDown(size_t at);
  std::vector<PartialMatch> items_;
};

// What is going on in the rows of one key.
struct MatchRun {
  MatchQueue open;       // and the one that has not begun
  MatchQueue completed;  // waiting for older open ones
  int64_t next_row = 0;

  // Nothing has begun: the run can be forgotten.
  bool idle() const { return completed.empty() && open.size() <= 1; }
  int64_t FirstRow() const;  // of all its matches; next_row if there is none
};

struct CompletedMatch {
  PartialMatch match;
  int64_t time_ms = 0;   // of the row or the moment that gave it out
  bool no_skip = false;  // AFTER MATCH SKIP TO leads nowhere: the variable has no row, or it is the match's first one
};

class MatchAutomaton {
 public:
  // More begun matches for one key are refused.
  static constexpr size_t kMaxPartialMatches = 100'000;

  explicit MatchAutomaton(const plan::MatchSpec& spec);

  MatchRun Begin() const;
  bool HasState(int state) const { return state >= 0 && static_cast<size_t>(state) < states_.size(); }
  // Whether the row that is tried can be the variable's next one in the match.
  using Condition = absl::FunctionRef<absl::StatusOr<bool>(int variable, const PartialMatch& match)>;
  // The row run->next_row. An error of the condition leaves the run as it was.
  absl::Status Step(MatchRun* run, int64_t time_ms, Condition condition, std::vector<CompletedMatch>* matches) const;
  // Time has come to `now_ms`: what WITHIN ends is dropped, and what waited for it is given out.
  void Expire(MatchRun* run, int64_t now_ms, std::vector<CompletedMatch>* matches) const;
  // When WITHIN ends the oldest open match; nullopt: there is none, or no WITHIN.
  std::optional<int64_t> NextExpiry(const MatchRun& run) const;

 private:
  static constexpr int kFinal = 0;
  // Taking a row (of the state's variable), or going on to another state without one.
  struct Edge {
    bool take = false;
    int target = 0;
    std::vector<int> unless;  // variables before it that are greedy: the row must not be theirs
  };
  struct State {
    int variable = -1;
    std::vector<Edge> edges;
  };

  int AddState(int variable);
  int CompileVariable(int variable, const plan::MatchVariable& spec, int next);
  int CompileOnce(int variable, int next, int proceed);
  static absl::StatusOr<bool> Holds(const State& state, const Edge& edge, const PartialMatch& match,
                                    Condition condition);
  absl::StatusOr<bool> CanEnd(int state, const PartialMatch& match, Condition condition) const;
  absl::Status Advance(const PartialMatch& match, int64_t row, int64_t time_ms, Condition condition,
                       std::vector<PartialMatch>* next) const;
  void GiveOut(MatchRun* run, int64_t time_ms, std::vector<CompletedMatch>* matches) const;
  bool Skip(MatchRun* run, const PartialMatch& match) const;

  std::vector<State> states_;
  int start_ = 0;
  size_t variables_;
  plan::MatchSkip skip_;
  int skip_variable_;
  int64_t within_ms_;
};

}  // namespace leat::exec
