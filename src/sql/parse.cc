#include "sql/parse.h"

#include <array>

#include "sql/grammar.h"
#include "sql/grammar_support.h"

namespace leat::sql {

namespace {

using generated::Parser;
using Kind = Parser::token;

struct Keyword {
  std::string_view word;
  int token;
};

// Words that the grammar itself looks at.
constexpr Keyword kKeywords[] = {
    {"AFTER", Kind::T_AFTER},
    {"ALL", Kind::T_ALL},
    {"AND", Kind::T_AND},
    {"ARRAY", Kind::T_ARRAY},
    {"AS", Kind::T_AS},
    {"ASC", Kind::T_ASC},
    {"BEGIN", Kind::T_BEGIN_},
    {"BETWEEN", Kind::T_BETWEEN},
    {"BOTH", Kind::T_BOTH},
    {"BY", Kind::T_BY},
    {"CASE", Kind::T_CASE},
    {"CAST", Kind::T_CAST},
    {"CATALOG", Kind::T_CATALOG},
    {"COMMENT", Kind::T_COMMENT},
    {"CONSTRAINT", Kind::T_CONSTRAINT},
    {"CREATE", Kind::T_CREATE},
    {"CROSS", Kind::T_CROSS},
    {"DATABASE", Kind::T_DATABASE},
    {"DATE", Kind::T_DATE},
    {"DEFAULT", Kind::T_DEFAULT},
    {"DEFINE", Kind::T_DEFINE},
    {"DESC", Kind::T_DESC},
    {"DESCRIPTOR", Kind::T_DESCRIPTOR},
    {"DISTINCT", Kind::T_DISTINCT},
    {"DISTRIBUTED", Kind::T_DISTRIBUTED},
    {"DROP", Kind::T_DROP},
    {"ELSE", Kind::T_ELSE},
    {"END", Kind::T_END},
    {"ENFORCED", Kind::T_ENFORCED},
    {"ESCAPE", Kind::T_ESCAPE},
    {"EXCEPT", Kind::T_EXCEPT},
    {"EXECUTE", Kind::T_EXECUTE},
    {"EXISTS", Kind::T_EXISTS},
    {"EXPLAIN", Kind::T_EXPLAIN},
    {"FALSE", Kind::T_FALSE},
    {"FETCH", Kind::T_FETCH},
    {"FILTER", Kind::T_FILTER},
    {"FIRST", Kind::T_FIRST},
    {"FOLLOWING", Kind::T_FOLLOWING},
    {"FOR", Kind::T_FOR},
    {"FROM", Kind::T_FROM},
    {"FULL", Kind::T_FULL},
    {"GROUP", Kind::T_GROUP},
    {"HAVING", Kind::T_HAVING},
    {"IF", Kind::T_IF},
    {"IN", Kind::T_IN},
    {"INNER", Kind::T_INNER},
    {"INSERT", Kind::T_INSERT},
    {"INTERSECT", Kind::T_INTERSECT},
    {"INTERVAL", Kind::T_INTERVAL},
    {"INTO", Kind::T_INTO},
    {"IS", Kind::T_IS},
    {"JOIN", Kind::T_JOIN},
    {"JSON_ARRAY", Kind::T_JSON_FUNCTION},
    {"JSON_ARRAYAGG", Kind::T_JSON_FUNCTION},
    {"JSON_EXISTS", Kind::T_JSON_FUNCTION},
    {"JSON_OBJECT", Kind::T_JSON_FUNCTION},
    {"JSON_OBJECTAGG", Kind::T_JSON_FUNCTION},
    {"JSON_QUERY", Kind::T_JSON_FUNCTION},
    {"JSON_VALUE", Kind::T_JSON_FUNCTION},
    {"KEY", Kind::T_KEY},
    {"LAST", Kind::T_LAST},
    {"LATERAL", Kind::T_LATERAL},
    {"LEADING", Kind::T_LEADING},
    {"LEFT", Kind::T_LEFT},
    {"LIKE", Kind::T_LIKE},
    {"LIMIT", Kind::T_LIMIT},
    {"LOCAL", Kind::T_LOCAL},
    {"MAP", Kind::T_MAP},
    {"MATCH", Kind::T_MATCH},
    {"MATCH_RECOGNIZE", Kind::T_MATCH_RECOGNIZE},
    {"MEASURES", Kind::T_MEASURES},
    {"METADATA", Kind::T_METADATA},
    {"MINUS", Kind::T_MINUS},
    {"MULTISET", Kind::T_MULTISET},
    {"NATURAL", Kind::T_NATURAL},
    {"NOT", Kind::T_NOT},
    {"NULL", Kind::T_NULL_},
    {"NULLS", Kind::T_NULLS},
    {"OBJECT", Kind::T_OBJECT},
    {"OF", Kind::T_OF},
    {"OFFSET", Kind::T_OFFSET},
    {"ON", Kind::T_ON},
    {"ONE", Kind::T_ONE},
    {"OR", Kind::T_OR},
    {"ORDER", Kind::T_ORDER},
    {"OUTER", Kind::T_OUTER},
    {"OVER", Kind::T_OVER},
    {"OVERWRITE", Kind::T_OVERWRITE},
    {"PARTITION", Kind::T_PARTITION},
    {"PARTITIONED", Kind::T_PARTITIONED},
    {"PATTERN", Kind::T_PATTERN},
    {"PER", Kind::T_PER},
    {"PERMUTE", Kind::T_PERMUTE},
    {"PLACING", Kind::T_PLACING},
    {"POSITION", Kind::T_POSITION},
    {"PRECEDING", Kind::T_PRECEDING},
    {"PRIMARY", Kind::T_PRIMARY},
    {"QUALIFY", Kind::T_QUALIFY},
    {"RANGE", Kind::T_RANGE},
    {"RESET", Kind::T_RESET},
    {"RETURNING", Kind::T_RETURNING},
    {"RIGHT", Kind::T_RIGHT},
    {"ROW", Kind::T_ROW},
    {"ROWS", Kind::T_ROWS},
    {"SCALAR", Kind::T_SCALAR},
    {"SELECT", Kind::T_SELECT},
    {"SET", Kind::T_SET},
    {"SIMILAR", Kind::T_SIMILAR},
    {"SKIP", Kind::T_SKIP},
    {"STATEMENT", Kind::T_STATEMENT},
    {"SUBSET", Kind::T_SUBSET},
    {"SYSTEM", Kind::T_SYSTEM},
    {"SYSTEM_TIME", Kind::T_SYSTEM_TIME},
    {"TABLE", Kind::T_TABLE},
    {"TABLESAMPLE", Kind::T_TABLESAMPLE},
    {"TEMPORARY", Kind::T_TEMPORARY},
    {"THEN", Kind::T_THEN},
    {"TIME", Kind::T_TIME},
    {"TIMESTAMP", Kind::T_TIMESTAMP},
    {"TO", Kind::T_TO},
    {"TRAILING", Kind::T_TRAILING},
    {"TRUE", Kind::T_TRUE},
    {"TRY_CAST", Kind::T_TRY_CAST},
    {"UNION", Kind::T_UNION},
    {"UNKNOWN", Kind::T_UNKNOWN},
    {"UNNEST", Kind::T_UNNEST},
    {"VALUE", Kind::T_VALUE},
    {"USING", Kind::T_USING},
    {"VALUES", Kind::T_VALUES},
    {"VIEW", Kind::T_VIEW},
    {"VIRTUAL", Kind::T_VIRTUAL},
    {"WATERMARK", Kind::T_WATERMARK},
    {"WHEN", Kind::T_WHEN},
    {"WHERE", Kind::T_WHERE},
    {"WINDOW", Kind::T_WINDOW},
    {"WITH", Kind::T_WITH},
    {"WITHIN", Kind::T_WITHIN},
    {"WITHOUT", Kind::T_WITHOUT},
    {"ZONE", Kind::T_ZONE},
};

// Keywords that are names all the same.
constexpr std::string_view kNotReserved[] = {
    "AFTER",    "ASC",      "DESC", "FIRST",     "FOLLOWING", "LAST",    "NULLS",  "PRECEDING", "CATALOG", "COMMENT",
    "DATABASE", "ENFORCED", "KEY",  "TEMPORARY", "VIEW",      "VIRTUAL", "OBJECT", "RETURNING", "SCALAR",  "ZONE"};

// Reserved, but of no meaning to the grammar: types, units, functions, and words of statements to come.
constexpr std::string_view kReserved[] = {
    "ABS",         "ALLOW",         "ALTER",       "ANY",          "ARE",          "ARRAY",      "ASYMMETRIC",
    "AT",          "AUTHORIZATION", "AVG",         "BIGINT",       "BINARY",       "BOOLEAN",    "BYTES",
    "CALL",        "CARDINALITY",   "CEIL",        "CEILING",      "CHAR",         "CHARACTER",  "CHARACTER_LENGTH",
    "CHAR_LENGTH", "CHECK",         "COALESCE",    "COLLECT",      "COLUMN",       "CONDITION",  "CONVERT",
    "COUNT",       "CUBE",          "CURRENT",     "CURSOR",       "CYCLE",        "DAY",        "DEC",
    "DECIMAL",     "DECLARE",       "DEFAULT",     "DELETE",       "DENSE_RANK",   "DESCRIBE",   "DISALLOW",
    "DOUBLE",      "DYNAMIC",       "EACH",        "ELEMENT",      "EMPTY",        "EQUALS",     "EVERY",
    "EXEC",        "EXECUTE",       "EXP",         "EXTEND",       "EXTERNAL",     "EXTRACT",    "FIRST_VALUE",
    "FLOAT",       "FLOOR",         "FOREIGN",     "FUNCTION",     "FUSION",       "GET",        "GLOBAL",
    "GRANT",       "GROUPING",      "GROUPS",      "HOLD",         "HOUR",         "IDENTITY",   "IMPORT",
    "INDICATOR",   "INOUT",         "INT",         "INTEGER",      "LAG",          "LANGUAGE",   "LARGE",
    "LAST_VALUE",  "LEAD",          "LN",          "LOCALTIME",    "LOWER",        "MAP",        "MAX",
    "MEMBER",      "MERGE",         "METHOD",      "MIN",          "MINUTE",       "MOD",        "MODIFIES",
    "MODULE",      "MONTH",         "MULTISET",    "NATIONAL",     "NCHAR",        "NEW",        "NEXT",
    "NO",          "NONE",          "NORMALIZE",   "NTILE",        "NULLIF",       "NUMERIC",    "OCTET_LENGTH",
    "OLD",         "OMIT",          "ONLY",        "OPEN",         "OUT",          "OVERLAPS",   "OVERLAY",
    "PARAMETER",   "PERCENT",       "PERIOD",      "PORTION",      "POWER",        "PRECEDES",   "PRECISION",
    "PREPARE",     "PREV",          "PROCEDURE",   "RANK",         "READS",        "REAL",       "RECURSIVE",
    "REF",         "REFERENCES",    "REFERENCING", "RELEASE",      "RESULT",       "RETURN",     "RETURNS",
    "REVOKE",      "ROLLBACK",      "ROLLUP",      "ROW_NUMBER",   "RUNNING",      "SAVEPOINT",  "SCROLL",
    "SEARCH",      "SECOND",        "SEEK",        "SENSITIVE",    "SESSION_USER", "SHOW",       "SMALLINT",
    "SOME",        "SPECIFIC",      "SQL",         "SQLEXCEPTION", "SQLSTATE",     "SQLWARNING", "SQRT",
    "START",       "STATIC",        "STDDEV_POP",  "STDDEV_SAMP",  "STREAM",       "STRING",     "SUBMULTISET",
    "SUBSTRING",   "SUCCEEDS",      "SUM",         "SYMMETRIC",    "SYSTEM_USER",  "TINYINT",    "TRANSLATE",
    "TREAT",       "TRIGGER",       "TRIM",        "TRUNCATE",     "UESCAPE",      "UNIQUE",     "UPDATE",
    "UPPER",       "UPSERT",        "USER",        "VALUE",        "VARBINARY",    "VARCHAR",    "VARYING",
    "VAR_POP",     "VAR_SAMP",      "VERSIONING",  "WHENEVER",     "WIDTH_BUCKET", "YEAR",
};

constexpr std::string_view kNiladic[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME",
                                         "LOCALTIMESTAMP"};

// Words that are keywords only where a statement begins.
constexpr Keyword kStatementWords[] = {
    {"ALTER", Kind::T_ALTER}, {"DESC", Kind::T_DESCRIBE}, {"DESCRIBE", Kind::T_DESCRIBE},
    {"SHOW", Kind::T_SHOW},   {"USE", Kind::T_USE},
};

// Statements that Flink has, by their first word, which is all that is looked at.
constexpr std::pair<std::string_view, std::string_view> kRefusedStatements[] = {{"ADD", "ADD JAR"},
                                                                                {"ANALYZE", "ANALYZE TABLE"},
                                                                                {"CALL", "CALL"},
                                                                                {"COMPILE", "COMPILE PLAN"},
                                                                                {"DELETE", "DELETE"},
                                                                                {"LOAD", "LOAD MODULE"},
                                                                                {"MERGE", "MERGE"},
                                                                                {"REMOVE", "REMOVE JAR"},
                                                                                {"STOP", "STOP JOB"},
                                                                                {"TRUNCATE", "TRUNCATE TABLE"},
                                                                                {"UNLOAD", "UNLOAD MODULE"},
                                                                                {"UPDATE", "UPDATE"},
                                                                                {"UPSERT", "UPSERT"}};

constexpr Keyword kSymbols[] = {
    {"(", Kind::T_LPAREN},
    {")", Kind::T_RPAREN},
    {",", Kind::T_COMMA},
    {";", Kind::T_SEMICOLON},
    {".", Kind::T_DOT},
    {"*", Kind::T_STAR},
    {"+", Kind::T_PLUS},
    {"-", Kind::T_HYPHEN},
    {"/", Kind::T_SLASH},
    {"%", Kind::T_PERCENT},
    {"=", Kind::T_EQUAL},
    {"<>", Kind::T_NOT_EQUAL},
    {"!=", Kind::T_NOT_EQUAL},
    {"<", Kind::T_LESS},
    {"<=", Kind::T_LESS_OR_EQUAL},
    {">", Kind::T_GREATER},
    {">=", Kind::T_GREATER_OR_EQUAL},
    {"||", Kind::T_CONCAT},
    {"=>", Kind::T_ARROW},
    {"[", Kind::T_LBRACKET},
    {"]", Kind::T_RBRACKET},
    {"{", Kind::T_LBRACE},
    {"}", Kind::T_RBRACE},
    {"?", Kind::T_QUESTION},
    {"|", Kind::T_BAR},
    {"^", Kind::T_CARET},
    {"$", Kind::T_DOLLAR},
};

const StringMap<int>& Words() {
  static const StringMap<int> words = [] {
    StringMap<int> map;
    for (const std::string_view word : kReserved) map.emplace(word, Kind::T_RESERVED);
    for (const std::string_view word : kNiladic) map.emplace(word, Kind::T_NILADIC);
    for (const Keyword& keyword : kKeywords) map.insert_or_assign(std::string(keyword.word), keyword.token);
    return map;
  }();
  return words;
}

template <size_t N>
bool Contains(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

int TokenOf(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kWord: {
      const std::string upper = ToUpper(token.text);
      if (token.starts_statement && !RefusedStatement(upper).empty()) return Kind::T_REFUSED_STATEMENT;
      for (const Keyword& keyword : kStatementWords) {
        if (token.starts_statement && keyword.word == upper) return keyword.token;
      }
      const auto found = Words().find(upper);
      return found == Words().end() ? static_cast<int>(Kind::T_IDENTIFIER) : found->second;
    }
    case Token::Kind::kQuotedWord:
      return Kind::T_QUOTED;
    case Token::Kind::kString:
      return Kind::T_STRING;
    case Token::Kind::kNumber:
      return Kind::T_NUMBER;
    case Token::Kind::kHint:
      return Kind::T_HINT;
    case Token::Kind::kEnd:
      return Kind::T_END_OF_SCRIPT;
    case Token::Kind::kSymbol:
      for (const Keyword& symbol : kSymbols) {
        if (symbol.word == token.text) return symbol.token;
      }
      return Kind::T_OTHER_SYMBOL;
  }
  return Kind::T_OTHER_SYMBOL;
}

}  // namespace

std::string_view RefusedStatement(std::string_view word) {
  for (const auto& [first, statement] : kRefusedStatements) {
    if (EqualsIgnoreCase(first, word)) return statement;
  }
  return {};
}

bool IsReservedWord(std::string_view word) {
  const std::string upper = ToUpper(word);
  return Words().contains(upper) && !Contains(kNotReserved, upper);
}

namespace generated {

// JSON_OBJECTAGG(KEY expression VALUE ..): VALUE says what the word says.
bool IsIdleKey(const std::vector<Token>& tokens, size_t at) {
  if (at < 2 || at + 1 >= tokens.size() || tokens[at].kind != Token::Kind::kWord) return false;
  if (!EqualsIgnoreCase(tokens[at].text, "KEY") || tokens[at - 1].text != "(") return false;
  if (!EqualsIgnoreCase(tokens[at - 2].text, "JSON_OBJECTAGG")) return false;
  const Token& next = tokens[at + 1];
  if (next.kind == Token::Kind::kWord) return !EqualsIgnoreCase(next.text, "VALUE");
  return next.kind != Token::Kind::kSymbol || next.text == "(";
}

// Called by the generated parser.
Parser::symbol_type yylex(ParseContext& parse) {
  if (IsIdleKey(parse.tokens, parse.next)) ++parse.next;
  const size_t at = std::min(parse.next, parse.tokens.size() - 1);
  ++parse.next;
  const Token& token = parse.tokens[at];
  const Span span{.begin = token.begin, .end = token.end};
  const int kind = TokenOf(token);
  if (token.kind == Token::Kind::kSymbol || token.kind == Token::Kind::kEnd) {
    return Parser::symbol_type(kind, span);
  }
  return Parser::symbol_type(kind, token.text, span);
}

}  // namespace generated

absl::StatusOr<std::vector<Statement>> Parse(std::string_view script, const Diagnostics& diagnostics) {
  ParseContext parse{.diagnostics = diagnostics};
  LEAT_ASSIGN_OR_RETURN(parse.tokens, Tokenize(script, diagnostics));
  Parser parser(parse);
  const int result = parser.parse();
  LEAT_RETURN_IF_ERROR(parse.error);
  if (result != 0) return Internal("the script could not be parsed");
  return std::move(parse.statements);
}

}  // namespace leat::sql
