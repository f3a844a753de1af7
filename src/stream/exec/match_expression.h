// The expressions of DEFINE and MEASURES: their values taken from the rows of a match, then computed. Immutable; any
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/exec/accumulator.h"
#include "stream/exec/evaluator.h"
#include "stream/exec/match_automaton.h"
#include "stream/exec/operator.h"

namespace leat::exec {

// The columns of the input that expressions read: what is kept of a row.
class MatchColumns {
 public:
  explicit MatchColumns(const plan::Node& node);

  const std::vector<int>& columns() const { return columns_; }  // of the input, ascending
  const data::SchemaPtr& schema() const { return schema_; }
  int Find(int input_column) const;

 private:
  std::vector<int> columns_;
  data::SchemaPtr schema_;
};

// A match and where its rows are: those that are kept, in a batch of MatchColumns, and the one that is tried.
struct MatchView {
  const PartialMatch& match;
  const data::Batch& kept;
  int64_t first_kept = 0;  // number of the first row of `kept`
  const data::Batch* tried = nullptr;
  size_t tried_row = 0;
  int tried_variable = -1;
  int64_t time_ms = 0;  // of a match that has ended
};

class MatchEvaluator {
 public:
  // `variable`: whose condition it is; -1: a measure.
  static absl::StatusOr<MatchEvaluator> Make(const plan::MatchExpression& expression, const MatchColumns& columns,
                                             int variable);

  // It looks at the row that is tried and at no other: all rows of a batch of MatchColumns can be computed at once.
  bool local() const { return local_; }
  data::ColumnPtr EvaluateLocal(const data::Batch& rows, const Context& context, std::vector<RowError>* errors) const;

  // New columns for the values that it takes from a match, one row each.
  std::vector<std::shared_ptr<data::Column>> NewValues() const;
  void AppendValues(const MatchView& view, std::vector<std::shared_ptr<data::Column>>* values) const;
  data::ColumnPtr Evaluate(std::vector<data::ColumnPtr> values, size_t rows, const Context& context,
                           std::vector<RowError>* errors) const;

 private:
  struct Reference {
    plan::MatchReference reference;
    int column = -1;                          // of MatchColumns
    std::optional<AccumulatorLayout> layout;  // kAggregate
  };
  static void AppendRow(const MatchView& view, const Reference& reference, data::Column* into);
  static void AppendAggregate(const MatchView& view, const Reference& reference, data::Column* into);

  std::vector<Reference> references_;
  data::SchemaPtr schema_;  // of the values
  std::shared_ptr<const Evaluator> evaluator_;
  bool local_ = false;
};

}  // namespace leat::exec
