// OVER, Top-N and ORDER BY as plan nodes.
#pragma once

#include <vector>

#include "sql/queries.h"

namespace leat::sql {

// The relation with a column for each call behind its own.
absl::StatusOr<Relation> AddOverColumns(const Relation& input, const std::vector<OverCall>& calls,
                                        const Diagnostics& diagnostics);
// The expression with the calls that it stands for replaced by the columns from `first` on.
plan::ExpressionPtr ReplaceOverCalls(const plan::ExpressionPtr& expr, const Relation& relation, int first);

// If the relation is a condition over ROW_NUMBER() that says how many rows are kept: the Top-N that keeps them, under
// what is left of the condition. Otherwise the relation as it is.
Relation PushTopN(Relation relation);
// An error for a ROW_NUMBER() by another order than time that nothing limits, or one in descending order.
absl::Status CheckTopN(const plan::Node& node, const Diagnostics& diagnostics);

// ORDER BY and LIMIT of the query; `keys` are over the relation.
absl::StatusOr<Relation> AddOrderAndLimit(const Relation& input, const Query& query, const std::vector<OverOrder>& keys,
                                          const Diagnostics& diagnostics);

}  // namespace leat::sql
