// Joins of analysed relations: which kind of join the condition and the inputs make, and its node.
#pragma once

#include <string>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/relation.h"

namespace leat::sql {

struct JoinRequest {
  plan::JoinType type = plan::JoinType::kInner;
  std::vector<plan::ExpressionPtr> conjuncts;  // of the condition, over the left columns and then the right ones
  Position position;
  const std::vector<Option>* state_ttl = nullptr;  // the hint STATE_TTL; null: none
};
// A window join if both sides have windows and the condition equals them, an interval join if it bounds the time
// between two time attributes, else a regular join.
absl::StatusOr<Relation> MakeJoin(const Relation& left, const Relation& right, const JoinRequest& request,
                                  const Diagnostics& diagnostics);

// Each left row with the right row of its key as of `time`, a time attribute over the left columns.
absl::StatusOr<Relation> MakeTemporalJoin(const Relation& left, const Relation& right, const JoinRequest& request,
                                          const plan::ExpressionPtr& time, const Diagnostics& diagnostics);

// Tables joined by JOIN, CROSS JOIN and commas, in the order of FROM, with what ON and WHERE say of them.
struct InnerJoins {
  std::vector<Relation> tables;
  std::vector<plan::ExpressionPtr> conjuncts;  // over the columns of all tables
  Position position;
};
absl::StatusOr<Relation> MakeInnerJoins(InnerJoins joins, const std::vector<Option>* state_ttl,
                                        const Diagnostics& diagnostics);

// The columns of the tables one after the other, with what qualifies them: what names in a condition mean.
Relation JoinScope(const std::vector<Relation>& tables);
// The operands of the ANDs at the top.
std::vector<ExprPtr> Conjuncts(const ExprPtr& condition);
// The duration of an entry of the hint STATE_TTL, in ms.
absl::StatusOr<int64_t> ReadStateTtl(const Option& option, const Diagnostics& diagnostics);
// The rows for which all of them hold; none: all rows.
Relation Filtered(Relation input, const std::vector<plan::ExpressionPtr>& conjuncts, Position position);
// The expression with input i as input i + by.
plan::ExpressionPtr ShiftInputs(const plan::ExpressionPtr& expression, int by);

}  // namespace leat::sql
