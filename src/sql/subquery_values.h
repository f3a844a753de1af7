// Sub-queries that stand for a value within an expression: (SELECT ..), EXISTS (..) and x IN (..).
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sql/ast.h"

namespace leat::sql {

// IN or EXISTS with a sub-query, or the negation of one: what WHERE joins by AND is a semi or an anti join.
bool IsSubqueryTest(const Expr& expr);

// Finds them. Expressions share their parts, so each is looked at once.
class SubqueryValues {
 public:
  enum class Within { kAnything, kNoAggregate, kAggregates };
  explicit SubqueryValues(Within within = Within::kAnything) : within_(within) {}

  // What the place of an expression asks of it. Where it is only asked whether it is true, UNKNOWN is as good as FALSE.
  enum class Asks { kValue, kIsTrue };
  // True if the expression reads one.
  bool Collect(const Expr& expr, Asks asks);

  // Each once, those that others read before them.
  const std::vector<const Expr*>& found() const { return found_; }
  Asks asks(const Expr& expr) const { return values_.contains(&expr) ? Asks::kValue : Asks::kIsTrue; }

 private:
  bool CollectIn(const Expr& expr, Asks asks, bool in_aggregate);
  bool CollectParts(const Expr& expr, Asks asks, bool in_aggregate);

  Within within_;
  std::map<std::pair<const Expr*, std::pair<Asks, bool>>, bool> reads_;
  std::vector<const Expr*> found_;
  std::set<const Expr*> known_;
  std::set<const Expr*> values_;  // asked for their value somewhere
};

}  // namespace leat::sql
