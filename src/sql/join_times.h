// Conditions that bound the time between columns of two sides: what makes a join an interval join, and how long a
// regular one has to keep its rows. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sql/relation.h"

namespace leat::sql {

struct TimeBounds {
  int left_time = -1;  // columns of the sides
  int right_time = -1;
  int64_t lower_ms = 0;  // lower <= left time - right time <= upper
  int64_t upper_ms = 0;
  std::vector<plan::ExpressionPtr> rest;  // the conjuncts that say something else
};
// nullopt: the conjuncts (over the left columns and then the right ones) do not bound it on both sides.
std::optional<TimeBounds> FindTimeBounds(const std::vector<plan::ExpressionPtr>& conjuncts, const Relation& left,
                                         const Relation& right);

// How long the rows of a side can be met by rows of the other one that are still to come.
struct KeepBound {
  int time = -1;        // column of the side
  int64_t keep_ms = 0;  // not any more when the watermark has passed the time by more than this
};
struct KeepBounds {
  std::optional<KeepBound> left;
  std::optional<KeepBound> right;
};
// Of a regular join with these conjuncts, whose sides take no row back: a side has a bound where the conjuncts bound a
// window's time of the other side from above, for no result of a window comes twice, or after the watermark.
KeepBounds FindKeepBounds(const std::vector<plan::ExpressionPtr>& conjuncts, const Relation& left,
                          const Relation& right);

}  // namespace leat::sql
