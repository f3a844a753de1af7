// The thread of one worker: fetches its partitions, feeds its Task, moves rows between workers, writes sinks. All
// decisions about rows are the Task's; this is the driver.
#pragma once

#include <memory>

#include "base/status.h"
#include "stream/run/job_context.h"
#include "stream/state/state_backend.h"

namespace leat::run {

// Runs until a StopMessage or a failure, which is reported as a FailedEvent. Blocks.
void RunWorker(const std::shared_ptr<JobContext>& job, int worker, state::CommittedStore& store);

}  // namespace leat::run
