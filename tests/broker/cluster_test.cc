// Three brokers as one cluster, on a network of the simulation: they find each other, share one metadata, and go on
// without one of them.
#include "broker/cluster_admin.h"
#include "broker/outcomes.h"
#include "broker/replication_gauges.h"
#include "tests/broker/cluster_fixture.h"

namespace leat::broker {
namespace {

TEST_F(Cluster, OfThreeBeginsTogetherAndSharesItsMetadata) {
  StartAll();
  for (int32_t id = 1; id <= kNodes; ++id) {
    const TopicResult made = Create(id, StrCat("t", id));
    ASSERT_TRUE(made.outcome.ok()) << made.outcome.message;
    EXPECT_EQ(ImageOf(id)->FindTopic(StrCat("t", id))->id, made.id) << "whoever asked sees it";
  }
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(ImageOf(1)->Hash(), ImageOf(2)->Hash());
  EXPECT_EQ(ImageOf(1)->Hash(), ImageOf(3)->Hash());
  const meta::TopicPtr topic = ImageOf(1)->FindTopic("t1");
  const meta::Partition* partition = ImageOf(1)->FindPartition({topic->id, model::PartitionId(1)});
  EXPECT_THAT(partition->replicas, ::testing::SizeIs(3));
  EXPECT_EQ(ImageOf(1)->broker_count(), 3u);
}

TEST_F(Cluster, ChangesItsVotersThroughAnyNode) {
  StartAll();
  const int32_t controller = nodes[1]->broker->controller_client()->controller().value();
  const int32_t asked = controller % kNodes + 1;
  const int32_t third = asked % kNodes + 1;
  const auto change = [&](auto call) {
    std::optional<Outcome> outcome;
    call(nodes[asked]->broker->cluster_admin(), [&](Outcome answer) { outcome = std::move(answer); });
    LEAT_CHECK(world.RunUntil([&] { return outcome.has_value(); }, absl::Minutes(2)));
    return *outcome;
  };
  const auto voters = [&] { return nodes[controller]->broker->metadata()->quorum().Describe().voters; };
  const Outcome removed = change([&](ClusterAdmin& admin, auto done) {
    admin.RemoveVoter({"", model::NodeId(third), {}}, done);
  });
  ASSERT_TRUE(removed.ok()) << removed.message;
  EXPECT_EQ(voters().Find(model::NodeId(third)), nullptr);
  const Outcome again = change([&](ClusterAdmin& admin, auto done) {
    admin.RemoveVoter({"", model::NodeId(third), {}}, done);
  });
  EXPECT_EQ(again.code, model::ErrorCode::kVoterNotFound) << again.message;
  const Outcome added = change([&](ClusterAdmin& admin, auto done) {
    admin.AddVoter({"", model::NodeId(third), {}, {}}, done);
  });
  ASSERT_TRUE(added.ok()) << added.message;
  EXPECT_NE(voters().Find(model::NodeId(third)), nullptr);
}

class ClusterOfSome : public Cluster {
 protected:
  Outcome Change(int32_t asked, const std::function<void(ClusterAdmin&, Callback<Outcome>)>& call) {
    std::optional<Outcome> outcome;
    call(nodes[asked]->broker->cluster_admin(), [&](Outcome answer) { outcome = std::move(answer); });
    LEAT_CHECK(world.RunUntil([&] { return outcome.has_value(); }, absl::Minutes(2)));
    return *outcome;
  }
  // Whatever hinders it for the moment.
  void ChangeUntilDone(int32_t asked, const std::function<void(ClusterAdmin&, Callback<Outcome>)>& call) {
    Outcome outcome = Failed(model::ErrorCode::kNotController, "");
    for (int i = 0; i < 50 && !outcome.ok(); ++i) {
      outcome = Change(asked, call);
      world.RunFor(absl::Milliseconds(200));
    }
    ASSERT_TRUE(outcome.ok()) << outcome.message;
  }
  void AddVoter(int32_t asked, int32_t id) {
    ChangeUntilDone(asked, [id](ClusterAdmin& admin, Callback<Outcome> done) {
      admin.AddVoter({"", model::NodeId(id), {}, {}}, std::move(done));
    });
  }
  void RemoveVoter(int32_t asked, int32_t id) {
    ChangeUntilDone(asked, [id](ClusterAdmin& admin, Callback<Outcome> done) {
      admin.RemoveVoter({"", model::NodeId(id), {}}, std::move(done));
    });
  }
  int32_t Controller() {
    for (const auto& [id, node] : nodes) {
      if (node->broker != nullptr && node->broker->metadata()->active()) return id;
    }
    return 0;
  }
  bool AllAgree() {
    const int32_t controller = Controller();
    if (controller == 0) return false;
    for (const auto& [id, node] : nodes) {
      if (ImageOf(id)->Hash() != ImageOf(controller)->Hash() || !ImageOf(controller)->IsActive(model::NodeId(id))) {
        return false;
      }
    }
    return true;
  }
};

TEST_F(ClusterOfSome, TakesInABrokerWithoutAVoteAndKeepsItThroughAnotherController) {
  StartAll();
  ASSERT_NO_FATAL_FAILURE(Join(4));
  ASSERT_TRUE(world.RunUntil([&] { return AllAgree(); }, absl::Seconds(1)));
  ASSERT_TRUE(Create(4, "t", 8).outcome.ok());
  EXPECT_GT(ImageOf(4)->partitions().HeldCount(model::NodeId(4)), 0u);
  const int32_t first = Controller();
  Kill(first);
  ASSERT_TRUE(world.RunUntil([&] { return Controller() != 0 && Controller() != first; }, absl::Seconds(10)));
  const Instant until = world.Now() + absl::Seconds(5);
  while (world.Now() < until) {
    world.RunFor(absl::Milliseconds(20));
    ASSERT_TRUE(ImageOf(first % kNodes + 1)->IsActive(model::NodeId(4))) << "it is fenced";
  }
  ASSERT_TRUE(Create(4, "u").outcome.ok());
  ASSERT_NO_FATAL_FAILURE(StartAll());
  EXPECT_TRUE(world.RunUntil([&] { return AllAgree(); }, absl::Seconds(10)));
}

TEST_F(ClusterOfSome, FindsALeaderThatNoConfigurationNames) {
  StartAll();
  ASSERT_NO_FATAL_FAILURE(Join(4));
  ASSERT_NO_FATAL_FAILURE(AddVoter(1, 4));
  ASSERT_TRUE(world.RunUntil(
      [&] {
        const int32_t controller = Controller();
        if (controller == 4) return true;
        if (controller == 0) return false;
        nodes[controller]->broker->metadata()->quorum().TransferLeadership(model::NodeId(4)).IgnoreError();
        world.RunFor(absl::Milliseconds(100));
        return false;
      },
      absl::Seconds(20)));
  ASSERT_NO_FATAL_FAILURE(Join(5));
  EXPECT_TRUE(world.RunUntil([&] { return AllAgree(); }, absl::Seconds(10)));
}

TEST_F(ClusterOfSome, StartsAgainWithVotersThatNoConfigurationNames) {
  StartAll();
  ASSERT_NO_FATAL_FAILURE(Join(4));
  ASSERT_NO_FATAL_FAILURE(Join(5));
  for (const int32_t id : {4, 5}) ASSERT_NO_FATAL_FAILURE(AddVoter(4, id));
  for (const int32_t id : {1, 2, 3}) ASSERT_NO_FATAL_FAILURE(RemoveVoter(4, id));
  ASSERT_TRUE(Create(1, "t").outcome.ok());
  for (int32_t id = 1; id <= 5; ++id) Kill(id);
  ASSERT_NO_FATAL_FAILURE(StartAll());
  EXPECT_TRUE(world.RunUntil([&] { return AllAgree(); }, absl::Seconds(10)));
  EXPECT_NE(ImageOf(1)->FindTopic("t"), nullptr);
  EXPECT_EQ(nodes[Controller()]->broker->metadata()->quorum().voters().size(), 2u);
}

TEST_F(Cluster, CountsWhatItsDeadLeaveBehindOnceForEachPartition) {
  StartAll();
  ASSERT_TRUE(Create(1, "t").outcome.ok());
  const log::LogOptions defaults{.min_insync_replicas = 2};
  const auto sum = [&](const std::vector<int32_t>& of) {
    ReplicationCounts all;
    for (const int32_t id : of) {
      const ReplicationCounts counts = CountReplication(*ImageOf(of[0]), model::NodeId(id), defaults);
      all.replicas += counts.replicas;
      all.leaders += counts.leaders;
      all.under_replicated += counts.under_replicated;
      all.under_min_insync += counts.under_min_insync;
      all.at_min_insync += counts.at_min_insync;
      all.leaderless = counts.leaderless;
      all.fenced_brokers = counts.fenced_brokers;
    }
    return all;
  };
  const auto partitions = static_cast<size_t>(ImageOf(1)->partition_count());
  ReplicationCounts counts = sum({1, 2, 3});
  EXPECT_EQ(counts.leaders, partitions);
  EXPECT_EQ(counts.replicas, 3 * partitions);
  EXPECT_EQ(counts.under_replicated, 0u);
  Kill(1);
  ASSERT_TRUE(world.RunUntil([&] { return sum({2, 3}).under_replicated == partitions; }, absl::Minutes(1)));
  counts = sum({2, 3});
  EXPECT_EQ(counts.leaders, partitions);
  EXPECT_EQ(counts.at_min_insync, partitions);
  EXPECT_EQ(counts.under_min_insync, 0u);
  EXPECT_EQ(counts.fenced_brokers, 1u);
  EXPECT_EQ(counts.leaderless, 0u);
}

// Turns of the third node's shards take time.
class ClusterWithASlowNode : public Cluster {
 protected:
  class SlowShard final : public sim::SimShard {
   public:
    SlowShard(sim::SimWorld& world, const Duration& turn) : SimShard(world), world_(world), turn_(turn) {}
    void Post(env::Closure closure) override { world_.Schedule(world_.Now() + turn_, this, std::move(closure)); }

