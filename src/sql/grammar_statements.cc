// What the grammar's actions for statements and hints call.
#include "sql/grammar_support.h"

namespace leat::sql {

namespace {

// 'k' = 'v', .. up to the closing parenthesis; *next is behind the opening one.
bool ReadHintOptions(ParseContext& parse, Position position, const std::vector<Token>& tokens, size_t* next,
                     std::vector<Option>* options) {
  const auto symbol = [&](size_t i, std::string_view text) {
    return i < tokens.size() && tokens[i].kind == Token::Kind::kSymbol && tokens[i].text == text;
  };
  const auto string = [&](size_t i) { return i < tokens.size() && tokens[i].kind == Token::Kind::kString; };
  size_t at = *next;
  while (true) {
    if (!string(at) || !symbol(at + 1, "=") || !string(at + 2)) break;
    options->push_back({{tokens[at].text, position}, {tokens[at + 2].text, position}});
    at += 3;
    if (symbol(at, ")")) {
      *next = at + 1;
      return true;
    }
    if (!symbol(at, ",")) break;
    ++at;
  }
  parse.Fail(parse.diagnostics.Error(position, "expected ('key' = 'value', ..) behind the name of the hint"));
  return false;
}

// Hints that only choose among equal plans.
bool IsIgnorable(std::string_view hint) {
  for (const std::string_view name : {"BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "LOOKUP"}) {
    if (EqualsIgnoreCase(hint, name)) return true;
  }
  return false;
}

}  // namespace

bool ReadQueryHints(ParseContext& parse, Position position, const std::string& text, std::vector<Option>* state_ttl) {
  auto tokens = Tokenize(text, parse.diagnostics);
  if (!tokens.ok()) {
    parse.Fail(parse.diagnostics.Error(position, "the hint cannot be read"));
    return false;
  }
  tokens->pop_back();  // the end
  const auto symbol = [&](size_t i, std::string_view sign) {
    return i < tokens->size() && (*tokens)[i].kind == Token::Kind::kSymbol && (*tokens)[i].text == sign;
  };
  for (size_t next = 0; next < tokens->size();) {
    if (symbol(next, ",")) {
      ++next;
      continue;
    }
    const std::string name = (*tokens)[next].text;
    if (EqualsIgnoreCase(name, "STATE_TTL")) {
      next += 2;  // the parenthesis is checked by what must stand behind it
      if (!ReadHintOptions(parse, position, *tokens, &next, state_ttl)) return false;
      continue;
    }
    if (!IsIgnorable(name)) {
      parse.Fail(parse.diagnostics.Unsupported(position, StrCat("the hint ", ToUpper(name))));
      return false;
    }
    ++next;
    if (!symbol(next, "(")) continue;
    while (next < tokens->size() && !symbol(next, ")")) ++next;
    ++next;
  }
  return true;
}

Statement MakeShow(Position position, std::string_view what) {
  Statement statement = MakeStatement(Statement::Kind::kShow, position);
  statement.word = ToUpper(what);
  return statement;
}

bool CheckCreateTable(ParseContext& parse, const Statement& statement, Position end) {
  const TableElements& elements = statement.elements;
  const bool has_elements = !elements.columns.empty() || !elements.watermarks.empty() || !elements.primary_keys.empty();
  if (statement.like || (statement.query && !statement.options.empty())) return true;
  if (!has_elements && !statement.query) {
    parse.Fail(parse.diagnostics.Error(end, "expected the columns of the table, LIKE or AS"));
  } else if (statement.options.empty()) {
    parse.Fail(parse.diagnostics.Error(end, "expected WITH ('connector' = ..) after the columns"));
  } else {
    return true;
  }
  return false;
}

bool ReadTableHints(ParseContext& parse, Position position, const std::string& text, std::vector<Option>* options) {
  auto tokens = Tokenize(text, parse.diagnostics);
  if (!tokens.ok()) {
    parse.Fail(parse.diagnostics.Error(position, "the hint cannot be read"));
    return false;
  }
  tokens->pop_back();  // the end
  for (size_t next = 0; next < tokens->size();) {
    const Token& token = (*tokens)[next];
    if (token.kind == Token::Kind::kSymbol && token.text == ",") {
      ++next;
      continue;
    }
    if (!EqualsIgnoreCase(token.text, "OPTIONS")) {
      parse.Fail(parse.diagnostics.Unsupported(position, StrCat("the hint ", ToUpper(token.text), " behind a table")));
      return false;
    }
    next += 2;  // the parenthesis is checked by what must stand behind it
    if (!ReadHintOptions(parse, position, *tokens, &next, options)) return false;
  }
  return true;
}

}  // namespace leat::sql
