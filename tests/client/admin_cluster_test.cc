// What an operator asks through the library comes to the broker as it was meant, and its answers come back.
#include <gmock/gmock.h>

#include "tests/client/client_fixture.h"

namespace leat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdminClusterTest : public ClientTest {
 protected:
  rpc::FakeClusterAdmin& cluster() { return broker_.cluster_admin(); }
};

TEST_F(AdminClusterTest, AsksForElections) {
  Admin admin(Connect());
  EXPECT_TRUE(admin.ElectLeaders(Admin::Election::kPreferred)->empty());
  cluster().outcome.Set({model::ErrorCode::kPreferredLeaderNotAvailable, "not in sync"});
  const auto results = admin.ElectLeaders(Admin::Election::kUnclean, {{"t", 0}, {"u", 3}});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 2u);
  EXPECT_EQ(results->at(1).partition, (TopicPartition{"u", 3}));
  EXPECT_THAT(std::string(results->at(1).status.message()), HasSubstr("not in sync"));
  EXPECT_THAT(cluster().asked.Get(), ElementsAre("preferred all", "unclean t-0 u-3"));
}

TEST_F(AdminClusterTest, MovesReplicas) {
  Admin admin(Connect());
  const auto results = admin.Reassign({{{"t", 0}, {3, 1}}, {{"t", 1}, {}}});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_TRUE(results->at(0).status.ok());
  cluster().ongoing.Set({{{"t", model::PartitionId(0)},
                          {model::NodeId(3), model::NodeId(1), model::NodeId(2)},
                          {model::NodeId(3)},
                          {model::NodeId(2)}}});
  const auto ongoing = admin.ListReassignments();
  ASSERT_TRUE(ongoing.ok()) << ongoing.status();
  EXPECT_THAT(ongoing->at(0).replicas, ElementsAre(3, 1, 2));
  EXPECT_THAT(ongoing->at(0).adding, ElementsAre(3));
  EXPECT_THAT(ongoing->at(0).removing, ElementsAre(2));
  EXPECT_EQ(*admin.RebalanceLeaders(), 3u);
  EXPECT_THAT(cluster().asked.Get(), ElementsAre("reassign t-0 to 3 1 t-1 back"));
}

TEST_F(AdminClusterTest, TakesBrokersAway) {
  Admin admin(Connect());
  cluster().drains.Set({{.outcome = {}, .held = 5}});
  EXPECT_EQ(*admin.DrainBroker(2), 5u);
  EXPECT_EQ(*admin.DrainBroker(2), 0u);
  EXPECT_TRUE(admin.CancelDrain(2).ok());
  EXPECT_TRUE(admin.UnregisterBroker(2).ok());
  cluster().outcome.Set({model::ErrorCode::kBrokerIdNotRegistered, "broker 9 is not registered"});
  EXPECT_TRUE(absl::IsNotFound(admin.UnregisterBroker(9)));
  EXPECT_TRUE(absl::IsNotFound(admin.DrainBroker(9).status()));
  EXPECT_THAT(cluster().asked.Get(),
              ElementsAre("drain 2", "drain 2", "keep 2", "unregister 2", "unregister 9", "drain 9"));
}

TEST_F(AdminClusterTest, SeesAndChangesTheVoters) {
  Admin admin(Connect());
  broker::QuorumDescription quorum_now;
  quorum_now.leader = model::NodeId(1);
  quorum_now.epoch = 7;
  quorum_now.high_watermark = model::Offset(40);
  quorum_now.voters = {{.id = model::NodeId(1),
                        .directory = {1, 2},
                        .log_end = model::Offset(41),
                        .last_fetch_ms = 5,
                        .last_caught_up_ms = 6,
                        .listeners = {{"internal", "one", 9097}}}};
  quorum_now.observers = {{.id = model::NodeId(4), .directory = {}}};
  cluster().quorum.Set(quorum_now);
  const auto quorum = admin.DescribeQuorum();
  ASSERT_TRUE(quorum.ok()) << quorum.status();
  EXPECT_EQ(quorum->leader, 1);
  EXPECT_EQ(quorum->epoch, 7);
  EXPECT_EQ(quorum->high_watermark, 40);
  EXPECT_EQ(quorum->voters.at(0).log_end_offset, 41);
  EXPECT_EQ(quorum->voters.at(0).directory, (model::Uuid{1, 2}.ToString()));
  EXPECT_THAT(quorum->voters.at(0).listeners, ElementsAre("internal://one:9097"));
  EXPECT_EQ(quorum->observers.at(0).log_end_offset, -1);
  EXPECT_EQ(quorum->observers.at(0).directory, "");

  EXPECT_TRUE(admin.AddVoter({.id = 4, .host = "four", .port = 9097}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(admin.AddVoter({.id = 4, .directory = "what?"})));
  cluster().outcome.Set({model::ErrorCode::kNotController, "broker 2 is the controller"});
  EXPECT_TRUE(absl::IsUnavailable(admin.RemoveVoter(4)));
  EXPECT_THAT(cluster().asked.Get(), ElementsAre("add 4 of '' internal four:9097", "remove 4"));
}

}  // namespace
}  // namespace leat::client
