// Jobs in a cluster of three: on the node that leads the changelog, and on another when that is gone.
#include "tests/broker/cluster_fixture.h"
#include "tests/broker/counting_job.h"

namespace leat::broker {
namespace {

using ::testing::HasSubstr;

class ClusterJobs : public Cluster {
 protected:
  // What the runs say of themselves goes before the nodes would.
  ~ClusterJobs() override {
    for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
  }
  std::unique_ptr<JobFactory> MakeJobs(int32_t id) override {
    return std::make_unique<CountingJobFactory>(&runs, id, nodes[id]->shards[0].get());
  }
  template <typename Reply, typename Call>
  Reply Await(Call call) {
    auto reply = std::make_shared<std::optional<Reply>>();
    call([reply](Reply answer) { *reply = std::move(answer); });
    LEAT_CHECK(world.RunUntil([&] { return reply->has_value(); }, absl::Minutes(2)));
    return std::move(**reply);
  }
  absl::StatusOr<JobDescription> Submit(int32_t node, const std::string& name) {
    return Await<absl::StatusOr<JobDescription>>([&](auto done) {
      nodes[node]->broker->SubmitJob({name, "INSERT"}, std::move(done));
    });
  }
  absl::StatusOr<JobDescription> Describe(int32_t node, const std::string& name) {
    return Await<absl::StatusOr<JobDescription>>(
        [&](auto done) { nodes[node]->broker->DescribeJob(name, std::move(done)); });
  }
  absl::Status Change(int32_t node, const std::string& name,
                      void (Broker::*call)(std::string, Callback<absl::Status>)) {
    return Await<absl::Status>([&](auto done) { (nodes[node]->broker.get()->*call)(name, std::move(done)); });
  }
  int RunningNow() const {
    int sum = 0;
    for (const auto& [node, count] : runs.running) sum += count;
    return sum;
  }
  // The node on which one job runs.
  int32_t Owner() const {
    for (const auto& [node, count] : runs.running) {
      if (count > 0) return node;
    }
    return -1;
  }
  // Until this node has acknowledged so many more checkpoints.
  bool Counts(int32_t node, int more) {
    const size_t before = runs.checkpoints.size();
    return world.RunUntil(
        [&] {
          int seen = 0;
          for (size_t i = before; i < runs.checkpoints.size(); ++i) seen += runs.checkpoints[i].node == node ? 1 : 0;
          return seen >= more;
        },
        absl::Minutes(2));
  }
  static int32_t Other(int32_t node) { return node % kNodes + 1; }
  std::vector<std::string> Changelog(int32_t node, const std::string& job) {
    std::vector<std::string> values;
    model::Offset next(0);
    while (true) {
      const auto data = Await<absl::StatusOr<run::LogData>>([&](auto done) {
        nodes[node]->broker->job_log().Fetch(
            {.partition = {run::ChangelogTopic(job), model::PartitionId(0)}, .offset = next, .max_wait = {}}, done);
      });
      LEAT_CHECK(data.ok()) << data.status();
      const std::vector<std::string> some = Values(data->batches, next);
      if (some.empty()) return values;
      values.insert(values.end(), some.begin(), some.end());
      next = next + static_cast<int64_t>(some.size());
    }
  }
  // No checkpoint is lost, none is there twice, and every acknowledged one is there.
  void ExpectCountedOn(int32_t node, const std::string& job) {
    const std::vector<std::string> log = Changelog(node, job);
    for (size_t i = 0; i < log.size(); ++i) ASSERT_EQ(log[i], StrCat(i + 1)) << "of " << log.size();
    int64_t last = 0;
    for (const CountedRuns::Checkpoint& checkpoint : runs.checkpoints) {
      EXPECT_GT(checkpoint.count, last) << "node " << checkpoint.node;
      last = checkpoint.count;
    }
    EXPECT_LE(static_cast<size_t>(last), log.size());
  }

