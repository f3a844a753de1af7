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
  data::Type type;
};

// In the results of an analysis that collects aggregates, input kAggregateBase + i stands for the i-th of them.
inline constexpr int kAggregateBase = 1 << 20;
// Calls analysed in one script; BETWEEN and CASE x WHEN repeat their operand, and nesting them multiplies it.
inline constexpr int kMaxAnalysedExpressions = 200'000;

class ExpressionAnalyser {
 public:
  // `relation`: whose columns names mean; null: names mean nothing (VALUES). `aggregates`: where aggregate calls go;
  // null: they are refused. `budget`: counts down over the whole script.
  ExpressionAnalyser(const Diagnostics& diagnostics, const Relation* relation, std::vector<AggregateCall>* aggregates,
                     int* budget)
      : diagnostics_(diagnostics), relation_(relation), aggregates_(aggregates), budget_(budget) {}

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
  absl::StatusOr<std::string> UnitOf(const Expr& expr);
  absl::StatusOr<plan::ExpressionPtr> UnknownFunction(const Expr& expr, const std::string& name);

  const Diagnostics& diagnostics_;
  const Relation* relation_;
  std::vector<AggregateCall>* aggregates_;
  int* budget_;
};

// Whether the tree calls an aggregate function.
bool HasAggregate(const Expr& expr);
// YEAR(t) and so on: functions that are EXTRACT by another name, with their unit; nullopt otherwise.
std::optional<std::string_view> ExtractFunctionUnit(std::string_view upper_name);
std::vector<std::string_view> ExtractFunctionNames();
// The types of aggregate results: SUM(INT) is INT, AVG truncates; nullopt: the aggregate does not take the type.
std::optional<data::Type> AggregateType(plan::AggregateKind kind, const data::Type& argument);

}  // namespace leat::sql
