// The parts of CAST.
#pragma once

#include "stream/data/time_zone.h"
#include "stream/exec/node.h"

namespace leat::exec {

// CAST with text or bytes on one side or both.
absl::StatusOr<Kernel> MakeTextCast(const Binding& binding);

// A second argument of CAST is the time zone between instants and what the wall shows: a constant. UTC without one.
absl::StatusOr<data::TimeZone> ZoneOf(const Binding& binding);

// CAST of ROW, ARRAY, MAP and MULTISET.
bool IsNestedCast(const data::Type& from, const data::Type& to);
absl::StatusOr<Kernel> MakeNestedCast(const Binding& binding);

}  // namespace leat::exec
