#include "meta/command.h"

#include "tests/meta/test_cluster.h"

namespace leat::meta {
namespace {

using ::testing::HasSubstr;

Decisions Each(TestCluster& c, const std::vector<Command>& commands, ChangeMode mode = ChangeMode::kApply) {
  Decisions decisions = DecideEach(c.image, commands, mode, c.policy, c.random);
  c.Apply(decisions.records);
  return decisions;
}

TEST(Command, IsDecidedAgainstWhatThoseBeforeItMake) {
  TestCluster c;
  c.StartAll({1, 2});
  const Decisions decisions =
      Each(c, {CreateTopic{.name = "a", .partitions = 3, .configs = {{"retention.ms", "5"}}, .replication_factor = 2},
               CreateTopic{.name = "a", .partitions = 1, .configs = {}},
               AlterTopic{.name = "a", .set = {}, .remove = {"retention.ms"}, .partitions = 4},
               DeleteTopic{.name = "b"}, ReserveIds{10}, ReserveIds{5}});
  ASSERT_EQ(decisions.results.size(), 6u);
  EXPECT_TRUE(decisions.results[0].status.ok());
  EXPECT_EQ(decisions.results[0].partitions, 3);
  EXPECT_EQ(decisions.results[0].replication_factor, 2);
  EXPECT_EQ(decisions.results[0].configs, (Configs{{"retention.ms", "5"}}));
  EXPECT_EQ(decisions.results[1].status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(decisions.results[1].topic, TopicId()) << "what was refused is about nothing";
  EXPECT_EQ(decisions.results[2].partitions, 4);
  EXPECT_TRUE(decisions.results[2].configs.empty());
  EXPECT_EQ(decisions.results[3].status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(decisions.results[4].producer_ids_begin + 10, decisions.results[5].producer_ids_begin);
  EXPECT_EQ(c.image.FindTopic("a")->id, decisions.results[0].topic);
  EXPECT_EQ(c.image.FindTopic("a")->partitions, 4);
}

TEST(Command, OfADeletedTopicTellsWhatItWas) {
  TestCluster c;
  c.Start(1);
  const TopicId id = c.Create("a", {Nodes({1}), Nodes({1})});
  const Decisions decisions = Each(c, {DeleteTopic{.name = "a"}});
  EXPECT_EQ(decisions.results[0].topic, id);
  EXPECT_EQ(decisions.results[0].partitions, 2);
}

TEST(Command, CannotMakeATopicAgainBeforeItsDeletionIsInForce) {
  TestCluster c;
  c.Start(1);
  c.Create("a", {Nodes({1})});
  const Decisions together =
      Each(c, {DeleteTopic{.name = "a"}, CreateTopic{.name = "a", .partitions = 1, .configs = {}}});
  EXPECT_EQ(together.results[1].status.code(), absl::StatusCode::kUnavailable);
  TestCluster before;
  before.Start(1);
  before.Create("a", {Nodes({1})});
  const std::vector<Command> again = {CreateTopic{.name = "a", .partitions = 1, .configs = {}}};
  EXPECT_EQ(DecideEach(c.image, again, ChangeMode::kApply, c.policy, c.random, &before.image).results[0].status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(DecideEach(c.image, again, ChangeMode::kApply, c.policy, c.random, &c.image).results[0].status.ok());
}

TEST(Command, ThatIsOnlyValidatedChangesNothing) {
  TestCluster c;
  c.Start(1);
  const uint64_t hash = c.image.Hash();
  const Decisions decisions =
      Each(c, {CreateTopic{.name = "a", .partitions = 3, .configs = {}}}, ChangeMode::kValidate);
  EXPECT_EQ(decisions.results[0].partitions, 3);
  EXPECT_TRUE(decisions.records.empty());
  EXPECT_EQ(c.image.Hash(), hash);
}

TEST(Command, WithNumbersOutOfRangeIsRefused) {
  TestCluster c;
  c.Start(1);
  const PartitionKey key{c.Create("a", {Nodes({1})}), PartitionId(0)};
  for (const int64_t count : {int64_t{0}, int64_t{-5}, kMostProducerIds + 1}) {
    EXPECT_THAT(ErrorOf(Decide(c.image, Command(ReserveIds{count}), c.policy, c.random)), HasSubstr("reserve 1 to"));
  }
  EXPECT_THAT(ErrorOf(Decide(c.image, Command(ElectLeader{key, ElectionWish::kKeep}), c.policy, c.random)),
              HasSubstr("INVALID_REQUEST"));
}

TEST(Command, MovesADrainedBrokersCopiesAndStops) {
  TestCluster c;
  c.StartAll({1, 2});
  c.Create("a", {Nodes({1})});
  Each(c, {Drain{NodeId(1)}});
  EXPECT_TRUE(c.At("a").is_reassigning());
  EXPECT_TRUE(c.image.FindBroker(NodeId(1))->draining);
  Each(c, {Drain{NodeId(1), Drain::Wish::kStop}});
  EXPECT_FALSE(c.image.FindBroker(NodeId(1))->draining);
}

}  // namespace
}  // namespace leat::meta
