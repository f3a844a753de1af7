// What the grammar's actions for MATCH_RECOGNIZE call.
#include <absl/strings/numbers.h>

#include "sql/grammar_support.h"

namespace leat::sql {

namespace {

constexpr int kMaxQuantifier = 1000;  // rows; each of them is a state of the automaton

bool ReadRows(ParseContext& parse, const Name& number, int* rows) {
  int32_t value = 0;
  if (absl::SimpleAtoi(number.text, &value) && value >= 0 && value <= kMaxQuantifier) {
    *rows = value;
    return true;
  }
  parse.Fail(parse.diagnostics.Error(number.position, "a quantifier takes whole numbers from 0 to ", kMaxQuantifier,
                                     ", got ", number.text));
  return false;
}

}  // namespace

bool Times(ParseContext& parse, const Name& from, const Name& to, PatternElement* quantifier) {
  quantifier->quantified = true;
  if (!ReadRows(parse, from, &quantifier->min)) return false;
  if (to.text.empty()) {
    quantifier->max = -1;
    return true;
  }
  if (!ReadRows(parse, to, &quantifier->max)) return false;
  if (quantifier->max > 0 && quantifier->min <= quantifier->max) return true;
  parse.Fail(parse.diagnostics.Error(to.position, "the quantifier {", from.text, ",", to.text, "} takes no row; its ",
                                     "second number must be greater than 0 and not less than the first"));
  return false;
}

bool Quantify(ParseContext& parse, Position at, const PatternElement& quantifier, std::vector<PatternElement> elements,
              std::vector<PatternElement>* result) {
  *result = std::move(elements);
  if (!quantifier.quantified) return true;
  if (result->size() > 1 || result->front().quantified) {
    parse.Fail(parse.diagnostics.Error(
        at, "a quantifier behind a group in PATTERN is not supported, here as on Flink; it goes with one variable"));
    return false;
  }
  const Name variable = result->front().variable;
  result->front() = quantifier;
  result->front().variable = variable;
  return true;
}

bool OverMatch(ParseContext& parse, Position at, TableRef table, const ExprPtr& as_of, MatchSyntax match,
               TableRef* result) {
  if (as_of) {
    parse.Fail(parse.diagnostics.Error(at, "MATCH_RECOGNIZE does not go with FOR SYSTEM_TIME AS OF"));
    return false;
  }
  match.position = at;
  result->kind = TableRef::Kind::kMatch;
  result->position = at;
  result->left = std::make_shared<const TableRef>(std::move(table));
  result->match = std::make_shared<const MatchSyntax>(std::move(match));
  return true;
}

}  // namespace leat::sql
