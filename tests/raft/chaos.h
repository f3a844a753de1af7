// One seed: a cluster under faults drawn from the seed, then healed, then asked to make progress.
#pragma once

#include <algorithm>
#include <string>

#include "tests/raft/sim_cluster.h"

namespace leat::raft::test {

struct SeedOptions {
  Bug bug = Bug::kNone;
  bool trace = false;
  Checks checks;
};

struct SeedResult {
  std::string violation;  // empty: none
  std::string trace;
  Offset committed;
  size_t reads_served = 0;
  uint64_t steps = 0;
  int64_t virtual_ns = 0;
};

class Chaos {
 public:
  Chaos(uint64_t seed, const SeedOptions& options) : random_(seed), cluster_{Draw(options), random_.Next()} {}

  SeedResult Run() {
    if (profile_ == Profile::kMixed) {
      Mixed();
    } else if (profile_ == Profile::kLeases) {
      Keep(kSecond / 100, [this] {
        if (!hunting_) cluster_.Propose(AnyLeader());
      });
      Keep(kSecond / 250, [this] { cluster_.Read(AnyLeader()); });
      Keep(kSecond * 2 / 3, [this] { HuntLease(); });
    } else {
      cluster_.faults.young_leaders = 700;
      cluster_.faults.crash_after_promise = static_cast<int>(random_.Below(4));
      Keep(kSecond / 200, [this] { cluster_.Propose(AnyLeader()); });
      Keep(kSecond / 30, [this] { cluster_.Read(AnyLeader()); });
      Keep(kSecond, [this] { CrashSome(); });
    }
    cluster_.RunUntil(kChaosEnd);
    if (!cluster_.checker().failed()) Heal();
    SeedResult result{cluster_.checker().violation(), cluster_.trace(), cluster_.checker().committed_end(),
                      cluster_.reads_served(),        cluster_.steps(), cluster_.now()};
    return result;
  }

 private:
  // Most seeds have a bit of everything; some look for what needs a rare order of events.
  enum class Profile { kMixed, kLeases, kYoungLeaders };
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kChaosEnd = 6 * kSecond;

  SimCluster::Config Draw(const SeedOptions& options) {
    SimCluster::Config config;
    config.nodes = static_cast<int>(random_.Between(3, 5));
    config.voters = static_cast<int>(random_.Between(random_.OneIn(4) ? 1 : 3, config.nodes));
    config.pinned = !random_.OneIn(4);
    config.trace = options.trace;
    config.checks = options.checks;
    config.options.cluster = {1, 1};
    config.options.election_timeout = absl::Milliseconds(200);
    config.options.election_jitter = absl::Milliseconds(random_.OneIn(3) ? 60 : 200);
    config.options.heartbeat_interval = absl::Milliseconds(40);
    config.options.retry_interval = absl::Milliseconds(300);
    config.options.observer_timeout = absl::Seconds(1);
    config.options.max_clock_drift = config.max_drift = random_.OneIn(5) ? 0 : 0.15;
    config.options.max_message_entries = static_cast<int>(random_.Between(1, 20));
    config.options.max_message_bytes = random_.Between(4, 400);
    config.options.max_inflight_messages = static_cast<int>(random_.Between(1, 8));
    config.options.max_snapshot_chunk_bytes = random_.Between(20, 400);
    config.options.bug = options.bug;
    const uint64_t draw = random_.Below(10);
    profile_ = draw < 6 ? Profile::kMixed : draw < 8 ? Profile::kLeases : Profile::kYoungLeaders;
    if (profile_ == Profile::kMixed) return config;
    config.voters = config.nodes = static_cast<int>(random_.OneIn(4) ? 5 : 3);
    config.options.election_jitter = absl::Milliseconds(40);
    config.options.max_clock_drift = config.max_drift = 0.15;
    if (profile_ == Profile::kYoungLeaders) config.options.max_message_entries = 1;
    return config;
  }

  void Mixed() {
    DrawFaults();
    Keep(kSecond / 60, [this] { cluster_.Propose(AnyLeader()); });
    Keep(kSecond / 30, [this] { cluster_.Read(AnyLeader()); });
    if (Family()) Keep(kSecond, [this] { CrashSome(); });
    if (Family()) Keep(kSecond * 3 / 4, [this] { CutSome(); });
    if (Family()) Keep(kSecond / 2, [this] { cluster_.TakeSnapshot(AnyNode()); });
    if (Family()) {
      Keep(kSecond / 3, [this] {
        SimCluster::Node& leader = AnyLeader();
        for (uint64_t i = random_.Below(3) + 1; i > 0; --i) cluster_.ChangeVoters(leader);
      });
    }
    if (Family()) Keep(kSecond, [this] { cluster_.Transfer(AnyLeader()); });
  }

  // A leader that loses everyone while it holds a lease. One follower has not heard of it for long and is about to
  // stand; another may restart just then, and must remember that it may have promised something.
  void HuntLease() {
    hunting_ = random_.OneIn(2);  // else the one that stands would have a log that is behind
    const SimCluster::Node& leader = AnyLeader();
    const NodeId standing = AnyNode().id;
    SimCluster::Node& restarting = AnyNode();
    if (standing != leader.id) CutBoth(leader.id, standing, true);
    cluster_.After(static_cast<int64_t>(random_.Below(300'000'000)), [this, &leader, &restarting] {
      for (size_t i = 0; i < cluster_.size(); ++i) CutBoth(leader.id, cluster_.node(i).id, true);
      if (restarting.id != leader.id && random_.OneIn(2)) {
        cluster_.Crash(restarting);
        cluster_.After(static_cast<int64_t>(random_.Below(10'000'000)), [this, &restarting] {
          if (!restarting.core) cluster_.Start(restarting);
        });
      }
    });
    cluster_.After(550'000'000, [this] {
      cluster_.HealNetwork();
      hunting_ = false;
    });
  }
  void CutBoth(NodeId a, NodeId b, bool cut) {
    cluster_.Cut(a, b, cut);
    cluster_.Cut(b, a, cut);
  }

