// Quorums of real hosts under power cuts, crashes, cut links, slow and full disks, with snapshots all the time: what
// was acknowledged stays, all nodes make the same of the same log, one controller a term, and it goes on after healing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/sim_hosts.h"
#include "tests/support/seeds.h"

namespace leat::coordinator::test {
namespace {

using ::testing::HasSubstr;

struct Totals {
  size_t acked = 0;
  size_t terms = 0;
  size_t snapshots = 0;
};

class Chaos {
 public:
  Chaos(SimHosts& quorum, bool quiet_disks) : q_(quorum), quiet_disks_(quiet_disks) {}

  void Run(Duration span) {
    const Instant end = q_.world.Now() + span;
    while (q_.world.Now() < end && q_.violation.empty()) {
      Act();
      q_.world.RunFor(absl::Milliseconds(q_.random.Below(120)));
    }
  }
  // Everything is well again, and everybody is up.
  void Heal() {
    q_.network.Heal();
    q_.network.SetFaults({});
    for (auto& node : q_.nodes) {
      node->disk->faults() = {};
      if (!node->disk->dark()) node->disk->LosePowerAfter(UINT64_MAX);
      node->slowest_disk = absl::Milliseconds(2);
      if (node->up() && node->metadata->quorum().failure().ok() && !node->disk->dark()) continue;
      q_.PowerCut(*node);
      q_.Start(*node);
    }
  }

 private:
  SimHosts::Node& Any() { return *q_.nodes[q_.random.Below(q_.nodes.size())]; }

  void Act() {
    const uint64_t what = q_.random.Below(100);
    SimHosts::Node& node = Any();
    if (what < 60) return Submit(node);
    if (what < 70) return Stop(node);
    if (what < 78) return Link();
    if (what < 84) return Disk(node);
    if (what < 88) return Transfer();
    if (what < 92) return NetworkWeather();
    if (!node.up()) q_.Start(node);
  }
  void Submit(SimHosts::Node& any) {
    SimHosts::Node* active = q_.Active();
    SimHosts::Node& node = active != nullptr && !q_.random.OneIn(6) ? *active : any;
    if (!node.up()) return;
    for (uint64_t i = 1 + q_.random.Below(4); i > 0; --i) q_.Submit(node);
  }
  void Stop(SimHosts::Node& node) {
    if (!node.up()) return q_.Start(node);
    if (!quiet_disks_ && q_.random.OneIn(3)) {
      // In the middle of what the disk does next.
      node.disk->LosePowerAfter(q_.random.Below(12));
      return;
    }
    if (quiet_disks_ || q_.random.OneIn(3)) {
      q_.Crash(node);
    } else {
      q_.PowerCut(node);
    }
    Restart(node);
  }
  void Restart(SimHosts::Node& node) {
    node.slowest_disk = q_.random.OneIn(4) ? absl::Milliseconds(200) : absl::Milliseconds(2);
    if (q_.random.OneIn(3)) return;  // later
    q_.world.RunFor(absl::Milliseconds(q_.random.Below(300)));
    q_.Start(node);
  }
  void Link() {
    if (q_.random.OneIn(3)) return q_.network.Heal();
    const int a = Any().id;
    const int b = Any().id;
    if (a == b) return q_.network.Isolate(a);
    q_.random.OneIn(2) ? q_.network.CutBoth(a, b) : q_.network.Cut(a, b);
  }
  void Disk(SimHosts::Node& node) {
    if (node.disk->dark()) {
      q_.PowerCut(node);
      return Restart(node);
    }
    if (quiet_disks_) return;
    auto& capacity = node.disk->faults().capacity_bytes;
    if (capacity) {
      capacity.reset();
    } else {
      capacity = node.disk->used_bytes() + q_.random.Below(4000);
    }
  }
  void Transfer() {
    if (SimHosts::Node* active = q_.Active())
      active->metadata->quorum().TransferLeadership(raft::kNobody).IgnoreError();
  }
  void NetworkWeather() {
    sim::NetworkFaults faults;
    if (q_.random.OneIn(2)) {
      faults.loss = 0.05;
      faults.duplicate = 0.05;
      faults.reorder = 0.1;
      faults.stuck = 0.01;
      faults.max_stuck = absl::Seconds(3);
      faults.reset = 0.01;
    }
    q_.network.SetFaults(faults);
  }

