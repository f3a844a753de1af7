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

enum class AggregateKind { kCountStar, kCount, kSum, kAvg, kMin, kMax };
struct Aggregate {
  AggregateKind kind = AggregateKind::kCountStar;
  int argument = -1;  // input column; -1 for COUNT(*)
  bool distinct = false;
  int filter = -1;  // input column of type BOOLEAN; -1: none
  data::Type type;  // of the result
};

enum class WindowKind {
  kTumble,
  kHop,
  kCumulate,
  kSession,   // per key: `keys` of a kWindowAssign (PARTITION BY) or a kWindowAggregate
  kAttached,  // kWindowAggregate: the rows have a window already, and `time_column` is its end
};
struct WindowSpec {
  WindowKind kind = WindowKind::kTumble;
  int time_column = -1;   // TIMESTAMP or TIMESTAMP_LTZ rowtime column of the input
  int64_t size_ms = 0;    // CUMULATE: the longest; SESSION: the gap
  int64_t slide_ms = 0;   // = size_ms for TUMBLE; CUMULATE: the step
  int64_t offset_ms = 0;
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
  kSink,  // writes its input, by position, to the persisted columns of `table`
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
  // kWindowAggregate output: keys, then aggregates, then these window columns in this order.
  enum class WindowColumn { kStart, kEnd, kTime };
  std::vector<WindowColumn> window_columns;
  bool produces_updates = false;  // output holds more than +I
};

struct JobPlan {
  std::vector<NodePtr> sinks;                   // kSink nodes, in script order
  std::map<std::string, std::string> settings;  // SET 'k' = 'v'
  std::vector<std::string> warnings;            // e.g. a SET key that nothing reads
};

// EXPLAIN's text: one line a node, inputs indented below.
std::string Explain(const JobPlan& plan);

}  // namespace leat::plan
