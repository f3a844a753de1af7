// A query's result while it is analysed: a plan node and what its schema does not say about its columns.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

// Columns that carry the bounds of a window keep that meaning through projections: GROUP BY looks for it.
enum class WindowTag { kNone, kStart, kEnd, kTime };

struct Expr;

struct Relation {
  plan::NodePtr node;
  std::string alias;  // qualifies every column; empty: none does
  // Of a join: what qualifies each column; otherwise empty, and `alias` does.
  std::vector<std::string> qualifiers;
  std::vector<WindowTag> tags;  // one a column
  // Of a join by USING: 1 for the sides' own columns of that name, which only a name with a table means. Or empty.
  std::vector<uint8_t> hidden;
  // Sub-queries that stand for a value, EXISTS and IN among them, each with the column that holds it: the last columns,
  // which * does not mean.
  std::map<const Expr*, int> scalars;
  // True once a window aggregate made the tagged columns: its rows have a window, but no window function assigns it.
  bool window_attached = false;
  // The tagged columns are windows of processing time: nothing but the aggregate that assigns them can end them.
  bool windows_by_clock = false;
  int depth = 0;  // selects below, for the limit

  const std::vector<data::Field>& fields() const { return node->schema->fields; }
  std::vector<data::Field> CopyFields() const { return node->schema->fields; }
  bool IsHidden(size_t column) const { return column < hidden.size() && hidden[column] != 0; }
  const std::string& QualifierOf(size_t column) const { return qualifiers.empty() ? alias : qualifiers[column]; }
  // After columns have been added behind: they carry no bound of a window and have no qualifier.
  void MatchColumns() {
    tags.resize(fields().size(), WindowTag::kNone);
    if (!qualifiers.empty()) qualifiers.resize(fields().size());
    if (!hidden.empty()) hidden.resize(fields().size());
  }
  void SetAlias(std::string name) {
    alias = std::move(name);
    qualifiers.clear();
    hidden.clear();
  }
};

using MutableNode = std::shared_ptr<plan::Node>;
MutableNode MakeNode(plan::NodeKind kind, std::vector<plan::NodePtr> inputs, std::vector<data::Field> fields,
                     plan::Position position);
// Keeps rows for which `condition` is true (null: all) and computes expressions named as in `names`.
plan::NodePtr MakeCalc(const plan::NodePtr& input, plan::ExpressionPtr condition,
                       std::vector<plan::ExpressionPtr> expressions, const std::vector<std::string>& names,
                       plan::Position position);
// One kInput for each column of the node.
std::vector<plan::ExpressionPtr> AllInputs(const plan::Node& node);
std::vector<std::string> FieldNames(const plan::Node& node);

// --- expressions as trees ---
// Equal whatever the positions.
bool SameExpression(const plan::Expression& a, const plan::Expression& b);
// The expression with every input column i replaced by columns[i].
plan::ExpressionPtr Substitute(const plan::ExpressionPtr& expr, const std::vector<plan::ExpressionPtr>& columns);
// Adds the input columns that are read.
void CollectInputs(const plan::Expression& expr, std::vector<int>* inputs);
// a AND b; either may be null.
plan::ExpressionPtr Both(plan::ExpressionPtr a, plan::ExpressionPtr b);

}  // namespace leat::sql
