// The script as tokens. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sql/diagnostics.h"

namespace leat::sql {

struct Token {
  enum class Kind {
    kWord,        // as written; keywords are recognised later, whatever their case
    kQuotedWord,  // `name`, without the backticks
    kString,      // 'text', unescaped
    kNumber,      // as written
    kSymbol,      // ( ) , ; . * + - / % = <> != < <= > >= || => [ ] { } ?
    kHint,        // what stands between /*+ and */
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  Position begin;
  Position end;  // one past the last character
  bool starts_statement = false;
};

inline constexpr size_t kMaxScriptBytes = 1 << 20;
inline constexpr int kMaxParentheses = 200;  // open at once; bounds the recursion of everything that follows

// All tokens, with one kEnd at the end. An error for a script over the size limit, an unterminated string, identifier
// or comment, a character that starts no token, and too deep nesting.
absl::StatusOr<std::vector<Token>> Tokenize(std::string_view script, const Diagnostics& diagnostics);

bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string ToUpper(std::string_view text);

}  // namespace leat::sql
