// Three brokers as one cluster, on a network of the simulation: they find each other, share one metadata, and go on
// without one of them.
#include "tests/broker/broker_fixture.h"
#include "tests/support/sim_network.h"

namespace leat::broker {
namespace {

constexpr int32_t kNodes = 3;

struct Node {
  explicit Node(uint64_t seed) : disk(seed) {}
  sim::SimDisk disk;
  std::vector<std::unique_ptr<sim::SimShard>> shards;
  std::unique_ptr<BrokerImpl> broker;
  std::optional<absl::Status> started;
};

class Cluster : public ::testing::Test {
 protected:
  Cluster() {
    for (int32_t id = 1; id <= kNodes; ++id) nodes[id] = std::make_unique<Node>(static_cast<uint64_t>(id));
  }
  ~Cluster() override {
    for (auto& [id, node] : nodes) Kill(id);
  }

  void Start(int32_t id) {
    Node& node = *nodes[id];
    Options options;
    options.node_id = model::NodeId(id);
    options.data_dir = "/data";
    options.random_seed = static_cast<uint64_t>(id) * 77;
    options.log_defaults.segment_bytes = 1 << 20;
    options.replication_factor = 3;
    options.new_cluster_id = "the-cluster";
    for (int32_t voter = 1; voter <= kNodes; ++voter) {
      const env::PeerAddress at = sim::SimNetwork::AddressOf(voter);
      options.voters.push_back({model::NodeId(voter), at.host, at.port});
    }
    for (int i = 0; i < 2; ++i) node.shards.push_back(std::make_unique<sim::SimShard>(world));
    std::vector<env::Shard*> ports;
    for (const auto& shard : node.shards) ports.push_back(shard.get());
    node.started.reset();
    node.broker = CreateBroker(options, node.disk, ports, env::NullMetrics(), std::make_unique<FakeJobFactory>(&jobs),
                               network.Attach(id, ports));
    node.broker->Start([&node](absl::Status status) { node.started = std::move(status); });
  }
  void StartAll() {
    for (int32_t id = 1; id <= kNodes; ++id) Start(id);
    for (int32_t id = 1; id <= kNodes; ++id) {
      ASSERT_TRUE(world.RunUntil([&] { return nodes[id]->started.has_value(); }, absl::Seconds(60))) << id;
      ASSERT_TRUE(nodes[id]->started->ok()) << *nodes[id]->started;
    }
  }
  void Kill(int32_t id) {
    Node& node = *nodes[id];
    if (node.broker == nullptr) return;
    network.Kill(id);
    for (int i = 0; i < 100; ++i) {
      for (const auto& shard : node.shards) shard->Kill();
    }
    node.broker.reset();
    for (const auto& shard : node.shards) shard->Kill();
    node.shards.clear();
  }
  TopicResult Create(int32_t id, const std::string& name) {
    std::optional<TopicResult> result;
    nodes[id]->broker->CreateTopics({{name, 2}}, [&](std::vector<TopicResult> results) { result = results[0]; });
    LEAT_CHECK(world.RunUntil([&] { return result.has_value(); }, absl::Minutes(2)));
    return *result;
  }
  const meta::ImagePtr& ImageOf(int32_t id) { return nodes[id]->broker->image(); }

  sim::SimWorld world{3};
  sim::SimNetwork network{world};
  FakeJobs jobs;
  std::map<int32_t, std::unique_ptr<Node>> nodes;
};

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

TEST_F(Cluster, RefusesJobsAndSaysWhy) {
  StartAll();
  std::optional<absl::Status> refused;
  nodes[1]->broker->SubmitJob({"rides", "SELECT 1"},
                              [&](const absl::StatusOr<JobDescription>& job) { refused = job.status(); });
  ASSERT_TRUE(world.RunUntil([&] { return refused.has_value(); }, absl::Seconds(10)));
  EXPECT_TRUE(absl::IsUnimplemented(*refused)) << *refused;
  EXPECT_NE(Message(*refused).find("this one is one of 3"), std::string::npos) << *refused;
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

}  // namespace
}  // namespace leat::broker
