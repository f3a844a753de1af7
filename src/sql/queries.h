// Queries of the syntax as relations: FROM, WHERE, GROUP BY, select lists, set operations.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/expressions.h"
#include "sql/joins.h"
#include "sql/relation.h"
#include "sql/subquery_values.h"

namespace leat::sql {

struct Aggregated;

// What names in FROM mean; implemented by the script's catalog.
class TableLookup {
 public:
  virtual ~TableLookup() = default;
  // The table's source or the view's plan: the same node each time, so that it runs once.
  virtual absl::StatusOr<Relation> Find(const Path& path) = 0;
  // The table's source with these options over its own; a node of its own.
  virtual absl::StatusOr<Relation> FindHinted(const Path& path, const std::vector<Option>& options) = 0;
  // What table.exec.emit.* says of windows in GROUP BY.
  virtual plan::EmitSpec emit() const = 0;
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
  absl::StatusOr<Relation> WithSubqueriesOfAggregates(const Select& select, const Relation& input);
  absl::StatusOr<Relation> WithSubqueryPlaces(const Relation& input, const SubqueryValues& values, Position position);
  absl::StatusOr<std::map<const Expr*, plan::ExpressionPtr>> AnalyseOperands(const SubqueryValues& values,
                                                                             const Relation& input,
                                                                             std::vector<AggregateCall>* calls);
  // --- set operations (set_operations.cc) ---
  absl::StatusOr<Relation> AnalyseSetOperation(const Query& query);
  absl::StatusOr<Relation> UnionAll(const std::vector<Relation>& inputs, std::string_view name, Position position);
  absl::StatusOr<Relation> Repeated(const Query& query, const Relation& all, const Aggregated& counted);
  absl::StatusOr<Relation> IntersectOrExcept(const Query& query, const std::vector<Relation>& inputs);
  absl::StatusOr<Relation> Distinct(const Relation& relation, Position position);
  absl::StatusOr<Relation> AnalyseValues(const Query& query);
  absl::StatusOr<Relation> AnalyseSubQuery(const Query& query);
  absl::StatusOr<Relation> AnalyseFrom(const TableRef& from);
  // FROM and WHERE (from.cc, subqueries.cc).
  absl::StatusOr<Relation> AnalyseFromWhere(const Select& select);
  absl::StatusOr<Relation> AnalyseFromWhereHinted(const Select& select);
  absl::StatusOr<Relation> AnalyseJoin(const TableRef& from);
  absl::StatusOr<Relation> AnalyseTemporalJoin(const TableRef& from);
  absl::StatusOr<Relation> AnalyseTables(const Select& select, std::vector<ExprPtr> conditions);
  absl::StatusOr<Relation> AnalyseUsingJoin(const TableRef& from);
  absl::StatusOr<Relation> MergeColumns(const Relation& joined, const std::vector<std::pair<int, int>>& pairs,
                                        plan::JoinType type, Position position);
  // Tables that read those before them: UNNEST and LATERAL (laterals.cc).
  absl::StatusOr<Relation> AnalyseUnnest(const TableRef& from);
  absl::StatusOr<Relation> ApplyLateral(const Relation& left, const TableRef& join);
  absl::StatusOr<Relation> AddUnnested(const Relation& left, const TableRef& unnest, plan::JoinType type);
  absl::StatusOr<Relation> JoinLateral(const Relation& left, const TableRef& join, plan::JoinType type);
  absl::Status ApplyStateTtl(const Select& select, const Relation& input, Relation* grouped) const;
  absl::Status CollectInner(const TableRef& from, InnerJoins* joins);
  absl::StatusOr<std::vector<plan::ExpressionPtr>> AnalyseConjuncts(const std::vector<ExprPtr>& conjuncts,
                                                                    const Relation& scope, std::string_view clause);
  absl::StatusOr<Relation> AddScalar(Relation input, const Expr& scalar, size_t number);
  absl::StatusOr<Relation> AddSubqueryValue(Relation input, const Expr& expr, SubqueryValues::Asks asks,
                                            plan::ExpressionPtr operand);
  absl::StatusOr<Relation> AddSubqueryValues(Relation input, const SubqueryValues& values);
  absl::StatusOr<Relation> AddTest(const Relation& input, const Expr& test, size_t number, SubqueryValues::Asks asks,
                                   plan::ExpressionPtr operand);
  absl::StatusOr<Relation> ApplySubquery(const Relation& outer, const ExprPtr& conjunct);
  struct Subquery {
    Relation relation;
    std::vector<plan::ExpressionPtr> conjuncts;  // over the outer columns and then those of `relation`
    int listed = 0;                              // columns of the select list; behind them is what the conjuncts read
  };
  absl::StatusOr<plan::ExpressionPtr> MemberEquals(const Relation& outer, const Subquery& subquery,
                                                   const plan::ExpressionPtr& value, const Expr& test);
  absl::StatusOr<Relation> MarkUnknown(const Relation& input, int outer_width, const Subquery& subquery,
                                       const plan::ExpressionPtr& value, Position position);
  struct CorrelatedInput {
    Relation relation;                            // FROM, and what of WHERE it can say alone
    std::vector<plan::ExpressionPtr> correlated;  // over the outer columns and then those of `relation`
    std::vector<ExprPtr> nested;                  // IN and EXISTS, not yet applied
  };
  absl::StatusOr<CorrelatedInput> AnalyseCorrelatedInput(const Relation& outer, const Select& select);
  absl::StatusOr<Subquery> AnalyseCorrelatedAggregate(const Relation& outer, const Query& query);
  absl::Status CorrelatedTooFreely(Position position) const;
  absl::StatusOr<Subquery> AnalyseSubquery(const Relation& outer, const Query& query);
  absl::StatusOr<Relation> AnalyseWindowFunction(const TableRef& from);
  absl::StatusOr<Relation> Find(const Path& path);
  absl::StatusOr<std::vector<NamedExpression>> AnalyseItems(const Select& select, const Relation& input,
                                                            std::vector<AggregateCall>* aggregates,
                                                            std::vector<OverCall>* overs);
  // The items over `relation` with the calls with OVER in them as columns of it (over.cc).
  absl::Status AddOvers(const std::vector<OverCall>& overs, Relation* relation, std::vector<NamedExpression>* items);
  absl::StatusOr<Relation> ApplyTail(Relation relation, const Query& query);
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

// --- MATCH_RECOGNIZE (match.cc) ---
absl::StatusOr<Relation> Match(const Relation& input, const MatchSyntax& syntax, int* budget,
                               const Diagnostics& diagnostics);

// --- window functions (windows.cc) ---
struct WindowCall {
  plan::WindowKind kind = plan::WindowKind::kTumble;
  Name time_column;
  int time_index = -1;         // the same as a column of the input; -1: found by its name
  std::string column_prefix;   // of window_start, window_end and window_time
  ExprPtr data;                // TABLE t or a sub-query
  std::vector<int> partition;  // SESSION: columns of the input
  int64_t size_ms = 0;
  int64_t slide_ms = 0;
  int64_t offset_ms = 0;
  plan::EmitSpec emit;  // of a window in GROUP BY
};
absl::StatusOr<WindowCall> ReadWindowCall(const TableRef& from, const Diagnostics& diagnostics);
// Sets call->partition to the columns of PARTITION BY.
absl::Status ResolvePartition(const Relation& input, WindowCall* call, const Diagnostics& diagnostics);
// Checks the sizes against one another.
absl::Status CheckSizes(const WindowCall& call, Position position, const Diagnostics& diagnostics);
// The milliseconds of an interval that says the `what` of a window.
absl::StatusOr<int64_t> WindowMilliseconds(const ExprPtr& expr, std::string_view what, const Diagnostics& diagnostics);
absl::StatusOr<Relation> AssignWindows(const Relation& input, const WindowCall& call, Position position,
                                       const Diagnostics& diagnostics);

// Of a node of the whole plan, above which stands what ever will. A change is in the window of the moment at which it
// comes: that of the row that it takes back is another one, and the row would stay.
absl::Status CheckWindow(const plan::Node& node, const Diagnostics& diagnostics);

}  // namespace leat::sql
