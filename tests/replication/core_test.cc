// Single rules of the cores that no golden script shows.
#include <gtest/gtest.h>

#include "replication/partition_replica.h"

namespace leat::replication {
namespace {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;
using model::Offset;

Instant Ms(int64_t ms) { return Instant::FromNanos(ms * 1'000'000); }

PartitionView View(int leader, int epoch, std::vector<int> isr, int partition_epoch) {
  PartitionView view{.leader = NodeId(leader),
                     .epoch = LeaderEpoch(epoch),
                     .partition_epoch = partition_epoch,
                     .min_insync = 2,
                     .durability = Durability::kPageCache};
  for (int node = 1; node <= 3; ++node) {
    view.replicas.push_back({.node = NodeId(node), .broker_epoch = BrokerEpoch(100 + node)});
  }
  for (const int node : isr) view.isr.push_back(NodeId(node));
  return view;
}

class CoreTest : public testing::Test {
 protected:
  CoreTest() : replica_({NodeId(1), BrokerEpoch(101)}, options_, {}) { options_.max_waiters = 2; }

  std::string Effects() {
    std::string text;
    for (const Effect& effect : replica_.TakeEffects()) StrAppend(&text, text.empty() ? "" : "; ", Describe(effect));
    return text;
  }
  void Lead(std::vector<int> isr = {1, 2, 3}) {
    replica_.OnView(View(1, 4, std::move(isr), 10), Ms(0));
    Effects();
  }
  FetchVerdict Fetch(int node, int offset, int last_epoch = 4, int64_t at_ms = 1) {
    return replica_.OnFollowerFetch({.node = NodeId(node),
                                     .broker_epoch = BrokerEpoch(100 + node),
                                     .leader_epoch = LeaderEpoch(4),
                                     .offset = Offset(offset),
                                     .last_epoch = LeaderEpoch(last_epoch)},
                                    Ms(at_ms));
  }

