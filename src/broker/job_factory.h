// Where jobs come from: the compiler and the runner behind one small interface, so that the broker's handling of jobs
// can be tested without them.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "stream/plan/plan.h"
#include "stream/run/job_runner.h"

namespace leat::broker {

struct CompiledJob {
  plan::JobPlan plan;
  std::string explain;
  bool has_inserts = false;
};

class JobFactory {
 public:
  virtual ~JobFactory() = default;
  // Compiles and checks everything that can be known before a job runs. Any thread. kInvalidArgument, kUnimplemented
  // with the compiler's text.
  virtual absl::StatusOr<CompiledJob> Compile(const std::string& sql) const = 0;
  virtual std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort& port,
                                                env::Metrics& metrics) const = 0;
  // Removes this node's copy of the job's state. Blocks; any thread.
  virtual absl::Status DropState(const std::string& name, const run::Options& options) const = 0;
};

// sql::Compile, run::CheckPlan and run::JobRunner.
std::unique_ptr<JobFactory> MakeJobFactory();

}  // namespace leat::broker
