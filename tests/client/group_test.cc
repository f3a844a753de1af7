// Membership in groups, over real gRPC and the real group core.
#include <gmock/gmock.h>

#include <set>

#include "client/assignors.h"
#include "model/consumer_protocol.h"
#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Assignors, RangeGivesNeighboursOfEachTopic) {
  const std::vector<AssignedMember> members = {{"b", "", {"t", "u"}}, {"a", "", {"t", "u"}}};
  const Assignments got = *AssignPartitions("range", members, {{"t", 3}, {"u", 2}});
  EXPECT_THAT(got.at("a"), ElementsAre(TopicPartition{"t", 0}, TopicPartition{"t", 1}, TopicPartition{"u", 0}));
  EXPECT_THAT(got.at("b"), ElementsAre(TopicPartition{"t", 2}, TopicPartition{"u", 1}));
}

TEST(Assignors, RoundRobinGoesOnFromTopicToTopicAndPassesOverWhoDoesNotRead) {
  const std::vector<AssignedMember> members = {{"a", "", {"t", "u"}}, {"b", "", {"t"}}, {"c", "", {"x"}}};
  const Assignments got = *AssignPartitions("roundrobin", members, {{"t", 3}, {"u", 2}});
  EXPECT_THAT(got.at("a"), ElementsAre(TopicPartition{"t", 0}, TopicPartition{"t", 2}, TopicPartition{"u", 0},
                                       TopicPartition{"u", 1}));
  EXPECT_THAT(got.at("b"), ElementsAre(TopicPartition{"t", 1}));
  EXPECT_THAT(got.at("c"), IsEmpty());
}

