#include "raft/durability.h"

#include <gtest/gtest.h>

namespace leat::raft {
namespace {

Message Of(int term) { return {{}, {}, {}, Term{term}, TimeoutNow{}}; }

TEST(Durability, MovesWithTheAppendsThatAreDone) {
  Durability durability(Offset{3});
  const WriteId first = durability.NewAppend(Offset{5});
  const WriteId second = durability.NewAppend(Offset{9});
  EXPECT_EQ(durability.durable_end(), Offset{3});
  durability.Advance(first, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{5});
  durability.Advance(second, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{9});
}

TEST(Durability, CountsNothingThatATruncationCutsAway) {
  Durability durability(Offset{3});
  const WriteId longer = durability.NewAppend(Offset{9});
  const WriteId cut = durability.NewTruncation(Offset{5});
  const WriteId anew = durability.NewAppend(Offset{7});
  durability.Advance(longer, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{5});
  durability.Advance(cut, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{5});
  durability.Advance(anew, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{7});
}

TEST(Durability, ATruncationTakesBackWhatWasDurable) {
  Durability durability(Offset{8});
  durability.NewTruncation(Offset{5});
  EXPECT_EQ(durability.durable_end(), Offset{5});
}

TEST(Durability, ASnapshotReplacesWhatIsUnderWay) {
  Durability durability(Offset{8});
  const WriteId append = durability.NewAppend(Offset{9});
  const WriteId snapshot = durability.NewSnapshot(Offset{50});
  durability.Advance(append, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{0});
  durability.Advance(snapshot, Term{1});
  EXPECT_EQ(durability.durable_end(), Offset{50});
}

TEST(Durability, ReleasesMessagesWhenTheirWritesAreDone) {
  Durability durability(Offset{0});
  const WriteId vote = durability.NewVote();
  const WriteId append = durability.NewAppend(Offset{2});
  durability.Hold(append, Of(2));
  durability.Hold(vote, Of(2));
  EXPECT_EQ(durability.Advance(vote, Term{2}).size(), 1u);
  EXPECT_EQ(durability.held(), 1u);
  EXPECT_EQ(durability.Advance(append, Term{2}).size(), 1u);
  EXPECT_EQ(durability.held(), 0u);
}

TEST(Durability, DropsMessagesOfATermThatIsOver) {
  Durability durability(Offset{0});
  const WriteId vote = durability.NewVote();
  durability.Hold(vote, Of(2));
  EXPECT_TRUE(durability.Advance(vote, Term{3}).empty());
  EXPECT_EQ(durability.held(), 0u);
}

}  // namespace
}  // namespace leat::raft