  Options options_;
  PartitionReplica replica_;
};

TEST_F(CoreTest, WaitersBeyondTheLimitAreRefusedBeforeTheAppend) {
  Lead();
  replica_.leader()->OnAppended(Offset(0), Offset(3), Ms(0));
  replica_.leader()->AwaitCommit(WaiterId(1), Offset(1), Ms(100));
  EXPECT_EQ(replica_.leader()->CheckAppend(Acks::kAll), ErrorCode::kNone);
  replica_.leader()->AwaitCommit(WaiterId(2), Offset(2), Ms(100));
  EXPECT_EQ(replica_.leader()->CheckAppend(Acks::kAll), ErrorCode::kThrottlingQuotaExceeded);
  EXPECT_EQ(replica_.leader()->CheckAppend(Acks::kLeader), ErrorCode::kNone);
  replica_.leader()->AwaitCommit(WaiterId(3), Offset(3), Ms(100));
  EXPECT_EQ(Effects(), "answer 3 REQUEST_TIMED_OUT");
}

TEST_F(CoreTest, WaitersAreToldWhenTheLeadershipEnds) {
  Lead();
  replica_.leader()->OnAppended(Offset(0), Offset(1), Ms(0));
  replica_.leader()->AwaitCommit(WaiterId(1), Offset(1), Ms(100));
  replica_.OnView(View(2, 5, {1, 2, 3}, 11), Ms(1));
  EXPECT_EQ(Effects().substr(0, 34), "answer 1 NOT_LEADER_OR_FOLLOWER; f");
}

TEST_F(CoreTest, AWaiterTimesOutAtItsDeadline) {
  Lead();
  replica_.leader()->OnAppended(Offset(0), Offset(1), Ms(0));
  replica_.leader()->AwaitCommit(WaiterId(1), Offset(1), Ms(100));
  EXPECT_EQ(replica_.NextDeadline(), Ms(100));
  replica_.Tick(Ms(100));
  EXPECT_EQ(Effects(), "answer 1 REQUEST_TIMED_OUT");
}

TEST_F(CoreTest, AFetchOfAReplicaThatIsNotAssignedIsRefused) {
  Lead();
  EXPECT_EQ(Fetch(7, 0, -1).error, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(CoreTest, AFetchOfAnotherEpochIsFenced) {
  Lead();
  FollowerFetch fetch{.node = NodeId(2), .broker_epoch = BrokerEpoch(102), .offset = Offset(0)};
  fetch.leader_epoch = LeaderEpoch(3);
  EXPECT_EQ(replica_.OnFollowerFetch(fetch, Ms(0)).error, ErrorCode::kFencedLeaderEpoch);
  fetch.leader_epoch = LeaderEpoch(5);
  EXPECT_EQ(replica_.OnFollowerFetch(fetch, Ms(0)).error, ErrorCode::kUnknownLeaderEpoch);
}

TEST_F(CoreTest, AnOlderLifesFetchIsRefusedAfterANewersEvenBeforeTheImageKnows) {
  Lead();
  FollowerFetch fetch{.node = NodeId(2), .broker_epoch = BrokerEpoch(120), .leader_epoch = LeaderEpoch(4)};
  EXPECT_EQ(replica_.OnFollowerFetch(fetch, Ms(0)).error, ErrorCode::kNone);
  fetch.broker_epoch = BrokerEpoch(102);
  EXPECT_EQ(replica_.OnFollowerFetch(fetch, Ms(0)).error, ErrorCode::kStaleBrokerEpoch);
}

TEST_F(CoreTest, DeleteRecordsWaitsForTheLogStartOfEveryLiveReplica) {
  Lead({1, 2});
  PartitionView view = View(1, 4, {1, 2}, 11);
  view.replicas[2].state = BrokerState::kFenced;
  replica_.OnView(view, Ms(0));
  replica_.leader()->OnAppended(Offset(0), Offset(5), Ms(0));
  Fetch(2, 5);
  Effects();
  replica_.leader()->OnLogStart(Offset(3));
  replica_.leader()->AwaitLogStart(WaiterId(9), Offset(3), Ms(100));
  EXPECT_EQ(Effects(), "");
  EXPECT_EQ(replica_.leader()->low_watermark(), Offset(0));
  replica_.OnFollowerFetch({.node = NodeId(2),
                            .broker_epoch = BrokerEpoch(102),
                            .leader_epoch = LeaderEpoch(4),
                            .offset = Offset(5),
                            .last_epoch = LeaderEpoch(4),
                            .log_start = Offset(3)},
                           Ms(2));
  EXPECT_EQ(Effects(), "answer 9 NONE");
}

TEST_F(CoreTest, TheLatestOffsetIsNotKnownBeforeTheEpochsStartIsCommitted) {
  LogFacts log{.end = Offset(4), .durable_end = Offset(4), .high_watermark = Offset(2)};
  log.epochs.Note(LeaderEpoch(1), Offset(0));
  PartitionReplica replica({NodeId(1), BrokerEpoch(101)}, options_, log);
  replica.OnView(View(1, 4, {1, 2}, 10), Ms(0));
  EXPECT_EQ(replica.LatestOffset(LeaderEpoch(4)).error, ErrorCode::kOffsetNotAvailable);
  replica.OnFollowerFetch({.node = NodeId(2),
                           .broker_epoch = BrokerEpoch(102),
                           .leader_epoch = LeaderEpoch(4),
                           .offset = Offset(4),
                           .last_epoch = LeaderEpoch(1)},
                          Ms(1));
  EXPECT_EQ(replica.LatestOffset(LeaderEpoch(4)).offset, Offset(4));
}

TEST_F(CoreTest, AViewThatDoesNotKnowThisLifeIsNotActedUpon) {
  PartitionReplica replica({NodeId(1), BrokerEpoch(150)}, options_, {});
  replica.OnView(View(1, 4, {1, 2, 3}, 10), Ms(0));
  EXPECT_EQ(replica.role(), PartitionReplica::Role::kNone);
}

TEST_F(CoreTest, AProcessWhoseNodeIsRegisteredAgainStops) {
  Lead();
  PartitionView view = View(1, 5, {1, 2, 3}, 11);
  view.replicas[0].broker_epoch = BrokerEpoch(150);
  replica_.OnView(view, Ms(1));
  EXPECT_EQ(replica_.role(), PartitionReplica::Role::kNone);
  EXPECT_NE(Effects().find("refuse: broker 1 is registered with epoch 150"), std::string::npos);
}

TEST_F(CoreTest, ALogWithRecordsOfTheEpochIsNotLedInIt) {
  LogFacts log{.end = Offset(4)};
  log.epochs.Note(LeaderEpoch(4), Offset(0));
  PartitionReplica replica({NodeId(1), BrokerEpoch(101)}, options_, log);
  replica.OnView(View(1, 4, {1, 2, 3}, 10), Ms(0));
  EXPECT_EQ(replica.role(), PartitionReplica::Role::kNone);
}

TEST_F(CoreTest, AHighWatermarkCheckpointOutsideTheLogIsPutRight) {
  PartitionReplica replica(
      {NodeId(1), BrokerEpoch(101)}, options_,
      {.start = Offset(2), .end = Offset(4), .durable_end = Offset(4), .high_watermark = Offset(9)});
  EXPECT_EQ(replica.log().high_watermark, Offset(4));
}

TEST_F(CoreTest, AFollowerBacksOffLongerEachTime) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  follower->OnFetchFailed(follower->last_fetch(), Ms(0));
  EXPECT_EQ(replica_.NextDeadline(), Ms(50));
  replica_.Tick(Ms(50));
  follower->OnFetchFailed(follower->last_fetch(), Ms(50));
  EXPECT_EQ(replica_.NextDeadline(), Ms(150));
}

TEST_F(CoreTest, AnAnswerToAnEarlierFetchIsIgnored) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  const FetchId first = follower->last_fetch();
  replica_.Tick(Ms(5000));
  replica_.Tick(Ms(6000));
  Effects();
  follower->OnFetchAnswer(first, {.leader_epoch = LeaderEpoch(4), .batches = {{Offset(0), Offset(1), LeaderEpoch(4)}}},
                          Ms(6000));
  EXPECT_EQ(Effects(), "");
  EXPECT_EQ(replica_.log().end, Offset(0));
}

TEST_F(CoreTest, BatchesThatDoNotContinueTheLogAreRefused) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  const FetchAnswer answer{.leader_epoch = LeaderEpoch(4),
                           .batches = {{Offset(0), Offset(2), LeaderEpoch(4)}, {Offset(1), Offset(3), LeaderEpoch(4)}}};
  follower->OnFetchAnswer(follower->last_fetch(), answer, Ms(1));
  EXPECT_EQ(replica_.log().end, Offset(0));
  EXPECT_EQ(follower->state(), FollowerCore::State::kBackoff);
}

TEST_F(CoreTest, ADivergenceThatCutsNothingIsNotFollowedForEver) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  follower->OnFetchAnswer(follower->last_fetch(),
                          {.diverging = EpochEnd{LeaderEpoch(3), Offset(5)}, .leader_epoch = LeaderEpoch(4)}, Ms(1));
  EXPECT_EQ(follower->state(), FollowerCore::State::kBackoff);
}