  void DrawFaults() {
    Faults& faults = cluster_.faults;
    if (Family()) faults.loss = static_cast<int>(random_.Below(200));
    if (Family()) faults.duplicate = static_cast<int>(random_.Below(200));
    if (Family()) faults.stuck = static_cast<int>(random_.Below(50));
    if (Family()) faults.mean_delay = random_.Between(100'000, 30'000'000);
    if (Family()) faults.sync_time = random_.Between(100'000, 20'000'000);
    if (Family()) faults.slow_sync = static_cast<int>(random_.Below(100));
    if (Family()) faults.crash_after_promise = static_cast<int>(random_.Below(8));
    if (Family()) faults.slow_read = static_cast<int>(random_.Below(100));
  }
  bool Family() { return !random_.OneIn(3); }

  // Does `what` again and again until the chaos ends, at random times with this mean distance.
  template <typename What>
  void Keep(int64_t mean, What what) {
    const auto wait = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * mean)));
    if (cluster_.now() + wait >= kChaosEnd) return;
    cluster_.After(wait, [this, mean, what] {
      what();
      Keep(mean, what);
    });
  }

  SimCluster::Node& AnyNode() { return cluster_.node(random_.Below(cluster_.size())); }
  // A node that believes that it leads, if there is one: old leaders must be asked, too.
  SimCluster::Node& AnyLeader() {
    const size_t first = random_.Below(cluster_.size());
    for (size_t i = 0; i < cluster_.size(); ++i) {
      SimCluster::Node& node = cluster_.node((first + i) % cluster_.size());
      if (node.core && node.core->role() == Role::kLeader) return node;
    }
    return cluster_.node(first);
  }

  void CrashSome() {
    const bool all = random_.OneIn(8);
    for (size_t i = 0; i < cluster_.size(); ++i) {
      SimCluster::Node& node = all ? cluster_.node(i) : AnyNode();
      cluster_.Crash(node);
      const auto down = static_cast<int64_t>(random_.Below(random_.OneIn(2) ? 20'000'000 : 800'000'000));
      cluster_.After(down, [this, &node] {
        if (!node.core) cluster_.Start(node);
      });
      if (!all) return;
    }
  }

  void CutSome() {
    const auto heals = static_cast<int64_t>(random_.Below(1'000'000'000));
    std::vector<std::pair<NodeId, NodeId>> cuts;
    // The leader is the most interesting to lose.
    const NodeId victim = (random_.OneIn(2) ? AnyLeader() : AnyNode()).id;
    const uint64_t shape = random_.Below(4);  // one way in, one way out, both, one link
    const NodeId other = AnyNode().id;
    for (size_t i = 0; i < cluster_.size(); ++i) {
      const NodeId id = cluster_.node(i).id;
      if (id == victim || (shape == 3 && id != other)) continue;
      if (shape != 1) cuts.emplace_back(id, victim);
      if (shape != 0) cuts.emplace_back(victim, id);
    }
    for (const auto& [from, to] : cuts) cluster_.Cut(from, to, true);
    cluster_.After(heals, [this, cuts] {
      for (const auto& [from, to] : cuts) cluster_.Cut(from, to, false);
    });
  }

  // Everything works again: there is a leader soon, it stays, and what is proposed reaches everyone.
  void Heal() {
    cluster_.faults = Faults{};
    cluster_.HealNetwork();
    for (size_t i = 0; i < cluster_.size(); ++i) {
      if (!cluster_.node(i).core) cluster_.Start(cluster_.node(i));
    }
    const Term before = HighestTerm();
    cluster_.RunUntil(kChaosEnd + 3 * kSecond);
    if (cluster_.checker().failed()) return;
    SimCluster::Node* leader = cluster_.Leader();
    if (leader == nullptr) return cluster_.checker().Fail("liveness: no leader three seconds after healing");
    if (HighestTerm() - before > 3) {
      return cluster_.checker().Fail(StrCat("liveness: ", HighestTerm() - before, " terms after healing"));
    }
    const Term settled = HighestTerm();
    const Offset target = leader->core->log_end() + 1;
    cluster_.Propose(*leader);
    cluster_.Read(*leader);
    const size_t reads = cluster_.reads_served();
    cluster_.RunUntil(kChaosEnd + 4 * kSecond);
    if (cluster_.checker().failed()) return;
    if (HighestTerm() != settled) return cluster_.checker().Fail("liveness: a settled leader was replaced");
    if (cluster_.reads_served() < reads) return cluster_.checker().Fail("liveness: a read was not answered");
    for (size_t i = 0; i < cluster_.size(); ++i) {
      if (cluster_.node(i).core->commit_end() < target) {
        return cluster_.checker().Fail(StrCat("liveness: node ", i + 1, " is at ", cluster_.node(i).core->commit_end(),
                                              " of ", target, " after healing"));
      }
    }
  }
  Term HighestTerm() {
    Term highest;
    for (size_t i = 0; i < cluster_.size(); ++i) highest = std::max(highest, cluster_.node(i).core->term());
    return highest;
  }

  Random random_;
  Profile profile_ = Profile::kMixed;
  bool hunting_ = false;
  SimCluster cluster_;
};

inline SeedResult RunSeed(uint64_t seed, const SeedOptions& options) { return Chaos(seed, options).Run(); }

}  // namespace leat::raft::test
