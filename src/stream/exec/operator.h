// Operators: batch in, batches out, state beside. An Operator is an immutable description that any number of tasks
// share; what changes is in the OperatorState that the task owns and hands in. Everything is synchronous and on the
// task's thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/data/batch.h"
#include "stream/plan/plan.h"
#include "stream/state/state_backend.h"

namespace leat::exec {

inline constexpr int64_t kMinWatermark = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxWatermark = std::numeric_limits<int64_t>::max();  // end of input: every window fires

// A row that an operator could not process: it goes to the dead-letter topic and the job goes on.
struct FailedRow {
  std::string reason;                                   // "line 4, column 12: CAST('x' AS INT): 'x' is no INT"
  std::string row;                                      // the row as text, for people
  std::shared_ptr<const data::SourcePartition> source;  // null if unknown
  int64_t offset = -1;
};

// Where an operator puts what it makes. Implemented by the task (and by tests).
class Output {
 public:
  virtual ~Output() = default;
  virtual absl::Status Emit(data::Batch batch) = 0;                                 // rows for the next operator
  virtual void Late(const data::Batch& input, std::span<const uint32_t> rows) = 0;  // rows that came too late, counted
  virtual void Fail(FailedRow row) = 0;
};

// What an operator may look at while it runs.
struct Context {
  int64_t wall_ms = 0;                   // PROCTIME(), CURRENT_TIMESTAMP: taken once per batch
  int64_t watermark_ms = kMinWatermark;  // the operator's current input watermark
};

// What an operator counts beside its output, since Open: for metrics.
struct OperatorCounters {
  int64_t ignored_retractions = 0;  // rows taken back that were never there, as Flink ignores them
};

class OperatorState {
 public:
  virtual ~OperatorState() = default;
  OperatorCounters counters;
};

class Operator {
 public:
  virtual ~Operator() = default;
  virtual std::string Name() const = 0;  // for metrics and EXPLAIN
  // A new state, with what was committed before found in `backend`. Stateless operators return an empty one.
  virtual absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const = 0;
  virtual absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                               Output& output) const = 0;
  // As Process, for operators that tell their inputs apart.
  virtual absl::Status ProcessInput(OperatorState& state, const Context& context, int /*input*/,
                                    const data::Batch& batch, Output& output) const {
    return Process(state, context, batch, output);
  }
  // What the operator's rows are not older than from now on, when its own watermark is `watermark_ms`: less for those
  // that emit rows with the time of when they came.
  virtual int64_t OutputWatermark(int64_t watermark_ms) const { return watermark_ms; }
  // The watermark rose to context.watermark_ms (combined over inputs). Emits what it completes.
  virtual absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const = 0;
  // The wall clock shows context.wall_ms: what an operator of processing time does without a row. Not between a barrier
  // and the one before it is acknowledged by all, when nothing may be sent.
  virtual absl::Status OnTime(OperatorState& /*state*/, const Context& /*context*/, Output& /*output*/) const {
    return absl::OkStatus();
  }
  // Whether OnTime does anything, and when it is to be called again at the latest.
  virtual bool FollowsTheClock() const { return false; }
  virtual int64_t NextTime(const OperatorState& /*state*/) const { return kMaxWatermark; }
  // Before a barrier: writes whatever the operator keeps outside the state tables into them.
  virtual absl::Status OnBarrier(OperatorState& state) const = 0;
};

// The operator of a plan node. REQUIRES: not a source, sink, union or values, which are the driver's.
absl::StatusOr<std::unique_ptr<Operator>> MakeOperator(const plan::NodePtr& node);

}  // namespace leat::exec
