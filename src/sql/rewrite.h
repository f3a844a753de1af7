// The plan as the analyser built it -> the plan that runs: Calcs merged, unused columns gone down to the sources, nodes
// numbered. Results do not change. Pure.
#pragma once

#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

// `roots`: sinks in script order (or the queries of an EXPLAIN). Shared nodes stay shared. Ids count from 1, inputs
// before what reads them. `default_ttl_ms`: table.exec.state.ttl, 0 for none.
std::vector<plan::NodePtr> Rewrite(const std::vector<plan::NodePtr>& roots, int64_t default_ttl_ms);

}  // namespace leat::sql