TEST(Assignors, StaticMembersKeepTheirPlaceUnderANewId) {
  const std::map<std::string, int32_t> topics = {{"t", 2}};
  const Assignments before = *AssignPartitions("range", {{"m1", "i1", {"t"}}, {"m2", "i2", {"t"}}}, topics);
  const Assignments after = *AssignPartitions("range", {{"z", "i1", {"t"}}, {"m2", "i2", {"t"}}}, topics);
  EXPECT_EQ(before.at("m1"), after.at("z"));
  EXPECT_EQ(AssignPartitions("sticky", {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

class GroupTest : public ClientTest {
 protected:
  GroupTest() { broker_.AddTopic("t", 4); }

  static ConsumerOptions Options() {
    ConsumerOptions options;
    options.group = "g";
    options.reset = ConsumerOptions::Reset::kEarliest;
    options.heartbeat_interval = absl::Milliseconds(20);
    return options;
  }
  // A member and what its callbacks were told.
  struct Member {
    std::unique_ptr<Consumer> consumer;
    std::vector<std::string> events;
    std::vector<std::string> values;
    void Poll() {
      const auto records = consumer->Poll(absl::Milliseconds(20));
      ASSERT_TRUE(records.ok()) << records.status();
      for (const ConsumerRecord& record : *records) values.push_back(*record.value);
    }
  };
  std::unique_ptr<Member> Join(const ConsumerOptions& options, const std::vector<std::string>& topics = {"t"}) {
    auto member = std::make_unique<Member>();
    member->consumer = MakeConsumer(options);
    RebalanceCallbacks callbacks;
    Member* const raw = member.get();
    const auto note = [raw](const char* what) {
      return [raw, what](const std::vector<TopicPartition>& partitions) {
        raw->events.push_back(StrCat(what, " ", partitions.size()));
      };
    };
    callbacks.on_assigned = note("assigned");
    callbacks.on_revoked = [raw, revoked = note("revoked")](const std::vector<TopicPartition>& partitions) {
      revoked(partitions);
      EXPECT_TRUE(raw->consumer->Commit().ok()) << "what was given back can still be committed";
    };
    callbacks.on_lost = note("lost");
    EXPECT_TRUE(member->consumer->Subscribe(topics, std::move(callbacks)).ok());
    return member;
  }
  // Polls all until each has so many partitions.
  static void PollUntilShared(const std::vector<Member*>& members, size_t each) {
    for (int round = 0; round < 2000; ++round) {
      bool done = true;
      for (Member* member : members) {
        member->Poll();
        done &= member->consumer->assignment().size() == each;
      }
      if (done || ::testing::Test::HasFatalFailure()) return;
    }
    ADD_FAILURE() << "the group did not share its partitions out";
  }
  void Produce(int from, int count) {
    auto producer = MakeProducer({});
    for (int i = from; i < from + count; ++i) {
      ASSERT_TRUE(producer->Send({.topic = "t", .value = StrCat(i), .partition = i % 4}).ok());
    }
    ASSERT_TRUE(producer->Flush().ok());
  }
};

TEST_F(GroupTest, MembersShareTheTopicAndLoseNothingWhenOneComesAndOneGoes) {
  Produce(0, 100);
  auto a = Join(Options());
  PollUntilShared({a.get()}, 4);
  while (a->values.size() < 100 && !HasFailure()) a->Poll();
  auto b = Join(Options());
  PollUntilShared({a.get(), b.get()}, 2);
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 4", "assigned 2"));
  EXPECT_THAT(b->events, ElementsAre("assigned 2"));
  Produce(100, 100);
  while (a->values.size() + b->values.size() < 200 && !HasFailure()) {
    a->Poll();
    b->Poll();
  }
  EXPECT_TRUE(a->consumer->Commit().ok());
  EXPECT_TRUE(b->consumer->Commit().ok());
  b->consumer.reset();  // leaves
  PollUntilShared({a.get()}, 4);
  Produce(200, 4);
  while (a->values.size() + b->values.size() < 204 && !HasFailure()) a->Poll();
  std::multiset<std::string> all(a->values.begin(), a->values.end());
  all.insert(b->values.begin(), b->values.end());
  for (int i = 0; i < 204; ++i) EXPECT_EQ(all.count(StrCat(i)), 1u) << i;
}

class IncrementalGroupTest : public GroupTest {
 protected:
  static ConsumerOptions Incremental() {
    ConsumerOptions options = Options();
    options.assignors = {ConsumerOptions::Assignor::kCooperativeSticky};
    return options;
  }
  // A member that joins once and is never heard of again.
  void JoinSilently() {
    group::JoinRequest request{.group = "g", .member = "", .instance = std::nullopt, .protocol_type = "consumer"};
    request.protocols = {{"cooperative-sticky", model::EncodeSubscription({.topics = {"t"}})}};
    request.session_timeout = absl::Minutes(1);
    request.rebalance_timeout = absl::Minutes(1);
    broker_.groups().Join(request, [](const group::JoinReply&) {});
  }
  std::string State() {
    auto admin = Admin(Connect());
    const auto group = admin.DescribeGroup("g");
    return group.ok() ? group->state : std::string(Message(group.status()));
  }
};

TEST_F(IncrementalGroupTest, OnlyWhatMovesIsGivenBack) {
  Produce(0, 100);
  auto a = Join(Incremental());
  PollUntilShared({a.get()}, 4);
  while (a->values.size() < 100 && !HasFailure()) a->Poll();
  auto b = Join(Incremental());
  PollUntilShared({a.get(), b.get()}, 2);
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 2"));
  EXPECT_THAT(b->events, ElementsAre("assigned 2"));
  Produce(100, 100);
  while (a->values.size() + b->values.size() < 200 && !HasFailure()) {
    a->Poll();
    b->Poll();
  }
  EXPECT_TRUE(b->consumer->Commit().ok());
  b->consumer.reset();  // leaves
  PollUntilShared({a.get()}, 4);
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 2", "assigned 2"));
  Produce(200, 4);
  while (a->values.size() + b->values.size() < 204 && !HasFailure()) a->Poll();
  std::multiset<std::string> all(a->values.begin(), a->values.end());
  all.insert(b->values.begin(), b->values.end());
  for (int i = 0; i < 204; ++i) EXPECT_EQ(all.count(StrCat(i)), 1u) << i;
}

TEST_F(IncrementalGroupTest, WhatStaysIsReadAndCommittedWhileTheGroupWaitsForAnotherMember) {
  auto a = Join(Incremental());
  PollUntilShared({a.get()}, 4);
  JoinSilently();
  // It has given back what the other one is to get; the next round waits for the other one.
  while ((a->events.size() < 2 || State() != "PreparingRebalance") && !HasFailure()) a->Poll();
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 2"));
  Produce(0, 40);
  while (a->values.size() < 20 && !HasFailure()) a->Poll();
  EXPECT_TRUE(a->consumer->Commit().ok());
  EXPECT_EQ(State(), "PreparingRebalance");
  broker_.groups().Advance(absl::Minutes(2));  // the other one is given up
  PollUntilShared({a.get()}, 4);
  while (a->values.size() < 40 && !HasFailure()) a->Poll();
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 2", "assigned 2"));
  EXPECT_EQ(std::set<std::string>(a->values.begin(), a->values.end()).size(), 40u) << "nothing was read twice";
}

TEST_F(IncrementalGroupTest, AMemberThatTheGroupHasForgottenLosesEverything) {
  auto a = Join(Incremental());
  PollUntilShared({a.get()}, 4);
  broker_.groups().Advance(absl::Minutes(2));
  while (a->events.size() < 3 && !HasFailure()) a->Poll();
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "lost 4", "assigned 4"));
}

TEST_F(IncrementalGroupTest, WithAnotherAssignorBesideItAllIsGivenBack) {
  ConsumerOptions both = Incremental();
  both.assignors.push_back(ConsumerOptions::Assignor::kRange);
  auto a = Join(both);
  PollUntilShared({a.get()}, 4);
  auto b = Join(Incremental());
  PollUntilShared({a.get(), b.get()}, 2);
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "revoked 4", "assigned 2"));
  EXPECT_THAT(b->events, ElementsAre("assigned 2"));
}

