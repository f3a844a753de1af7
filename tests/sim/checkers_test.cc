// The checkers themselves: each notices what it is there for, and nothing else.
#include <gtest/gtest.h>

#include "tests/sim/history.h"
#include "tests/sim/linearizable.h"
#include "tests/sim/node_shard.h"

namespace leat::nodes {
namespace {

using Kind = TopicOperation::Kind;
using Answer = TopicOperation::Answer;

TopicOperation Op(Kind kind, int32_t partitions, Answer answer, int64_t called, int64_t answered) {
  return {kind, partitions, answer, Instant::FromNanos(called),
          answered < 0 ? Instant::Max() : Instant::FromNanos(answered)};
}

TEST(Linearizable, TakesWhatOneHandCouldHaveDone) {
  EXPECT_EQ(CheckTopicHistory({}), Verdict::kPossible);
  EXPECT_EQ(
      CheckTopicHistory({Op(Kind::kCreate, 1, Answer::kDone, 0, 10), Op(Kind::kGrow, 3, Answer::kDone, 20, 30),
                         Op(Kind::kGrow, 2, Answer::kNotMore, 40, 50), Op(Kind::kDelete, 0, Answer::kDone, 60, 70),
                         Op(Kind::kDelete, 0, Answer::kMissing, 80, 90)}),
      Verdict::kPossible);
}

TEST(Linearizable, OperationsAtOneTimeMayHaveHappenedInEitherOrder) {
  EXPECT_EQ(
      CheckTopicHistory({Op(Kind::kCreate, 1, Answer::kExists, 0, 10), Op(Kind::kCreate, 1, Answer::kDone, 5, 20)}),
      Verdict::kPossible);
}

TEST(Linearizable, NoticesAnAnswerFromBeforeTheTopicWasMade) {
  EXPECT_EQ(
      CheckTopicHistory({Op(Kind::kCreate, 1, Answer::kDone, 0, 10), Op(Kind::kDelete, 0, Answer::kMissing, 20, 30)}),
      Verdict::kImpossible);
}

TEST(Linearizable, NoticesTwoWhoMadeTheSameTopic) {
  EXPECT_EQ(CheckTopicHistory({Op(Kind::kCreate, 1, Answer::kDone, 0, 10), Op(Kind::kCreate, 1, Answer::kDone, 5, 20)}),
            Verdict::kImpossible);
}

TEST(Linearizable, WhatWasNotAnsweredMayHaveHappenedLaterOrNever) {
  const std::vector<TopicOperation> base = {Op(Kind::kCreate, 1, Answer::kDone, 0, 10),
                                            Op(Kind::kDelete, 0, Answer::kUnknown, 20, -1)};
  std::vector<TopicOperation> late = base, never = base, before = base;
  late.push_back(Op(Kind::kGrow, 2, Answer::kDone, 30, 40));
  late.push_back(Op(Kind::kGrow, 3, Answer::kMissing, 50, 60));
  EXPECT_EQ(CheckTopicHistory(late), Verdict::kPossible);
  never.push_back(Op(Kind::kGrow, 2, Answer::kDone, 30, 40));
  EXPECT_EQ(CheckTopicHistory(never), Verdict::kPossible);
  before.push_back(Op(Kind::kGrow, 2, Answer::kMissing, 12, 15));
  EXPECT_EQ(CheckTopicHistory(before), Verdict::kImpossible);
}

TEST(Linearizable, GivesUpOnAHistoryThatIsTooLong) {
  EXPECT_EQ(CheckTopicHistory(std::vector<TopicOperation>(kMostOperations + 1)), Verdict::kGaveUp);
}

class Histories : public ::testing::Test {
 protected:
  const model::TopicPartition partition{"t", model::PartitionId(0)};
  void Send(const std::string& value, int64_t offset, Promise promise = Promise::kKept) {
    history.Sent(partition, 1, value);
    history.Acknowledged(partition, value, offset, promise);
  }
  void Check(const std::vector<History::Record>& log) {
    history.CheckLog(partition, log, log);
    history.CheckTransactions();
  }
  History history;
};

TEST_F(Histories, TakeALogThatHoldsWhatWasPromised) {
  Send("a", 0);
  Send("b", 1);
  history.Seen(partition, 0, "a");
  Check({{0, "a"}, {1, "b"}});
  EXPECT_EQ(history.failure(), "");
}

TEST_F(Histories, NoticeARecordThatIsLost) {
  Send("a", 0);
  Send("b", 1);
  Check({{0, "a"}});
  EXPECT_NE(history.failure().find("b, acknowledged at 1, is lost"), std::string::npos) << history.failure();
}

TEST_F(Histories, MayLoseWhatTheLeaderAloneAcknowledged) {
  Send("a", 0, Promise::kMayBeLost);
  Check({});
  EXPECT_EQ(history.failure(), "");
}

TEST_F(Histories, NoticeWhatAReaderWasShownAndIsGone) {
  Send("a", 0, Promise::kMayBeLost);
  history.Seen(partition, 0, "a");
  Check({});
  EXPECT_NE(history.failure().find("is lost"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeARecordThatIsThereTwice) {
  Send("a", 0);
  Check({{0, "a"}, {1, "a"}});
  EXPECT_NE(history.failure(), "");
}

TEST_F(Histories, NoticeRecordsInAnotherOrder) {
  history.Sent(partition, 1, "a");
  history.Sent(partition, 1, "b");
  Check({{0, "b"}, {1, "a"}});
  EXPECT_NE(history.failure().find("comes after"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeARecordThatNobodySent) {
  Check({{0, "a"}});
  EXPECT_NE(history.failure().find("never sent"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeReadersWhoAreShownDifferentRecords) {
  history.Sent(partition, 1, "a");
  history.Sent(partition, 1, "b");
  history.Seen(partition, 0, "a");
  history.Seen(partition, 0, "b");
  EXPECT_NE(history.failure().find("another b"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeATornTransaction) {
  const int64_t transaction = history.Begin();
  history.Sent(partition, 1, "a", transaction);
  history.Sent(partition, 1, "b", transaction);
  Check({{0, "a"}});
  EXPECT_NE(history.failure().find("torn"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeAnAbortedTransaction) {
  const int64_t transaction = history.Begin();
  history.Sent(partition, 1, "a", transaction);
  history.End(transaction, History::Outcome::kAborted);
  Check({{0, "a"}});
  EXPECT_NE(history.failure().find("it was aborted"), std::string::npos) << history.failure();
}

TEST_F(Histories, NoticeAGroupThatGoesBack) {
  history.OffsetAsked("g", partition, 5);
  history.OffsetCommitted("g", partition, 5);
  history.OffsetAsked("g", partition, 3);
  history.OffsetRead("g", partition, history.OffsetFloor("g", partition), 3);
  EXPECT_NE(history.failure().find("had been committed"), std::string::npos) << history.failure();
}

TEST(NodeShard, WhatIsDueWhileTheMachineStandsStillHappensAfterwardsInOrder) {
  sim::SimWorld world(1);
  Machine machine;
  NodeShard shard(world, machine);
  std::string order;
  const auto first = shard.RunAt(world.Now() + absl::Seconds(1), [&] { order += "a"; });
  auto cancelled = shard.RunAt(world.Now() + absl::Seconds(1), [&] { order += "x"; });
  shard.Post([&] { order += "b"; });
  machine.still_until = world.Now() + absl::Seconds(5);
  world.RunFor(absl::Seconds(4));
  EXPECT_EQ(order, "");
  cancelled.reset();
  world.RunFor(absl::Seconds(2));
  EXPECT_EQ(order, "ba");
}

}  // namespace
}  // namespace leat::nodes
