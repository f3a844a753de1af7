// Queries of the syntax as relations: FROM, WHERE, GROUP BY, select lists, set operations.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/expressions.h"
#include "sql/joins.h"
#include "sql/relation.h"

namespace leat::sql {

// What names in FROM mean; implemented by the script's catalog.
class TableLookup {
 public:
  virtual ~TableLookup() = default;
  // The table's source or the view's plan: the same node each time, so that it runs once.
  virtual absl::StatusOr<Relation> Find(const Path& path) = 0;
  // The table's source with these options over its own; a node of its own.
  virtual absl::StatusOr<Relation> FindHinted(const Path& path, const std::vector<Option>& options) = 0;
};

inline constexpr int kMaxPlanDepth = 200;  // selects and unions above one another, views included
inline constexpr size_t kMaxColumns = 2000;

class QueryAnalyser {
 public:
  QueryAnalyser(const Diagnostics& diagnostics, TableLookup* tables, int* budget)
      : diagnostics_(diagnostics), tables_(tables), budget_(budget) {}

  absl::StatusOr<Relation> Analyse(const Query& query);
  // The relation with its columns renamed in order; an error at `position` if the counts differ.
  absl::StatusOr<Relation> Rename(const Relation& relation, const std::vector<Name>& names, Position position);

 private:
  struct NamedExpression {
    plan::ExpressionPtr expression;
    std::string name;
  };

  absl::StatusOr<Relation> AnalyseBody(const Query& query);
  absl::StatusOr<Relation> AnalyseSelect(const Select& select);
  absl::StatusOr<Relation> AnalyseGrouped(const Select& select, const Relation& input);
  // --- set operations (set_operations.cc) ---
  absl::StatusOr<Relation> AnalyseSetOperation(const Query& query);
  absl::StatusOr<Relation> UnionAll(const std::vector<Relation>& inputs, std::string_view name, Position position);
  absl::StatusOr<Relation> IntersectOrExcept(const Query& query, const std::vector<Relation>& inputs);
  absl::StatusOr<Relation> Distinct(const Relation& relation, Position position);
  absl::StatusOr<Relation> AnalyseValues(const Query& query);
  absl::StatusOr<Relation> AnalyseFrom(const TableRef& from);
  // FROM and WHERE (from.cc, subqueries.cc).
  absl::StatusOr<Relation> AnalyseFromWhere(const Select& select);
  absl::StatusOr<Relation> AnalyseFromWhereHinted(const Select& select);
  absl::StatusOr<Relation> AnalyseJoin(const TableRef& from);
  absl::StatusOr<Relation> AnalyseTemporalJoin(const TableRef& from);
  absl::Status CollectInner(const TableRef& from, InnerJoins* joins);
  absl::StatusOr<std::vector<plan::ExpressionPtr>> AnalyseConjuncts(const std::vector<ExprPtr>& conjuncts,
                                                                    const Relation& scope, std::string_view clause);
  absl::StatusOr<Relation> AddScalars(Relation input, const std::vector<const Expr*>& scalars);
  absl::StatusOr<Relation> ApplySubquery(const Relation& outer, const ExprPtr& conjunct);
  struct Subquery {
    Relation relation;
    std::vector<plan::ExpressionPtr> conjuncts;  // over the outer columns and then those of `relation`
  };
  absl::StatusOr<Subquery> AnalyseSubquery(const Relation& outer, const Query& query);
  absl::StatusOr<Relation> AnalyseWindowFunction(const TableRef& from);
  absl::StatusOr<Relation> Find(const Path& path);
  absl::StatusOr<std::vector<NamedExpression>> AnalyseItems(const Select& select, const Relation& input,
                                                            std::vector<AggregateCall>* aggregates);
  absl::StatusOr<Relation> Project(const Relation& input, plan::ExpressionPtr condition,
                                   const std::vector<NamedExpression>& items, Position position);
  Relation OneRow(Position position);

  const Diagnostics& diagnostics_;
  TableLookup* tables_;
  int* budget_;
  const std::vector<Option>* state_ttl_ = nullptr;      // the hint of the innermost SELECT
  std::vector<std::pair<std::string, Relation>> with_;  // common table expressions in scope, inner ones last
};

bool IsAggregated(const Select& select);

// --- aggregation (aggregates.cc) ---
struct Aggregated {
  Relation relation;
  std::vector<int> key_columns;        // of the relation, for each key given
  std::vector<int> aggregate_columns;  // for each call given
};
// Groups `input` by `keys`: by window if window_start and window_end are among them, else without end.
absl::StatusOr<Aggregated> Aggregate(const Relation& input, const std::vector<plan::ExpressionPtr>& keys,
                                     const std::vector<AggregateCall>& calls, Position position,
                                     const Diagnostics& diagnostics);

// --- window functions (windows.cc) ---
struct WindowCall {
  plan::WindowKind kind = plan::WindowKind::kTumble;
  Name time_column;
  ExprPtr data;  // TABLE t or a sub-query
  int64_t size_ms = 0;
  int64_t slide_ms = 0;
  int64_t offset_ms = 0;
};
absl::StatusOr<WindowCall> ReadWindowCall(const TableRef& from, const Diagnostics& diagnostics);
absl::StatusOr<Relation> AssignWindows(const Relation& input, const WindowCall& call, Position position,
                                       const Diagnostics& diagnostics);

}  // namespace leat::sql
