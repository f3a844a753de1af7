#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

using AdminTest = ClientTest;

TEST_F(AdminTest, MakesDescribesAltersAndDeletesTopics) {
  Admin admin(Connect());
  ASSERT_TRUE(admin.CreateTopic({.name = "t", .partitions = 3}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(admin.CreateTopic({.name = "t"})));
  EXPECT_TRUE(absl::IsInvalidArgument(admin.CreateTopic({.name = "u", .configs = {{"no.such.config", "1"}}})));
  EXPECT_EQ(admin.DescribeTopic("t")->partitions.size(), 3u);
  ASSERT_TRUE(admin.AlterTopic("t", {}, {}, 5).ok());
  const auto topics = admin.ListTopics();
  ASSERT_TRUE(topics.ok()) << topics.status();
  ASSERT_EQ(topics->size(), 1u);
  EXPECT_EQ(topics->front().partitions.size(), 5u);
  EXPECT_TRUE(topics->front().configs.at("retention.ms").is_default);
  ASSERT_TRUE(admin.DeleteTopic("t").ok());
  EXPECT_TRUE(absl::IsNotFound(admin.DescribeTopic("t").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(admin.DeleteTopic("")));
}

TEST_F(AdminTest, HandlesJobs) {
  Admin admin(Connect());
  const absl::Status refused = admin.SubmitJob("j", "nonsense").status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_EQ(std::string(refused.message()), "1:1: expected a statement, got 'nonsense'");
  const auto job = admin.SubmitJob("j", "SELECT 1");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state, "RUNNING");
  EXPECT_EQ(job->inputs.front().watermark_ms, std::nullopt);
  EXPECT_EQ(admin.DescribeJob("j")->sql, "SELECT 1");
  EXPECT_EQ(admin.ListJobs()->size(), 1u);
  EXPECT_EQ(admin.JobLogs("j")->front().text, "started");
  EXPECT_EQ(*admin.Explain("x"), "plan of x");
  EXPECT_TRUE(admin.StopJob("j").ok());
  EXPECT_TRUE(admin.StartJob("j").ok());
  EXPECT_TRUE(admin.DeleteJob("j").ok());
  EXPECT_TRUE(absl::IsNotFound(admin.StopJob("j")));
}

TEST_F(AdminTest, UpgradesJobs) {
  Admin admin(Connect());
  EXPECT_TRUE(absl::IsNotFound(admin.UpgradeJob("j", "SELECT 2").status()));
  ASSERT_TRUE(admin.SubmitJob("j", "SELECT 1").ok());
  EXPECT_EQ(admin.UpgradeJob("j", "SELECT 2", {}, UpgradeMode::kCheck)->job.revision, 1);
  const auto upgraded = admin.UpgradeJob("j", "SELECT 2");
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(upgraded->job.sql, "SELECT 2");
  EXPECT_EQ(upgraded->job.revision, 2);
  EXPECT_EQ(upgraded->changes, std::vector<std::string>{"keeps its state: GroupAggregate#4"});
  const absl::Status refused = admin.UpgradeJob("j", "other keys").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_EQ(std::string(refused.message()), "GroupAggregate#4: keys were others");
  EXPECT_EQ(admin.UpgradeJob("j", "other keys", {"GroupAggregate#4"})->changes.front(),
            "loses its state: GroupAggregate#4");
}

TEST_F(AdminTest, DescribesGroupsAndTheCluster) {
  broker_.AddTopic("t", 1);
  Admin admin(Connect());
  ASSERT_TRUE(admin.CommitGroupOffset("g", {"t", 0}, 0).ok());
  EXPECT_EQ(*admin.ListGroups(), std::vector<std::string>{"g"});
  EXPECT_EQ(admin.GroupOffsets("g")->front().offset, 0);
  EXPECT_EQ(admin.Lag("g")->front().lag_seconds, 0.5);
  EXPECT_EQ(*admin.DeleteRecords({"t", 0}, -1), 0);
  const auto cluster = admin.DescribeCluster();
  EXPECT_EQ(cluster->cluster_id, "fake");
  EXPECT_EQ(cluster->brokers.front().admin, "127.0.0.1:2");
}

TEST_F(AdminTest, SaysThatNoBrokerAnswersWithinTheTimeout) {
  server_->Stop(absl::ZeroDuration());
  Admin admin(Connection::Open({.address = address_, .request_timeout = absl::Milliseconds(100)}));
  const absl::Status status = admin.DescribeCluster().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("start leatd"));
}

}  // namespace
}  // namespace leat::client
