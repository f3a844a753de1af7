// A broker's side of the controller: finds the active one wherever it is, registers the broker and keeps it alive
// there, and carries changes of the metadata to it and their outcomes back, once this node has applied them.
//
// The same for a controller on this node and on another. Lives on shard 0, beside the metadata log. No `done` is called
// inside the call that it was given to.
#pragma once

#include <absl/functional/any_invocable.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/random.h"
#include "coordinator/controlled_log.h"
#include "coordinator/controller_messages.h"
#include "env/shard.h"
#include "env/transport.h"

namespace leat::coordinator {

class ControllerClient {
 public:
  struct Options {
    meta::NodeId self{-1};
    Duration heartbeat_interval = absl::Milliseconds(300);
    Duration heartbeat_timeout = absl::Milliseconds(500);  // of one attempt: it is then sent again
    Duration attempt_timeout = absl::Seconds(3);           // of any other request to one node
    // Of a change, all attempts together: less than people wait (leat: 10 s), so that they hear why.
    Duration change_timeout = absl::Seconds(8);
    Duration alter_timeout = absl::Seconds(10);       // of in-sync sets
    Duration duplicate_patience = absl::Seconds(60);  // for the session of the process before this one to end
    Duration min_backoff = absl::Milliseconds(10), max_backoff = absl::Milliseconds(250);
    size_t open_changes = 64;         // from the oldest one on its way to the newest
    size_t waiting_changes = 10'000;  // all that are not answered
    uint64_t random_seed = 0;         // of this process; no two have the same
  };
  struct Node {
    // What the broker says of itself when it registers; asked each time.
    std::function<meta::RegisterBroker()> introduce;
    // The end of what every shard of the broker has of the metadata.
    std::function<model::Offset()> applied;
    // Whom to ask who the controller is, beside the one that seems to be: of a node that has no vote, which hears of
    // another one only when it asks. None for a voter.
    std::function<std::vector<meta::NodeId>()> voters;
  };
  // All outlive this.
  ControllerClient(const Options& options, ControlledLog& log, env::Transport& transport, env::Shard& shard, Node node);
  ~ControllerClient();

  // Registers, and again whenever the controller does not know this registration any more, and sends heartbeats from
  // then on. `done` with the first outcome: OK, or why this broker is not let in, which no repetition will change.
  // kResourceExhausted: the controller's disk is full; it goes on trying.
  void Start(absl::AnyInvocable<void(absl::Status)> done);
  // What `introduce` says has changed.
  void Introduce();
  // kServe (at first) once it may lead. The controller is told at once.
  void SetWish(meta::Heartbeat::Wish wish);
  // Runs once the controller has said that the broker is not fenced, and every shard knows it.
  void WhenLive(env::Closure live);
  // Asks to stop in order: `may_stop` once nobody needs this broker any more; kDeadlineExceeded after `patience`.
  void LeaveInOrder(Duration patience, absl::AnyInvocable<void(absl::Status)> may_stop);

  struct Changed {
    // Of the request; the results are of each command. NOT_CONTROLLER: nothing happened, because no controller could be
    // reached in time. REQUEST_TIMED_OUT: it is not known whether it did.
    absl::Status status;
    std::vector<meta::CommandResult> results;
  };
  // Every shard of this node has applied the change when `done` is called.
  void Change(std::vector<meta::Command> commands, meta::ChangeMode mode, absl::AnyInvocable<void(Changed)> done);
  // A proposal of an in-sync set. REQUEST_TIMED_OUT: it is not known what became of it.
  void AlterIsr(AlterPartitionsRequest::Item item, absl::AnyInvocable<void(AlterPartitionsReply::Result)> done);

  // The owner calls these: the log knows another leader; applied() has moved.
  void OnLeadership();
  void OnApplied();

  int64_t broker_epoch() const { return broker_epoch_; }  // -1: not registered
  bool fenced() const { return fenced_; }
  meta::NodeId controller() const { return known_.node; }  // kNobody: not known
  // Ends everything; what is unanswered hears kUnavailable before this returns.
  void Close();

