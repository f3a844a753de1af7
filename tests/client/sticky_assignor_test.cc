#include "client/sticky_assignor.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"

namespace leat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<TopicPartition> Of(const std::string& topic, const std::vector<int32_t>& numbers) {
  std::vector<TopicPartition> out;
  for (const int32_t number : numbers) out.push_back({topic, number});
  return out;
}

Assignments Share(const std::vector<AssignedMember>& members, const std::map<std::string, int32_t>& partitions) {
  return *AssignPartitions("cooperative-sticky", members, partitions);
}

TEST(StickyAssignor, SharesEvenly) {
  const Assignments got = Share({{"c", "", {"t"}}, {"a", "", {"t"}}, {"b", "", {"t"}}}, {{"t", 7}});
  EXPECT_THAT(got.at("a"), ElementsAre(TopicPartition{"t", 0}, TopicPartition{"t", 3}, TopicPartition{"t", 6}));
  EXPECT_EQ(got.at("b").size(), 2u);
  EXPECT_EQ(got.at("c").size(), 2u);
}

TEST(StickyAssignor, WhatMovesIsFirstGivenBackAndThenHandedOn) {
  std::vector<AssignedMember> members = {{"a", "", {"t"}, Of("t", {0, 1, 2, 3}), 1}, {"b", "", {"t"}}};
  const Assignments first = Share(members, {{"t", 4}});
  EXPECT_EQ(first.at("a"), Of("t", {0, 1}));
  EXPECT_THAT(first.at("b"), IsEmpty());
  members[0].owned = first.at("a");
  const Assignments second = Share(members, {{"t", 4}});
  EXPECT_EQ(second.at("a"), Of("t", {0, 1}));
  EXPECT_EQ(second.at("b"), Of("t", {2, 3}));
}

TEST(StickyAssignor, WhatAMemberLeavesBehindIsSharedWithoutMovingTheRest) {
  const Assignments got =
      Share({{"a", "", {"t"}, Of("t", {5, 0}), 3}, {"b", "", {"t"}, Of("t", {1, 4}), 3}}, {{"t", 6}});
  EXPECT_EQ(got.at("a"), Of("t", {0, 2, 5}));
  EXPECT_EQ(got.at("b"), Of("t", {1, 3, 4}));
}

TEST(StickyAssignor, TheNewerGenerationOwnsWhatTwoClaim) {
  const std::map<std::string, int32_t> topics = {{"t", 2}};
  const Assignments newer = Share({{"a", "", {"t"}, Of("t", {0, 1}), 4}, {"b", "", {"t"}, Of("t", {0}), 5}}, topics);
  EXPECT_EQ(newer.at("a"), Of("t", {1}));
  EXPECT_EQ(newer.at("b"), Of("t", {0}));
  // Of the same generation neither is believed, but both have it and one of them may keep it.
  const Assignments same = Share({{"a", "", {"t"}, Of("t", {0, 1}), 5}, {"b", "", {"t"}, Of("t", {0}), 5}}, topics);
  EXPECT_EQ(same.at("a"), Of("t", {1}));
  EXPECT_EQ(same.at("b"), Of("t", {0}));
}

TEST(StickyAssignor, ATopicThatAMemberNoLongerReadsGoesToWhoDoes) {
  std::vector<AssignedMember> members = {{"a", "", {"u"}, Of("t", {0}), 1}, {"b", "", {"t", "u", "no-such"}}};
  EXPECT_THAT(Share(members, {{"t", 1}, {"u", 1}}).at("b"), IsEmpty()) << "a has it still";
  members[0].owned.clear();
  const Assignments got = Share(members, {{"t", 1}, {"u", 1}});
  EXPECT_EQ(got.at("a"), Of("u", {0}));
  EXPECT_EQ(got.at("b"), Of("t", {0}));
}

TEST(StickyAssignor, ClaimsOfWhatDoesNotExistAreForgotten) {
  const Assignments got =
      Share({{"a", "", {"t"}, Of("t", {-1, 0, 9}), 1}, {"b", "", {"x"}, Of("x", {0}), 1}}, {{"t", 1}});
  EXPECT_EQ(got.at("a"), Of("t", {0}));
  EXPECT_THAT(got.at("b"), IsEmpty());
}

// Members take what they are assigned and join again until nothing changes. Returns the number of rounds.
int Settle(std::vector<AssignedMember>* members, const std::map<std::string, int32_t>& partitions, int32_t generation) {
  for (int round = 1;; ++round) {
    const Assignments got = Share(*members, partitions);
    bool changed = false;
    for (AssignedMember& member : *members) {
      std::vector<TopicPartition> now = got.at(member.id);
      for (const TopicPartition& partition : now) {
        RC_ASSERT(std::count(member.topics.begin(), member.topics.end(), partition.topic) > 0);
      }
      // Between an assignment and the next one may have both; never two members the same.
      std::sort(member.owned.begin(), member.owned.end());
      changed |= now != member.owned;
      for (const auto* list : {&now, &member.owned}) {
        for (const TopicPartition& partition : std::set<TopicPartition>(list->begin(), list->end())) {
          for (const AssignedMember& other : *members) {
            if (&other == &member) continue;
            RC_ASSERT(std::count(got.at(other.id).begin(), got.at(other.id).end(), partition) == 0);
          }
        }
      }
    }
    for (AssignedMember& member : *members) {
      member.owned = got.at(member.id);
      member.generation = generation + round;
    }
    if (!changed) return round;
    RC_ASSERT(round < 12);
  }
}

RC_GTEST_PROP(StickyAssignor, SettlesWithEveryPartitionAtOneReader, (unsigned seed)) {
  Random random(seed);
  const auto below = [&](uint64_t limit) { return static_cast<int32_t>(random.Below(limit)); };
  const bool equal = below(2) == 0;
  std::map<std::string, int32_t> partitions;
  for (int t = 0; t < 1 + below(4); ++t) partitions[StrCat("t", t)] = below(12);
  std::vector<AssignedMember> members;
  int32_t generation = 1;
  for (int change = 0; change < 6; ++change) {
    if (members.size() > 1 && below(3) == 0) {
      members.erase(members.begin() + below(members.size()));
    } else {
      AssignedMember member{.id = StrCat("m", random.Next()), .instance = "", .topics = {}};
      for (const auto& [topic, count] : partitions) {
        if (equal || below(2) == 0) member.topics.push_back(topic);
      }
      members.push_back(member);
    }
    generation += 1 + Settle(&members, partitions, generation);
    size_t least = SIZE_MAX, most = 0;
    std::map<TopicPartition, int> readers;
    for (const AssignedMember& member : members) {
      least = std::min(least, member.owned.size());
      most = std::max(most, member.owned.size());
      for (const TopicPartition& partition : member.owned) ++readers[partition];
    }
    for (const auto& [topic, count] : partitions) {
      const bool read = std::any_of(members.begin(), members.end(), [&](const AssignedMember& member) {
        return std::count(member.topics.begin(), member.topics.end(), topic) > 0;
      });
      for (int32_t i = 0; i < count; ++i) RC_ASSERT(readers[TopicPartition({topic, i})] == (read ? 1 : 0));
    }
    if (equal) RC_ASSERT(most - least <= 1u);
  }
}

}  // namespace
}  // namespace leat::client
