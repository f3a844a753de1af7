// Literals and types of the syntax as values and types of the plan. Pure.
#pragma once

#include "base/status.h"
#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "stream/plan/expression.h"

namespace leat::sql {

// INT, BIGINT or DECIMAL(p, 0) by size; DECIMAL with a point; DOUBLE with an exponent. Never NULL.
absl::StatusOr<plan::ExpressionPtr> NumberLiteral(const Expr& expr, const Diagnostics& diagnostics);
// CHAR(n), n in code points.
plan::ExpressionPtr StringLiteral(const std::string& text);
absl::StatusOr<plan::ExpressionPtr> TimeLiteral(const Expr& expr, const Diagnostics& diagnostics);
// INTERVAL '1 02:03' DAY TO MINUTE as months or microseconds.
absl::StatusOr<plan::ExpressionPtr> IntervalLiteral(const Expr& expr, const Diagnostics& diagnostics);

// The unit by any of its names (MINUTE, MINUTES); empty if there is none.
std::string CanonicalUnit(std::string_view word);

absl::StatusOr<data::Type> ResolveType(const TypeSyntax& type, const Diagnostics& diagnostics);

// `expr` as a value of `to` (whose nullability is ignored): itself if it has the type, a literal converted if that is
// exact, else a call of CAST.
plan::ExpressionPtr CastTo(const plan::ExpressionPtr& expr, const data::Type& to);

}  // namespace leat::sql
