// Expressions of the syntax as typed expressions over the columns of one relation.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/relation.h"
#include "stream/plan/inference.h"

namespace leat::sql {

// An aggregate call found in an expression; arguments are over the input of the aggregation.
struct AggregateCall {
  plan::AggregateKind kind = plan::AggregateKind::kCountStar;
  plan::ExpressionPtr argument;  // null for COUNT(*)
  plan::ExpressionPtr filter;    // null: none
  bool distinct = false;
  std::string separator;     // LISTAGG
  bool takes_nulls = false;  // ARRAY_AGG, JSON_ARRAYAGG
  data::Type type;
};

struct OverOrder {
  plan::ExpressionPtr expression;
  bool descending = false;
  bool nulls_first = true;
};
// A call with OVER; its expressions are over the input of OVER (or of the aggregation below it).
struct OverCall {
  AggregateCall call;            // its kind may be one of OVER's own
  int64_t offset = 1;            // LAG
  plan::ExpressionPtr fallback;  // LAG: where there is no such row; null: NULL
  std::vector<plan::ExpressionPtr> partition;
  std::vector<OverOrder> order;
  bool framed = false;
  plan::OverFrame frame;
  Position position;

  std::vector<plan::ExpressionPtr*> Parts() {  // every expression in it
    std::vector<plan::ExpressionPtr*> parts;
    for (plan::ExpressionPtr* part : {&call.argument, &call.filter, &fallback}) {
      if (*part) parts.push_back(part);
    }
    for (plan::ExpressionPtr& part : partition) parts.push_back(&part);
    for (OverOrder& key : order) parts.push_back(&key.expression);
    return parts;
  }
};
// Whether both look at the same rows in the same order.
bool SameWindow(const OverCall& a, const OverCall& b);
// In the results of an analysis that collects them, input kOverBase + i stands for the i-th call with OVER.
inline constexpr int kOverBase = 1 << 22;

// In the results of an analysis that collects aggregates, input kAggregateBase + i stands for the i-th of them.
inline constexpr int kAggregateBase = 1 << 20;
// Calls analysed in one script; BETWEEN and CASE x WHEN repeat their operand, and nesting them multiplies it.
inline constexpr int kMaxAnalysedExpressions = 200'000;

// What names and some calls mean in an expression over the rows of a match (match.cc).
class MatchNames {
 public:
  virtual ~MatchNames() = default;
  virtual absl::StatusOr<plan::ExpressionPtr> Name(const Path& path) = 0;
  // null: the call means what it means everywhere.
  virtual absl::StatusOr<plan::ExpressionPtr> Call(const Expr& call) = 0;
};

class ExpressionAnalyser {
 public:
  // `relation`: whose columns names mean; null: names mean nothing (VALUES). `aggregates`: where aggregate calls go;
  // null: they are refused. `budget`: counts down over the whole script.
  ExpressionAnalyser(const Diagnostics& diagnostics, const Relation* relation, std::vector<AggregateCall>* aggregates,
                     int* budget)
      : diagnostics_(diagnostics), relation_(relation), aggregates_(aggregates), budget_(budget) {}

  // Calls with OVER go to `overs`; otherwise they are refused. `windows`: what WINDOW names.
  void AllowOver(std::vector<OverCall>* overs, const std::vector<std::pair<Name, OverPtr>>* windows) {
    overs_ = overs;
    windows_ = windows;
  }

  // `names` has the first say.
  void OverMatch(MatchNames* names) { match_ = names; }

  absl::StatusOr<plan::ExpressionPtr> Analyse(const Expr& expr);
  // The same, and it must be BOOLEAN; `clause` names the place for the error.
  absl::StatusOr<plan::ExpressionPtr> Condition(const Expr& expr, std::string_view clause);
  // A call with analysed arguments: infers its type and casts them.
  absl::StatusOr<plan::ExpressionPtr> MakeCall(plan::FunctionId id, std::vector<plan::ExpressionPtr> arguments,
                                               Position at);

 private:
  absl::StatusOr<plan::ExpressionPtr> AnalyseName(const Path& path);
  absl::StatusOr<plan::ExpressionPtr> FieldOf(plan::ExpressionPtr row, const Path& path, size_t from);
  absl::StatusOr<plan::ExpressionPtr> UnknownName(const Path& path);
  absl::StatusOr<plan::ExpressionPtr> AnalyseCast(const Expr& expr);
  absl::StatusOr<std::vector<plan::ExpressionPtr>> AnalyseAll(const std::vector<ExprPtr>& arguments);
  absl::StatusOr<plan::ExpressionPtr> AnalyseFunction(const Expr& expr);
  absl::StatusOr<plan::ExpressionPtr> AnalyseShaped(const Expr& expr, const std::string& name);
  // JSON_VALUE and its like (json_functions.cc)
  absl::StatusOr<plan::ExpressionPtr> AnalyseJson(const Expr& expr);
  absl::StatusOr<plan::ExpressionPtr> AnalyseJsonValue(const Expr& expr, std::vector<plan::ExpressionPtr> arguments);
  absl::StatusOr<plan::ExpressionPtr> AnalyseJsonBuilder(const Expr& expr, const std::string& name,
                                                         std::vector<plan::ExpressionPtr> arguments);
  absl::StatusOr<plan::ExpressionPtr> AnalyseUnitCall(const Expr& expr, const std::string& name);
  absl::StatusOr<plan::ExpressionPtr> AnalyseAggregate(const Expr& expr, plan::AggregateKind kind);
  absl::Status AnalyseAggregateArguments(const Expr& expr, AggregateCall* call);
  absl::Status AnalyseJsonAggregate(const Expr& expr, AggregateCall* call);  // json_functions.cc
  absl::StatusOr<plan::ExpressionPtr> NoneIsNull(const Expr& expr);
  // over_calls.cc
  absl::StatusOr<plan::ExpressionPtr> AnalyseOver(const Expr& expr);
  absl::StatusOr<const OverSyntax*> OverOf(const Expr& expr) const;
  absl::Status AnalyseOverFunction(const Expr& expr, OverCall* over);
  absl::Status AnalyseFrame(const OverSyntax& syntax, OverCall* over);
  absl::StatusOr<std::string> UnitOf(const Expr& expr);
  absl::StatusOr<plan::ExpressionPtr> UnknownFunction(const Expr& expr, const std::string& name);

  const Diagnostics& diagnostics_;
  const Relation* relation_;
  std::vector<AggregateCall>* aggregates_;
  std::vector<OverCall>* overs_ = nullptr;
  const std::vector<std::pair<Name, OverPtr>>* windows_ = nullptr;
  MatchNames* match_ = nullptr;
  int* budget_;
};

// The aggregate functions of GROUP BY.
std::optional<plan::AggregateKind> AggregateByName(std::string_view upper);
std::vector<std::string_view> AggregateNames();
// Whether the tree calls an aggregate function, other than with OVER.
bool HasAggregate(const Expr& expr);
// YEAR(t) and so on: functions that are EXTRACT by another name, with their unit; nullopt otherwise.
std::optional<std::string_view> ExtractFunctionUnit(std::string_view upper_name);
std::vector<std::string_view> ExtractFunctionNames();
// The types of aggregate results: SUM(INT) is INT, AVG truncates; nullopt: the aggregate does not take the type.
std::optional<data::Type> AggregateType(plan::AggregateKind kind, const data::Type& argument);

}  // namespace leat::sql
