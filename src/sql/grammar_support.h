// What the grammar's actions call: makers of syntax trees, and the report of a syntax error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "sql/ast.h"
#include "sql/parse.h"

namespace leat::sql {

inline constexpr int kMaxExpectedShown = 5;

Statement MakeStatement(Statement::Kind kind, Position position);
void AddColumn(ColumnSyntax column, TableElements* elements);
TypeSyntax MakeType(const Span& span, std::string word, const std::vector<std::string>& numbers);
Statement MakeShow(Position position, std::string_view what);
// Whether a CREATE TABLE has the parts it needs; `end` is where a missing one would stand.
bool CheckCreateTable(ParseContext& parse, const Statement& statement, Position end);
// ARRAY, MAP or MULTISET of these.
TypeSyntax CollectionType(const Span& span, std::string word, std::vector<TypeSyntax> of);
// The statement that an EXPLAIN was read in front of.
std::vector<Statement> TakeExplained(ParseContext& parse);

QueryPtr AddWith(std::vector<Query::With> with, const QueryPtr& query);
QueryPtr SetOperation(const QueryPtr& left, const QueryPtr& right, Query::Kind kind, Position position);
// The query with the ORDER BY and the LIMIT of `tail`, if it has them.
QueryPtr AddTail(ParseContext& parse, const QueryPtr& query, const Query& tail);
bool IsWord(const Expr& expr, std::string_view upper);  // a bare name of this text, any case
OverPtr MakeOver(OverSyntax over);
ExprPtr AddOver(const ExprPtr& call, OverSyntax over);
QueryPtr MakeSelect(Select select);
QueryPtr MakeValues(Position position, std::vector<std::vector<ExprPtr>> rows);
QueryPtr MakeTableQuery(Position position, Path path);
TableRef MakeJoin(Position position, TableRef::Join kind, TableRef left, TableRef right);
// A quantifier {from,to}; an empty `to`: no bound. False, with an error in `parse`, if the numbers make none.
bool Times(ParseContext& parse, const Name& from, const Name& to, PatternElement* quantifier);
// The elements with the quantifier, which goes with a single variable only.
bool Quantify(ParseContext& parse, Position at, const PatternElement& quantifier, std::vector<PatternElement> elements,
              std::vector<PatternElement>* result);
// The table with MATCH_RECOGNIZE behind it.
bool OverMatch(ParseContext& parse, Position at, TableRef table, const ExprPtr& as_of, MatchSyntax match,
               TableRef* result);
TableRef TableFunction(const Name& name, std::vector<ExprPtr> arguments);
// The hints behind a table's name: appends what OPTIONS(..) says. False, with an error in `parse`, for another hint.
bool ReadTableHints(ParseContext& parse, Position position, const std::string& text, std::vector<Option>* options);
// The hints behind SELECT: STATE_TTL('table' = 'duration', ..); those that only choose among equal plans are ignored.
bool ReadQueryHints(ParseContext& parse, Position position, const std::string& text, std::vector<Option>* state_ttl);

// Makers of expressions that have children record an error in `parse` when the tree becomes too deep.
ExprPtr Operator(ParseContext& parse, Position at, plan::FunctionId id, std::vector<ExprPtr> arguments);
ExprPtr Negated(ParseContext& parse, Position at, ExprPtr expr);
ExprPtr Minus(ParseContext& parse, Position at, ExprPtr expr);
ExprPtr Between(ParseContext& parse, Position at, ExprPtr value, ExprPtr low, ExprPtr high);
ExprPtr InList(ParseContext& parse, Position at, ExprPtr value, std::vector<ExprPtr> list);
ExprPtr InQuery(ParseContext& parse, Position at, ExprPtr value, QueryPtr query);
ExprPtr Exists(Position at, QueryPtr query);
ExprPtr Like(ParseContext& parse, Position at, plan::FunctionId id, ExprPtr text, ExprPtr pattern, ExprPtr escape);
ExprPtr Case(ParseContext& parse, Position at, ExprPtr base, std::vector<ExprPtr> whens, ExprPtr otherwise);
ExprPtr Cast(ParseContext& parse, Position at, plan::FunctionId id, ExprPtr expr, TypeSyntax type);
ExprPtr MakeRow(ParseContext& parse, Position at, std::vector<ExprPtr> fields);
ExprPtr MakeBareRow(ParseContext& parse, Position at, std::vector<ExprPtr> fields);  // (a, b) without ROW
ExprPtr FieldOf(ParseContext& parse, ExprPtr row, const Name& field);
ExprPtr Function(ParseContext& parse, const Name& name, std::vector<ExprPtr> arguments);
ExprPtr Shaped(ParseContext& parse, const Name& name, Expr::Form form, std::vector<ExprPtr> arguments);
ExprPtr Trim(ParseContext& parse, const Name& name, std::string side, std::vector<ExprPtr> arguments);
ExprPtr Distinct(const ExprPtr& call);
// ARRAY_AGG(x IGNORE NULLS); false, with an error in `parse`, if `word` is neither IGNORE nor RESPECT.
bool NullTreatment(ParseContext& parse, const Name& word, const ExprPtr& call, ExprPtr* result);
ExprPtr AddFilter(ParseContext& parse, const ExprPtr& call, const ExprPtr& filter);
ExprPtr MakeName(Path path);
ExprPtr MakeStar(Position at, Path path);
ExprPtr Text(Expr::Kind kind, Position at, std::string text);
ExprPtr TimeLiteral(Position at, std::string word, std::string text);
ExprPtr IntervalLiteral(Position at, std::string text, std::string units);
ExprPtr Subquery(Position at, QueryPtr query);
ExprPtr Unit(Position at, std::string word);
ExprPtr Named(const Name& name, ExprPtr value);
ExprPtr TableArgument(Position at, Path path, const std::vector<Name>& partition = {});
ExprPtr Descriptor(Position at, Path columns);

// --- JSON (grammar_statements.cc) ---
ExprPtr JsonCall(ParseContext& parse, const Name& name, std::vector<ExprPtr> arguments, JsonClauses clauses);
// x IS [NOT] JSON [kind]; false, with an error in `parse`, if `word` is another.
bool IsJson(ParseContext& parse, Position at, const ExprPtr& text, const Name& word, std::string_view kind,
            bool negated, ExprPtr* result);

// "expected FROM, got FORM" at the token that did not fit.
void ReportSyntaxError(const std::vector<std::string>& expected, ParseContext* parse);

}  // namespace leat::sql
