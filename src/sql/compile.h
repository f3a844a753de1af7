// A script in the dialect -> the plan of a job. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "stream/plan/plan.h"

namespace leat::sql {

// What the rest of the program knows and the analyser needs: checks of WITH options against connectors and formats.
struct CompileOptions {
  // Called for every CREATE TABLE that a query or INSERT uses; an error is reported at the table's position.
  std::function<absl::Status(const plan::Table&)> check_table;
};

struct Compiled {
  plan::JobPlan plan;
  std::string explain;  // non-empty if the script asked: the text of its EXPLAIN statements
  bool has_inserts = false;
};

// Errors are kInvalidArgument (or kUnimplemented for what Flink has and Leat does not yet), with a message of the form
//   line 3, column 14: expected .., got ..
//     SELECT amt FORM t
//                ^
absl::StatusOr<Compiled> Compile(std::string_view script, const CompileOptions& options);

}  // namespace leat::sql
