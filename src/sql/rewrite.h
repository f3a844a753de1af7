// The plan as the analyser built it -> the plan that runs: Calcs merged, unused columns gone down to the sources, nodes
// numbered, equal ones shared. Results do not change. Pure.
#pragma once

#include <string>
#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

struct RewriteOptions {
  int64_t default_ttl_ms = 0;  // table.exec.state.ttl, 0 for none
  std::string time_zone;       // table.local-time-zone, empty for UTC
};
// `roots`: sinks in script order (or the queries of an EXPLAIN). Shared nodes stay shared. Ids count from 1, inputs
// before what reads them.
std::vector<plan::NodePtr> Rewrite(const std::vector<plan::NodePtr>& roots, const RewriteOptions& options);

}  // namespace leat::sql
