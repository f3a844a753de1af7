// A cluster of cores in one thread on virtual time: clocks that drift, disks that lose power, a network that loses,
// repeats, delays, reorders and is cut in one direction. Every choice comes from one seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "raft/core.h"
#include "raft/describe.h"
#include "tests/raft/checker.h"
#include "tests/raft/node_disk.h"

namespace leat::raft::test {

// Probabilities are in thousandths; times in nanoseconds of the virtual clock.
struct Faults {
  int loss = 0;
  int duplicate = 0;
  int stuck = 0;  // a message comes up to two seconds late
  int64_t mean_delay = 1'000'000;
  int64_t sync_time = 500'000;
  int slow_sync = 0;  // a sync takes up to half a second
  int slow_read = 0;
  int young_leaders = 0;        // a leader is muted or loses power just after its election
  int crash_after_promise = 0;  // the power goes just after a vote or an acknowledgement
};

class SimCluster {
 public:
  struct Config {
    int nodes = 3;
    int voters = 3;  // nodes 1..voters
    Options options;
    bool pinned = true;    // whether the first voter set names directories
    double max_drift = 0;  // of the clocks
    bool trace = false;
    Checks checks;
  };

  SimCluster(Config config, uint64_t seed) : config_(std::move(config)), random_(seed), checker_(config_.checks) {
    std::vector<Peer> voters;
    for (int id = 1; id <= config_.voters; ++id) {
      voters.push_back({NodeId{id}, config_.pinned ? Directory(id) : model::Uuid{}});
    }
    config_.options.initial_voters = VoterSet(voters);
    for (int id = 1; id <= config_.nodes; ++id) {
      auto node = std::make_unique<Node>();
      node->id = NodeId{id};
      node->random = std::make_unique<Random>(random_.Next());
      // The ends of the bound are where leases break.
      const double drift = random_.OneIn(2) ? random_.Unit() * 2 - 1 : (random_.OneIn(2) ? 1 : -1);
      node->rate = 1 + drift * config_.max_drift;
      node->offset = static_cast<int64_t>(random_.Below(1'000'000'000'000));
      nodes_.push_back(std::move(node));
    }
    cut_.assign(static_cast<size_t>(config_.nodes + 1),
                std::vector<bool>(static_cast<size_t>(config_.nodes + 1), false));
    for (auto& node : nodes_) Start(*node);
  }

  struct Node {
    NodeId id;
    std::unique_ptr<Random> random;
    std::unique_ptr<Core> core;  // null: down
    NodeDisk disk;
    double rate = 1;
    int64_t offset = 0;
    int life = 0;  // counts starts: what belongs to an earlier one is void
    int64_t tick_at = -1;
    bool syncing = false;
    Offset applied{0};
    std::map<uint64_t, Offset> reads;  // ticket -> what was committed when it was asked
    Vote last_vote;
  };

  Faults faults;
  // Node ids whose cores found their disks rolled back, which is a violation unless a test did it.
  bool rollback_expected = false;
  std::vector<NodeId> rolled_back;
  Random& random() { return random_; }
  Checker& checker() { return checker_; }
  int64_t now() const { return now_; }
  size_t size() const { return nodes_.size(); }
  Node& node(size_t index) { return *nodes_[index]; }
  const std::string& trace() const { return trace_; }
  size_t reads_served() const { return reads_served_; }
  uint64_t steps() const { return steps_; }
  static model::Uuid Directory(int id) { return {static_cast<uint64_t>(id), 7}; }
  static Peer PeerOf(NodeId id) { return {id, Directory(id.value())}; }
  Instant Clock(const Node& node) const {
    return Instant::FromNanos(node.offset + static_cast<int64_t>(static_cast<double>(now_) * node.rate));
  }

  // The node that leads the newest term, or null.
  Node* Leader() {
    Node* leader = nullptr;
    for (auto& node : nodes_) {
      if (!node->core || node->core->role() != Role::kLeader) continue;
      if (leader == nullptr || node->core->term() > leader->core->term()) leader = node.get();
    }
    return leader;
  }

  void After(int64_t delay, std::function<void()> what) { events_.push({now_ + delay, ++sequence_, std::move(what)}); }

