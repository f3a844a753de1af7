#include "stream/exec/match_expression.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/strings.h"

namespace leat::exec {
namespace {

using Kind = plan::MatchReference::Kind;

int64_t MicrosOf(int64_t ms) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / data::kMicrosPerMilli;
  return std::clamp(ms, -kLimit, kLimit) * data::kMicrosPerMilli;
}

// The rows of the variable, the one that is tried among them: its first number, and one behind its last.
std::pair<int64_t, int64_t> RowsOf(const MatchView& view, int variable) {
  auto [first, end] = view.match.RowsOf(variable);
  const bool tried = view.tried != nullptr && (variable < 0 || variable == view.tried_variable);
  if (!tried) return {first, end};
  const int64_t row = view.first_kept + static_cast<int64_t>(view.kept.rows);
  return {first == end ? row : first, row + 1};
}

}  // namespace

MatchColumns::MatchColumns(const plan::Node& node) {
  std::set<int> read;
  const auto add = [&](const plan::MatchExpression& expression) {
    for (const plan::MatchReference& reference : expression.references) {
      if (reference.column >= 0) read.insert(reference.column);
    }
  };
  for (const plan::MatchVariable& variable : node.match->variables) {
    if (variable.condition) add(*variable.condition);
  }
  for (const plan::MatchExpression& measure : node.match->measures) add(measure);
  columns_.assign(read.begin(), read.end());
  auto schema = std::make_shared<data::Schema>();
  for (const int column : columns_) {
    schema->fields.push_back(node.inputs[0]->schema->fields[static_cast<size_t>(column)]);
  }
  schema_ = std::move(schema);
}

int MatchColumns::Find(int input_column) const {
  const auto found = std::ranges::find(columns_, input_column);
  return found == columns_.end() ? -1 : static_cast<int>(found - columns_.begin());
}

absl::StatusOr<MatchEvaluator> MatchEvaluator::Make(const plan::MatchExpression& expression,
                                                    const MatchColumns& columns, int variable) {
  MatchEvaluator made;
  made.local_ = variable >= 0;
  auto schema = std::make_shared<data::Schema>();
  for (const plan::MatchReference& of : expression.references) {
    Reference reference{.reference = of, .column = columns.Find(of.column), .layout = {}};
    if (of.kind == Kind::kAggregate) {
      plan::Aggregate aggregate = of.aggregate;
      aggregate.argument = reference.column;
      LEAT_ASSIGN_OR_RETURN(reference.layout, AccumulatorLayout::Make({aggregate}, *columns.schema()));
    }
    made.local_ =
        made.local_ && of.kind == Kind::kLast && of.offset == 0 && (of.variable < 0 || of.variable == variable);
    schema->fields.push_back({StrCat("$", made.references_.size()), of.type});
    made.references_.push_back(std::move(reference));
  }
  made.schema_ = std::move(schema);
  LEAT_ASSIGN_OR_RETURN(made.evaluator_, Evaluator::Compile(expression.expression));
  return made;
}

data::ColumnPtr MatchEvaluator::EvaluateLocal(const data::Batch& rows, const Context& context,
                                              std::vector<RowError>* errors) const {
  std::vector<data::ColumnPtr> values;
  for (const Reference& reference : references_) values.push_back(rows.columns[static_cast<size_t>(reference.column)]);
  return Evaluate(std::move(values), rows.rows, context, errors);
}

std::vector<std::shared_ptr<data::Column>> MatchEvaluator::NewValues() const {
  std::vector<std::shared_ptr<data::Column>> values;
  for (const data::Field& field : schema_->fields) values.push_back(std::make_shared<data::Column>(field.type));
  return values;
}

void MatchEvaluator::AppendValues(const MatchView& view, std::vector<std::shared_ptr<data::Column>>* values) const {
  for (size_t i = 0; i < references_.size(); ++i) {
    data::Column* into = (*values)[i].get();
    switch (references_[i].reference.kind) {
      case Kind::kFirst:
      case Kind::kLast:
        AppendRow(view, references_[i], into);
        break;
      case Kind::kAggregate:
        AppendAggregate(view, references_[i], into);
        break;
      case Kind::kRowtime:
        into->Append<int64_t>(MicrosOf(view.time_ms));
        break;
    }
  }
}

void MatchEvaluator::AppendRow(const MatchView& view, const Reference& reference, data::Column* into) {
  const plan::MatchReference& of = reference.reference;
  const auto [first, end] = RowsOf(view, of.variable);
  const int64_t row = of.kind == Kind::kFirst ? first + of.offset : end - 1 - of.offset;
  if (row < first || row >= end) {
    into->AppendNull();
    return;
  }
  const auto at = static_cast<size_t>(row - view.first_kept);
  const bool kept = at < view.kept.rows;
  const data::Batch& batch = kept ? view.kept : *view.tried;
  into->AppendFrom(*batch.columns[static_cast<size_t>(reference.column)], kept ? at : view.tried_row);
}

void MatchEvaluator::AppendAggregate(const MatchView& view, const Reference& reference, data::Column* into) {
  const AccumulatorLayout& layout = *reference.layout;
  std::vector<char> accumulator(layout.bytes(), 0);
  data::TextArena texts;
  const auto add = [&](const data::Batch& batch, size_t from, size_t to) {
    const std::vector<BoundSlot> bound = layout.Bind(batch);
    for (size_t row = from; row < to; ++row) {
      if (bound[0].Takes(row)) AccumulatorLayout::Add(bound[0], row, Sign::kAdd, accumulator.data(), texts);
    }
  };
  const auto [first, end] = RowsOf(view, reference.reference.variable);
  if (first < end) {
    const auto from = static_cast<size_t>(first - view.first_kept);
    const auto to = static_cast<size_t>(end - view.first_kept);
    add(view.kept, from, std::min(to, view.kept.rows));
    if (to > view.kept.rows) add(*view.tried, view.tried_row, view.tried_row + 1);
  }
  AccumulatorLayout::AppendResult(layout.slots()[0], accumulator.data(), into);
}

data::ColumnPtr MatchEvaluator::Evaluate(std::vector<data::ColumnPtr> values, size_t rows, const Context& context,
                                         std::vector<RowError>* errors) const {
  data::Batch batch;
  batch.schema = schema_;
  batch.columns = std::move(values);
  batch.rows = rows;
  return evaluator_->Evaluate(batch, context, errors);
}

}  // namespace leat::exec
