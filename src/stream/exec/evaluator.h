// Expressions compiled once into vector kernels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/data/batch.h"
#include "stream/plan/expression.h"

namespace leat::exec {

struct Context;

struct RowError {
  uint32_t row;
  std::string reason;
};

// One compiled expression. Immutable; any thread.
class Evaluator {
 public:
  // kUnimplemented names a function or a type combination that has no kernel.
  static absl::StatusOr<std::unique_ptr<Evaluator>> Compile(plan::ExpressionPtr expression);
  virtual ~Evaluator() = default;
  // The value for every row of the batch. A row that fails (CAST, division by zero, overflow of a DECIMAL) has an entry
  // in *errors and an unspecified value; arms of CASE, COALESCE, IF, AND and OR that are not taken never fail a row.
  virtual data::ColumnPtr Evaluate(const data::Batch& input, const Context& context,
                                   std::vector<RowError>* errors) const = 0;
};

}  // namespace leat::exec
