// The small parts of the leader's bookkeeping, each alone.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "replication/follower_core.h"
#include "replication/follower_progress.h"
#include "replication/isr_state.h"
#include "replication/read_replica.h"
#include "replication/throttle.h"
#include "replication/waiters.h"

namespace leat::replication {
namespace {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;
using model::Offset;

Instant Ms(int64_t ms) { return Instant::FromNanos(ms * 1'000'000); }

std::string Texts(Outbox& out) {
  std::string text;
  for (const Effect& effect : out.Take()) StrAppend(&text, text.empty() ? "" : "; ", Describe(effect));
  return text;
}

// ---- Waiters

TEST(Waiters, AreAnsweredInOrderOfOffsetUpToTheMark) {
  Waiters waiters(10);
  Outbox out;
  waiters.Add(WaiterId(1), Offset(7), Ms(100));
  waiters.Add(WaiterId(2), Offset(5), Ms(100));
  waiters.Add(WaiterId(3), Offset(8), Ms(100));
  waiters.Release(Offset(7), &out);
  EXPECT_EQ(Texts(out), "answer 2 NONE; answer 1 NONE");
  EXPECT_EQ(waiters.size(), 1u);
}

TEST(Waiters, ExpireAtTheirOwnDeadlines) {
  Waiters waiters(10);
  Outbox out;
  waiters.Add(WaiterId(1), Offset(7), Ms(200));
  waiters.Add(WaiterId(2), Offset(9), Ms(100));
  EXPECT_EQ(waiters.NextDeadline(), Ms(100));
  waiters.Expire(Ms(100), &out);
  EXPECT_EQ(Texts(out), "answer 2 REQUEST_TIMED_OUT");
  EXPECT_EQ(waiters.NextDeadline(), Ms(200));
}

TEST(Waiters, AnAnsweredOneHasNoDeadlineLeft) {
  Waiters waiters(10);
  Outbox out;
  waiters.Add(WaiterId(1), Offset(7), Ms(100));
  waiters.Release(Offset(7), &out);
  out.Take();
  EXPECT_EQ(waiters.NextDeadline(), Instant::Max());
  waiters.Expire(Ms(500), &out);
  EXPECT_TRUE(out.empty());
}

TEST(Waiters, AreFullAtTheLimit) {
  Waiters waiters(2);
  waiters.Add(WaiterId(1), Offset(7), Ms(100));
  EXPECT_FALSE(waiters.full());
  waiters.Add(WaiterId(2), Offset(7), Ms(100));
  EXPECT_TRUE(waiters.full());
}

// ---- FollowerProgress

constexpr Duration kLag = absl::Milliseconds(100);

TEST(FollowerProgress, IsCaughtUpWhenItAsksForTheLeadersEnd) {
  FollowerProgress progress(std::nullopt);
  EXPECT_FALSE(progress.IsCaughtUp(Offset(10), Ms(0), kLag));
  progress.OnFetch(BrokerEpoch(1), Offset(10), Offset(0), Offset(10), Ms(5));
  EXPECT_TRUE(progress.IsCaughtUp(Offset(20), Ms(105), kLag));
  EXPECT_FALSE(progress.IsCaughtUp(Offset(20), Ms(106), kLag));
}

TEST(FollowerProgress, OneThatIsLevelStaysCaughtUpWithoutFetching) {
  FollowerProgress progress(std::nullopt);
  progress.OnFetch(BrokerEpoch(1), Offset(10), Offset(0), Offset(10), Ms(5));
  EXPECT_TRUE(progress.IsCaughtUp(Offset(10), Ms(100'000), kLag));
}

TEST(FollowerProgress, ReachingTheEndOfTheLastFetchCountsFromThen) {
  FollowerProgress progress(std::nullopt);
  progress.OnFetch(BrokerEpoch(1), Offset(5), Offset(0), Offset(10), Ms(0));
  EXPECT_FALSE(progress.IsCaughtUp(Offset(10), Ms(0), kLag));
  // The leader has moved on to 20, but 10 was its end at the fetch before.
  progress.OnFetch(BrokerEpoch(1), Offset(10), Offset(0), Offset(20), Ms(50));
  EXPECT_TRUE(progress.IsCaughtUp(Offset(20), Ms(100), kLag));
  EXPECT_FALSE(progress.IsCaughtUp(Offset(20), Ms(101), kLag));
}

TEST(FollowerProgress, FetchingWithoutReachingTheEndIsNotCaughtUp) {
  FollowerProgress progress(Ms(0));
  for (int i = 1; i <= 20; ++i) {
    progress.OnFetch(BrokerEpoch(1), Offset(i), Offset(0), Offset(100 + i), Ms(i * 10));
  }
  EXPECT_FALSE(progress.IsCaughtUp(Offset(121), Ms(200), kLag));
}

TEST(FollowerProgress, AnOldMessageDoesNotTakeItBack) {
  FollowerProgress progress(std::nullopt);
  progress.OnFetch(BrokerEpoch(1), Offset(10), Offset(3), Offset(10), Ms(5));
  progress.OnFetch(BrokerEpoch(1), Offset(4), Offset(2), Offset(12), Ms(6));
  EXPECT_EQ(progress.log_end(), Offset(10));
  EXPECT_EQ(progress.log_start(), Offset(3));
}

TEST(FollowerProgress, AnotherLifeBeginsAnew) {
  FollowerProgress progress(std::nullopt);
  progress.OnFetch(BrokerEpoch(1), Offset(10), Offset(0), Offset(10), Ms(5));
  progress.OnLife(BrokerEpoch(2));
  EXPECT_EQ(progress.log_end(), Offset(-1));
  EXPECT_FALSE(progress.IsCaughtUp(Offset(11), Ms(6), kLag));
}

// ---- IsrState

std::vector<NodeId> Nodes(std::vector<int> ids) {
  std::vector<NodeId> nodes;
  for (const int id : ids) nodes.push_back(NodeId(id));
  return nodes;
}
std::vector<IsrMember> Members(std::vector<int> ids) {
  std::vector<IsrMember> members;
  for (const int id : ids) members.push_back({NodeId(id), BrokerEpoch(100 + id)});
  return members;
}
constexpr LeaderEpoch kEpoch{4};

TEST(IsrState, CountsBothSetsWhileAProposalIsPending) {
  IsrState isr(Nodes({1, 2}), 7);
  isr.Propose(Members({1, 3}), kEpoch);
  EXPECT_TRUE(isr.IsMaximal(NodeId(2)));
  EXPECT_TRUE(isr.IsMaximal(NodeId(3)));
  EXPECT_EQ(isr.committed(), Nodes({1, 2}));
}

TEST(IsrState, AnAcceptedProposalIsTheCommittedSet) {
  IsrState isr(Nodes({1, 2}), 7);
  const ProposeIsr propose = isr.Propose(Members({1}), kEpoch);
  EXPECT_EQ(isr.OnResult(propose.attempt, {.leader_epoch = kEpoch, .partition_epoch = 8, .isr = Nodes({1})}, kEpoch),
            IsrState::Outcome::kChanged);
  EXPECT_EQ(isr.committed(), Nodes({1}));
  EXPECT_FALSE(isr.pending());
}

TEST(IsrState, ARefusedProposalCountsNoMore) {
  IsrState isr(Nodes({1}), 7);
  const ProposeIsr propose = isr.Propose(Members({1, 2}), kEpoch);
  EXPECT_EQ(isr.OnResult(propose.attempt, {.error = ErrorCode::kIneligibleReplica}, kEpoch),
            IsrState::Outcome::kRefused);
  EXPECT_FALSE(isr.IsMaximal(NodeId(2)));
}

TEST(IsrState, TheRefusalOfAnOlderAttemptIsIgnored) {
  IsrState isr(Nodes({1}), 7);
  const ProposeIsr first = isr.Propose(Members({1, 2}), kEpoch);
  const ProposeIsr second = isr.Again(kEpoch);
  EXPECT_GT(second.attempt, first.attempt);
  EXPECT_EQ(isr.OnResult(first.attempt, {.error = ErrorCode::kIneligibleReplica}, kEpoch), IsrState::Outcome::kNothing);
  EXPECT_TRUE(isr.IsMaximal(NodeId(2)));
}

TEST(IsrState, WaitsForTheImageWhenTheControllerIsAhead) {
  IsrState isr(Nodes({1}), 7);
  const ProposeIsr propose = isr.Propose(Members({1, 2}), kEpoch);
  EXPECT_EQ(isr.OnResult(propose.attempt, {.error = ErrorCode::kInvalidUpdateVersion}, kEpoch),
            IsrState::Outcome::kNothing);
  EXPECT_FALSE(isr.retries());
  EXPECT_TRUE(isr.IsMaximal(NodeId(2)));
  EXPECT_TRUE(isr.OnImage(Nodes({1, 2}), 8));
  EXPECT_FALSE(isr.pending());
}

TEST(IsrState, AnUnknownOutcomeIsAskedForAgain) {
  IsrState isr(Nodes({1}), 7);
  const ProposeIsr propose = isr.Propose(Members({1, 2}), kEpoch);
  EXPECT_EQ(isr.OnResult(propose.attempt, {.error = ErrorCode::kNotController}, kEpoch), IsrState::Outcome::kUnknown);
  EXPECT_TRUE(isr.retries());
  EXPECT_TRUE(isr.IsMaximal(NodeId(2)));
}

TEST(IsrState, AnOldImageChangesNothing) {
  IsrState isr(Nodes({1, 2}), 7);
  isr.Propose(Members({1}), kEpoch);
  EXPECT_FALSE(isr.OnImage(Nodes({1, 2, 3}), 7));
  EXPECT_TRUE(isr.pending());
  EXPECT_FALSE(isr.IsMaximal(NodeId(3)));
}

TEST(IsrState, TheAnswerOfAnotherLeaderEpochIsIgnored) {
  IsrState isr(Nodes({1, 2}), 7);
  const ProposeIsr propose = isr.Propose(Members({1}), kEpoch);
  const ProposalResult result{.leader_epoch = LeaderEpoch(3), .partition_epoch = 9, .isr = Nodes({1})};
  EXPECT_EQ(isr.OnResult(propose.attempt, result, kEpoch), IsrState::Outcome::kNothing);
  EXPECT_EQ(isr.committed(), Nodes({1, 2}));
}

// ---- Throttle

TEST(Throttle, WithoutARateNothingIsHeldBack) {
  Throttle throttle;
  throttle.Charge(1 << 30, Ms(0));
  EXPECT_EQ(throttle.Allowance(Ms(0)), UINT64_MAX);
  EXPECT_EQ(throttle.ReadyAt(Ms(3)), Ms(3));
}

TEST(Throttle, SavesUpNoMoreThanItsWindow) {
  Throttle throttle;
  throttle.SetRate(1000, Ms(0));
  EXPECT_EQ(throttle.Allowance(Ms(500)), 500u);
  EXPECT_EQ(throttle.Allowance(Ms(60'000)), 1000u);
}

TEST(Throttle, ALargeBatchIsPaidForAfterwards) {
  Throttle throttle;
  throttle.SetRate(1000, Ms(0));
  EXPECT_GT(throttle.Allowance(Ms(100)), 0u);
  throttle.Charge(1100, Ms(100));
  EXPECT_EQ(throttle.Allowance(Ms(1000)), 0u);
  const Instant ready = throttle.ReadyAt(Ms(1000));
  EXPECT_GT(ready, Ms(1000));
  EXPECT_EQ(throttle.Allowance(ready - absl::Milliseconds(2)), 0u);
  EXPECT_GT(throttle.Allowance(ready), 0u);
}

RC_GTEST_PROP(Throttle, NeverLetsMoreThroughThanRateAndWindow, (std::vector<uint8_t> steps)) {
  constexpr uint64_t kRate = 1000;
  Throttle throttle;
  throttle.SetRate(kRate, Ms(0));
  int64_t now = 0;
  uint64_t sent = 0;
  for (const uint8_t step : steps) {
    now += step;
    const uint64_t bytes = std::min<uint64_t>(throttle.Allowance(Ms(now)), step);
    throttle.Charge(bytes, Ms(now));
    sent += bytes;
    RC_ASSERT(sent <= kRate * static_cast<uint64_t>(now) / 1000 + 1);
  }
}

// ---- ChooseReadReplica

TEST(ChooseReadReplica, TakesTheLeastLagInTheReadersRack) {
  const ReadCandidate candidates[] = {{NodeId(2), "b", Offset(0), Offset(50)},
                                      {NodeId(3), "b", Offset(0), Offset(60)},
                                      {NodeId(4), "c", Offset(0), Offset(90)}};
  EXPECT_EQ(ChooseReadReplica("b", "a", Offset(10), candidates), NodeId(3));
}

TEST(ChooseReadReplica, TheLeaderServesItsOwnRackAndReadersWithoutOne) {
  const ReadCandidate candidates[] = {{NodeId(2), "a", Offset(0), Offset(50)}, {NodeId(3), "", Offset(0), Offset(50)}};
  EXPECT_EQ(ChooseReadReplica("a", "a", Offset(10), candidates), std::nullopt);
  EXPECT_EQ(ChooseReadReplica("", "a", Offset(10), candidates), std::nullopt);
}

TEST(ChooseReadReplica, LeavesOutReplicasWithoutTheOffset) {
  const ReadCandidate candidates[] = {{NodeId(2), "b", Offset(20), Offset(50)}, {NodeId(3), "b", Offset(0), Offset(9)}};
  EXPECT_EQ(ChooseReadReplica("b", "a", Offset(10), candidates), std::nullopt);
}

// ---- damaged ranges

std::string Text(const std::vector<OffsetRange>& ranges) {
  std::string text;
  for (const OffsetRange& range : ranges) StrAppend(&text, "[", range.from, ",", range.to, ")");
  return text;
}

TEST(DamagedRanges, WhatTouchesIsOne) {
  std::vector<OffsetRange> ranges;
  AddRange({Offset(5), Offset(8)}, 10, &ranges);
  AddRange({Offset(1), Offset(2)}, 10, &ranges);
  AddRange({Offset(8), Offset(9)}, 10, &ranges);
  EXPECT_EQ(Text(ranges), "[1,2)[5,9)");
}

TEST(DamagedRanges, BeyondTheLimitTheClosestTwoBecomeOne) {
  std::vector<OffsetRange> ranges;
  AddRange({Offset(0), Offset(1)}, 2, &ranges);
  AddRange({Offset(10), Offset(11)}, 2, &ranges);
  AddRange({Offset(13), Offset(14)}, 2, &ranges);
  EXPECT_EQ(Text(ranges), "[0,1)[10,14)");
}

TEST(DamagedRanges, MendingCutsOutOfThem) {
  std::vector<OffsetRange> ranges;
  AddRange({Offset(0), Offset(10)}, 4, &ranges);
  RemoveRange({Offset(3), Offset(5)}, &ranges);
  EXPECT_EQ(Text(ranges), "[0,3)[5,10)");
  RemoveRange({Offset(0), Offset(100)}, &ranges);
  EXPECT_EQ(Text(ranges), "");
}

}  // namespace
}  // namespace leat::replication
