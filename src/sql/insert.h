// INSERT INTO as a sink node.
#pragma once

#include "sql/ast.h"
#include "sql/catalog.h"
#include "sql/diagnostics.h"

namespace leat::sql {

absl::StatusOr<plan::NodePtr> AnalyseInsert(const Statement& statement, Catalog* catalog,
                                            const Diagnostics& diagnostics, int* budget);

}  // namespace leat::sql
