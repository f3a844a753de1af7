// SESSION windows: per key, rows nearer to one another than the gap (or just as near) share a window. What a session
// holds - the rows, or accumulators of them - is its content's business; opening, joining, firing and the state are
// decided here. A row that joins two sessions makes them one. A row is late when the session that it opens has ended.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "stream/exec/window_zone.h"

namespace leat::exec {

struct Session {
  int64_t start_ms = 0;  // on the wall, as end_ms
  int64_t end_ms = 0;    // the last row's time + gap; outside the window
  std::string content;   // empty: of no rows
};

// What sessions are made of. One task's.
class SessionContent {
 public:
  virtual ~SessionContent() = default;
  virtual void Bind(const data::Batch& batch) = 0;     // the batch of the rows to come; outlives their Add
  virtual bool TakesChanges() const { return false; }  // rows that are taken back too
  virtual absl::Status Add(size_t row, std::string* content) = 0;
  // into += from, whose rows are later.
  virtual absl::Status Merge(std::string_view from, std::string* into) = 0;
  virtual absl::Status Emit(std::string_view key, const Session& session, Output& output) = 0;
  virtual absl::Status Flush(Output& output) = 0;
};

using SessionContentMaker = std::function<std::unique_ptr<SessionContent>()>;

// node: kWindowAssign or kWindowAggregate with a window of kind kSession; its `keys` are the sessions' keys.
// kInvalidArgument: a gap that is not positive.
absl::StatusOr<std::unique_ptr<Operator>> MakeSessionOperator(const plan::NodePtr& node, std::string name,
                                                              SessionContentMaker make_content);

int64_t SessionBoundMicros(plan::Node::WindowColumn column, const Session& session, const WindowZone& zone);

}  // namespace leat::exec