 private:
  // What becomes of a request that may have been carried out, because an attempt of it was not answered. kAgainInEpoch:
  // it is sent again to the controller of the same epoch, which knows copies; with another one it stays unknown.
  enum class Unanswered : uint8_t { kAgain, kAgainInEpoch, kGiveUp };
  using Answered = absl::AnyInvocable<void(absl::StatusOr<ControllerReply>)>;
  struct Asking {
    uint64_t number = 0;
    std::function<ControllerRequest(int32_t epoch)> request;
    Unanswered unanswered = Unanswered::kAgain;
    Instant deadline;
    Duration attempt_timeout;
    Duration backoff;
    Answered done;  // null once it is finished
    bool maybe_done = false;
    int32_t epoch = 0;  // of the last attempt
    int hops = 0;       // to other nodes without a pause
    int silent = 0;     // attempts that were not answered since somebody did
    absl::Status last;
    std::unique_ptr<env::Timer> timer;  // until the next attempt
  };
  using AskingPtr = std::shared_ptr<Asking>;
  struct Known {
    meta::NodeId node = meta::kNobody;
    int32_t epoch = 0;
  };
  struct WaitingChange {
    std::vector<meta::Command> commands;
    meta::ChangeMode mode = meta::ChangeMode::kApply;
    Instant deadline;
    absl::AnyInvocable<void(Changed)> done;
  };
  struct AnsweredChange {
    Changed changed;
    Instant deadline;
    absl::AnyInvocable<void(Changed)> done;
  };
  struct WaitingIsr {
    AlterPartitionsRequest::Item item;
    absl::AnyInvocable<void(AlterPartitionsReply::Result)> done;
  };

  void Ask(Asking asking);
  void Attempt(const AskingPtr& asking);
  void TakeReply(const AskingPtr& asking, meta::NodeId from, const absl::StatusOr<OwnedBytes>& bytes);
  void TakeRefusal(const AskingPtr& asking, meta::NodeId from, const ControllerReply& reply);
  void Later(const AskingPtr& asking, absl::Status why);
  meta::NodeId NodeToAsk(const Asking& asking);  // kNobody: none is known
  void Finish(const AskingPtr& asking, absl::StatusOr<ControllerReply> reply);
  void Learn(meta::NodeId node, int32_t epoch);

  // controller_session.cc
  void Register();
  void TakeRegistration(const absl::StatusOr<ControllerReply>& answer);
  void RegisterLater(Duration pause);
  void Heartbeat();
  void TakeHeartbeat(const absl::StatusOr<ControllerReply>& answer);
  void MaybeLive();
  void Left(absl::Status status);

  // controller_changes.cc
  void StartChanges();
  void Send(WaitingChange change);
  void TakeChange(absl::StatusOr<ControllerReply> answer, Instant deadline, absl::AnyInvocable<void(Changed)> done);
  void DeliverChanges();
  void SendIsrs();
  void AbandonChanges();

  const Options options_;
  ControlledLog& log_;
  env::Transport& transport_;
  env::Shard& shard_;
  const Node node_;
  Random random_;
  bool closed_ = false;
  Known known_;
  size_t asked_voters_ = 0;
  std::map<uint64_t, AskingPtr> asking_;  // by number, in the order asked
  uint64_t asked_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what answers that come late hold weakly

  absl::AnyInvocable<void(absl::Status)> started_, may_stop_;
  bool running_ = false, registering_ = false, introduce_again_ = false;
  Instant patience_ends_;
  int64_t broker_epoch_ = -1;
  bool fenced_ = true;
  meta::Heartbeat::Wish wish_ = meta::Heartbeat::Wish::kServe;
  bool beating_ = false, beat_again_ = false;
  model::Offset reported_{-1};  // with the last heartbeat
  model::Offset live_end_{-1};  // of the answer that said that it is not fenced
  std::vector<env::Closure> when_live_;
  std::unique_ptr<env::Timer> register_timer_, heartbeat_timer_, leave_timer_;

  model::Uuid client_;
  int64_t next_sequence_ = 0;
  std::set<int64_t> open_;  // changes on their way
  std::deque<WaitingChange> waiting_;
  std::multimap<model::Offset, AnsweredChange> answered_;  // by when this node has applied them
  std::unique_ptr<env::Timer> deliver_timer_;              // while there are such
  std::deque<WaitingIsr> isrs_;
  bool altering_ = false;
};

}  // namespace leat::coordinator
