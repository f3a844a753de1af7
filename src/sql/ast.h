// What the grammar makes of a script, before any name is looked up. Plain values; the trees are shared and not changed
// once they are built.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stream/data/type.h"
#include "stream/plan/expression.h"
#include "stream/plan/function.h"

namespace leat::sql {

using plan::Position;

// Where a piece of the script begins and ends; the grammar's location type.
struct Span {
  Position begin;
  Position end;
};

struct Name {
  std::string text;
  Position position;
};
using Path = std::vector<Name>;  // catalog.database.table, table.column.field

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;
struct Query;
using QueryPtr = std::shared_ptr<const Query>;

struct FieldSyntax;
struct TypeSyntax {
  Position position;
  std::string word;  // upper case: INT, DECIMAL, TIMESTAMP, TIMESTAMP_LTZ, ROW, INTERVAL YEAR, ..
  std::vector<int64_t> numbers;
  bool nullable = true;
  std::vector<FieldSyntax> fields;  // ROW; of a collection, nameless: its elements, or key and value
};
struct FieldSyntax {
  Name name;
  TypeSyntax type;
};

struct OrderItem {
  ExprPtr expr;
  bool descending = false;
  bool nulls_first = true;
};
// OVER (..) or WINDOW w AS (..).
struct OverSyntax {
  Position position;
  std::optional<Name> base;  // OVER w
  std::vector<ExprPtr> partition;
  std::vector<OrderItem> order;
  bool framed = false;
  bool rows = false;
  ExprPtr preceding;  // of a frame; null: UNBOUNDED
};
using OverPtr = std::shared_ptr<const OverSyntax>;

struct Expr {
  enum class Kind {
    kName,      // path
    kNumber,    // text
    kString,    // text
    kBoolean,   // text is TRUE, FALSE or UNKNOWN
    kNull,      //
    kTime,      // DATE, TIME or TIMESTAMP (word) 'text'
    kInterval,  // word: the units, "DAY" or "DAY TO SECOND"
    kOperator,  // function, arguments
    kFunction,  // word: the name as written; form
    kCase,      // arguments: condition, result, .., [else]
    kCast,      // type; function is kCast or kTryCast
    kRow,       // ROW(..), or (a, b) if the word is kBareRow
    kField,     // arguments[0].path
    kStar,      // * or t.* (path) in a select list
    kUnit,      // a bare reserved word as an argument: HOUR
    kSubquery,  // query
    kIn,        // arguments[0] IN (query)
    kExists,    // EXISTS (query)
    kTable,     // TABLE t as an argument of a table function; arguments: PARTITION BY
    kDescriptor,
    kNamed,  // word => arguments[0]
  };
  // The shape of a function call.
  // kJson: path holds the words of its clauses; behind its arguments stand the values of DEFAULT; type is RETURNING's.
  enum class Form { kPlain, kStar, kTo, kFrom, kTrim, kPlacing, kJson };