  SimHosts& q_;
  const bool quiet_disks_;
};

void RunSeed(uint64_t seed, Totals* totals) {
  Random random(seed);
  const SimHosts::Config config{.nodes = random.OneIn(4) ? 5 : 3,
                                .voters = 3,
                                .snapshot_entries = random.OneIn(4) ? 50'000 : random.Between(2, 30)};
  SimHosts::Config full = config;
  if (random.OneIn(2)) full.voters = full.nodes;
  SimHosts q(full, seed);
  q.StartAll();
  Chaos chaos(q, random.OneIn(4));
  for (int round = 0; round < 2 && q.violation.empty(); ++round) {
    chaos.Run(absl::Seconds(3));
    chaos.Heal();
    if (!q.Progress(absl::Seconds(20))) q.Fail(StrCat("no progress after healing", q.State()));
    if (q.violation.empty() && !q.Agree(absl::Seconds(20)))
      q.Fail(StrCat("the nodes do not agree after healing", q.State()));
  }
  totals->acked += q.acked.size();
  totals->terms += q.active_in.size();
  for (auto& node : q.nodes) {
    if (node->up()) totals->snapshots += node->metadata->quorum().newest_snapshot().end > raft::Offset{0};
  }
  ASSERT_EQ(q.violation, "") << "LEAT_SEED=" << seed
                             << " leat_coordinator_test --gtest_filter=RaftHostSimulation.KeepsWhatItAcknowledged";
}

TEST(RaftHostSimulation, KeepsWhatItAcknowledged) {
  const sim::Seeds seeds = sim::SeedsToRun(320);
  Totals totals;
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    RunSeed(seed, &totals);
    if (::testing::Test::HasFatalFailure()) return;
  }
  if (seeds.replay) return;
  EXPECT_GT(totals.acked, 20 * seeds.count);
  EXPECT_GT(totals.terms, 4 * seeds.count);
  EXPECT_GT(totals.snapshots, seeds.count);
}

TEST(RaftHostSimulation, AWipedDiskIsNotCountedUntilItIsAddedAgain) {
  SimHosts q({.nodes = 3, .voters = 3, .snapshot_entries = 5}, 3);
  q.StartAll();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(q.Progress()) << q.violation;
  ASSERT_TRUE(q.Agree());
  SimHosts::Node& leader = *q.Active();
  SimHosts::Node& wiped = *q.nodes[leader.id == 1 ? 1 : 0];
  SimHosts::Node& third = *q.nodes[leader.id == 3 ? 1 : 2];
  ASSERT_NE(wiped.id, third.id);
  const raft::Peer before = wiped.metadata->quorum().self();
  q.Crash(wiped);
  wiped.disk = std::make_unique<sim::SimDisk>(77);
  q.Start(wiped);
  const raft::Peer after = wiped.metadata->quorum().self();
  EXPECT_NE(after.directory, before.directory);
  ASSERT_TRUE(q.Progress()) << "the other two go on";
  q.Crash(third);
  const std::string alone = q.Submit(leader);
  q.world.RunFor(absl::Seconds(5));
  EXPECT_FALSE(q.acked.contains(alone)) << "the wiped disk must not make a majority";
  EXPECT_EQ(q.Active(), nullptr);
  q.Start(third);
  ASSERT_TRUE(q.Progress());
  std::vector<absl::Status> done;
  q.Active()->metadata->quorum().RemoveVoter(before, [&](absl::Status s) { done.push_back(std::move(s)); });
  ASSERT_TRUE(q.world.RunUntil([&] { return done.size() == 1; }, absl::Seconds(5)));
  ASSERT_TRUE(done[0].ok()) << done[0];
  ASSERT_TRUE(q.world.RunUntil([&] { return wiped.metadata->caught_up(); }, absl::Seconds(10)));
  q.Active()->metadata->quorum().AddVoter(after, [&](absl::Status s) { done.push_back(std::move(s)); });
  ASSERT_TRUE(q.world.RunUntil([&] { return done.size() == 2; }, absl::Seconds(10)));
  ASSERT_TRUE(done[1].ok()) << done[1];
  q.Crash(third);
  EXPECT_TRUE(q.Progress()) << "it counts again";
  q.Start(third);
  EXPECT_TRUE(q.Agree()) << q.violation;
}

TEST(RaftHostSimulation, ADiskThatWentBackInTimeIsRefused) {
  SimHosts q({.nodes = 3, .voters = 3}, 5);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  const SimHosts::Node& leader = *q.Active();
  SimHosts::Node& node = *q.nodes[leader.id == 1 ? 1 : 0];
  q.Crash(node);
  std::unique_ptr<sim::SimDisk> old = CopyOf(*node.disk);
  q.Start(node);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  ASSERT_EQ(q.Active(), &leader) << "the same term";
  q.Crash(node);
  node.disk = std::move(old);
  q.Start(node);
  ASSERT_TRUE(q.world.RunUntil([&] { return !node.metadata->quorum().failure().ok(); }, absl::Seconds(5)));
  EXPECT_THAT(std::string(Message(node.metadata->quorum().failure())), HasSubstr("restored to an older state"));
  const std::string name = q.Submit(node);
  EXPECT_FALSE(q.outcomes.at(name).ok());
  EXPECT_TRUE(q.Progress()) << "the others go on";
}

TEST(RaftHostSimulation, AFollowerThatWasFarBehindGetsASnapshotAndTheDifference) {
  SimHosts q({.nodes = 3, .voters = 3, .snapshot_entries = 4}, 8);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  SimHosts::Node& behind = *q.nodes[q.Active()->id == 1 ? 1 : 0];
  q.network.Isolate(behind.id);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(q.Progress());
  EXPECT_GT(q.Active()->log->log_start(), behind.metadata->end());
  behind.images = 0;
  q.network.Heal();
  ASSERT_TRUE(q.Agree()) << q.violation;
  EXPECT_GT(behind.log->log_start(), model::Offset(0));
  EXPECT_LT(behind.images, 10) << "most came at once";
}

TEST(RaftHostSimulation, AStoppingLeaderHandsOver) {
  SimHosts q({.nodes = 3, .voters = 3}, 9);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  SimHosts::Node& leader = *q.Active();
  bool closed = false;
  leader.metadata->Close([&] { closed = true; });
  const Instant before = q.world.Now();
  ASSERT_TRUE(q.world.RunUntil([&] { return closed && q.Active() != nullptr; }, absl::Seconds(5)));
  EXPECT_LT(q.world.Now() - before, absl::Milliseconds(300)) << "faster than any election timeout";
  EXPECT_NE(q.Active(), &leader);
}

TEST(RaftHostSimulation, AControllerWithAFullDiskMakesWay) {
  SimHosts q({.nodes = 3, .voters = 3}, 11);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  SimHosts::Node& full = *q.Active();
  full.disk->faults().capacity_bytes = full.disk->used_bytes();
  const std::string name = q.Submit(full);
  EXPECT_EQ(model::CodeOf(q.outcomes.at(name)), model::ErrorCode::kNotController) << q.outcomes.at(name);
  ASSERT_TRUE(q.Progress(absl::Seconds(3))) << "another one leads, and two disks are a majority";
  EXPECT_NE(q.Active(), &full);
  full.disk->faults().capacity_bytes.reset();
  ASSERT_TRUE(q.Agree()) << q.violation;
}

TEST(RaftHostSimulation, DescribesTheQuorum) {
  SimHosts q({.nodes = 4, .voters = 3}, 10);
  q.StartAll();
  ASSERT_TRUE(q.Progress());
  ASSERT_TRUE(q.Agree());
  q.world.RunFor(absl::Seconds(3));
  const QuorumDescription all = q.Active()->metadata->quorum().Describe();
  EXPECT_EQ(all.leader, q.Active()->Id());
  ASSERT_EQ(all.members.size(), 4u);
  for (const QuorumMember& member : all.members) {
    EXPECT_EQ(member.voter, member.peer.id.value() <= 3);
    EXPECT_EQ(member.lag, 0) << member.peer.id;
    EXPECT_EQ(member.log_end, all.log_end);
    EXPECT_GT(member.last_caught_up_ms.value_or(0), q.world.WallMillis() - 1000);
  }
  EXPECT_EQ(q.nodes[3]->metadata->quorum().Describe().members.size(), 1u);
  EXPECT_EQ(q.nodes[3]->metadata->leader(), q.Active()->Id());
}

}  // namespace
}  // namespace leat::coordinator::test
