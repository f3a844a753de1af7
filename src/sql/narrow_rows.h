// Fields of ROW columns that nobody reads are not decoded: sources of JSON tables get types without them.
#pragma once

#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

// The plan below `roots` with narrower ROW columns in its sources, where all readers take single fields of them.
// Results do not change. `inputs_first`: all its nodes, inputs before what reads them.
std::vector<plan::NodePtr> NarrowRows(const std::vector<plan::NodePtr>& roots,
                                      const std::vector<plan::NodePtr>& inputs_first);

}  // namespace leat::sql