  CountedRuns runs;
};

TEST_F(ClusterJobs, RunWhereTheirChangelogIsLedAndAreSpread) {
  StartAll();
  std::map<int32_t, int> on;
  for (int i = 0; i < 6; ++i) {
    const std::string name = StrCat("job", i);
    const auto job = Submit(i % kNodes + 1, name);
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->error, "");
    const meta::TopicPtr topic = ImageOf(1)->FindTopic(run::ChangelogTopic(name));
    ASSERT_NE(topic, nullptr);
    const meta::Partition* changelog = ImageOf(1)->FindPartition({topic->id, model::PartitionId(0)});
    EXPECT_EQ(changelog->replicas.size(), 3u);
    EXPECT_EQ(job->node, changelog->leader);
    ++on[job->node.value()];
  }
  EXPECT_EQ(on, (std::map<int32_t, int>{{1, 2}, {2, 2}, {3, 2}}));
  EXPECT_EQ(runs.running, on);
  world.RunFor(absl::Seconds(2));
  EXPECT_EQ(runs.running, on);
}

TEST_F(ClusterJobs, GoOnWithTheirStateWhenTheirNodeDies) {
  StartAll();
  ASSERT_TRUE(Submit(1, "job").ok());
  for (int i = 0; i < 2; ++i) {
    const int32_t owner = Owner();
    ASSERT_TRUE(Counts(owner, 5));
    const int64_t counted = runs.checkpoints.back().count;
    Kill(owner);
    ASSERT_TRUE(world.RunUntil([&] { return RunningNow() == 1; }, absl::Minutes(1)));
    EXPECT_NE(Owner(), owner);
    ASSERT_TRUE(Counts(Owner(), 5));
    EXPECT_GE(runs.checkpoints.back().count, counted + 5);
    ExpectCountedOn(Owner(), "job");
    Start(owner);
    ASSERT_TRUE(world.RunUntil([&] { return nodes[owner]->started.has_value(); }, absl::Minutes(1)));
    world.RunFor(absl::Seconds(20));
    EXPECT_EQ(RunningNow(), 1);
  }
}

// Asked of a node that does not run it; whoever dies meanwhile, the job goes on with one of the two.
TEST_F(ClusterJobs, AreUpgradedFromAnyNode) {
  StartAll();
  ASSERT_TRUE(Submit(1, "job").ok());
  const int32_t owner = Owner();
  const auto upgraded = Await<absl::StatusOr<JobUpgraded>>([&](auto done) {
    nodes[Other(owner)]->broker->UpgradeJob({"job", "INSERT 2"}, std::move(done));
  });
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(upgraded->job.revision, 2);
  EXPECT_EQ(upgraded->job.node.value(), owner);
  EXPECT_EQ(Describe(owner, "job")->explain, "Sink <- INSERT 2");
  EXPECT_EQ(Describe(Other(owner), "job")->revision, 2);
  EXPECT_EQ(RunningNow(), 1);
  ASSERT_TRUE(Counts(owner, 3));
  nodes[Other(owner)]->broker->UpgradeJob({"job", "INSERT 3"}, [](const absl::StatusOr<JobUpgraded>&) {});
  Kill(owner);
  ASSERT_TRUE(world.RunUntil([&] { return RunningNow() == 1; }, absl::Minutes(1)));
  world.RunFor(absl::Seconds(40));
  const auto now = Describe(Owner(), "job");
  EXPECT_EQ(now->explain, now->revision == 3 ? "Sink <- INSERT 3" : "Sink <- INSERT 2");
  ExpectCountedOn(Owner(), "job");
}

// A node that is cut off does not know that it leads no more: what it writes is not acknowledged, and is gone when it
// hears of the others again.
TEST_F(ClusterJobs, ANodeThatIsCutOffCommitsNothing) {
  StartAll();
  ASSERT_TRUE(Submit(1, "job").ok());
  const int32_t former = Owner();
  ASSERT_TRUE(Counts(former, 5));
  network.Isolate(former);
  ASSERT_TRUE(world.RunUntil([&] { return RunningNow() == 2; }, absl::Minutes(1))) << "nobody took over";
  const int32_t owner = runs.starts.back().node;
  ASSERT_NE(owner, former);
  const size_t before = runs.checkpoints.size();
  ASSERT_TRUE(Counts(owner, 100));
  for (size_t i = before; i < runs.checkpoints.size(); ++i) {
    EXPECT_EQ(runs.checkpoints[i].node, owner) << "count " << runs.checkpoints[i].count;
  }
  network.Heal();
  ASSERT_TRUE(world.RunUntil([&] { return runs.running[former] == 0; }, absl::Minutes(1)));
  world.RunFor(absl::Seconds(5));
  EXPECT_EQ(RunningNow(), 1);
  ExpectCountedOn(owner, "job");
}

TEST_F(ClusterJobs, AreSeenAndChangedAtEveryNode) {
  StartAll();
  ASSERT_TRUE(Submit(2, "job").ok());
  const int32_t owner = Owner();
  ASSERT_TRUE(Counts(owner, 3));
  for (int32_t node = 1; node <= kNodes; ++node) {
    const auto job = Describe(node, "job");
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->node.value(), owner);
    EXPECT_EQ(job->state, JobState::kRunning);
    EXPECT_GE(job->rows_in, 3u);
    EXPECT_EQ(job->explain, "Sink <- INSERT");
    const auto list = Await<std::vector<JobDescription>>([&](auto done) { nodes[node]->broker->ListJobs(done); });
    ASSERT_EQ(list.size(), 1u);
    EXPECT_GE(list[0].rows_in, 3u);
    const auto logs =
        Await<absl::StatusOr<std::vector<JobLogLine>>>([&](auto done) { nodes[node]->broker->JobLogs("job", done); });
    ASSERT_TRUE(logs.ok()) << logs.status();
    ASSERT_EQ(logs->size(), 1u);
    EXPECT_EQ(logs->at(0).text, StrCat("on node ", owner));
    EXPECT_EQ(Submit(node, "job").status().code(), absl::StatusCode::kAlreadyExists);
  }
  for (int32_t node = 1; node <= kNodes; ++node) {
    ASSERT_TRUE(Change(node, "job", &Broker::StopJob).ok());
    EXPECT_EQ(RunningNow(), 0);
    EXPECT_EQ(Describe(Other(node), "job")->state, JobState::kStopped);
    ASSERT_TRUE(Change(Other(node), "job", &Broker::StartJob).ok());
    EXPECT_EQ(RunningNow(), 1);
  }
  ASSERT_TRUE(Counts(Owner(), 3));
  const absl::Status deleted = Change(Other(owner), "job", &Broker::DeleteJob);
  ASSERT_TRUE(deleted.ok()) << deleted;
  EXPECT_EQ(RunningNow(), 0);
  // Every node has dropped what it had of it.
  ASSERT_TRUE(world.RunUntil([&] { return runs.dropped[1] > 0 && runs.dropped[2] > 0 && runs.dropped[3] > 0; },
                             absl::Minutes(1)));
  EXPECT_EQ(ImageOf(1)->FindTopic(run::ChangelogTopic("job")), nullptr);
  EXPECT_EQ(Describe(owner, "job").status().code(), absl::StatusCode::kNotFound);
  // Under the same name it begins anew.
  ASSERT_TRUE(Submit(3, "job").ok());
  ASSERT_TRUE(Counts(Owner(), 3));
  EXPECT_EQ(Changelog(1, "job").front(), "1");
}