TEST_F(CoreTest, AFencedFollowerWaitsForTheImage) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  Effects();
  follower->OnFetchAnswer(follower->last_fetch(), {.error = ErrorCode::kFencedLeaderEpoch}, Ms(1));
  EXPECT_EQ(follower->state(), FollowerCore::State::kAwaitImage);
  replica_.Tick(Ms(1000));
  EXPECT_EQ(Effects(), "");
  replica_.OnView(View(3, 5, {1, 2, 3}, 11), Ms(1001));
  EXPECT_EQ(Effects(), "fetch #2 from 3 epoch 5 at 0 last epoch -1 (broker epoch 101)");
}

TEST_F(CoreTest, AFailedAppendIsTriedAgainFromWhatTheLogIs) {
  replica_.OnView(View(2, 4, {1, 2, 3}, 10), Ms(0));
  FollowerCore* follower = replica_.follower();
  follower->OnFetchAnswer(follower->last_fetch(),
                          {.leader_epoch = LeaderEpoch(4), .batches = {{Offset(0), Offset(2), LeaderEpoch(4)}}}, Ms(1));
  Effects();
  replica_.OnLogFacts({}, Ms(2));
  replica_.Tick(Ms(60));
  EXPECT_EQ(Effects(), "fetch #3 from 2 epoch 4 at 0 last epoch -1 (broker epoch 101)");
}

