#include "sql/grammar_support.h"

#include <algorithm>
#include <charconv>

namespace leat::sql {

namespace {

std::shared_ptr<Expr> MakeExpr(Expr::Kind kind, Position at) {
  auto expr = std::make_shared<Expr>();
  expr->kind = kind;
  expr->position = at;
  return expr;
}

std::shared_ptr<Expr> WithArguments(ParseContext& parse, Expr::Kind kind, Position at, std::vector<ExprPtr> arguments) {
  auto expr = MakeExpr(kind, at);
  for (const ExprPtr& argument : arguments) expr->depth = std::max(expr->depth, argument->depth + 1);
  if (expr->depth > kMaxExpressionDepth) {
    parse.Fail(parse.diagnostics.Error(at, "the expression is nested more than ", kMaxExpressionDepth,
                                       " levels deep; use IN or parentheses to make it flatter"));
    // The children are let go: a tree without a limit would end the stack when it is destroyed.
    expr->depth = 1;
    return expr;
  }
  expr->arguments = std::move(arguments);
  return expr;
}

}  // namespace

Statement MakeStatement(Statement::Kind kind, Position position) {
  Statement statement;
  statement.kind = kind;
  statement.position = position;
  return statement;
}

void AddColumn(ColumnSyntax column, TableElements* elements) { elements->columns.push_back(std::move(column)); }

TypeSyntax MakeType(const Span& span, std::string word, const std::vector<std::string>& numbers) {
  TypeSyntax type;
  type.position = span.begin;
  type.word = std::move(word);
  for (const std::string& text : numbers) {
    int64_t number = -1;  // what is no number fails the range check later
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = -1;
    type.numbers.push_back(number);
  }
  return type;
}

TypeSyntax CollectionType(const Span& span, std::string word, std::vector<TypeSyntax> of) {
  TypeSyntax type = MakeType(span, std::move(word), {});
  for (TypeSyntax& one : of) type.fields.push_back({{"", span.begin}, std::move(one)});
  return type;
}

std::vector<Statement> TakeExplained(ParseContext& parse) {
  std::vector<Statement> explained;
  explained.push_back(std::move(parse.statements.back()));
  parse.statements.pop_back();
  return explained;
}

QueryPtr AddWith(std::vector<Query::With> with, const QueryPtr& query) {
  auto copy = std::make_shared<Query>(*query);
  copy->with.insert(copy->with.begin(), std::make_move_iterator(with.begin()), std::make_move_iterator(with.end()));
  return copy;
}

QueryPtr SetOperation(const QueryPtr& left, const QueryPtr& right, Query::Kind kind, Position position) {
  auto query = std::make_shared<Query>();
  query->kind = kind;
  query->position = position;
  // A chain is one node with many inputs, so that its length does not become depth.
  if (kind == Query::Kind::kUnionAll && left->kind == kind && left->with.empty() && !left->HasTail()) {
    query->inputs = left->inputs;
  } else {
    query->inputs.push_back(left);
  }
  query->inputs.push_back(right);
  return query;
}

QueryPtr AddTail(ParseContext& parse, const QueryPtr& query, const Query& tail) {
  if (!tail.HasTail()) return query;
  if (query->HasTail()) {
    parse.Fail(
        parse.diagnostics.Unsupported(tail.position, "ORDER BY or LIMIT of a query that has one in parentheses"));
    return query;
  }
  auto copy = std::make_shared<Query>(*query);
  copy->order = tail.order;
  copy->limit = tail.limit;
  copy->offset = tail.offset;
  return copy;
}

bool IsWord(const Expr& expr, std::string_view upper) {
  return expr.kind == Expr::Kind::kName && expr.path.size() == 1 && ToUpper(expr.path[0].text) == upper;
}

OverPtr MakeOver(OverSyntax over) { return std::make_shared<OverSyntax>(std::move(over)); }

ExprPtr AddOver(const ExprPtr& call, OverSyntax over) {
  auto copy = std::make_shared<Expr>(*call);
  copy->over = MakeOver(std::move(over));
  return copy;
}

QueryPtr MakeSelect(Select select) {
  auto query = std::make_shared<Query>();
  query->kind = Query::Kind::kSelect;
  query->position = select.position;
  query->select = std::move(select);
  return query;
}

QueryPtr MakeValues(Position position, std::vector<std::vector<ExprPtr>> rows) {
  auto query = std::make_shared<Query>();
  query->kind = Query::Kind::kValues;
  query->position = position;
  query->rows = std::move(rows);
  return query;
}

QueryPtr MakeTableQuery(Position position, Path path) {
  auto query = std::make_shared<Query>();
  query->kind = Query::Kind::kTable;
  query->position = position;
  query->table = std::move(path);
  return query;
}

TableRef TableFunction(const Name& name, std::vector<ExprPtr> arguments) {
  TableRef ref;
  ref.kind = TableRef::Kind::kFunction;
  ref.position = name.position;
  ref.function = name.text;
  ref.arguments = std::move(arguments);
  return ref;
}

TableRef MakeJoin(Position position, TableRef::Join kind, TableRef left, TableRef right) {
  TableRef ref;
  ref.kind = TableRef::Kind::kJoin;
  ref.position = position;
  ref.join = kind;
  ref.left = std::make_shared<const TableRef>(std::move(left));
  ref.right = std::make_shared<const TableRef>(std::move(right));
  return ref;
}

ExprPtr Operator(ParseContext& parse, Position at, plan::FunctionId id, std::vector<ExprPtr> arguments) {
  auto expr = WithArguments(parse, Expr::Kind::kOperator, at, std::move(arguments));
  expr->function = id;
  return expr;
}

ExprPtr Negated(ParseContext& parse, Position at, ExprPtr expr) {
  return Operator(parse, at, plan::FunctionId::kNot, {std::move(expr)});
}

ExprPtr Minus(ParseContext& parse, Position at, ExprPtr expr) {
  // -9223372036854775808 is a literal; the number without its sign would not be a BIGINT.
  if (expr->kind == Expr::Kind::kNumber && !expr->text.starts_with('-')) {
    return Text(Expr::Kind::kNumber, at, "-" + expr->text);
  }
  return Operator(parse, at, plan::FunctionId::kNegate, {std::move(expr)});
}

ExprPtr Between(ParseContext& parse, Position at, ExprPtr value, ExprPtr low, ExprPtr high) {
  ExprPtr above = Operator(parse, at, plan::FunctionId::kGreaterOrEqual, {value, std::move(low)});
  ExprPtr below = Operator(parse, at, plan::FunctionId::kLessOrEqual, {value, std::move(high)});
  return Operator(parse, at, plan::FunctionId::kAnd, {std::move(above), std::move(below)});
}

ExprPtr InList(ParseContext& parse, Position at, ExprPtr value, std::vector<ExprPtr> list) {
  list.insert(list.begin(), std::move(value));
  return Operator(parse, at, plan::FunctionId::kIn, std::move(list));
}

ExprPtr InQuery(ParseContext& parse, Position at, ExprPtr value, QueryPtr query) {
  auto expr = WithArguments(parse, Expr::Kind::kIn, at, {std::move(value)});
  expr->query = std::move(query);
  return expr;
}

ExprPtr Exists(Position at, QueryPtr query) {
  auto expr = std::make_shared<Expr>();
  expr->kind = Expr::Kind::kExists;
  expr->position = at;
  expr->query = std::move(query);
  return expr;
}

ExprPtr Like(ParseContext& parse, Position at, plan::FunctionId id, ExprPtr text, ExprPtr pattern, ExprPtr escape) {
  std::vector<ExprPtr> arguments = {std::move(text), std::move(pattern)};
  if (escape) arguments.push_back(std::move(escape));
  return Operator(parse, at, id, std::move(arguments));
}

ExprPtr Case(ParseContext& parse, Position at, ExprPtr base, std::vector<ExprPtr> whens, ExprPtr otherwise) {
  if (base) {
    for (size_t i = 0; i < whens.size(); i += 2) {
      const Position when = whens[i]->position;
      whens[i] = Operator(parse, when, plan::FunctionId::kEqual, {base, whens[i]});
    }
  }
  if (otherwise) whens.push_back(std::move(otherwise));
  return WithArguments(parse, Expr::Kind::kCase, at, std::move(whens));
}

ExprPtr Cast(ParseContext& parse, Position at, plan::FunctionId id, ExprPtr expr, TypeSyntax type) {
  auto cast = WithArguments(parse, Expr::Kind::kCast, at, {std::move(expr)});
  cast->function = id;
  cast->type = std::move(type);
  return cast;
}

ExprPtr MakeRow(ParseContext& parse, Position at, std::vector<ExprPtr> fields) {
  return WithArguments(parse, Expr::Kind::kRow, at, std::move(fields));
}

ExprPtr MakeBareRow(ParseContext& parse, Position at, std::vector<ExprPtr> fields) {
  auto expr = WithArguments(parse, Expr::Kind::kRow, at, std::move(fields));
  expr->word = kBareRow;
  return expr;
}

ExprPtr FieldOf(ParseContext& parse, ExprPtr row, const Name& field) {
  auto expr = WithArguments(parse, Expr::Kind::kField, field.position, {std::move(row)});
  expr->path = {field};
  return expr;
}

ExprPtr Function(ParseContext& parse, const Name& name, std::vector<ExprPtr> arguments) {
  return Shaped(parse, name, Expr::Form::kPlain, std::move(arguments));
}

ExprPtr Shaped(ParseContext& parse, const Name& name, Expr::Form form, std::vector<ExprPtr> arguments) {
  auto call = WithArguments(parse, Expr::Kind::kFunction, name.position, std::move(arguments));
  call->word = name.text;
  call->form = form;
  return call;
}

ExprPtr Trim(ParseContext& parse, const Name& name, std::string side, std::vector<ExprPtr> arguments) {
  auto call = WithArguments(parse, Expr::Kind::kFunction, name.position, std::move(arguments));
  call->word = name.text;
  call->form = Expr::Form::kTrim;
  call->text = std::move(side);
  return call;
}

ExprPtr Distinct(const ExprPtr& call) {
  auto copy = std::make_shared<Expr>(*call);
  copy->distinct = true;
  return copy;
}

bool NullTreatment(ParseContext& parse, const Name& word, const ExprPtr& call, ExprPtr* result) {
  const std::string upper = ToUpper(word.text);
  if (upper != "IGNORE" && upper != "RESPECT") {
    parse.Fail(parse.diagnostics.Error(word.position, "expected IGNORE NULLS or RESPECT NULLS, got ", word.text));
    return false;
  }
  auto copy = std::make_shared<Expr>(*call);
  copy->text = upper;
  *result = std::move(copy);
  return true;
}

ExprPtr AddFilter(ParseContext& parse, const ExprPtr& call, const ExprPtr& filter) {
  if (!filter) return call;
  auto copy = std::make_shared<Expr>(*call);
  copy->filter = filter;
  copy->depth = std::max(copy->depth, filter->depth + 1);
  if (copy->depth > kMaxExpressionDepth) parse.Fail(parse.diagnostics.Error(copy->position, "nested too deep"));
  return copy;
}

ExprPtr MakeName(Path path) {
  auto expr = MakeExpr(Expr::Kind::kName, path.front().position);
  expr->path = std::move(path);
  return expr;
}

ExprPtr MakeStar(Position at, Path path) {
  auto expr = MakeExpr(Expr::Kind::kStar, at);
  expr->path = std::move(path);
  return expr;
}

ExprPtr Text(Expr::Kind kind, Position at, std::string text) {
  auto expr = MakeExpr(kind, at);
  expr->text = std::move(text);
  return expr;
}

ExprPtr TimeLiteral(Position at, std::string word, std::string text) {
  auto expr = MakeExpr(Expr::Kind::kTime, at);
  expr->word = std::move(word);
  expr->text = std::move(text);
  return expr;
}

ExprPtr IntervalLiteral(Position at, std::string text, std::string units) {
  auto expr = MakeExpr(Expr::Kind::kInterval, at);
  expr->word = std::move(units);
  expr->text = std::move(text);
  return expr;
}

ExprPtr Subquery(Position at, QueryPtr query) {
  auto expr = MakeExpr(Expr::Kind::kSubquery, at);
  expr->query = std::move(query);
  return expr;
}

ExprPtr Unit(Position at, std::string word) {
  auto expr = MakeExpr(Expr::Kind::kUnit, at);
  expr->word = std::move(word);
  return expr;
}

ExprPtr Named(const Name& name, ExprPtr value) {
  auto expr = MakeExpr(Expr::Kind::kNamed, name.position);
  expr->word = name.text;
  expr->depth = value->depth + 1;
  expr->arguments = {std::move(value)};
  return expr;
}

ExprPtr TableArgument(Position at, Path path, const std::vector<Name>& partition) {
  auto expr = MakeExpr(Expr::Kind::kTable, at);
  expr->path = std::move(path);
  for (const Name& column : partition) expr->arguments.push_back(MakeName({column}));
  return expr;
}

ExprPtr Descriptor(Position at, Path columns) {
  auto expr = MakeExpr(Expr::Kind::kDescriptor, at);
  expr->path = std::move(columns);
  return expr;
}

namespace {

// The keyword that a name next to a syntax error was probably meant to be; empty if none.
std::string_view MisspeltKeyword(const Token& token) {
  static const std::vector<std::string_view> clauses = {"FROM",  "WHERE", "GROUP",  "HAVING",    "SELECT", "INSERT",
                                                        "UNION", "TABLE", "CREATE", "WATERMARK", "VALUES", "DISTINCT"};
  if (token.kind != Token::Kind::kWord || token.text.size() < 4 || IsReservedWord(token.text)) return {};
  const std::string upper = ToUpper(token.text);
  const std::string_view nearest = Nearest(upper, clauses);
  return nearest == upper ? std::string_view() : nearest;
}

}  // namespace

void ReportSyntaxError(const std::vector<std::string>& expected, ParseContext* parse) {
  const Token& token = parse->tokens[parse->next == 0 ? 0 : parse->next - 1];
  std::string got = token.text;
  if (token.kind == Token::Kind::kEnd) got = "the end of the script";
  if (token.kind == Token::Kind::kString) got = StrCat("'", token.text, "'");
  if (token.kind == Token::Kind::kHint) got = "a hint";
  std::string message;
  for (size_t i = 0; i < expected.size(); ++i) {
    StrAppend(&message, i == 0 ? "expected " : i + 1 == expected.size() ? " or " : ", ", expected[i]);
  }
  StrAppend(&message, message.empty() ? "unexpected " : ", got ", got);
  if (const std::string_view meant = MisspeltKeyword(token); !meant.empty()) {
    StrAppend(&message, "; did you mean ", meant, "?");
  }
  if (token.kind == Token::Kind::kWord && IsReservedWord(token.text)) {
    StrAppend(&message, " (a reserved word; as a name write `", token.text, "`)");
  }
  // SELECT a FORM t fails at t: FORM was taken for the name of a.
  if (parse->next >= 2) {
    const std::string_view meant = MisspeltKeyword(parse->tokens[parse->next - 2]);
    if (!meant.empty()) {
      StrAppend(&message, " after ", parse->tokens[parse->next - 2].text, "; did you mean ", meant, "?");
    }
  }
  parse->Fail(parse->diagnostics.Error(token.begin, message));
}

}  // namespace leat::sql
