// The plan of a job: what sql makes, EXPLAIN prints and stream/run cuts into tasks. Nodes are immutable and shared; a
// view used twice is one node with two parents.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "stream/data/batch.h"
#include "stream/plan/expression.h"

namespace leat::plan {

// --- tables ---
struct TableColumn {
  enum class Kind { kPhysical, kMetadata, kComputed };
  std::string name;
  data::Type type;
  Kind kind = Kind::kPhysical;
  std::string metadata_key;       // kMetadata: topic, partition, offset, timestamp, headers, ..
  bool metadata_virtual = false;  // kMetadata: read only, not part of the sink's schema
  ExpressionPtr computed;  // kComputed: over the table's physical and metadata columns, by their index in `columns`
};

struct Table {
  std::string name;
  std::vector<TableColumn> columns;
  std::vector<std::string> primary_key;
  // WATERMARK FOR columns[watermark_column] AS watermark (over the table's columns, TIMESTAMP). -1: none.
  int watermark_column = -1;
  ExpressionPtr watermark;
  std::map<std::string, std::string> options;  // the WITH clause, checked by the analyser
  Position position;
};
using TablePtr = std::shared_ptr<const Table>;

// --- nodes ---
struct Node;
using NodePtr = std::shared_ptr<const Node>;

enum class AggregateKind {
  kCountStar,
  kCount,
  kSum,
  kAvg,
  kMin,
  kMax,
  kFirstValue,
  kLastValue,
  kRowNumber,
  kLag,
  kVarPop,
  kVarSamp,
  kStddevPop,
  kStddevSamp,
  kListAgg,
  kCollect,
  kArrayAgg,
  kJsonArrayAgg,   // the argument is JSON
  kJsonObjectAgg,  // the argument is a JSON object of one name, or {}
};
struct Aggregate {
  AggregateKind kind = AggregateKind::kCountStar;
  int argument = -1;  // input column; -1 for COUNT(*)
  bool distinct = false;
  int filter = -1;           // input column of type BOOLEAN; -1: none
  data::Type type;           // of the result
  int64_t offset = 1;        // LAG: how many rows back
  int default_column = -1;   // LAG: the input column to take where there is no such row; -1: NULL
  std::string separator;     // LISTAGG
  bool takes_nulls = false;  // ARRAY_AGG and JSON_ARRAYAGG: a NULL is a value like others
};

// One column of ORDER BY.
struct OrderKey {
  int column = -1;  // of the input
  bool descending = false;
  bool nulls_first = true;
};
// Which rows OVER looks at: those of the partition from `preceding` up to the row (ROWS) or to all of its time (RANGE).
struct OverFrame {
  bool rows = true;
  int64_t preceding = -1;  // rows, or ms; -1: unbounded
};
// ROW_NUMBER() in the order of `order`, of which `from` to `to` are kept.
struct RankSpec {
  int64_t from = 1;
  int64_t to = -1;            // -1: the analyser has not found a bound yet
  bool with_rank = false;     // the output ends with the number, BIGINT
  bool newest_first = false;  // of rows that the order does not tell apart
};

enum class WindowKind {
  kTumble,
  kHop,
  kCumulate,
  kSession,   // per key: `keys` of a kWindowAssign (PARTITION BY) or a kWindowAggregate
  kAttached,  // kWindowAggregate: the rows have a window already, and `time_column` is its end
};
// When windows in GROUP BY tell their results besides at their end, and how long they take late rows:
// table.exec.emit.*. A result that has changed then takes the place of the one before it.
struct EmitSpec {
  int64_t early_ms = -1;    // before the end: -1 never, 0 with each row, otherwise so often by the wall clock
  int64_t late_ms = -1;     // the same for late rows; -1: with each
  int64_t lateness_ms = 0;  // how long behind its end a window is kept, by its time
  bool IsSet() const { return early_ms >= 0 || late_ms >= 0 || lateness_ms > 0; }
};
struct WindowSpec {
  WindowKind kind = WindowKind::kTumble;
  int time_column = -1;  // TIMESTAMP or TIMESTAMP_LTZ time attribute of the input
  int64_t size_ms = 0;   // CUMULATE: the longest; SESSION: the gap
  int64_t slide_ms = 0;  // = size_ms for TUMBLE; CUMULATE: the step
  int64_t offset_ms = 0;
  // The session's time zone if the time is a TIMESTAMP_LTZ: windows are those of the wall there. Empty: UTC, or none.
  std::string zone;
  // Rows are in the windows of the wall clock when they come, whatever `time_column` says: that is a PROCTIME().
  bool processing_time = false;
  EmitSpec emit;  // kWindowAggregate of TUMBLE and HOP
};

// The kinds of rows besides +I that a node's output can hold.
struct ChangelogMode {
  bool update_before = false;
  bool update_after = false;
  bool deletes = false;
  friend bool operator==(const ChangelogMode&, const ChangelogMode&) = default;
};
inline constexpr ChangelogMode kInsertOnly{};
inline constexpr ChangelogMode kAllChanges{.update_before = true, .update_after = true, .deletes = true};
inline constexpr int64_t kDefaultTtl = -1;

// kMark: each left row with whether it meets a right one, as EXISTS says it.
enum class JoinType { kInner, kLeft, kRight, kFull, kSemi, kAnti, kMark };
struct JoinSpec {
  JoinType type = JoinType::kInner;
  std::vector<int> left_keys;  // columns of the left input, equal to those of the right one, pair by pair
  std::vector<int> right_keys;
  std::vector<uint8_t> null_matches;  // per pair: 1 for IS NOT DISTINCT FROM
  ExpressionPtr condition;            // besides the keys, over the left columns and then the right ones; null: none
  int left_time = -1;    // kIntervalJoin, kTemporalJoin: event time; kWindowJoin: window_end; kJoin: -1, or rows of the
  int right_time = -1;   // side go when the watermark has passed it by more than -lower_ms (left) or upper_ms (right)
  int64_t lower_ms = 0;  // kIntervalJoin: lower <= left time - right time <= upper
  int64_t upper_ms = 0;
  int64_t left_ttl_ms = kDefaultTtl;  // kJoin: as Node::ttl_ms, by side
  int64_t right_ttl_ms = kDefaultTtl;
};

// --- MATCH_RECOGNIZE ---
// A value that an expression of DEFINE or MEASURES takes from the rows of a match. Where the rows are looked at while a
// row is tried, that row is the last one of the variable tried.
struct MatchReference {
  enum class Kind {
    kFirst,      // `column` of row `offset` of the variable, counted from its first one
    kLast,       // counted from its last one
    kAggregate,  // over the variable's rows
    kRowtime,    // the time of the match
  };
  Kind kind = Kind::kLast;
  int variable = -1;  // -1: the rows of all of them
  int offset = 0;
  int column = -1;      // of the input
  Aggregate aggregate;  // kAggregate; its argument is `column`
  data::Type type;
};
// Over the values of `references`, by index.
struct MatchExpression {
  std::vector<MatchReference> references;
  ExpressionPtr expression;
};
struct MatchVariable {
  std::string name;
  int min = 1;  // how many rows in a row
  int max = 1;  // -1: no bound
  bool greedy = true;
  std::optional<MatchExpression> condition;  // none: every row
};
enum class MatchSkip { kToNextRow, kPastLastRow, kToFirst, kToLast };
struct MatchSpec {
  std::vector<MatchVariable> variables;  // in the pattern's order
  std::vector<MatchExpression> measures;
  MatchSkip skip = MatchSkip::kToNextRow;
  int skip_variable = -1;  // kToFirst, kToLast
  int64_t within_ms = 0;   // from a match's first row, in which its last one must come; 0: no limit
};

enum class NodeKind {
  kSource,  // reads `table`; its rows are the table's columns in `source_columns`, in that order, watermarks included
  kValues,  // literal rows
  kCalc,    // keeps rows for which `condition` is true, then computes `expressions`
  kWindowAssign,     // a window table function on its own: each row once per window, plus window_start, window_end,
                     // window_time
  kWindowAggregate,  // GROUP BY window and keys: emits once per window when the watermark passes it
  kGroupAggregate,   // GROUP BY keys without a window: a changelog
  kUnionAll,
  kJoin,               // a regular join: both sides are kept, and each row meets those of the other side
  kIntervalJoin,       // rows of both sides whose times are near each other; each is kept until none can come any more
  kWindowJoin,         // rows of both sides in the same window, joined when the watermark passes its end
  kTemporalJoin,       // each left row with the right row of its key that held at the left row's event time
  kLookupJoin,         // each left row with the right row of its key that is there when it comes
  kNormalize,          // an upsert source's rows -> a full changelog: the last row of each of `keys` is state
  kUpsertMaterialize,  // rows that change under another key than `keys` -> the last one that is there for each of
                       // `keys`
  kOver,  // the input's columns, then `aggregates` over `keys` in the order of time; also ORDER BY time (no aggregates)
  kRank,  // the input's columns of the best rows of each of `keys`; with a window of kind kAttached once it has ended
  kMatch,   // MATCH_RECOGNIZE: a row for each match of `match` in the rows of each of `keys`, in order of
            // window.time_column
            // (-1: as they come) and `order`; the keys, then the measures
  kUnnest,  // the input's columns, then those of each value of the ARRAY, MAP or MULTISET in keys[0] (of a BIGINT: the
            // row so often); join.type kLeft keeps rows without values; rank.with_rank: then the place from 1
  kSink,    // writes its input, by position, to the persisted columns of `table`
};

struct Node {
  NodeKind kind = NodeKind::kSource;
  int id = 0;  // unique in the plan, stable for the same script: names state and metrics
  std::vector<NodePtr> inputs;
  data::SchemaPtr schema;  // of the output rows
  Position position;