  // Runs until the virtual time, or a violation.
  void RunUntil(int64_t until) {
    while (!checker_.failed() && !events_.empty() && events_.top().at <= until) {
      // The queue's top is const; its function is moved out just before it goes.
      Event event = std::move(const_cast<Event&>(events_.top()));
      events_.pop();
      now_ = event.at;
      ++steps_;
      event.what();
    }
    now_ = std::max(now_, until);
  }

  void Start(Node& node) {
    ++node.life;
    node.tick_at = -1;
    node.syncing = false;
    Options options = config_.options;
    options.self = PeerOf(node.id);
    const Restored restored = node.disk.Restore();
    checker_.OnRestart(node.id, restored.vote, node.last_vote);
    auto core = Core::Open(options, restored, *node.random, Clock(node));
    if (!core.ok()) return checker_.Fail(StrCat("node ", node.id, " cannot start: ", leat::Message(core.status())));
    node.core = *std::move(core);
    node.applied = node.core->commit_end();
    Trace(node, "starts");
    CarryOut(node);
  }

  void Crash(Node& node) {
    if (!node.core) return;
    Trace(node, "crashes");
    node.core.reset();
    node.reads.clear();
    ++node.life;
    node.disk.PowerCut(random_);
    node.last_vote = node.disk.durable().vote;
  }

  // Puts back a disk as it was at an earlier time. REQUIRES: the node is down.
  void RollBack(Node& node, const DiskState& old) {
    node.disk.RollBackTo(old);
    node.last_vote = old.vote;
  }
  void Cut(NodeId from, NodeId to, bool cut) { cut_[Index(from)][Index(to)] = cut; }
  // Nothing that the node sends arrives for a while.
  void Mute(const Node& node, int64_t time) {
    for (const auto& other : nodes_) Cut(node.id, other->id, true);
    After(time, [this, &node] {
      for (const auto& other : nodes_) Cut(node.id, other->id, false);
    });
  }
  void HealNetwork() {
    for (auto& row : cut_) row.assign(row.size(), false);
  }

