// What a simulated machine needs to run jobs: the real compiler and runner, with threads that take turns and a state
// store whose last writes may be lost with the process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/job_factory.h"
#include "tests/sim/fibers.h"

namespace leat::nodes {

// The folders of jobs' states on one machine. They outlive its processes, without what was not flushed.
class StateFolders final : public run::StateStores {
 public:
  explicit StateFolders(Random random) : random_(random) {}
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& job,
                                                              const run::Options& options) override;
  absl::Status Drop(const std::string& job, const run::Options& options) override;
  // A job's memory: of little, its store gets what has changed often. What a job reads between two checkpoints fits.
  size_t MemoryLimit() { return size_t{1} << (20 + random_.Below(10)); }
  // The disk with them is replaced.
  void DropAll() { folders_.clear(); }

 private:
  struct Folder {
    std::map<std::string, std::string, std::less<>> entries;
    int64_t position = -1;
  };
  class Store;
  Random random_;
  std::map<std::string, std::shared_ptr<Folder>> folders_;
};

// For CreateBroker. `threads` and `folders` outlive the process.
std::unique_ptr<broker::JobFactory> MakeSimulatedJobs(run::Threads& threads, StateFolders& folders);

}  // namespace leat::nodes
