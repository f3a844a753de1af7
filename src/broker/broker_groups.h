// The broker's Groups: posts to shard 0, where the group coordinators live, finds the one of the group, and checks what
// only the broker knows (which topics there are, whether it serves).
#pragma once

#include "broker/groups.h"

namespace leat::coordinator {
class GroupCoordinator;
}

namespace leat::broker {

class BrokerImpl;

class BrokerGroups final : public Groups {
 public:
  // `broker` owns this.
  explicit BrokerGroups(BrokerImpl& broker) : broker_(broker) {}

  void Join(group::JoinRequest request, Callback<group::JoinReply> done) override;
  void Sync(group::SyncRequest request, Callback<group::SyncReply> done) override;
  void Heartbeat(group::HeartbeatRequest request, Callback<group::HeartbeatReply> done) override;
  void Leave(group::LeaveRequest request, Callback<group::LeaveReply> done) override;
  void Commit(group::CommitCommand command, Callback<std::vector<Outcome>> done) override;
  void CommitInTxn(group::TxnCommitCommand command, Callback<std::vector<Outcome>> done) override;
  void FetchOffsets(std::vector<FetchGroupOffsets> groups, StableOffsets stable,
                    Callback<std::vector<GroupOffsets>> done) override;
  void DeleteOffsets(group::DeleteOffsetsRequest request, Callback<group::DeleteOffsetsReply> done) override;
  void Describe(std::vector<std::string> groups, Callback<std::vector<group::GroupDescription>> done) override;
  void List(Callback<absl::StatusOr<std::vector<group::GroupListing>>> done) override;
  void Delete(std::vector<std::string> groups, Callback<std::vector<Outcome>> done) override;

 private:
  // Runs `serve` on shard 0; with a reason to refuse if the broker does not serve.
  void OnHome(absl::AnyInvocable<void(const Outcome&)> serve);
  // Runs `serve` with the coordinator of the group, if it is here; otherwise answers with what `refuse` makes of the
  // reason.
  template <typename Reply>
  void PostAs(std::string group, Callback<Reply> done,
              absl::AnyInvocable<void(coordinator::GroupCoordinator&, Callback<Reply>)> serve,
              absl::AnyInvocable<Reply(const Outcome&)> refuse);
  // Splits off what cannot be committed; `commit` writes the rest.
  using CommitSome = absl::AnyInvocable<void(coordinator::GroupCoordinator&, group::CommitCommand,
                                             Callback<std::vector<group::Outcome>>)>;
  void CommitChecked(group::CommitCommand command, CommitSome commit, Callback<std::vector<Outcome>> done);

  BrokerImpl& broker_;
};

}  // namespace leat::broker