  void Propose(Node& node) {
    if (!node.core) return;
    std::vector<std::string> payloads;
    for (uint64_t i = 1 + random_.Below(3); i > 0; --i) payloads.push_back(StrCat("p", ++proposed_));
    (void)node.core->Propose(std::move(payloads), Clock(node)).ok();
    CarryOut(node);
  }
  void Read(Node& node) {
    if (!node.core) return;
    const uint64_t ticket = ++tickets_;
    node.reads[ticket] = checker_.committed_end();
    if (!node.core->Read(ticket, Clock(node)).ok()) node.reads.erase(ticket);
    CarryOut(node);
  }
  void TakeSnapshot(Node& node) {
    if (!node.core) return;
    const Offset end = std::min(node.applied, node.core->durable_end());
    const DiskState& disk = node.disk.current();
    const Offset floor = disk.snapshot ? disk.snapshot->point.end : Offset{0};
    if (node.disk.busy() || end <= floor || end < disk.start) return;
    const Offset start = disk.start + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(end - disk.start) + 1));
    StoredSnapshot snapshot{{end, *disk.TermBefore(end)},
                            node.core->VotersUpTo(end),
                            std::string(random_.Below(300), static_cast<char>('a' + end.value() % 26))};
    const absl::Status status = node.core->OnSnapshot(end, static_cast<int64_t>(snapshot.bytes.size()), start);
    if (!status.ok()) return checker_.Fail(StrCat("snapshot refused: ", leat::Message(status)));
    node.disk.Store(std::move(snapshot), start);
    CarryOut(node);
  }
  void ChangeVoters(Node& node) {
    if (!node.core) return;
    const NodeId id{static_cast<int32_t>(1 + random_.Below(nodes_.size()))};
    if (node.core->voters().Find(id) == nullptr) {
      (void)node.core->AddVoter(PeerOf(id), Clock(node)).ok();
    } else {
      (void)node.core->RemoveVoter(PeerOf(id), Clock(node)).ok();
    }
    CarryOut(node);
  }
  void Transfer(Node& node) {
    if (!node.core) return;
    (void)node.core->TransferLeadership(kNobody, Clock(node)).ok();
    CarryOut(node);
  }

 private:
  struct Event {
    int64_t at;
    uint64_t sequence;
    std::function<void()> what;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : sequence > other.sequence; }
  };

  static size_t Index(NodeId id) { return static_cast<size_t>(id.value()); }
  void Trace(const Node& node, std::string_view text) {
    if (config_.trace) StrAppend(&trace_, now_ / 1000, "us ", node.id, ": ", text, "\n");
  }

  // Runs `what` later, if the node is still in the same life.
  void Later(Node& node, int64_t delay, std::function<void()> what) {
    After(delay, [&node, life = node.life, what = std::move(what)] {
      if (node.core && node.life == life) what();
    });
  }

  void CarryOut(Node& node) {
    if (!node.core) return;
    for (Effect& effect : node.core->TakeEffects()) {
      if (config_.trace) Trace(node, Describe(effect));
      std::visit([&](auto& what) { Do(node, what); }, effect);
      if (checker_.failed()) return;
    }
    ScheduleSync(node);
    ScheduleTick(node);
  }

  void ScheduleTick(Node& node) {
    const Instant deadline = node.core->NextDeadline();
    if (deadline == Instant::Max()) return;
    const auto local = static_cast<double>(deadline.nanos() - node.offset);
    const int64_t at = std::max(now_, static_cast<int64_t>(local / node.rate) + 2);
    if (node.tick_at >= now_ && node.tick_at <= at) return;  // that tick will ask again
    node.tick_at = at;
    Later(node, at - now_, [this, &node, at] {
      if (node.tick_at == at) node.tick_at = -1;
      node.core->Tick(Clock(node));
      CarryOut(node);
    });
  }

  void ScheduleSync(Node& node) {
    if (node.syncing || !node.disk.busy()) return;
    node.syncing = true;
    int64_t time = 1 + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * faults.sync_time)));
    if (Chance(faults.slow_sync)) time = static_cast<int64_t>(random_.Below(500'000'000));
    const size_t count = node.disk.pending();
    Later(node, time, [this, &node, count] {
      node.syncing = false;
      const WriteId through = node.disk.Sync(count);
      node.last_vote = node.disk.durable().vote;
      node.core->OnDurable(through, Clock(node));
      CarryOut(node);
    });
  }

  bool Chance(int thousandths) { return thousandths > 0 && random_.Below(1000) < static_cast<uint64_t>(thousandths); }

  void Do(Node& node, const PersistVote& effect) { node.disk.Write(effect); }
  void Do(Node& node, const AppendEntries& effect) {
    node.disk.Write(effect);
    checker_.OnAppend(node.id, effect.entries, node.disk.current());
  }
  void Do(Node& node, const TruncateFrom& effect) { node.disk.Write(effect); }
  void Do(Node& node, const InstallSnapshot& effect) {
    node.disk.Write(effect);
    node.applied = effect.snapshot.end;
    const std::string& bytes = node.disk.current().snapshot->bytes;
    if (static_cast<int64_t>(bytes.size()) != effect.bytes) checker_.Fail("a snapshot came in with another length");
    for (char c : bytes) {
      if (c != 'a' + effect.snapshot.end.value() % 26) return checker_.Fail("a snapshot came in with other bytes");
    }
    checker_.OnSnapshot(node.id, effect.snapshot);
  }
  void Do(Node& node, const WriteSnapshotChunk& effect) { node.disk.Write(effect); }
  void Do(Node& node, const ReadEntries& effect) {
    const auto answer = [this, &node, effect] {
      const DiskState& disk = node.disk.current();
      std::vector<Entry> entries;
      int64_t bytes = 0;
      for (Offset at = effect.first; at >= disk.start && at < std::min(effect.end, disk.end()); ++at) {
        bytes += static_cast<int64_t>(disk.At(at).payload.size());
        if (!entries.empty() && bytes > effect.max_bytes) break;
        entries.push_back(disk.At(at));
      }
      node.core->OnRead(effect.read, std::move(entries), Clock(node));
      CarryOut(node);
    };
    Later(node, Chance(faults.slow_read) ? static_cast<int64_t>(random_.Below(100'000'000)) : 0, answer);
  }
  void Do(Node& node, const ReadSnapshot& effect) {
    Later(node, 0, [this, &node, effect] {
      const auto& snapshot = node.disk.current().snapshot;
      if (!snapshot || snapshot->point != effect.snapshot) {
        node.core->OnSnapshotRead(effect.read, "", ChunkEnd::kFailed, Clock(node));
      } else {
        std::string bytes =
            snapshot->bytes.substr(static_cast<size_t>(effect.position), static_cast<size_t>(effect.max_bytes));
        const bool last = static_cast<size_t>(effect.position) + bytes.size() == snapshot->bytes.size();
        node.core->OnSnapshotRead(effect.read, std::move(bytes), last ? ChunkEnd::kLast : ChunkEnd::kMore, Clock(node));
      }
      CarryOut(node);
    });
  }
  static bool Promises(const Body& body) {
    if (const auto* vote = std::get_if<VoteReply>(&body)) return vote->granted && vote->kind != VoteKind::kPreVote;
    const auto* ack = std::get_if<AppendReply>(&body);
    return ack != nullptr && ack->result == AppendResult::kMatched;
  }
  void Do(Node& node, Send& effect) {
    checker_.OnSend(effect.message, node.disk.durable(), node.disk.current());
    const Message& message = effect.message;
    const bool vote = std::holds_alternative<VoteReply>(message.body);
    if (Promises(message.body) && Chance(vote ? 10 * faults.crash_after_promise : faults.crash_after_promise)) {
      Later(node, static_cast<int64_t>(random_.Below(1'000'000)), [this, &node] {
        Crash(node);
        After(static_cast<int64_t>(random_.Below(20'000'000)), [this, &node] {
          if (!node.core) Start(node);
        });
      });
    }
    if (cut_[Index(message.from.id)][Index(message.to.id)] || Chance(faults.loss)) return;
    const int copies = Chance(faults.duplicate) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      int64_t delay = 20'000 + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * faults.mean_delay)));
      if (Chance(faults.stuck)) delay += static_cast<int64_t>(random_.Below(2'000'000'000));
      Node& to = *nodes_[Index(message.to.id) - 1];
      // Not bound to the receiver's life: a network knows nothing of restarts.
      After(delay, [this, &to, received = message] {
        if (!to.core) return;
        to.core->Receive(received, Clock(to));
        CarryOut(to);
      });
    }
  }
  void Do(Node& node, const Commit& effect) {
    checker_.OnCommit(node.id, node.applied, effect.end, node.disk.current());
    node.applied = effect.end;
  }
  void Do(Node& node, const BecomeLeader& effect) {
    checker_.OnLeader(node.id, effect.term, *node.core);
    if (!Chance(faults.young_leaders)) return;
    // Not even its first entry leaves.
    if (random_.OneIn(3)) return Mute(node, static_cast<int64_t>(random_.Below(600'000'000)));
    Later(node, static_cast<int64_t>(random_.Below(6'000'000)), [this, &node] {
      if (random_.OneIn(2)) return Mute(node, static_cast<int64_t>(random_.Below(150'000'000)));
      Crash(node);
      After(static_cast<int64_t>(random_.Below(200'000'000)), [this, &node] {
        if (!node.core) Start(node);
      });
    });
  }
  void Do(Node&, const BecomeFollower&) {}
  void Do(Node& node, const ReadReady& effect) {
    const auto asked = node.reads.find(effect.ticket);
    if (asked == node.reads.end()) return checker_.Fail("a read was answered twice");
    checker_.OnRead(node.id, asked->second, effect.end);
    node.reads.erase(asked);
    ++reads_served_;
  }
  void Do(Node& node, const ReadFailed& effect) { node.reads.erase(effect.ticket); }
  void Do(Node&, const VoterChangeDone&) {}
  void Do(Node&, const TransferFailed&) {}
  void Do(Node& node, const Refuse& effect) {
    if (rollback_expected && effect.fatal && effect.reason == RefusalReason::kDiskRolledBack) {
      return rolled_back.push_back(node.id);
    }
    // Nothing here is hostile: what is refused for good was broken by the cores.
    if (effect.fatal || effect.reason == RefusalReason::kMalformed ||
        effect.reason == RefusalReason::kSnapshotDamaged) {
      checker_.Fail(StrCat("node ", node.id, ": ", Describe(Effect(effect))));
    }
  }

  Config config_;
  Random random_;
  Checker checker_;
  int64_t now_ = 0;
  uint64_t sequence_ = 0;
  uint64_t steps_ = 0;
  std::priority_queue<Event> events_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::vector<bool>> cut_;
  uint64_t proposed_ = 0;
  uint64_t tickets_ = 0;
  size_t reads_served_ = 0;
  std::string trace_;
};

}  // namespace leat::raft::test