TEST_F(ClusterJobs, AreThereWithTheReasonWhenTheirNodeDoesNotAnswer) {
  StartAll();
  ASSERT_TRUE(Submit(1, "job").ok());
  const int32_t owner = Owner();
  const int32_t asked = Other(owner);
  // The two do not reach each other, but both reach the third.
  network.CutBoth(owner, asked);
  const auto job = Describe(asked, "job");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_THAT(job->error, HasSubstr(StrCat("node ", owner, ", which runs it, does not answer")));
  const auto logs =
      Await<absl::StatusOr<std::vector<JobLogLine>>>([&](auto done) { nodes[asked]->broker->JobLogs("job", done); });
  EXPECT_EQ(logs.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(logs.status())), HasSubstr(StrCat("job 'job' runs on node ", owner)));
  network.Heal();
  EXPECT_EQ(Describe(asked, "job")->error, "");
}

// The copy of the state on a node's disk: of use to the next run there up to the end of what the node has written, and
// of none when the job is another one, or nothing says of which leadership it is.
TEST_F(ClusterJobs, KnowWhatTheCopyOfTheirStateIsWorth) {
  StartAll();
  ASSERT_TRUE(Submit(1, "job").ok());
  const int32_t first = Owner();
  EXPECT_EQ(runs.dropped[first], 1) << "nothing says what a folder that might be there is of";
  ASSERT_TRUE(Counts(first, 5));
  const int64_t written = runs.checkpoints.back().count;
  Kill(first);
  ASSERT_TRUE(world.RunUntil([&] { return RunningNow() == 1; }, absl::Minutes(1)));
  const int32_t second = Owner();
  ASSERT_TRUE(Counts(second, 5));
  Start(first);
  ASSERT_TRUE(world.RunUntil([&] { return nodes[first]->started.has_value(); }, absl::Minutes(1)));
  world.RunFor(absl::Seconds(10));  // it is in sync again
  // Until the first one runs it again.
  while (Owner() != first) {
    const int32_t now = Owner();
    Kill(now);
    ASSERT_TRUE(world.RunUntil([&] { return RunningNow() == 1; }, absl::Minutes(1)));
    Start(now);
    ASSERT_TRUE(world.RunUntil([&] { return nodes[now]->started.has_value(); }, absl::Minutes(1)));
    world.RunFor(absl::Seconds(10));
  }
  EXPECT_EQ(runs.dropped[first], 1) << "its copy is a piece of the log";
  EXPECT_GE(runs.starts.back().usable_state_until, written);
  EXPECT_LE(runs.starts.back().usable_state_until, written + 1) << "others have written since";
  ExpectCountedOn(first, "job");
}

