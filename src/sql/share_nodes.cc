#include "sql/share_nodes.h"

#include <algorithm>

#include "sql/relation.h"

namespace leat::sql {
namespace {

using plan::ExpressionPtr;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

// Worth it, and free of what another place in the script could mean differently.
bool CanBeShared(NodeKind kind) {
  return kind == NodeKind::kSource || kind == NodeKind::kCalc || kind == NodeKind::kWindowAssign ||
         kind == NodeKind::kWindowAggregate || kind == NodeKind::kGroupAggregate || kind == NodeKind::kNormalize;
}

bool Same(const ExpressionPtr& a, const ExpressionPtr& b) {
  return a && b ? a->type == b->type && SameExpression(*a, *b) : !a && !b;
}

bool Same(const plan::WindowSpec& a, const plan::WindowSpec& b) {
  return a.kind == b.kind && a.time_column == b.time_column && a.size_ms == b.size_ms && a.slide_ms == b.slide_ms &&
         a.offset_ms == b.offset_ms && a.zone == b.zone;
}

bool Same(const plan::Aggregate& a, const plan::Aggregate& b) {
  return a.kind == b.kind && a.argument == b.argument && a.distinct == b.distinct && a.filter == b.filter &&
         a.type == b.type && a.offset == b.offset && a.default_column == b.default_column &&
         a.separator == b.separator && a.takes_nulls == b.takes_nulls;
}

bool SameTypes(const data::Schema& a, const data::Schema& b) {
  return std::ranges::equal(a.fields, b.fields, [](const data::Field& x, const data::Field& y) {
    return x.type == y.type && x.type.rowtime == y.type.rowtime && x.type.proctime == y.type.proctime;
  });
}

bool Same(const Node& a, const Node& b) {
  return a.kind == b.kind && a.inputs == b.inputs && a.table == b.table && a.source_columns == b.source_columns &&
         a.ttl_ms == b.ttl_ms && a.keys == b.keys && a.window_columns == b.window_columns && Same(a.window, b.window) &&
         Same(a.condition, b.condition) && SameTypes(*a.schema, *b.schema) &&
         std::ranges::equal(a.expressions, b.expressions,
                            [](const ExpressionPtr& x, const ExpressionPtr& y) { return Same(x, y); }) &&
         std::ranges::equal(a.aggregates, b.aggregates,
                            [](const plan::Aggregate& x, const plan::Aggregate& y) { return Same(x, y); });
}

}  // namespace

NodePtr NodeSharer::Find(const NodePtr& node) {
  if (!CanBeShared(node->kind)) return nullptr;
  const auto same = std::ranges::find_if(seen_, [&](const NodePtr& other) { return Same(*other, *node); });
  if (same != seen_.end()) return *same;
  seen_.push_back(node);
  return nullptr;
}

}  // namespace leat::sql
