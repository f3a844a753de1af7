// What of a job's state the plan of other SQL goes on with. Pure; the same stored operators and the same plan always
// give the same answer, so that it can be found anew after a crash. See docs/internals/jobs.md.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/plan/operator_identity.h"
#include "stream/plan/plan.h"

namespace leat::plan {

inline constexpr std::string_view kDropAll = "all";
inline constexpr int kMaxOperatorId = 65534;  // as many as the keys of the state have room for

struct StateMatch {
  struct Kept {
    StatefulOperator before, after;  // of one id; before.identity.reads may be another one
  };
  struct Fork {
    int from = 0, to = 0;  // a source that begins where another one, of the same topic, is
  };
  struct Merge {
    StatefulOperator now;  // a source that was several before, which may be at different places
    std::vector<StatefulOperator> before;
    size_t readers = 1;  // sources of the plan that each could be any of them: as many, and nobody knows which is which
  };
  struct Partial {
    StatefulOperator now;   // begins empty, and gets the changes of rows that it has never had
    StatefulOperator over;  // goes on: a table that changes, or rows that were given once
  };
  std::map<int, int> ids;             // of every node of the plan: the one that it runs with
  std::vector<StatefulOperator> now;  // all of the plan, with the ids that they run with
  std::vector<Kept> kept;
  std::vector<StatefulOperator> added;  // begin empty, sources where their tables say
  std::vector<StatefulOperator> gone;   // are in the state, and not in the plan
  std::vector<Fork> forks;
  std::vector<Merge> merges;
  std::vector<Partial> partial;
  // Of operators before or now that nothing tells apart, one each: which of them is which is a guess.
  std::vector<StatefulOperator> twins;
};
StateMatch MatchState(const std::vector<StatefulOperator>& stored, const JobPlan& plan);

// The same plan with other numbers.
JobPlan WithIds(const JobPlan& plan, const std::map<int, int>& ids);

// May the plan take the place of the one that made the state? `drop`: names of operators whose state may be lost, or
// "all". kFailedPrecondition says of each operator that does not fit what is different, and what to do;
// kInvalidArgument: a name in `drop` is none of these.
absl::Status CheckMatch(const StateMatch& match, const std::vector<std::string>& drop);
// kFailedPrecondition if there are twins: before a job's SQL is replaced. That of the same SQL are in the plan's order.
absl::Status CheckTwins(const StateMatch& match);
// Names of the operators whose state goes, for what begins with the plan: only they may then be gone.
std::vector<std::string> Dropped(const StateMatch& match);
// "keys clicks.user STRING; aggregates COUNT(*)"; of a source its topic.
std::string Describe(const OperatorIdentity& identity);
// What becomes of each, a sentence each, for people.
std::vector<std::string> Explain(const StateMatch& match);

}  // namespace leat::plan
