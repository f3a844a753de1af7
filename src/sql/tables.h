// CREATE TABLE as a plan::Table: columns, computed columns, watermark, keys and options checked.
#pragma once

#include "base/status.h"
#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/relation.h"
#include "stream/plan/plan.h"

namespace leat::sql {

absl::StatusOr<plan::TablePtr> AnalyseTable(const Statement& statement, const Diagnostics& diagnostics, int* budget);

// The columns that INSERT writes, by index: physical ones and metadata that is not VIRTUAL.
std::vector<int> PersistedColumns(const plan::Table& table);
// A kSource of all columns, with the watermark column as its time attribute.
Relation ScanTable(const plan::TablePtr& table);

}  // namespace leat::sql
