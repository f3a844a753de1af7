// A consumer's membership in a group: a thread of its own joins, syncs and beats, so that a slow Poll does not cost the
// membership; what happens to the partitions waits for the thread that polls. Methods may be called on any thread.
//
//   joining -> assigned (waits for TakeEvent) -> member -> revoking (waits for Rejoin) -> joining ..
//
// Incremental members (KIP-429) join again without giving anything back, and say what they have; they are revoking only
// while they give back what the new assignment took from them, and then join once more, so that others can have it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "client/connection.h"
#include "leat/client/consumer.h"
#include "leat/v1/groups.grpc.pb.h"

namespace leat::client {

class GroupMember {
 public:
  struct Event {
    enum class Kind {
      kNone,
      kAssigned,  // `partitions` are this member's from now on
      kAdjusted,  // the same; go on with those that were there before, give back what is missing, then call Rejoin
      kRevoke,    // give all partitions back (committing is still possible), then call Rejoin
      kLost,      // they are another's already: forget them, then call Rejoin
      kFailed     // the membership is over: `status`
    };
    Kind kind = Kind::kNone;
    std::vector<TopicPartition> partitions;
    absl::Status status;
  };

  GroupMember(std::shared_ptr<Connection> connection, const ConsumerOptions& options, std::vector<std::string> topics);
  ~GroupMember();  // leaves the group, unless it is a static member

  // What the polling thread has to do next; waits for it at most so long. Also says that the application polls.
  Event TakeEvent(absl::Duration timeout);
  void Rejoin();  // if this is what the member waits for
  // As the member that it is now. kFailedPrecondition: the group has gone on without it.
  absl::Status Commit(const std::map<TopicPartition, int64_t>& positions);

 private:
  enum class State { kJoining, kAssigned, kMember, kRevoking, kLost, kFailed };
  using Lock = std::unique_lock<std::mutex>;

  void Run();
  void JoinOnce(Lock* lock);
  std::string Subscription(ConsumerOptions::Assignor assignor) const;
  void SyncOnce(Lock* lock, const v1::JoinGroupResponse& joined);
  absl::Status FillAssignments(const v1::JoinGroupResponse& joined, v1::SyncGroupRequest* sync);
  void BeatOnce(Lock* lock);
  void CheckTopics(Lock* lock);
  void LeaveGroup(Lock* lock);
  // What the group answered; false if this member has to begin again or has failed.
  bool TakeOutcome(const v1::Outcome& outcome);
  void NoteLoss();
  Event TakeAdjustment();
  bool MayCommit() const;
  absl::StatusOr<std::vector<v1::Outcome>> CommitOnce(Lock* lock, const std::map<TopicPartition, int64_t>& positions);
  void Become(State state);
  void Fail(absl::Status status);
  void Pause(Lock* lock, absl::Duration wait);
  // A call of the group's coordinator without the lock, that the destructor can cut short.
  template <typename Method>
  ::grpc::Status Call(Lock* lock, absl::Duration limit, Method method);
  template <typename Method>
  ::grpc::Status Cancellable(Lock* lock, ::grpc::ClientContext* context, Method method);
  ::grpc::Status FindCoordinator(Lock* lock, absl::Duration limit);
  void ForgetCoordinator();

  const std::shared_ptr<Connection> connection_;
  const ConsumerOptions options_;
  const std::vector<std::string> topics_;
  const bool incremental_;
  ChannelPtr channel_;  // to the group's coordinator; null: it is not known
  std::shared_ptr<v1::Groups::Stub> stub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kJoining;
  bool stopping_ = false;
  ::grpc::ClientContext* call_ = nullptr;
  std::string member_;
  int32_t generation_ = -1;
  std::vector<TopicPartition> assigned_;
  std::vector<TopicPartition> owned_;  // of an incremental member: what the polling thread has
  absl::Status failure_;
  Instant polled_at_;
  bool leads_ = false;
  std::map<std::string, int32_t> counts_;  // of the topics that this member has shared out as the leader
  Instant counted_at_;
  std::thread thread_;
};

}  // namespace leat::client
