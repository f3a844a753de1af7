// The classic group protocol of many groups: the groups of one partition of the offsets topic. Members join, one of
// them is told the others' subscriptions and hands in everybody's assignment, all get theirs; heartbeats tell members
// of the next rebalance. Joins and syncs wait for others: their answers appear in the outbox later.
//
// What survives a restart is what Replay has been given: a group's record, written when an assignment is made, when the
// last member goes, and when a static member takes its place again. Everything else (who has joined the rebalance under
// way, timers) is soft: after a restart members find out by their heartbeats and join again.
//
// Owned and driven by Core, which also owns the outbox. Pure; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "group/classic_group.h"
#include "group/deadlines.h"
#include "group/effects.h"
#include "group/options.h"
#include "group/requests.h"

namespace leat::group {

enum class CommitKind { kPlain, kTransactional };

class ClassicCore {
 public:
  // `random` gives member ids; it and `outbox` outlive this.
  ClassicCore(const Options& options, Random& random, Outbox& outbox);

  void Join(RequestId id, JoinRequest request, Now now);         // classic_join.cc
  void Sync(RequestId id, const SyncRequest& request, Now now);  // classic_sync.cc
  HeartbeatReply Heartbeat(const HeartbeatRequest& request, Now now);
  LeaveReply Leave(const LeaveRequest& request, Now now);
  // Whether these offsets may be committed now; counts as a heartbeat of the member. A commit without membership is
  // taken by a group without members.
  Outcome CheckCommit(const CommitCommand& command, CommitKind kind, Now now);

  const ClassicGroup* Find(std::string_view group) const;  // null: there is none
  const std::map<std::string, ClassicGroup, std::less<>>& groups() const { return groups_; }
  GroupDescription Describe(const ClassicGroup& group) const;
  // True if a member of the group reads the topic, as far as its subscription can be read.
  static bool IsSubscribed(const ClassicGroup& group, std::string_view topic);

  // Deleting a group: from MarkDead on nobody can join; then Forget, or Revive when it could not be written.
  // REQUIRES: the group is empty.
  std::vector<OffsetRecord> MarkDead(std::string_view group, Now now);  // the records that delete it
  void Forget(std::string_view group);
  void Revive(std::string_view group, Now now);

  // Applies a record of a group; others are passed over.
  absl::Status Replay(std::string_view key, std::optional<std::string_view> value);
  // Builds the groups out of what was replayed, once, before the first request: their members have a whole session
  // timeout from now on.
  void Load(Now now);
  // One of this core's writes is durable and replayed, or has failed. False: it is not one of this core's.
  bool OnWritten(WriteId id, const absl::Status& status, Now now);
  Instant NextDeadline() const { return deadlines_.Next(); }
  void Tick(Now now);
  // Records that make the replayed state.
  std::vector<OffsetRecord> Snapshot() const;

 private:
  // What waits for a record.
  struct AssignmentWrite {  // a leader's assignments
    std::string group;
    int32_t generation;
    std::map<std::string, std::string, std::less<>> assignments;
  };
  struct EmptyWrite {
    std::string group;
  };
  struct StaticWrite {  // a static member's new id; the answer to its join
    std::string group;
    std::string instance;
    RequestId join;
    JoinReply reply;
  };
  using Continuation = std::variant<AssignmentWrite, EmptyWrite, StaticWrite>;

  // classic_join.cc
  std::optional<JoinReply> CheckJoin(const JoinRequest& request) const;
  bool HasRoomFor(const ClassicGroup& group, const JoinRequest& request) const;
  void JoinUnknown(ClassicGroup& group, RequestId id, JoinRequest request, Now now);
  void JoinKnown(ClassicGroup& group, RequestId id, JoinRequest request, Now now);
  void AddMember(ClassicGroup& group, RequestId id, std::string member_id, JoinRequest request, Now now);
  void Rejoin(ClassicGroup& group, ClassicMember& member, RequestId id, JoinRequest request, Now now);
  void AnswerCurrent(const ClassicGroup& group, const ClassicMember& member, RequestId id);
  std::string NewMemberId(const JoinRequest& request);
  // classic_static.cc
  void JoinStaticAgain(ClassicGroup& group, RequestId id, JoinRequest request, Now now);
  void AnswerStatic(const ClassicGroup& group, const ClassicMember& member, const std::string& old_leader, RequestId id,
                    SkipAssignment skip);
  void FinishStatic(StaticWrite& write, const absl::Status& status, Now now);
  // classic_rebalance.cc
  void MaybePrepareRebalance(ClassicGroup& group, Now now);
  void PrepareRebalance(ClassicGroup& group, Now now);
  void MaybeCompleteJoin(ClassicGroup& group, Now now);
  void CompleteJoin(ClassicGroup& group, Now now);
  void RemoveMember(ClassicGroup& group, std::string_view id, Now now);
  ClassicMember DropMember(ClassicGroup& group, std::string_view id);
  void BecomeEmpty(ClassicGroup& group, Now now);
  // classic_sync.cc
  std::optional<SyncReply> CheckSync(const ClassicGroup& group, const SyncRequest& request) const;
  void TakeAssignments(ClassicGroup& group, const SyncRequest& request, Now now);
  void FinishAssignment(AssignmentWrite& write, const absl::Status& status, Now now);
  void AnswerSync(const ClassicGroup& group, ClassicMember& member, model::ErrorCode code);
  // classic_timeouts.cc
  void StartSession(const ClassicGroup& group, const ClassicMember& member, Now now);
  void StopSession(const ClassicGroup& group, std::string_view member);
  void LimitFirstWait(const ClassicGroup& group, const ClassicMember& member, Now now);
  void OnTimer(const TimerName& timer, Now now);
  void OnJoinTimer(ClassicGroup& group, Now now);
  void OnSyncTimer(ClassicGroup& group, Now now);
  // classic_leave.cc
  model::ErrorCode LeaveOne(ClassicGroup& group, const LeavingMember& leaving, Now now);

  ClassicGroup* FindMutable(std::string_view group);
  void AnswerJoin(RequestId id, model::ErrorCode code, std::string member = "");
  void WriteGroup(const ClassicGroup& group, const GroupMetadata& metadata, Continuation then);

  const Options options_;
  Random& random_;
  Outbox& outbox_;
  std::map<std::string, ClassicGroup, std::less<>> groups_;
  Deadlines deadlines_;
  std::map<WriteId, Continuation> writes_;
  std::map<std::string, std::string, std::less<>> stored_;  // group -> the value of its last record: the hard state
};

}  // namespace leat::group
