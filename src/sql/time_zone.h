// table.local-time-zone in a plan: what has to do with the session's time zone says so itself, so that nothing behind
// the analyser has a session. Pure.
#pragma once

#include <string>
#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

// The plan with `zone` (UTC: empty) as another argument of CASTs between TIMESTAMP_LTZ and other types, calls that read
// or make local times put on top of such CASTs, and windows over TIMESTAMP_LTZ marked. `inputs_first`: every node below
// the roots.
std::vector<plan::NodePtr> InTimeZone(const std::vector<plan::NodePtr>& roots,
                                      const std::vector<plan::NodePtr>& inputs_first, const std::string& zone);

}  // namespace leat::sql