TEST_F(GroupTest, AMemberThatTheGroupHasForgottenLosesItsPartitionsAndComesBack) {
  auto a = Join(Options());
  PollUntilShared({a.get()}, 4);
  broker_.groups().Advance(absl::Minutes(2));  // its session is over
  PollUntilShared({a.get()}, 4);
  while (a->events.size() < 3 && !HasFailure()) a->Poll();
  EXPECT_THAT(a->events, ElementsAre("assigned 4", "lost 4", "assigned 4"));
}

TEST_F(GroupTest, AStaticMemberComesBackToItsPartitionsWithoutARebalance) {
  ConsumerOptions first = Options(), second = Options();
  first.instance = "one";
  second.instance = "two";
  auto a = Join(first);
  auto b = Join(second);
  PollUntilShared({a.get(), b.get()}, 2);
  const std::vector<TopicPartition> had = b->consumer->assignment();
  const std::vector<std::string> events = a->events;
  b->consumer.reset();
  auto again = Join(second);
  PollUntilShared({again.get()}, 2);
  EXPECT_EQ(again->consumer->assignment(), had);
  a->Poll();
  EXPECT_EQ(a->events, events) << "the other member has noticed nothing";
}

TEST_F(GroupTest, AFencedMemberIsToldSo) {
  ConsumerOptions options = Options();
  options.instance = "one";
  auto a = Join(options);
  PollUntilShared({a.get()}, 4);
  auto usurper = Join(options);
  PollUntilShared({usurper.get()}, 4);
  absl::Status status;
  while (status.ok()) status = a->consumer->Poll(absl::Milliseconds(20)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("FENCED_INSTANCE_ID"));
}

TEST_F(GroupTest, OffsetsOfAnOldGenerationAreRefused) {
  auto a = Join(Options());
  PollUntilShared({a.get()}, 4);
  auto admin = Admin(Connect());
  EXPECT_FALSE(admin.CommitGroupOffset("g", {"t", 0}, 1).ok()) << "only members commit while there are some";
  broker_.groups().Advance(absl::Minutes(2));
  EXPECT_EQ(a->consumer->Commit().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(GroupTest, IsDescribedAndDeletedWhenItsMembersAreGone) {
  auto a = Join(Options());
  PollUntilShared({a.get()}, 4);
  EXPECT_TRUE(a->consumer->Commit().ok());
  auto admin = Admin(Connect());
  const auto group = admin.DescribeGroup("g");
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_EQ(group->state, "Stable");
  EXPECT_EQ(group->protocol, "range");
  ASSERT_EQ(group->members.size(), 1u);
  EXPECT_EQ(group->members[0].client_id, "leat");
  EXPECT_EQ(group->members[0].partitions.size(), 4u);
  EXPECT_EQ(admin.DeleteGroup("g").code(), absl::StatusCode::kFailedPrecondition);
  a->consumer.reset();
  EXPECT_TRUE(admin.DeleteGroup("g").ok());
  EXPECT_EQ(admin.DeleteGroup("g").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(admin.DescribeGroup("g").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(GroupTest, LeavesAlsoWhenAHeartbeatIsUnderWay) {
  ConsumerOptions options = Options();
  options.heartbeat_interval = absl::ZeroDuration();  // there is always one under way
  auto admin = Admin(Connect());
  for (int round = 0; round < 20; ++round) {
    auto a = Join(options);
    PollUntilShared({a.get()}, 4);
    a->consumer.reset();
    const auto group = admin.DescribeGroup("g");
    ASSERT_TRUE(group.ok()) << group.status();
    ASSERT_EQ(group->state, "Empty") << "round " << round;
  }
}

TEST_F(GroupTest, SubscribingNeedsAGroupAndATopic) {
  EXPECT_EQ(MakeConsumer({})->Subscribe({"t"}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeConsumer(Options())->Subscribe({}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(GroupTest, AJoinThatWaitsEndsWhenTheServerStops) {
  auto a = Join(Options());
  PollUntilShared({a.get()}, 4);
  auto b = Join(Options());  // waits for a, which does not poll
  while (broker_.groups().IsStableWith("g", 1)) b->Poll();
  RestartServer();
  PollUntilShared({a.get(), b.get()}, 2);
}

}  // namespace
}  // namespace leat::client
