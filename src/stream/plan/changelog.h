// Which changes a node's rows can be, and by which columns they change: what sinks and EXPLAIN need to know. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stream/plan/plan.h"

namespace leat::plan {

// How the rows of a table come and go.
enum class TableChanges {
  kInserts,  // every record is a new row
  kUpserts,  // the last row of each key counts; a record without a value deletes
  kAll,      // every record says what it does: -U, +U, -D as well
};
TableChanges ChangesOf(const Table& table);

// REQUIRES: the node's inputs have theirs already.
ChangelogMode InferChangelogMode(const Node& node);
// As EXPLAIN prints it: [I,UB,UA,D].
std::string ToString(const ChangelogMode& mode);

// The output columns by which the node's rows change: at any time there is at most one row of each value of them, and a
// change takes back the one before. nullopt: not known. Sorted; empty: there is at most one row.
std::optional<std::vector<int>> UpsertKey(const Node& node);

}  // namespace leat::plan
