#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Jobs : public ::testing::Test {
 protected:
  Jobs() { LEAT_CHECK_OK(w.Start()); }
  absl::StatusOr<JobDescription> Submit(const std::string& name, const std::string& sql) {
    return w.Await<absl::StatusOr<JobDescription>>([&](auto done) {
      w.broker->SubmitJob({name, sql}, std::move(done));
    });
  }
  JobDescription Describe(const std::string& name) {
    return *w.Await<absl::StatusOr<JobDescription>>([&](auto done) { w.broker->DescribeJob(name, std::move(done)); });
  }
  absl::StatusOr<JobUpgraded> Upgrade(JobUpgrade upgrade) {
    return w.Await<absl::StatusOr<JobUpgraded>>([&](auto done) { w.broker->UpgradeJob(upgrade, std::move(done)); });
  }
  BrokerWorld w{21};
};

TEST_F(Jobs, RunOnceSubmittedAndSurviveARestart) {
  const auto submitted = Submit("fraud", "INSERT");
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->state, JobState::kRunning);
  EXPECT_EQ(submitted->rows_in, 7u);
  EXPECT_EQ(submitted->explain, "Sink <- INSERT");
  EXPECT_EQ(w.jobs.alive, 1);
  ASSERT_TRUE(w.Stop().ok());
  EXPECT_EQ(w.jobs.alive, 0);
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(Describe("fraud").state, JobState::kRunning);
  EXPECT_EQ(w.jobs.alive, 1);
}

TEST_F(Jobs, AreNotStoredUnlessThePlanIsGood) {
  EXPECT_EQ(Submit("fraud", "bad").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(Message(Submit("fraud", "CREATE TABLE").status())), HasSubstr("INSERT INTO"));
  EXPECT_EQ(Submit("no/good", "INSERT").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(w.broker->image()->Jobs().empty());
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  EXPECT_EQ(Submit("fraud", "INSERT").status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(Jobs, StayStoppedOverARestartAndStartAgain) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->StopJob("fraud", std::move(done)); }).ok());
  EXPECT_EQ(w.jobs.alive, 0);
  w.PowerCut();
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(Describe("fraud").state, JobState::kStopped);
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->StartJob("fraud", std::move(done)); }).ok());
  EXPECT_EQ(Describe("fraud").state, JobState::kRunning);
}

TEST_F(Jobs, ShowWhereTheyStoppedAlsoAfterARestart) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->StopJob("fraud", std::move(done)); }).ok());
  const auto logs = [&] {
    return *w.Await<absl::StatusOr<std::vector<JobLogLine>>>(
        [&](auto done) { w.broker->JobLogs("fraud", std::move(done)); });
  };
  for (const char* line : {"started", "looked"}) {
    const JobDescription job = Describe("fraud");
    EXPECT_EQ(job.state, JobState::kStopped);
    EXPECT_EQ(job.rows_in, 7u);
    ASSERT_EQ(job.inputs.size(), 1u);
    EXPECT_EQ(job.inputs[0].offset, model::Offset{5});
    ASSERT_EQ(logs().size(), 1u);
    EXPECT_EQ(logs()[0].text, line);
    EXPECT_EQ(w.jobs.alive, 0);
    w.PowerCut();
    ASSERT_TRUE(w.Start().ok());
    w.world.RunFor(absl::Seconds(1));
  }
}

TEST_F(Jobs, ThatNoLongerCompileAreShownAsFailed) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  ASSERT_TRUE(w.Stop().ok());
  w.jobs.refuses = "INSERT";
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  const JobDescription job = Describe("fraud");
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_THAT(job.error, HasSubstr("expected a statement"));
}

TEST_F(Jobs, GoOnWithOtherSql) {
  EXPECT_TRUE(absl::IsNotFound(Upgrade({"fraud", "INSERT 2"}).status()));
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  EXPECT_EQ(Upgrade({.name = "fraud", .sql = "INSERT 2", .mode = JobUpgrade::Mode::kCheck})->job.sql, "INSERT");
  const absl::StatusOr<JobUpgraded> upgraded = Upgrade({"fraud", "INSERT 2"});
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(upgraded->job.state, JobState::kRunning);
  EXPECT_EQ(upgraded->job.sql, "INSERT 2");
  EXPECT_EQ(upgraded->job.revision, 2);
  EXPECT_THAT(w.jobs.revisions, ElementsAre(1, 2));
  EXPECT_EQ(w.jobs.alive, 1);
  w.PowerCut();
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(Describe("fraud").explain, "Sink <- INSERT 2");
  EXPECT_THAT(w.jobs.revisions, ElementsAre(1, 2, 2));
}

TEST_F(Jobs, ThatAreNotToRunAreUpgradedWithoutRunning) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->StopJob("fraud", std::move(done)); }).ok());
  const absl::StatusOr<JobUpgraded> upgraded = Upgrade({"fraud", "INSERT 2"});
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(upgraded->job.state, JobState::kStopped);
  EXPECT_EQ(upgraded->job.revision, 2);
  EXPECT_EQ(w.jobs.alive, 0);
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->StartJob("fraud", std::move(done)); }).ok());
  EXPECT_EQ(Describe("fraud").explain, "Sink <- INSERT 2");
}

