// Three brokers as one cluster, each with a disk of its own, on a network of the simulation.
#pragma once

#include "tests/broker/broker_fixture.h"
#include "tests/support/sim_network.h"

namespace leat::broker {

inline constexpr int32_t kNodes = 3;

struct ClusterNode {
  explicit ClusterNode(uint64_t seed) : disk(seed) {}
  sim::SimDisk disk;
  std::vector<std::unique_ptr<sim::SimShard>> shards;
  std::unique_ptr<BrokerImpl> broker;
  std::optional<absl::Status> started;
};

class Cluster : public ::testing::Test {
 protected:
  Cluster() {
    for (int32_t id = 1; id <= kNodes; ++id) nodes[id] = std::make_unique<ClusterNode>(static_cast<uint64_t>(id));
  }
  ~Cluster() override {
    for (auto& [id, node] : nodes) Kill(id);
  }

  void Start(int32_t id) {
    ClusterNode& node = *nodes[id];
    Options options;
    options.node_id = model::NodeId(id);
    options.data_dir = "/data";
    options.random_seed = static_cast<uint64_t>(id) * 77;
    options.log_defaults.segment_bytes = 1 << 20;
    options.checkpoint_interval = absl::Hours(1);  // what recovery reads through is all that a test wrote
    options.replication_factor = 3;
    options.new_cluster_id = "the-cluster";
    options.internal_address = StrCat(sim::SimNetwork::AddressOf(id).host, ":", sim::SimNetwork::AddressOf(id).port);
    options.offsets_partitions = kNodes;
    options.transactions_partitions = kNodes;
    for (int32_t voter = 1; voter <= kNodes; ++voter) {
      const env::PeerAddress at = sim::SimNetwork::AddressOf(voter);
      options.voters.push_back({model::NodeId(voter), at.host, at.port});
    }
    Adjust(&options);
    for (int i = 0; i < 2; ++i) node.shards.push_back(MakeShard(id));
    std::vector<env::Shard*> ports;
    for (const auto& shard : node.shards) ports.push_back(shard.get());
    node.started.reset();
    node.broker = CreateBroker(options, node.disk, ports, env::NullMetrics(), MakeJobs(id), network.Attach(id, ports));
    node.broker->Start([&node](absl::Status status) { node.started = std::move(status); });
  }
  virtual void Adjust(Options*) {}
  virtual std::unique_ptr<sim::SimShard> MakeShard(int32_t) { return std::make_unique<sim::SimShard>(world); }
  // What runs the jobs of the node.
  virtual std::unique_ptr<JobFactory> MakeJobs(int32_t) { return std::make_unique<FakeJobFactory>(&jobs); }
  void StartAll() {
    for (const auto& [id, node] : nodes) {
      if (node->broker == nullptr) Start(id);
    }
    for (const auto& [id, node] : nodes) {
      ASSERT_TRUE(world.RunUntil([&] { return nodes[id]->started.has_value(); }, absl::Seconds(60))) << id;
      ASSERT_TRUE(nodes[id]->started->ok()) << *nodes[id]->started;
    }
  }
  // One that has no vote: the voters that all are told of are those of the beginning.
  void Join(int32_t id) {
    nodes[id] = std::make_unique<ClusterNode>(static_cast<uint64_t>(id));
    StartAll();
  }
  void Kill(int32_t id) {
    ClusterNode& node = *nodes[id];
    if (node.broker == nullptr) return;
    network.Kill(id);
    for (int i = 0; i < 100; ++i) {
      for (const auto& shard : node.shards) shard->Kill();
    }
    node.broker.reset();
    for (const auto& shard : node.shards) shard->Kill();
    node.shards.clear();
  }
  TopicResult Create(int32_t id, const std::string& name, int32_t partitions = 2) {
    std::optional<TopicResult> result;
    nodes[id]->broker->CreateTopics({{name, partitions}},
                                    [&](std::vector<TopicResult> results) { result = results[0]; });
    LEAT_CHECK(world.RunUntil([&] { return result.has_value(); }, absl::Minutes(2)));
    return *result;
  }
  const meta::ImagePtr& ImageOf(int32_t id) { return nodes[id]->broker->image(); }

  sim::SimWorld world{3};
  sim::SimNetwork network{world};
  FakeJobs jobs;
  std::map<int32_t, std::unique_ptr<ClusterNode>> nodes;
};

}  // namespace leat::broker
