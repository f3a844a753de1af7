// The jobs of the node: which there are is metadata, here are their runners. Lives on shard 0.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/job_factory.h"
#include "env/shard.h"
#include "meta/image.h"

namespace leat::broker {

class BrokerImpl;

class JobManager {
 public:
  JobManager(BrokerImpl& broker, std::unique_ptr<JobFactory> factory, run::LogPort& port);
  ~JobManager();

  void StartAll();  // those that are to run
  // Stops every runner at a checkpoint. The jobs stay as they are in the metadata. Nothing starts afterwards.
  void StopAll(env::Closure stopped);

  void Submit(NewJob job, Callback<absl::StatusOr<JobDescription>> done);
  void Start(const std::string& name, Callback<absl::Status> done);
  void Stop(const std::string& name, Callback<absl::Status> done);
  void Delete(const std::string& name, Callback<absl::Status> done);
  std::vector<JobDescription> List() const;
  absl::StatusOr<JobDescription> Describe(const std::string& name) const;
  // Other groups than its own name under which the job's sources commit, as far as it was compiled here.
  std::vector<std::string> GroupsOf(const std::string& name) const;
  absl::StatusOr<std::vector<JobLogLine>> Logs(const std::string& name) const;
  void Explain(std::string sql, Callback<absl::StatusOr<std::string>> done);

 private:
  absl::Status CheckAlone() const;

  // What runs, or why nothing does.
  struct Entry {
    std::unique_ptr<run::JobRunner> runner;
    std::optional<run::JobStatus> last;  // of the runner that was here
    std::string explain;
    std::vector<std::string> groups;  // properties.group.id of its sources
    absl::Status compile_error;
    bool busy = false;  // an operation on the job is under way: the next one is refused
    // A runner, taken out of `runner`, is ending and still has the job's state open; these wait for its end.
    bool ending = false;
    std::vector<Callback<absl::Status>> on_ended;
  };
  using Compiled = absl::StatusOr<CompiledJob>;

  // Compiles on a disk thread; `done` comes back here.
  void Compile(std::string sql, Callback<Compiled> done);
  void Launch(const std::string& name, CompiledJob compiled);
  void CompileAndLaunch(const meta::Job& job, Callback<absl::Status> done);
  // Stops the runner if there is one, and destroys it.
  void StopRunner(const std::string& name, Callback<absl::Status> done);
  // Reads where a job that does not run has stopped.
  void Look(const std::string& name);
  void DeleteStopped(const std::string& name, Callback<absl::Status> done);
  // Marks the job busy until the returned callback is called. An error: it is busy already, or unknown.
  absl::StatusOr<Callback<absl::Status>> Begin(const std::string& name, Callback<absl::Status>* done);
  // The frame of a call that changes a job: begins, records what is wanted of it, and goes on with `next`.
  using Next = absl::AnyInvocable<void(Callback<absl::Status> finish)>;
  void Change(const std::string& name, meta::DesiredState desired, Callback<absl::Status> done, Next next);
  JobDescription DescriptionOf(const meta::Job& job) const;
  run::Options RunOptions() const;
  run::DeliveryOptions DeliveryOptions() const;

  BrokerImpl& broker_;
  const std::unique_ptr<JobFactory> factory_;
  run::LogPort& port_;
  std::map<std::string, Entry, std::less<>> entries_;
  bool stopping_ = false;
};

}  // namespace leat::broker
