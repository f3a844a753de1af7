// Drives one raft::Core on a shard, a disk, a partition log and the network: carries its effects out in order, applies
// what is committed to a state machine, makes snapshots of it. The quorum of one voter works without a network and is
// led from the start. What a driver owes the core: docs/internals/raft.md.
//
// One shard. A node whose disk fails, or that the core tells to stop, takes no part any more until it is restarted;
// `failure` says why.
#pragma once

#include <absl/functional/any_invocable.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "coordinator/raft_codec.h"
#include "coordinator/raft_snapshots.h"
#include "coordinator/raft_storage.h"
#include "env/metrics.h"
#include "env/shard.h"
#include "env/transport.h"
#include "raft/core.h"

namespace leat::coordinator {

// What the entries are about. Called on the host's shard; Propose and the like may be called from inside, except from
// Apply and Load.
class RaftMachine {
 public:
  virtual ~RaftMachine() = default;
  // The payloads of data entries, each once, in order. An error stops the node.
  virtual absl::Status Apply(raft::Offset offset, std::string_view payload) = 0;
  // Replaces the state by that of a snapshot: at the start, and when this node was far behind.
  virtual absl::Status Load(const StateRecords& records, raft::Offset end) = 0;
  // At the start: an entry that the log holds behind the snapshot. It may never be committed.
  virtual void Foresee(std::string_view payload) = 0;
  // Gives the state as it is now as records. What it returns runs later, on any thread.
  virtual absl::AnyInvocable<StateRecords()> Freeze() = 0;
  // Everything that was committed so far is applied, or who leads has changed.
  virtual void OnProgress() = 0;
  // Proposals that are not applied yet have an unknown outcome now: leadership was lost, or (kResourceExhausted) the
  // disk is full; or the node stopped.
  virtual void OnUncertain(const absl::Status& why) = 0;
};

// Where nodes listen, as far as this one knows. A node that no metadata name yet (it has no vote and has not
// registered), or that has moved, says so in the messages with which it looks for the leader.
class RaftAddresses {
 public:
  virtual ~RaftAddresses() = default;
  virtual std::string AddressOf(raft::NodeId node) const = 0;  // this node's too; empty: not known
  virtual void Learn(raft::NodeId node, std::string_view address) = 0;
};

// What DescribeQuorum tells.
struct QuorumMember {
  raft::Peer peer;
  bool voter = false;
  raft::Offset log_end{-1};                  // durable there, as far as the leader knows; -1: unknown
  int64_t lag = -1;                          // entries that the leader has and this one has not; -1: unknown
  std::optional<int64_t> last_fetch_ms;      // wall time of its last answer
  std::optional<int64_t> last_caught_up_ms;  // when it last had everything
};
struct QuorumDescription {
  raft::NodeId leader = raft::kNobody;
  raft::Term term;
  raft::Offset commit_end;
  raft::Offset log_start;
  raft::Offset log_end;
  raft::VoterSet voters;
  // Of a leader all voters and observers, by id; of another node itself.
  std::vector<QuorumMember> members;
};

class RaftHost {
 public:
  struct Options {
    // Cluster, self, first voters, times, limits. A directory of zero is read from the disk or made.
    raft::Options raft;
    std::string folder;                 // of the log, where quorum-state and the snapshots lie too
    int64_t snapshot_entries = 50'000;  // applied since the last snapshot: make the next one
    int64_t snapshot_bytes = int64_t{16} << 20;
    // Messages are dropped while more than this waits for the disk.
    size_t max_waiting_bytes = size_t{64} << 20;
    RaftCodecLimits codec;
    uint64_t random_seed = 0;
  };
  // All outlive the host.
  struct Ports {
    env::Disk* disk = nullptr;
    env::Shard* shard = nullptr;
    log::PartitionLog* log = nullptr;     // nobody else writes to it
    env::Transport* transport = nullptr;  // null: there are no other nodes
    env::Metrics* metrics = nullptr;      // null: none
    RaftAddresses* addresses = nullptr;   // null: all nodes are known to each other
  };

  // Reads the disk and brings `machine`, which outlives the host, to what is known to be committed: the newest
  // snapshot, and for an only voter everything. Nothing is sent or written before Start. kDataLoss,
  // kFailedPrecondition: this disk must not take part; kUnimplemented: a newer program wrote it.
  static absl::StatusOr<std::unique_ptr<RaftHost>> Open(Options options, const Ports& ports, RaftMachine& machine);
  ~RaftHost();

  void Start();
  void NoteGone(raft::NodeId node);  // nothing listens any more where the node did
  // Hands leadership over if it can, then takes no more part; `closed` when no disk work is under way.
  void Close(env::Closure closed);

  // Appends one entry for each payload. They are applied later, or OnUncertain comes. kUnavailable (NOT_CONTROLLER):
  // this node does not lead. kResourceExhausted: the disk is full or too much is under way; nothing was appended.
  absl::StatusOr<raft::Proposed> Propose(std::vector<std::string> payloads);
  // `done` when everything that was committed at the call is applied here, on a leader that was one at the call.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  void ReadBarrier(Done done);
  void AddVoter(const raft::Peer& voter, Done done);
  void RemoveVoter(const raft::Peer& voter, Done done);
  absl::Status TransferLeadership(raft::NodeId target);  // kNobody: to the most advanced voter
  absl::Status TakeSnapshot();                           // now, if there is anything new

