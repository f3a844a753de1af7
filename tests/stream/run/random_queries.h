// Queries made by chance out of the grammar, over tables filled by chance: in the dialect, and as SQLite has to be
// asked for the same rows.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "tests/stream/run/flink_cases.h"

namespace leat::stream {

enum class ValueKind { kNumber, kText, kTruth };

struct RandomQuery {
  FlinkCase job;                        // writes the query's rows to the topic o; its columns are c0, c1, ..
  std::vector<ValueKind> columns;       // of c0, c1, ..
  std::vector<std::string> statements;  // that make and fill the tables in SQLite
  std::string reference;                // the query there
};

RandomQuery MakeRandomQuery(Random& random);

}  // namespace leat::stream
