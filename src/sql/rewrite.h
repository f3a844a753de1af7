// The plan as the analyser built it -> the plan that runs: Calcs merged, unused columns gone down to the sources, nodes
// numbered. Results do not change. Pure.
#pragma once

#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

// `roots`: sinks in script order (or the queries of an EXPLAIN). Shared nodes stay shared. Ids count from 1, inputs
// before what reads them.
std::vector<plan::NodePtr> Rewrite(const std::vector<plan::NodePtr>& roots);

}  // namespace leat::sql
