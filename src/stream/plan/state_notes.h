// What a node keeps while its job runs, and whether that ends: EXPLAIN says it. Pure.
#pragma once

#include <string>

#include "stream/plan/plan.h"

namespace leat::plan {

// "keeps both sides for ever: set STATE_TTL or table.exec.state.ttl"; empty: nothing, or not said.
std::string StateNote(const Node& node);

}  // namespace leat::plan
