// The metadata state machine on the quorum's log, `__cluster_metadata-0`: a change is decided against the image,
// written as one entry, committed by the quorum, applied; only then is its asker answered. Lives on one shard. Only the
// active controller takes changes; every node applies them.
//
// One round of changes is under way at a time; those that come meanwhile go together into the next one, each decided
// against the image that the ones before it will have made. A round that was refused did not happen. One that was under
// way when leadership was lost or the disk was full has an unknown outcome: it may or may not happen later.
#pragma once

#include <absl/functional/any_invocable.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/raft_host.h"
#include "env/gate.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "meta/commands.h"
#include "meta/image.h"

namespace leat::coordinator {

// Who is the active controller, as this node knows it.
struct Leadership {
  model::NodeId leader = raft::kNobody;
  model::LeaderEpoch epoch;  // the quorum's term
  bool active = false;       // it is this node, and it may decide
  friend bool operator==(const Leadership&, const Leadership&) = default;
};

// The options of a node's part in the quorum. `voters`: of a new quorum, by id, and none for this node alone; a log
// that names its voters goes by those. `folder`: of the metadata log.
RaftHost::Options QuorumOptions(std::string_view cluster_id, model::NodeId node,
                                const std::vector<model::NodeId>& voters, std::string folder);

class MetadataLog : private RaftMachine {
 public:
  // Decides a change; an error means that nothing is written for it.
  using Decide = absl::AnyInvocable<absl::StatusOr<meta::Records>(const meta::Image&)>;
  // Runs after `changed` has seen the change, or with the reason why it did not happen or may not have.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // Called with every new image and what is different in it, before the askers are answered.
  using Changed = std::function<void(const meta::ImagePtr&, const meta::Delta&)>;
  using LeaderWatcher = std::function<void(const Leadership&)>;

  // Brings the image to what is known to be committed (on a quorum of one everything) and takes part from now on; the
  // ports outlive this. A log that a program without a quorum wrote is converted. Errors: kDataLoss,
  // kFailedPrecondition (this disk must not take part), kUnimplemented (a newer program's log).
  static absl::StatusOr<std::unique_ptr<MetadataLog>> Open(RaftHost::Options options, const RaftHost::Ports& ports,
                                                           Changed changed);

  const meta::ImagePtr& image() const { return image_; }
  model::Offset end() const { return host_->applied_end(); }  // the image is that of the log up to here
  bool active() const { return host_->active(); }
  model::NodeId leader() const { return host_->leader(); }  // kNobody: unknown
  model::LeaderEpoch epoch() const { return host_->term(); }
  Leadership leadership() const { return {leader(), epoch(), active()}; }
  // The image holds all that was committed before the leader's term.
  bool caught_up() const { return host_->caught_up(); }
  // Called when leadership() has changed, from now on: in a turn of its own, behind `changed` of what was applied
  // before, with what holds then.
  void OnLeader(LeaderWatcher watcher) { watcher_ = std::move(watcher); }
  // `ready` as soon as caught_up(), at once if it is; never if the node stops before.
  void WhenCaughtUp(env::Closure ready);

  // kUnavailable with model::CodeOf NOT_CONTROLLER: this node is not the active controller, the message names the one
  // that is. Without the active controller's node an only voter makes askers wait until it is.
  void Submit(Decide decide, Done done);
  // Refuses new changes; `closed` once those under way are answered and leadership is handed over.
  void Close(env::Closure closed);

  // The brokers' registrations that the log held behind its snapshot when it was opened. They may have been overtaken,
  // or never committed: good for addresses at which to try.
  std::map<model::NodeId, meta::BrokerRegistered> TakeForeseen() { return std::exchange(foreseen_, {}); }

  // The node's part in the quorum: voters, transfer, description, failure.
  RaftHost& quorum() { return *host_; }
  const RaftHost& quorum() const { return *host_; }

 private:
  struct Waiting {
    Decide decide;
    Done done;
    env::Gate::Hold hold;
  };
  struct Round {
    meta::Image image;
    meta::Delta delta;
    std::vector<Waiting> accepted;
    std::vector<std::string> payloads;
    size_t bytes = 0;
    model::Offset first{-1}, end{-1};  // of its entries; -1: not proposed
  };
  using Refused = std::vector<std::pair<Waiting, absl::Status>>;

  MetadataLog(env::Shard& shard, Changed changed);
  absl::Status Apply(raft::Offset offset, std::string_view payload) override;
  absl::Status Load(const StateRecords& records, raft::Offset end) override;
  void Foresee(std::string_view payload) override;
  absl::AnyInvocable<StateRecords()> Freeze() override;
  void OnProgress() override;
  void OnUncertain(const absl::Status& why) override;

  absl::Status MaySubmit() const;
  void TellLeadership();
  bool MayStartRound() const;
  void StartRounds();
  void StartRound();
  absl::Status DecideOne(Waiting& waiting, Round& round);
  void FinishRound(Round round, const absl::Status& outcome);
  void Publish(meta::Image image, const meta::Delta& delta);
  void PublishApplied();
  void AnswerWaiting(const absl::Status& why);

  env::Shard& shard_;
  Changed changed_;
  LeaderWatcher watcher_;
  Leadership told_;
  bool telling_ = false;  // TellLeadership has been posted
  meta::ImagePtr image_;
  env::Gate gate_;  // before those who hold it
  std::deque<Waiting> waiting_;
  bool starting_ = false;           // StartRounds is on the stack
  std::optional<Round> round_;      // under way
  std::optional<Round> committed_;  // to be published and answered
  // Applied and not published yet.
  std::optional<meta::Image> building_;
  meta::Delta building_delta_;
  std::vector<env::Closure> wait_for_catch_up_;
  std::map<model::NodeId, meta::BrokerRegistered> foreseen_;
  std::unique_ptr<env::Timer> close_timer_;
  std::unique_ptr<RaftHost> host_;  // null while it opens
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace leat::coordinator
