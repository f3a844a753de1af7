// CREATE TABLE .. LIKE: the definition that two statements make together, before names and types are looked up.
#pragma once

#include "base/status.h"
#include "sql/ast.h"
#include "sql/diagnostics.h"

namespace leat::sql {

// `derived` with what its LIKE takes over from `base`; without LIKE. Physical columns always come along, the others as
// INCLUDING, EXCLUDING and OVERWRITING say; the default is INCLUDING ALL OVERWRITING OPTIONS.
absl::StatusOr<Statement> MergeLike(const Statement& derived, const Statement& base, const Diagnostics& diagnostics);

}  // namespace leat::sql
