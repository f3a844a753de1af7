// Conditions that bound the time between two time attributes: what makes a join an interval join. Pure.
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

}  // namespace leat::sql
