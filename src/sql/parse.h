// Text -> statements. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/ast.h"
#include "sql/diagnostics.h"
#include "sql/lexer.h"

namespace leat::sql {

// What the generated parser reads from and writes to.
struct ParseContext {
  const Diagnostics& diagnostics;
  std::vector<Token> tokens;
  size_t next = 0;
  std::vector<Statement> statements;
  absl::Status error;  // the first one

  void Fail(absl::Status status) {
    if (error.ok()) error = std::move(status);
  }
};

// What stands behind the arguments of JSON_VALUE and its like.
struct JsonClauses {
  std::vector<Name> words;  // NULL ON EMPTY DEFAULT ON ERROR
  std::vector<ExprPtr> defaults;
  TypeSyntax returning;  // without a word if there is none
};

// The statement that begins with a word and is refused; empty: there is none. Any case.
std::string_view RefusedStatement(std::string_view word);
// Words that Flink reserves: no names unless in backticks.
bool IsReservedWord(std::string_view word);

absl::StatusOr<std::vector<Statement>> Parse(std::string_view script, const Diagnostics& diagnostics);

}  // namespace leat::sql
