#include "raft/voters.h"

#include <gtest/gtest.h>

namespace leat::raft {
namespace {

Peer P(int id, uint64_t directory) { return {NodeId{id}, {0, directory}}; }

TEST(VoterSet, IsAskedByDiskNotByNumber) {
  const VoterSet voters({P(2, 20), P(1, 0)});
  EXPECT_TRUE(voters.Has(P(2, 20)));
  EXPECT_FALSE(voters.Has(P(2, 21)));
  EXPECT_TRUE(voters.Has(P(1, 99)));  // not known yet
  EXPECT_NE(voters.Find(NodeId{2}), nullptr);
  EXPECT_EQ(voters.Find(NodeId{3}), nullptr);
}

TEST(VoterSet, WithReplacesAndWithoutRemoves) {
  const VoterSet voters({P(1, 10), P(2, 20)});
  EXPECT_EQ(voters.With(P(2, 21)), VoterSet({P(1, 10), P(2, 21)}));
  EXPECT_EQ(voters.Without(NodeId{1}), VoterSet({P(2, 20)}));
  EXPECT_EQ(voters.ToString(), "{1,2}");
}

TEST(VoterSet, ReadsWhatItWrote) {
  const VoterSet voters({P(1, 10), P(7, 0), P(2, 20)});
  const auto read = VoterSet::Decode(voters.Encode(), 9);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, voters);
}

TEST(VoterSet, RefusesEveryDamagedLength) {
  const std::string bytes = VoterSet({P(1, 10), P(2, 20)}).Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(VoterSet::Decode(bytes.substr(0, size), 9).ok()) << size;
  }
  EXPECT_FALSE(VoterSet::Decode(bytes + "x", 9).ok());
  EXPECT_FALSE(VoterSet::Decode(bytes, 1).ok());
  std::string other = bytes;
  other[0] = 1;  // version
  EXPECT_FALSE(VoterSet::Decode(other, 9).ok());
  std::string twice = bytes;
  twice.replace(25, 4, std::string("\0\0\0\1", 4));
  EXPECT_FALSE(VoterSet::Decode(twice, 9).ok());
}

TEST(VoterHistory, FollowsTheLogForwardAndBack) {
  const VoterSet base({P(1, 1)});
  const VoterSet two({P(1, 1), P(2, 2)});
  const VoterSet three({P(1, 1), P(2, 2), P(3, 3)});
  VoterHistory history(base);
  EXPECT_EQ(history.current_offset(), std::nullopt);
  history.Append(Offset{5}, two);
  history.Append(Offset{9}, three);
  EXPECT_EQ(history.current(), three);
  EXPECT_EQ(history.At(Offset{5}), base);
  EXPECT_EQ(history.At(Offset{6}), two);
  EXPECT_EQ(history.At(Offset{10}), three);
  history.TruncateFrom(Offset{9});
  EXPECT_EQ(history.current(), two);
  history.FoldInto(Offset{6});
  EXPECT_EQ(history.current_offset(), std::nullopt);
  EXPECT_EQ(history.current(), two);
  history.TruncateFrom(Offset{0});
  EXPECT_EQ(history.current(), two);
}

}  // namespace
}  // namespace leat::raft
