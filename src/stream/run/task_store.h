// One worker's view of the job's committed store: the entries whose keys begin with the worker's number. The job
// applies whole epochs to the store itself; a view only reads.
#pragma once

#include <cstdint>
#include <string>

#include "stream/state/committed_store.h"

namespace leat::run {

std::string WorkerPrefix(int worker);

class TaskStore final : public state::CommittedStore {
 public:
  // `base` outlives the view and is safe to read while another thread applies.
  TaskStore(state::CommittedStore& base, int worker) : base_(base), prefix_(WorkerPrefix(worker)) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) override;
  absl::Status Apply(const std::vector<state::Change>& changes, int64_t position) override;  // never: CHECK fails
  int64_t position() const override { return base_.position(); }
  absl::StatusOr<int64_t> Flush() override { return base_.Flush(); }
  size_t MemoryBytes() const override { return 0; }

 private:
  state::CommittedStore& base_;
  std::string prefix_;
};

}  // namespace leat::run