  Kind kind = Kind::kNull;
  Position position;
  Path path;
  std::string word;
  std::string text;
  plan::FunctionId function{};
  Form form = Form::kPlain;
  std::vector<ExprPtr> arguments;
  bool distinct = false;
  ExprPtr filter;
  OverPtr over;  // kFunction
  TypeSyntax type;
  QueryPtr query;
  int depth = 1;  // of the tree below, for the limit
};
inline constexpr int kMaxExpressionDepth = 500;
inline constexpr std::string_view kBareRow = "()";  // word of a kRow written without ROW

struct Option {
  Name key;
  Name value;
};

struct SelectItem {
  ExprPtr expr;
  std::optional<Name> alias;
};

// One variable of PATTERN with how many rows it takes.
struct PatternElement {
  Name variable;
  int min = 1;
  int max = 1;  // -1: no bound
  bool quantified = false;
  bool reluctant = false;
};
// MATCH_RECOGNIZE (..) behind a table.
struct MatchSyntax {
  enum class Skip { kToNextRow, kPastLastRow, kToFirst, kToLast };
  Position position;
  std::vector<ExprPtr> partition;
  std::vector<OrderItem> order;
  std::vector<SelectItem> measures;
  Skip skip = Skip::kToNextRow;
  Name skip_to;  // kToFirst, kToLast: the variable
  std::vector<PatternElement> pattern;
  ExprPtr within;                       // null: none
  std::vector<SelectItem> definitions;  // with the variable as alias
};

// What stands in FROM.
struct TableRef {
  enum class Kind { kNone, kTable, kQuery, kFunction, kUnnest, kJoin, kMatch };
  enum class Join { kInner, kLeft, kRight, kFull, kCross };
  Kind kind = Kind::kNone;
  Position position;
  Path path;                       // kTable
  std::vector<Option> options;     // kTable: of the hint OPTIONS
  QueryPtr query;                  // kQuery
  std::string function;            // kFunction: TUMBLE ..
  std::vector<ExprPtr> arguments;  // kFunction
  std::optional<Name> alias;
  std::vector<Name> columns;
  ExprPtr as_of;            // FOR SYSTEM_TIME AS OF
  bool lateral = false;     // kQuery: its conditions may read the tables before it
  bool ordinality = false;  // kUnnest, of arguments[0]
  // kJoin
  Join join = Join::kInner;
  std::shared_ptr<const TableRef> left;
  std::shared_ptr<const TableRef> right;
  ExprPtr on;                      // null: none
  std::vector<Name> columns_used;  // USING
  bool natural = false;
  std::shared_ptr<const MatchSyntax> match;  // kMatch, over `left`
};

struct Select {
  Position position;
  bool distinct = false;
  std::vector<Option> state_ttl;  // of the hint STATE_TTL: table, duration
  std::vector<SelectItem> items;
  TableRef from;
  ExprPtr where;
  bool grouped = false;
  std::vector<ExprPtr> group_by;
  ExprPtr having;
  std::vector<std::pair<Name, OverPtr>> windows;
};

struct Query {
  enum class Kind { kSelect, kValues, kUnionAll, kUnion, kIntersect, kIntersectAll, kExcept, kExceptAll, kTable };
  struct With {
    Name name;
    std::vector<Name> columns;
    QueryPtr query;
  };
  Kind kind = Kind::kSelect;
  Position position;
  std::vector<With> with;
  Select select;                           // kSelect
  std::vector<std::vector<ExprPtr>> rows;  // kValues
  std::vector<QueryPtr> inputs;            // set operations; two, except for kUnionAll
  Path table;                              // kTable
  std::vector<OrderItem> order;            // ORDER BY
  std::optional<Name> limit;               // the number as written
  std::optional<Name> offset;
  bool HasTail() const { return !order.empty() || limit || offset; }
};

struct ColumnSyntax {
  enum class Kind { kPhysical, kMetadata, kComputed };
  Kind kind = Kind::kPhysical;
  Name name;
  TypeSyntax type;
  std::optional<data::Type> known_type;  // instead of `type`: of CREATE TABLE AS
  std::optional<Name> metadata_key;
  bool metadata_virtual = false;
  bool primary_key = false;
  ExprPtr computed;
};

struct WatermarkSyntax {
  Path column;
  ExprPtr expr;
};

struct TableElements {
  std::vector<ColumnSyntax> columns;
  std::vector<WatermarkSyntax> watermarks;
  std::vector<std::vector<Name>> primary_keys;
};

// CREATE TABLE .. LIKE base (INCLUDING CONSTRAINTS ..)
struct LikeSyntax {
  struct Option {
    Name strategy;  // INCLUDING, EXCLUDING or OVERWRITING, as written
    Name feature;
  };
  Path base;
  std::vector<Option> options;
};

struct Statement {
  enum class Kind {
    kCreateTable,
    kCreateCatalog,
    kCreateDatabase,
    kDropCatalog,
    kDropDatabase,
    kUseCatalog,
    kUseDatabase,
    kShow,
    kDescribe,
    kAlterTable,
    kCreateView,
    kDropTable,
    kDropView,
    kInsert,
    kStatementSet,
    kSet,
    kReset,
    kExplain,
    kQuery
  };
  Kind kind = Kind::kQuery;
  Position position;
  Path name;
  bool if_exists = false;  // DROP .. IF EXISTS, CREATE .. IF NOT EXISTS
  TableElements elements;
  std::vector<Option> options;  // WITH; of an INSERT: the hint OPTIONS
  std::vector<Name> columns;    // of a view or an INSERT; keys of ALTER TABLE .. RESET
  std::optional<LikeSyntax> like;
  std::string word;  // kShow: what; kAlterTable: SET, RESET or RENAME
  Path new_name;     // kAlterTable
  QueryPtr query;
  std::vector<Statement> statements;  // kStatementSet, kExplain (one)
  std::optional<Name> key;            // kSet, kReset
  Name value;
};

}  // namespace leat::sql