TEST_F(Jobs, RunOnWhenTheNewSqlDoesNotFit) {
  w.jobs.state_of = "card";
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Upgrade({"fraud", "bad"}).status()));
  EXPECT_THAT(std::string(Message(Upgrade({"fraud", "CREATE TABLE"}).status())), HasSubstr("INSERT INTO"));
  const absl::Status refused = Upgrade({"fraud", "INSERT 2"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(Message(refused)), HasSubstr("GroupAggregate#4"));
  EXPECT_EQ(Describe("fraud").sql, "INSERT");
  EXPECT_EQ(Describe("fraud").state, JobState::kRunning);
  EXPECT_THAT(w.jobs.revisions, ElementsAre(1)) << "it was not even stopped";
  const absl::StatusOr<JobUpgraded> upgraded = Upgrade({"fraud", "INSERT 2", {"GroupAggregate#4"}});
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_THAT(upgraded->changes, ElementsAre(HasSubstr("loses its state: GroupAggregate#4")));
  const auto given_up = ::testing::Optional(ElementsAre("GroupAggregate#4"));
  EXPECT_THAT(w.jobs.dropped, given_up);
  EXPECT_THAT(w.broker->image()->FindJob("fraud")->dropped, given_up);
  w.PowerCut();
  w.jobs.dropped.reset();
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  EXPECT_THAT(w.jobs.dropped, given_up) << "whoever starts it knows what was given up";
}

TEST_F(Jobs, ThatNoLongerCompileCanBeUpgraded) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  ASSERT_TRUE(w.Stop().ok());
  w.jobs.refuses = "INSERT";
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  ASSERT_EQ(Describe("fraud").state, JobState::kFailed);
  const absl::StatusOr<JobUpgraded> upgraded = Upgrade({"fraud", "INSERT 2"});
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(upgraded->job.state, JobState::kRunning);
  EXPECT_EQ(upgraded->job.error, "");
}

TEST_F(Jobs, WhoseStateNobodyKnowsAreNotUpgraded) {
  w.jobs.state_of = kNobodyKnows;
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  EXPECT_THAT(std::string(Message(Upgrade({"fraud", "INSERT 2"}).status())), HasSubstr("start the job once"));
  ASSERT_TRUE(w.Stop().ok());
  w.jobs.refuses = "INSERT";
  ASSERT_TRUE(w.Start().ok());
  w.world.RunFor(absl::Seconds(1));
  EXPECT_THAT(std::string(Message(Upgrade({"fraud", "INSERT 2"}).status())),
              ::testing::AllOf(HasSubstr("expected a statement"), HasSubstr("leat job submit --replace")));
}

// The SQL that does not compile may have been replaced while it was compiled.
TEST(JobsUpgraded, WhileTheOldSqlIsTriedAgainRunTheNew) {
  for (int lead_us = 0; lead_us < 2000; lead_us += 40) {
    BrokerWorld w(22);
    LEAT_CHECK_OK(w.Start());
    const auto submitted = w.Await<absl::StatusOr<JobDescription>>([&](auto done) {
      w.broker->SubmitJob({"fraud", "INSERT"}, std::move(done));
    });
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    ASSERT_TRUE(w.Stop().ok());
    w.jobs.refuses = "INSERT";
    ASSERT_TRUE(w.Start().ok());
    w.world.RunFor(absl::Seconds(1));
    w.broker->StartJob("fraud", [](const absl::Status&) {});
    w.world.RunFor(absl::Microseconds(lead_us));
    w.broker->ChangeMetadata(meta::UpgradeJob{"fraud", "INSERT 2", 1, {}}, [](const auto&) {});
    w.world.RunFor(absl::Seconds(5));
    EXPECT_EQ(w.broker->image()->FindJob("fraud")->revision, 2);
    EXPECT_EQ(w.jobs.alive, 1) << lead_us;
    EXPECT_THAT(w.jobs.revisions, ElementsAre(1, 2)) << lead_us;
  }
}

TEST_F(Jobs, LeaveNothingWhenDeleted) {
  ASSERT_TRUE(Submit("fraud", "INSERT").ok());
  w.Create("events");
  w.Commit("fraud", Tp("events"), 3);
  ASSERT_TRUE(w.Await<absl::Status>([&](auto done) { w.broker->DeleteJob("fraud", std::move(done)); }).ok());
  EXPECT_THAT(w.jobs.deleted, ElementsAre("fraud"));
  EXPECT_EQ(w.jobs.alive, 0);
  EXPECT_EQ(w.Committed("fraud", Tp("events")), -1);
  const auto gone =
      w.Await<absl::StatusOr<JobDescription>>([&](auto done) { w.broker->DescribeJob("fraud", std::move(done)); });
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound);
  const auto unknown = w.Await<absl::Status>([&](auto done) { w.broker->DeleteJob("fraud", std::move(done)); });
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace leat::broker