  bool is_leader() const { return failure_.ok() && core_->role() == raft::Role::kLeader; }
  // Leads, and has applied everything that was committed before its term.
  bool active() const { return is_leader() && applied_end_ > leading_from_; }
  // Has applied entries of the leader's term: all that was committed before it.
  bool caught_up() const;
  bool is_voter() const { return core_->IsVoter(); }
  const raft::VoterSet& voters() const { return core_->voters(); }
  bool is_only_voter() const { return core_->IsVoter() && core_->voters().size() == 1; }
  raft::NodeId leader() const { return failure_.ok() ? core_->leader() : raft::kNobody; }
  raft::Term term() const { return core_->term(); }
  const raft::Peer& self() const { return options_.raft.self; }
  raft::Offset applied_end() const { return applied_end_; }
  raft::Offset commit_end() const { return core_->commit_end(); }
  raft::Offset log_end() const { return core_->log_end(); }
  raft::LogPoint newest_snapshot() const { return core_->snapshot() ? core_->snapshot()->point : raft::LogPoint{}; }
  const absl::Status& failure() const { return failure_; }         // OK: it takes part
  const absl::Status& stall() const { return storage_->stall(); }  // OK: the disk takes writes
  uint64_t elections() const { return elections_; }                // terms that have begun in this node's life
  QuorumDescription Describe() const;
  absl::Status NotLeading() const;  // kUnavailable, NOT_CONTROLLER, with the leader's id

 private:
  struct Waiter {
    raft::Offset end;
    Done done;
  };
  struct Gauges {
    explicit Gauges(env::Metrics& metrics);
    env::Gauge& term;
    env::Gauge& leader;
    env::Gauge& active;
    env::Gauge& commit_end;
    env::Gauge& log_end;
    env::Gauge& failed;
    env::Counter& elections;
    uint64_t counted = 0;
  };

  RaftHost(Options options, const Ports& ports, RaftMachine& machine, QuorumState state);
  absl::Status Restore();
  absl::StatusOr<raft::Restored> ReadDisk();
  RaftStorage::Events MakeEvents();

  // Calls the core unless the node has stopped, and carries out what it says.
  template <typename Input>
  void Run(Input input);
  void CarryOut();
  void Do(raft::PersistVote& effect);
  void Do(raft::AppendEntries& effect) { storage_->Add(std::move(effect)); }
  void Do(raft::TruncateFrom& effect) { storage_->Add(effect); }
  void Do(raft::InstallSnapshot& effect) { storage_->Add(std::move(effect)); }
  void Do(raft::WriteSnapshotChunk& effect) { storage_->Add(std::move(effect)); }
  void Do(raft::ReadEntries& effect);
  void Do(raft::ReadSnapshot& effect);
  void Do(raft::Send& effect);
  void Do(raft::Commit& effect) { storage_->Add(effect); }
  void Do(raft::BecomeLeader& effect);
  void Do(raft::BecomeFollower& effect);
  void Do(raft::ReadReady& effect);
  void Do(raft::ReadFailed& effect);
  void Do(raft::VoterChangeDone& effect);
  void Do(raft::TransferFailed& effect);
  void Do(raft::Refuse& effect);

  void Receive(int32_t from, std::string_view bytes);
  std::string AddressFor(const raft::Body& body) const;
  void ArmTick();
  void ApplyTo(raft::Offset end);
  void Installed(const LoadedSnapshot& loaded);
  void Progressed();
  void MaybeSnapshot();
  void FinishSnapshot(const raft::LogPoint& point, absl::StatusOr<int64_t> bytes);
  bool MakeWay();  // true: leadership is being handed over
  void Fail(const absl::Status& why);
  void FinishClose();
  void FailRequests(const absl::Status& why);
  void NoteFollowers();
  QuorumMember Describe(const raft::Progress& progress) const;
  void UpdateGauges();

  Options options_;
  const Ports ports_;
  RaftMachine& machine_;
  Random random_;
  env::Gate gate_;
  std::unique_ptr<RaftStorage> storage_;
  std::unique_ptr<raft::Core> core_;
  std::deque<raft::Effect> effects_;
  bool carrying_out_ = false;
  bool started_ = false;
  bool closing_ = false;  // Close was called
  bool stopped_ = false;  // takes no part any more
  absl::Status failure_;

  raft::Offset applied_end_{0};
  raft::Term applied_term_{0};  // of the last entry applied
  raft::Offset leading_from_{0};
  bool leading_ = false;
  raft::Term last_term_{0};
  uint64_t elections_ = 0;
  std::map<raft::NodeId, Instant> caught_up_;  // of a leader: when each of the others last had everything
  std::map<uint64_t, Done> reads_;             // that the core has not answered
  std::deque<Waiter> waiters_;                 // for entries to be applied
  uint64_t next_ticket_ = 1;
  Done voter_change_;

  bool making_snapshot_ = false;
  int64_t applied_bytes_ = 0;  // since the last snapshot
  std::unique_ptr<env::Timer> tick_;
  Instant tick_at_ = Instant::Max();
  uint64_t dropped_ = 0;
  std::string last_refusal_;
  env::Closure closed_;
  std::unique_ptr<env::Timer> close_timer_;
  std::unique_ptr<Gauges> gauges_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace leat::coordinator