// Below the leader's log start nothing was compared: a follower must lose it before readers may see more.
TEST_F(CoreTest, AFollowersLogStartMovesBeforeItsHighWatermark) {
  LogFacts log{.end = Offset(9), .durable_end = Offset(9), .high_watermark = Offset(2)};
  log.epochs.Note(LeaderEpoch(3), Offset(0));
  PartitionReplica replica({NodeId(1), BrokerEpoch(101)}, options_, log);
  replica.OnView(View(2, 4, {2, 3}, 10), Ms(0));
  replica.TakeEffects();
  replica.follower()->OnFetchAnswer(
      replica.follower()->last_fetch(),
      {.leader_epoch = LeaderEpoch(4), .high_watermark = Offset(8), .log_start = Offset(7)}, Ms(1));
  const std::vector<Effect> effects = replica.TakeEffects();
  ASSERT_EQ(effects.size(), 3u);
  EXPECT_EQ(Describe(effects[0]), "log start 7");
  EXPECT_EQ(Describe(effects[1]), "high watermark 8");
  EXPECT_EQ(replica.log().start, Offset(7));
}

// That others are eligible is known from the image, not from the controller's answer to a proposal.
TEST_F(CoreTest, ADamagedLastReplicaStepsDownWhenAnImageShowsAnotherEligible) {
  Lead({1});
  replica_.leader()->OnAppended(Offset(0), Offset(5), Ms(0));
  replica_.OnDamage({Offset(2), Offset(3)}, Ms(0));
  EXPECT_EQ(replica_.role(), PartitionReplica::Role::kLeader);
  PartitionView view = View(1, 4, {1}, 11);
  view.elr = {NodeId(2)};
  replica_.OnView(view, Ms(1));
  EXPECT_EQ(replica_.role(), PartitionReplica::Role::kNone);
}

TEST_F(CoreTest, WaitersAreToldWhenMinInSyncIsRaisedAboveTheSet) {
  Lead({1, 2});
  replica_.leader()->OnAppended(Offset(0), Offset(1), Ms(0));
  replica_.leader()->AwaitCommit(WaiterId(1), Offset(1), Ms(100));
  PartitionView view = View(1, 4, {1, 2}, 10);
  view.min_insync = 3;
  replica_.OnView(view, Ms(1));
  EXPECT_EQ(Effects(), "answer 1 NOT_ENOUGH_REPLICAS_AFTER_APPEND");
}

// A lagging follower at a high watermark that stands still would join and leave without end.
TEST_F(CoreTest, AFollowerThatLagsIsNotProposedAlthoughItReachesTheHighWatermark) {
  Lead({1});
  replica_.leader()->OnAppended(Offset(0), Offset(9), Ms(0));
  Fetch(2, 3);
  EXPECT_EQ(Effects(), "");
  Fetch(2, 9, 4, 2);
  EXPECT_EQ(Effects(), "propose #1 epoch 4 partition epoch 10 isr 1/101 2/102");
}

TEST_F(CoreTest, TrafficOfAReplicaOutOfSyncIsThrottled) {
  Lead({1, 2});
  EXPECT_FALSE(replica_.leader()->IsThrottled(NodeId(2)));
  EXPECT_TRUE(replica_.leader()->IsThrottled(NodeId(3)));
}

}  // namespace
}  // namespace leat::replication
