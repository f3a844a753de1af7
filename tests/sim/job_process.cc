#include "tests/sim/job_process.h"

#include <utility>

namespace leat::nodes {

class StateFolders::Store final : public state::CommittedStore {
 public:
  Store(std::shared_ptr<Folder> folder, Random& random) : folder_(std::move(folder)), random_(random), now_(*folder_) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const auto found = now_.entries.find(key);
    return found == now_.entries.end() ? std::nullopt : std::optional(found->second);
  }
  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) override {
    for (auto at = now_.entries.lower_bound(begin); at != now_.entries.end() && at->first < end; ++at) {
      if (!visit(at->first, at->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Apply(const std::vector<state::Change>& changes, int64_t position) override {
    for (const state::Change& change : changes) {
      if (change.value)
        now_.entries.insert_or_assign(change.key, *change.value);
      else
        now_.entries.erase(change.key);
    }
    now_.position = position;
    if (random_.OneIn(6)) *folder_ = now_;  // by itself
    return absl::OkStatus();
  }
  int64_t position() const override { return now_.position; }
  absl::StatusOr<int64_t> Flush() override {
    *folder_ = now_;
    return now_.position;
  }
  size_t MemoryBytes() const override { return 0; }

 private:
  std::shared_ptr<Folder> folder_;
  Random& random_;
  Folder now_;
};

absl::StatusOr<std::unique_ptr<state::CommittedStore>> StateFolders::Open(const std::string& job, const run::Options&) {
  std::shared_ptr<Folder>& folder = folders_[job];
  if (folder == nullptr) folder = std::make_shared<Folder>();
  return std::make_unique<Store>(folder, random_);
}

absl::Status StateFolders::Drop(const std::string& job, const run::Options&) {
  folders_.erase(job);
  return absl::OkStatus();
}

namespace {

class SimulatedJobs final : public broker::JobFactory {
 public:
  SimulatedJobs(run::Threads& threads, StateFolders& folders)
      : real_(broker::MakeJobFactory()), threads_(threads), folders_(folders) {}

  absl::StatusOr<broker::CompiledJob> Compile(const std::string& sql) const override { return real_->Compile(sql); }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort& port,
                                        env::Metrics& metrics) const override {
    spec.threads = &threads_;
    spec.stores = &folders_;
    spec.options.memory_limit_bytes = folders_.MemoryLimit();
    return real_->Start(std::move(spec), port, metrics);
  }
  absl::Status DropState(const std::string& name, const run::Options& options) const override {
    return folders_.Drop(name, options);
  }

 private:
  const std::unique_ptr<broker::JobFactory> real_;
  run::Threads& threads_;
  StateFolders& folders_;
};

}  // namespace

std::unique_ptr<broker::JobFactory> MakeSimulatedJobs(run::Threads& threads, StateFolders& folders) {
  return std::make_unique<SimulatedJobs>(threads, folders);
}

}  // namespace leat::nodes
