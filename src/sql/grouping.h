// GROUP BY made plain: window calls (TUMBLE(ts, size) and so on) become a window function below and its columns,
// GROUPING SETS, ROLLUP and CUBE a copy of the rows for each set with the other keys NULL.
#pragma once

#include <functional>
#include <vector>

#include "sql/queries.h"

namespace leat::sql {

struct Grouping {
  Select select;                             // its calls of window and grouping functions name columns of `input`
  Relation input;                            // begins with the columns of the input given
  std::vector<plan::ExpressionPtr> written;  // over `input`: what the select list may say again
  std::vector<plan::ExpressionPtr> keys;     // what is grouped by for each of them
  plan::EmitSpec emit;                       // of a window in GROUP BY
};
inline constexpr size_t kMaxGroupingSets = 64;

absl::StatusOr<Grouping> ReadGrouping(const Select& select, const Relation& input, const plan::EmitSpec& emit,
                                      const Diagnostics& diagnostics, int* budget);

// The window function below a query, with Calcs between (aggregates.cc).
struct AboveWindow {
  plan::NodePtr assign;
  plan::ExpressionPtr condition;             // over the window function's output; null: none
  std::vector<plan::ExpressionPtr> columns;  // the query's columns, over the same
};
std::optional<AboveWindow> FindWindow(const plan::NodePtr& node);
// Whether the expression over the window function's output reads the window's bounds.
bool ReadsWindow(const AboveWindow& window, const plan::ExpressionPtr& expression);

// Takes a call apart: its replacement, null to leave it.
using CallReplacer = std::function<absl::StatusOr<ExprPtr>(const Expr& call)>;
// The tree with function calls replaced, from the outside in; shared parts stay shared.
absl::StatusOr<ExprPtr> ReplaceCalls(const ExprPtr& expr, const CallReplacer& replace);
// The same in the select list and HAVING; an item keeps the name that it would have had.
absl::Status ReplaceCallsInSelect(const CallReplacer& replace, Select* select);
ExprPtr NameExpr(std::string column, Position position);

// --- legacy windows (legacy_windows.cc) ---
// The group window in GROUP BY, if there is one: assigned to grouping->input, its functions replaced by names.
absl::Status ReadLegacyWindow(const Diagnostics& diagnostics, int* budget, Grouping* grouping);

}  // namespace leat::sql
