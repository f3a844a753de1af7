// The small parts alone: majorities, window, progress, catching up, votes.
#include <gtest/gtest.h>

#include "raft/catch_up.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/vote_tally.h"
#include "raft/window.h"

namespace leat::raft {
namespace {

TEST(ReachedByMajority, IsTheLowerOfTwoVoters) {
  EXPECT_EQ(ReachedByMajority<Offset>({Offset{12}, Offset{5}}), Offset{5});
}

TEST(ReachedByMajority, IsTheMiddleOfThreeAndTheThirdOfFour) {
  EXPECT_EQ(ReachedByMajority<int>({1, 9, 5}), 5);
  EXPECT_EQ(ReachedByMajority<int>({1, 9, 5, 7}), 5);
  EXPECT_EQ(ReachedByMajority<int>({7}), 7);
  EXPECT_EQ(ReachedByMajority<int>({3, 3, 3, 8, 9}), 3);
}

TEST(VoteTally, CountsEachVoterOnce) {
  const VoterSet voters({{NodeId{1}, {}}, {NodeId{2}, {}}, {NodeId{3}, {}}});
  VoteTally tally;
  tally.Grant(NodeId{1});
  tally.Grant(NodeId{1});
  tally.Grant(NodeId{9});  // no voter
  EXPECT_FALSE(tally.Won(voters));
  tally.Grant(NodeId{3});
  EXPECT_TRUE(tally.Won(voters));
}

TEST(VoteTally, IsLostWhenNoMajorityIsLeft) {
  const VoterSet voters({{NodeId{1}, {}}, {NodeId{2}, {}}, {NodeId{3}, {}}});
  VoteTally tally;
  tally.Deny(NodeId{2});
  EXPECT_FALSE(tally.Lost(voters));
  tally.Deny(NodeId{3});
  EXPECT_TRUE(tally.Lost(voters));
}

TEST(Window, IsFullByMessages) {
  Window window(2, 1000);
  window.Add(Offset{3}, 10);
  EXPECT_FALSE(window.full());
  window.Add(Offset{5}, 10);
  EXPECT_TRUE(window.full());
  window.FreeTo(Offset{4});
  EXPECT_FALSE(window.full());
  EXPECT_EQ(window.bytes(), 10);
}

TEST(Window, IsFullByBytesAndPassesThemByOneMessageAtMost) {
  Window window(100, 50);
  window.Add(Offset{1}, 49);
  EXPECT_FALSE(window.full());
  window.Add(Offset{2}, 500);
  EXPECT_TRUE(window.full());
  window.FreeTo(Offset{2});
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.bytes(), 0);
}

Progress MakeProgress(int64_t next_end) {
  return Progress({NodeId{2}, {}}, Offset{next_end}, Window(2, 100), Instant());
}

TEST(Progress, ProbesOneMessageAtATime) {
  Progress progress = MakeProgress(10);
  EXPECT_TRUE(progress.Ready());
  progress.Sent(Offset{12}, 5);
  EXPECT_FALSE(progress.Ready());
  EXPECT_EQ(progress.next_end(), Offset{10});
  progress.AllowProbe();
  EXPECT_TRUE(progress.Ready());
}

TEST(Progress, SendsAheadOnceItMatches) {
  Progress progress = MakeProgress(10);
  EXPECT_TRUE(progress.Matched(Offset{12}));
  EXPECT_EQ(progress.state(), ProgressState::kReplicate);
  progress.Sent(Offset{14}, 5);
  EXPECT_TRUE(progress.Ready());
  progress.Sent(Offset{16}, 5);
  EXPECT_FALSE(progress.Ready());
  EXPECT_EQ(progress.next_end(), Offset{16});
  EXPECT_FALSE(progress.Matched(Offset{11}));  // old
  EXPECT_TRUE(progress.Matched(Offset{14}));
  EXPECT_TRUE(progress.Ready());
}

TEST(Progress, GoesBackWhereTheLogsMayAgreeAndNeverBelowTheMatch) {
  Progress progress = MakeProgress(10);
  EXPECT_TRUE(progress.Mismatched(Offset{10}, Offset{4}));
  EXPECT_EQ(progress.next_end(), Offset{4});
  EXPECT_FALSE(progress.Mismatched(Offset{10}, Offset{2}));  // answers the probe before
  EXPECT_TRUE(progress.Matched(Offset{4}));
  progress.Sent(Offset{8}, 1);
  EXPECT_FALSE(progress.Mismatched(Offset{4}, Offset{0}));  // overtaken by the match
  EXPECT_TRUE(progress.Mismatched(Offset{8}, Offset{0}));
  EXPECT_EQ(progress.next_end(), Offset{4});
  EXPECT_EQ(progress.state(), ProgressState::kProbe);
}

TEST(Progress, DropsAReadThatAMatchHasPassed) {
  Progress progress = MakeProgress(2);
  progress.Sent(Offset{3}, 1);  // a probe
  progress.Matched(Offset{2});  // the heartbeat before it
  progress.read = 7;            // from 2 on
  progress.Matched(Offset{3});
  EXPECT_EQ(progress.next_end(), Offset{3});
  EXPECT_EQ(progress.read, 0u);
}

TEST(Progress, AMismatchAlwaysGoesBack) {
  Progress progress = MakeProgress(10);
  EXPECT_TRUE(progress.Mismatched(Offset{10}, Offset{10}));
  EXPECT_EQ(progress.next_end(), Offset{9});
}

TEST(Progress, LeavesTheSnapshotWhenEntriesCameAfterAll) {
  Progress progress = MakeProgress(10);
  progress.BeginSnapshot({Offset{20}, Term{2}}, VoterSet());
  EXPECT_FALSE(progress.Ready());
  EXPECT_FALSE(progress.Mismatched(Offset{10}, Offset{3}));
  progress.Matched(Offset{15});
  EXPECT_EQ(progress.state(), ProgressState::kSnapshot);
  progress.Matched(Offset{21});
  EXPECT_EQ(progress.state(), ProgressState::kProbe);
  EXPECT_EQ(progress.next_end(), Offset{21});
}

TEST(Progress, CountsNothingOfARefusedDisk) {
  Progress progress = MakeProgress(10);
  progress.Matched(Offset{12});
  progress.Refuse();
  EXPECT_EQ(progress.match_end(), Offset{0});
  EXPECT_FALSE(progress.Matched(Offset{12}));
  EXPECT_EQ(progress.match_end(), Offset{0});
  EXPECT_FALSE(progress.Ready());
}

TEST(CatchUp, IsThereAfterOneFastRound) {
  const Instant start = Instant::FromNanos(0);
  CatchUp catch_up(Offset{100}, start, absl::Seconds(1), 3);
  EXPECT_EQ(catch_up.Advance(Offset{99}, Offset{120}, start), CatchUp::Verdict::kGoesOn);
  EXPECT_EQ(catch_up.Advance(Offset{100}, Offset{120}, start + absl::Milliseconds(900)), CatchUp::Verdict::kCaughtUp);
}

TEST(CatchUp, NeedsAnotherRoundAfterASlowOne) {
  Instant now = Instant::FromNanos(0);
  CatchUp catch_up(Offset{100}, now, absl::Seconds(1), 3);
  now = now + absl::Seconds(5);
  EXPECT_EQ(catch_up.Advance(Offset{100}, Offset{120}, now), CatchUp::Verdict::kGoesOn);
  EXPECT_EQ(catch_up.Advance(Offset{119}, Offset{130}, now), CatchUp::Verdict::kGoesOn);
  EXPECT_EQ(catch_up.Advance(Offset{120}, Offset{130}, now + absl::Milliseconds(10)), CatchUp::Verdict::kCaughtUp);
}

TEST(CatchUp, GivesUpAfterItsRounds) {
  Instant now = Instant::FromNanos(0);
  CatchUp catch_up(Offset{1}, now, absl::Seconds(1), 2);
  EXPECT_FALSE(catch_up.Overdue(now + absl::Seconds(2), 2));
  EXPECT_TRUE(catch_up.Overdue(now + absl::Seconds(3), 2));
  EXPECT_EQ(catch_up.Advance(Offset{1}, Offset{2}, now + absl::Seconds(2)), CatchUp::Verdict::kGoesOn);
  EXPECT_EQ(catch_up.Advance(Offset{2}, Offset{3}, now + absl::Seconds(4)), CatchUp::Verdict::kTooSlow);
}

}  // namespace
}  // namespace leat::raft
