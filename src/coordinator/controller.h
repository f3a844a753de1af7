// The active controller: answers the brokers' requests (env::Service::kController), and changes the metadata by itself
// when time passes (a broker is not heard of any more, leaders are unbalanced, a draining broker still has copies).
//
// Every node has one. It does something only while its node is the active one of the controllers' quorum: then it has
// what is not metadata (sessions, the last attempts of leaders, answers to requests that may come twice), which begins
// empty with every such term. On all other nodes it answers NOT_CONTROLLER with who is.
//
// Lives on shard 0, beside the metadata log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/random.h"
#include "coordinator/controlled_log.h"
#include "coordinator/controller_messages.h"
#include "coordinator/request_memory.h"
#include "env/gate.h"
#include "env/shard.h"
#include "env/transport.h"
#include "meta/broker_sessions.h"
#include "meta/partition_commands.h"
#include "meta/policy.h"

namespace leat::coordinator {

class Controller {
 public:
  struct Options {
    meta::NodeId self{-1};
    std::string cluster_id;  // of a cluster that begins with this controller
    meta::Policy policy;
    meta::BrokerSessions::Options sessions;
    meta::Imbalance imbalance;
    Duration rebalance_interval = absl::Minutes(5);  // between looks at who leads what; infinite: never
    Duration upkeep_interval = absl::Seconds(1);     // draining brokers, partitions that may have a leader since
    uint64_t random_seed = 0;                        // of topic ids and placements
  };
  // All outlive this. Serves at once.
  Controller(const Options& options, ControlledLog& log, env::Transport& transport, env::Shard& shard);
  ~Controller();

  // Whether this node is the active one, or who is, may have changed. Never called inside another call of this.
  void OnLeadership();
  // Nothing listens any more where the node did (env::Transport::WatchGone).
  void NoteGone(meta::NodeId node);
  bool active() const { return term_ != nullptr; }
  // Serves no more; `closed` once what is under way is answered. Before the log is closed.
  void Close(env::Closure closed);

 private:
  using Reply = env::Transport::Reply;
  using Decide = ControlledLog::Decide;
  struct Attempt {
    meta::LeaderEpoch leader_epoch;
    int64_t number = 0;
  };
  struct Term {
    int32_t epoch = 0;
    meta::BrokerSessions sessions;
    std::map<meta::PartitionKey, Attempt> attempts;
    RequestMemory memory;
    std::set<meta::NodeId> fencing;  // that are being fenced right now
    bool draining = false;           // a change of the upkeep is under way
    std::string drain_complaint;
    meta::ImagePtr kept_up;  // the last image that needed no upkeep
    Instant next_rebalance;
    Instant watch_due, upkeep_due;
    std::unique_ptr<env::Timer> watch, upkeep;
  };
  using TermPtr = std::shared_ptr<Term>;  // what is under way may outlive it

  void Receive(meta::NodeId from, std::string_view bytes, Reply reply);
  void Handle(meta::NodeId from, RegisterRequest request, Reply reply);
  void Handle(meta::NodeId from, const HeartbeatRequest& request, Reply reply);
  void Handle(meta::NodeId from, AlterPartitionsRequest request, Reply reply);
  void Handle(meta::NodeId from, ChangeRequest request, Reply reply);

  absl::StatusOr<meta::Records> DecideRegistration(const Term& term, const meta::Image& image,
                                                   const meta::RegisterBroker& command) const;
  AlterPartitionsReply::Result DecideAttempt(Term& term, const meta::Image& image,
                                             const AlterPartitionsRequest::Item& item, meta::Records* records) const;

  // Submits what this term wants, and holds the gate until it is done.
  void Submit(Decide decide, ControlledLog::Done done);
  absl::Status NotController() const;
  void Answer(Reply& reply, ControllerReply answer);
  void Refuse(Reply& reply, const absl::Status& status) { Answer(reply, {.status = status, .body = {}}); }

  // controller_upkeep.cc
  void BeginTerm();
  void Format();
  void ScheduleWatch();
  void Watch();
  void Fence(meta::NodeId broker);
  void ScheduleUpkeep();
  void Upkeep();
  void DrainSome();
  void BalanceLeaders();
  absl::StatusOr<meta::Records> DecideDrains(Term& term, const meta::Image& image);

  const Options options_;
  ControlledLog& log_;
  env::Transport& transport_;
  env::Shard& shard_;
  Random random_;
  env::Gate gate_;
  TermPtr term_;  // while this is the active one
};

}  // namespace leat::coordinator
