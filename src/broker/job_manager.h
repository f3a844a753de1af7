// The jobs that this node runs. Which jobs there are, and whether they are to run, is metadata; a job runs on the node
// that leads the one partition of its changelog topic, as long as it leads it in that epoch. What is asked of jobs by
// people goes through JobDesk. Lives on shard 0. See docs/internals/jobs.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/job_factory.h"
#include "broker/job_leadership.h"
#include "broker/job_messages.h"
#include "env/shard.h"
#include "meta/image.h"

namespace leat::broker {

class BrokerImpl;
class JobDesk;

class JobManager {
 public:
  JobManager(BrokerImpl& broker, std::unique_ptr<JobFactory> factory, run::LogPort& port);
  ~JobManager();

  JobDesk& desk() { return *desk_; }
  void StartAll();  // follows the metadata from now on
  // After every change of the metadata: starts what this node has become the one to run, stops what it is not any more.
  void Follow();
  // Stops every runner at a checkpoint; one that finds no end, because the cluster takes no writes just now, goes on
  // from its last one. The jobs stay as they are in the metadata. Nothing starts afterwards.
  void StopAll(env::Closure stopped);

  using Wish = AskSettle::Wish;
  // `done` once what runs here is what the metadata wants, with why it does not: kUnavailable if the job is not this
  // node's, or the node has not heard yet that `asked` is what is wanted.
  void Settle(const AskSettle& asked, Callback<absl::StatusOr<JobDescription>> done);
  // Whether what the job keeps here fits other SQL, and what becomes of it. kUnavailable: it is not the job's node, or
  // does not know the state yet.
  void CheckUpgrade(const AskUpgrade& asked, Callback<absl::StatusOr<AskUpgrade::Reply>> done);
  void SettleUpgrade(const AskUpgraded& asked, Callback<absl::StatusOr<JobDescription>> done);
  // `done` once nothing of a job that is gone is left here.
  void WhenGone(const std::string& name, env::Closure done);
  // As far as it is known here; of a job of another node that is what the metadata says.
  JobDescription DescriptionOf(const meta::Job& job) const;
  // Of those of the jobs that this node runs.
  std::vector<JobDescription> DescribeOwn(const std::vector<std::string>& names) const;
  // kUnavailable: the job is not this node's.
  absl::StatusOr<std::vector<JobLogLine>> Logs(const std::string& name) const;
  // Empty if nothing of it runs.
  absl::StatusOr<JobProgress> ProgressOf(const std::string& name) const;
  // Brings the series of /metrics of the jobs that run here up to now.
  void PublishMetrics();
  // Other groups than its own name under which the job's sources commit, as far as it was compiled here.
  absl::StatusOr<std::vector<std::string>> GroupsOf(const std::string& name) const;
  size_t running() const;  // here

  using Compiled = absl::StatusOr<CompiledJob>;
  // Compiles on a disk thread; `done` comes back here.
  void Compile(std::string sql, Callback<Compiled> done);
  // What of delivery can be known before the job runs.
  absl::Status CheckDelivery(const CompiledJob& job) const;
  void Explain(std::string sql, Callback<absl::StatusOr<std::string>> done);

 private:
  // What runs, or why nothing does.
  struct Entry {
    std::optional<JobLeadership> leads;  // of the runner, or of the last one
    int64_t revision = 0;                // of its SQL
    std::unique_ptr<run::LogPort> port;  // the runner's; outlives it
    std::unique_ptr<run::JobRunner> runner;
    std::optional<run::JobStatus> last;  // of the runner that was here in this leadership
    std::string explain;
    std::vector<std::string> groups;  // properties.group.id of its sources
    absl::Status failed;              // why it could not be started in this leadership
    bool shows_failure = false;       // as a series of /metrics
    bool start_again = false;         // what runs is to be stopped and started anew
    bool working = false;             // a step is under way; the next one begins when it has ended
    std::vector<Callback<absl::Status>> on_settled;
  };

  // Takes the next step towards what the metadata wants of the job here.
  void Advance(const std::string& name);
  void StepEnded(const std::string& name);
  void Answer(Entry& entry, const absl::Status& status);
  void StopRunner(const std::string& name);
  void Begin(const std::string& name, const meta::Job& job, const JobLeadership& leads);
  void CompileAndLaunch(const std::string& name, const meta::Job& job, const StateOnDisk& state);
  void Launch(const meta::Job& job, CompiledJob compiled, const StateOnDisk& state);
  // Reads where a job that does not run has stopped.
  void Look(const std::string& name, const JobLeadership& leads);
  void DropState(const std::string& name);
  // A job whose changelog topic is missing gets one: from the node of the active controller.
  void EnsureChangelog(const std::string& name);
  void MaybeStopped();
  absl::StatusOr<AskUpgrade::Reply> CompareWithState(const AskUpgrade& asked, const CompiledJob& compiled) const;
  run::Options RunOptions() const;
  run::DeliveryOptions DeliveryOptions() const;
  bool IsOwn(const std::string& name) const;

  BrokerImpl& broker_;
  const std::unique_ptr<JobFactory> factory_;
  run::LogPort& port_;
  std::unique_ptr<JobDesk> desk_;
  std::map<std::string, Entry, std::less<>> entries_;
  bool following_ = false;
  bool stopping_ = false;
  env::Closure stopped_;
  std::unique_ptr<env::Timer> patience_;  // with last checkpoints
};

}  // namespace leat::broker