  TablePtr table;                   // kSource, kSink
  std::vector<int> source_columns;  // kSource: indexes into table->columns; the watermark column is among them if any
  std::vector<std::vector<data::Value>> rows;  // kValues
  ExpressionPtr condition;                     // kCalc; null: keep all
  std::vector<ExpressionPtr> expressions;      // kCalc
  WindowSpec window;                           // kWindowAssign, kWindowAggregate
  std::vector<int> keys;                       // aggregates: input columns; empty is one global group; SESSION's
  std::vector<Aggregate> aggregates;
  JoinSpec join;  // joins; output: the left columns, then the right ones (kSemi, kAnti: the left ones alone; kMark:
                  // and a BOOLEAN behind them)
  // kWindowAggregate output: keys, then aggregates, then these window columns in this order.
  enum class WindowColumn { kStart, kEnd, kTime };
  std::vector<WindowColumn> window_columns;
  std::vector<OrderKey> order;             // kRank; kOver, kMatch: of rows of one time
  OverFrame frame;                         // kOver; window.time_column is its time, -1: as rows come
  RankSpec rank;                           // kRank
  std::shared_ptr<const MatchSpec> match;  // kMatch
  bool produces_updates = false;           // output holds more than +I
  ChangelogMode changelog;  // which kinds it holds; found by InferChangelogMode when the plan is complete
  // State is forgotten so long after it was last written. 0: never; kDefaultTtl: as table.exec.state.ttl says.
  int64_t ttl_ms = kDefaultTtl;
};

struct JobPlan {
  std::vector<NodePtr> sinks;                   // kSink nodes, in script order
  std::map<std::string, std::string> settings;  // SET 'k' = 'v'
  std::vector<std::string> warnings;            // e.g. a SET key that nothing reads
};

// EXPLAIN's text: one line a node, inputs indented below.
std::string Explain(const JobPlan& plan);

}  // namespace leat::plan
