// How parts of a plan are called, for EXPLAIN and for the identity of operators. Pure.
#pragma once

#include <string>
#include <string_view>

#include "stream/plan/plan.h"

namespace leat::plan {

std::string_view AggregateName(AggregateKind kind);
std::string_view WindowName(WindowKind kind);  // empty: kAttached
std::string_view JoinName(NodeKind kind);
std::string_view JoinTypeName(JoinType type);
// The pattern of a kMatch with its conditions and measures; columns by the names that the input has.
std::string DescribeMatch(const Node& node);

}  // namespace leat::plan
