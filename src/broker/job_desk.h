// What people ask of jobs, at any node: what changes a job goes to the metadata, and is answered when the node that
// runs it has followed; what it does now is asked of that node. Lives on shard 0.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/job_messages.h"
#include "broker/retries.h"
#include "meta/command.h"

namespace leat::broker {

class BrokerImpl;
class JobManager;

class JobDesk {
 public:
  JobDesk(BrokerImpl& broker, JobManager& jobs) : broker_(broker), jobs_(jobs) {}

  void Submit(NewJob job, Callback<absl::StatusOr<JobDescription>> done);
  void Upgrade(JobUpgrade upgrade, Callback<absl::StatusOr<JobUpgraded>> done);
  void Start(const std::string& name, Callback<absl::Status> done);
  void Stop(const std::string& name, Callback<absl::Status> done);
  void Delete(const std::string& name, Callback<absl::Status> done);
  // A job whose node does not answer is there, with the reason as its error.
  void List(Callback<std::vector<JobDescription>> done);
  void Describe(const std::string& name, Callback<absl::StatusOr<JobDescription>> done);
  void Logs(const std::string& name, Callback<absl::StatusOr<std::vector<JobLogLine>>> done);
  // The groups of that name: itself, and those that the job of the name has in its SQL.
  void GroupsOf(const std::string& name, Callback<std::vector<std::string>> done);

  // With as many copies as the broker's own topics.
  static meta::CreateTopic ChangelogTopic(const BrokerImpl& broker, const std::string& job);

 private:
  // Marks the job as being changed at this node until the returned callback is called.
  absl::StatusOr<Callback<absl::Status>> Begin(const std::string& name, Callback<absl::Status>* done);
  // Records what is wanted of a job, and goes on when its node has followed.
  using Next = absl::AnyInvocable<void(Callback<absl::Status> finish)>;
  void Change(const AskSettle& wanted, Callback<absl::Status> done, Next next);
  void Record(const NewJob& job, Callback<absl::Status> done);
  void Remove(const std::string& name, Callback<absl::Status> done);
  void ForgetGroup(const std::string& group, Callback<absl::Status> done);
  // Of the node that runs the job, again while that changes.
  template <typename Message>
  void AskOwner(const std::string& name, Message message, Duration timeout,
                std::function<void(Message, Callback<absl::StatusOr<typename Message::Reply>>)> here,
                Callback<absl::StatusOr<typename Message::Reply>> done);
  struct Upgrading;
  void ApplyUpgrade(const std::shared_ptr<Upgrading>& upgrading);
  void SettleUpgrade(const std::shared_ptr<Upgrading>& upgrading);
  void Settle(const AskSettle& wanted, Callback<absl::StatusOr<JobDescription>> done);
  absl::StatusOr<std::string> Known(const std::string& name) const;
  void Progress(const std::string& name, Callback<absl::StatusOr<JobProgress>> done);
  void List(const std::vector<std::string>& names, Callback<std::vector<JobDescription>> done);

  BrokerImpl& broker_;
  JobManager& jobs_;
  std::set<std::string> busy_;
};

}  // namespace leat::broker