TEST_F(ClusterJobs, ShowTheLagOfTheirGroupsAtEveryNode) {
  StartAll();
  ASSERT_TRUE(Create(1, "events", 6).outcome.ok());
  for (int32_t p = 0; p < 6; ++p) {
    const auto base = Await<absl::StatusOr<model::Offset>>([&](auto done) {
      nodes[2]->broker->job_log().Append({Tp("events", p), Batch({"a", "b", "c"})}, done);
    });
    ASSERT_TRUE(base.ok()) << base.status();
  }
  for (const std::string group : {"job", "other"}) {
    std::vector<std::pair<model::TopicPartition, model::Offset>> offsets;
    for (int32_t p = 0; p < 6; ++p) offsets.emplace_back(Tp("events", p), model::Offset(1));
    ASSERT_TRUE(
        Await<absl::Status>([&](auto done) { nodes[3]->broker->job_log().CommitOffsets(group, offsets, done); }).ok());
  }
  for (int32_t node = 1; node <= kNodes; ++node) {
    for (const auto& [group, rows] : {std::pair<std::string, size_t>("job", 6), {"", 12}, {"none", 0}}) {
      const auto lags = Await<std::vector<GroupLag>>([&](auto done) { nodes[node]->broker->DescribeLag(group, done); });
      ASSERT_EQ(lags.size(), rows) << "node " << node << " group " << group;
      for (const GroupLag& lag : lags) {
        EXPECT_EQ(lag.committed.value(), 1);
        EXPECT_EQ(lag.high_watermark.value(), 3);
        EXPECT_EQ(lag.lag_records, 2);
      }
    }
  }
}

// The coordinator judges, by what the partitions' leaders say.
TEST_F(ClusterJobs, SayAtEveryNodeThatAConsumerHasStopped) {
  StartAll();
  ASSERT_TRUE(Create(1, "events", 6).outcome.ok());
  std::vector<std::pair<model::TopicPartition, model::Offset>> offsets;
  for (int32_t p = 0; p < 6; ++p) {
    const auto base = Await<absl::StatusOr<model::Offset>>([&](auto done) {
      nodes[2]->broker->job_log().Append({Tp("events", p), Batch({"a", "b", "c"})}, done);
    });
    ASSERT_TRUE(base.ok()) << base.status();
    offsets.emplace_back(Tp("events", p), model::Offset(1));
  }
  ASSERT_TRUE(
      Await<absl::Status>([&](auto done) { nodes[3]->broker->job_log().CommitOffsets("group", offsets, done); }).ok());
  world.RunFor(absl::Minutes(2));
  for (int32_t node = 1; node <= kNodes; ++node) {
    for (const std::string group : {"group", ""}) {
      const auto lags = Await<std::vector<GroupLag>>([&](auto done) { nodes[node]->broker->DescribeLag(group, done); });
      ASSERT_EQ(lags.size(), 6u) << "node " << node << " group " << group;
      for (const GroupLag& lag : lags) EXPECT_EQ(StatusName(lag.status), "stopped") << lag.partition.ToString();
    }
  }
}

}  // namespace
}  // namespace leat::broker
