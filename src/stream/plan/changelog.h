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

// The output columns of which each value has at most one row, once everything that came has been worked on. nullopt:
// not known. Sorted; empty: there is at most one row.
std::optional<std::vector<int>> UniqueKey(const Node& node);
// A unique key whose rows also change in order: what takes a row back comes before the next one of its value. That
// holds where all rows of a value take the same way through the workers; not behind a join whose columns are no part of
// it.
std::optional<std::vector<int>> UpsertKey(const Node& node);

}  // namespace leat::plan