   private:
    sim::SimWorld& world_;
    const Duration& turn_;
  };
  std::unique_ptr<sim::SimShard> MakeShard(int32_t id) override {
    if (id != 3) return Cluster::MakeShard(id);
    return std::make_unique<SlowShard>(world, turn_);
  }
  int OpenOf(const std::string& topic, int32_t partitions) {
    int open = 0;
    const auto& shards = nodes[3]->broker->shards();
    for (int32_t i = 0; i < partitions; ++i) {
      const model::TopicPartition name{topic, model::PartitionId(i)};
      open += shards[OwnerOf(name, shards.size())]->Peek(name).log != nullptr;
    }
    return open;
  }

  Duration turn_;
};

TEST_F(ClusterWithASlowNode, FollowsTheMetadataWhileItOpensItsPartitions) {
  constexpr int32_t kMany = 200;
  StartAll();
  ASSERT_TRUE(Create(1, "many", kMany).outcome.ok());
  ASSERT_TRUE(Create(1, "goes", 4).outcome.ok());
  Kill(3);
  ASSERT_TRUE(world.RunUntil([&] { return !ImageOf(1)->IsActive(model::NodeId(3)); }, absl::Seconds(60)));
  turn_ = absl::Milliseconds(50);
  Start(3);
  ASSERT_TRUE(world.RunUntil([&] { return OpenOf("many", kMany) > 0; }, absl::Seconds(60)));
  const model::Offset before = nodes[3]->broker->metadata()->end();

  std::optional<TopicResult> gone;
  nodes[1]->broker->DeleteTopics({"goes"}, [&](std::vector<TopicResult> results) { gone = results[0]; });
  ASSERT_TRUE(world.RunUntil([&] { return gone.has_value(); }, absl::Seconds(5)));
  ASSERT_TRUE(gone->outcome.ok()) << gone->outcome.message;
  ASSERT_TRUE(Create(1, "comes", 4).outcome.ok());
  ASSERT_TRUE(world.RunUntil([&] { return ImageOf(3)->FindTopic("comes") != nullptr; }, absl::Seconds(5)));
  EXPECT_LT(OpenOf("many", kMany), kMany) << "it was to be opening them still";
  EXPECT_GT(nodes[3]->broker->metadata()->end(), before);

  ASSERT_TRUE(world.RunUntil([&] { return nodes[3]->started.has_value(); }, absl::Minutes(5)));
  ASSERT_TRUE(nodes[3]->started->ok()) << *nodes[3]->started;
  EXPECT_TRUE(world.RunUntil([&] { return OpenOf("many", kMany) == kMany; }, absl::Minutes(5)));
  EXPECT_EQ(OpenOf("comes", 4), 4);
  EXPECT_EQ(OpenOf("goes", 4), 0);
  turn_ = Duration();
  const auto folders = [&] { return *nodes[3]->disk.List("/data/log"); };
  const auto of_what_goes = [](const std::string& name) { return name.starts_with("goes-"); };
  EXPECT_TRUE(world.RunUntil([&] { return std::ranges::none_of(folders(), of_what_goes); }, absl::Seconds(10)));
}

// It ends as if it had been asked before it began.
TEST_F(ClusterWithASlowNode, StopsWhileItOpensItsPartitions) {
  StartAll();
  ASSERT_TRUE(Create(1, "many", 200).outcome.ok());
  Kill(3);
  turn_ = absl::Milliseconds(50);
  Start(3);
  ASSERT_TRUE(world.RunUntil([&] { return OpenOf("many", 200) > 0; }, absl::Seconds(60)));
  std::optional<absl::Status> stopped;
  nodes[3]->broker->Stop([&](absl::Status status) { stopped = std::move(status); });
  ASSERT_TRUE(world.RunUntil([&] { return stopped.has_value(); }, absl::Minutes(1)));
  EXPECT_TRUE(stopped->ok()) << *stopped;
  EXPECT_EQ(OpenOf("many", 200), 0);
}

TEST_F(Cluster, GoesOnWithoutItsController) {
  StartAll();
  const model::NodeId controller = nodes[1]->broker->controller_client()->controller();
  Kill(controller.value());
  const int32_t other = controller.value() % kNodes + 1;
  const TopicResult made = Create(other, "after");
  // Nobody may know at first; then it is asked again, as a client would.
  const TopicResult again = made.outcome.ok() ? made : Create(other, "after2");
  EXPECT_TRUE(again.outcome.ok()) << again.outcome.message;
  ASSERT_TRUE(world.RunUntil([&] { return !ImageOf(other)->IsActive(controller); }, absl::Seconds(30)));
  EXPECT_EQ(ImageOf(other)->partitions().LedCount(controller), 0u);
  Start(controller.value());
  ASSERT_TRUE(world.RunUntil([&] { return ImageOf(other)->IsActive(controller); }, absl::Seconds(60)));
}

TEST_F(Cluster, ANodeOnAFullDiskJoinsWhenThereIsRoom) {
  StartAll();
  ASSERT_TRUE(Create(1, "t").outcome.ok());
  Kill(2);
  ASSERT_TRUE(world.RunUntil([&] { return !ImageOf(1)->IsActive(model::NodeId(2)); }, absl::Seconds(60)));
  nodes[2]->disk.faults().capacity_bytes = nodes[2]->disk.used_bytes();
  Start(2);
  world.RunFor(absl::Seconds(20));
  EXPECT_FALSE(nodes[2]->started.has_value())
      << "what it held is judged by a registration that it cannot make: " << *nodes[2]->started;
  EXPECT_FALSE(ImageOf(1)->IsActive(model::NodeId(2)));
  nodes[2]->disk.faults().capacity_bytes.reset();
  ASSERT_TRUE(world.RunUntil([&] { return nodes[2]->started.has_value(); }, absl::Seconds(60)));
  EXPECT_TRUE(nodes[2]->started->ok()) << *nodes[2]->started;
  EXPECT_TRUE(world.RunUntil([&] { return ImageOf(1)->IsActive(model::NodeId(2)); }, absl::Seconds(60)));
}

TEST_F(Cluster, OthersTakeOverFromANodeWhoseDiskFails) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 6).outcome.ok());
  const int32_t other = nodes[1]->broker->controller_client()->controller().value();
  const model::NodeId failing(other % kNodes + 1);
  ASSERT_GT(ImageOf(other)->partitions().LedCount(failing), 0u);
  nodes[failing.value()]->disk.faults().write_eio_one_in = 1;
  ASSERT_TRUE(Create(other, "more", 6).outcome.ok()) << "which the failing node cannot write";
  ASSERT_TRUE(world.RunUntil([&] { return ImageOf(other)->partitions().LedCount(failing) == 0; }, absl::Seconds(30)));
  EXPECT_TRUE(nodes[failing.value()]->broker->has_left());
  EXPECT_FALSE(ImageOf(other)->IsActive(failing));
  world.RunFor(absl::Seconds(30));
  EXPECT_FALSE(ImageOf(other)->IsActive(failing)) << "only a new process comes back";
  Kill(failing.value());
  nodes[failing.value()]->disk.faults() = {};
  Start(failing.value());
  EXPECT_TRUE(world.RunUntil([&] { return ImageOf(other)->IsActive(failing); }, absl::Seconds(60)));
}

}  // namespace
}  // namespace leat::broker
