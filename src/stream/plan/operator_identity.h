// Who an operator is, whatever else its script says: by this, and not by its number in the plan, a job's new SQL finds
// the state that the old one has made. Two operators are one if they keep the same in the same form: kind, keys,
// aggregates, windows, the columns of rows that are kept whole, and which operators and topics they get their rows
// from. Columns are named by where they come from ("clicks.amount"), not by what the script calls them, so that views,
// aliases and what is computed behind an operator do not matter. Pure. See docs/internals/jobs.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stream/plan/plan.h"

namespace leat::plan {

inline constexpr std::string_view kSourceKind = "Source";
inline constexpr std::string_view kFilesKind = "Files";
inline constexpr std::string_view kValuesKind = "Values";  // a source that has been read with the first checkpoint

struct OperatorIdentity {
  std::string kind;                                        // "WindowAggregate", "Source"
  std::vector<std::pair<std::string, std::string>> parts;  // what must be equal: {"keys", "clicks.user STRING"}
  std::string reads;  // the filters that its rows have passed (of a source: its columns); what it keeps is of the same
                      // form whatever they are
  std::vector<std::string> feeds;  // Source: the operators with state and the tables that get its rows first
  bool is_source() const { return kind == kSourceKind || kind == kValuesKind; }
  // The same state: `reads` and `feeds` may differ.
  bool SameState(const OperatorIdentity& other) const { return kind == other.kind && parts == other.parts; }
  friend bool operator==(const OperatorIdentity&, const OperatorIdentity&) = default;
};

struct StatefulOperator {
  int id = 0;  // that its entries in the state have
  OperatorIdentity identity;
  std::string Name() const;  // "WindowAggregate#4"
  friend bool operator==(const StatefulOperator&, const StatefulOperator&) = default;
};

// Of everything that a checkpoint has something of: operators with state, sources, sinks that write files. Inputs come
// before what reads them.
std::vector<StatefulOperator> OperatorsWithState(const JobPlan& plan);

// A source whose rows are all of it, from the first on, for whoever begins to read it: a table of the rows of each key,
// and VALUES.
bool IsReadWhole(const OperatorIdentity& source);

}  // namespace leat::plan
