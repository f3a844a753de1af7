// The machines of one simulation: a real broker on each, with its disk, its shards and its way to the others. They are
// started, killed, cut off from power and made to stand still; a process that cannot go on is started again after a
// while, as a supervisor does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker_impl.h"
#include "broker/coordinators.h"
#include "log/partition_log.h"
#include "tests/sim/fibers.h"
#include "tests/sim/history.h"
#include "tests/sim/job_process.h"
#include "tests/sim/node_shard.h"
#include "tests/sim/plan.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_world.h"

namespace leat::nodes {

struct Node {
  Node(int number, uint64_t seed) : id(number), disk(seed), states(Random(seed + 1)) {}
  int id;
  sim::SimDisk disk;
  StateFolders states;  // of jobs
  Machine machine;
  uint64_t life = 0;  // rises with every start and every end
  std::vector<std::unique_ptr<NodeShard>> shards;
  std::unique_ptr<Fibers> threads;  // of the process's jobs
  std::unique_ptr<broker::BrokerImpl> broker;
  std::optional<absl::Status> started;
  std::optional<Instant> stopping_since;  // it was asked to end
  Instant disk_lost_at = Instant::Max();  // a sync failed while it was starting
  bool lost_tail = false;                 // power was lost, and it has not been in sync everywhere since
  bool up() const { return broker != nullptr; }
  bool serves() const { return broker != nullptr && started.has_value() && started->ok(); }
};

class Cluster {
 public:
  Cluster(sim::SimWorld& world, const Plan& plan, std::function<void(const std::string&)> trace);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  int size() const { return static_cast<int>(nodes_.size()); }
  Node& node(int id) { return *nodes_.at(static_cast<size_t>(id) - 1); }
  sim::SimNetwork& network() { return *network_; }
  Instant now() const { return world_.Now(); }

  void Start(int id);
  void Kill(int id);
  // What is down now is started then, whatever else was meant.
  void StartIn(int id, Duration pause) { start_at_[id] = now() + pause; }
  // As SIGTERM: ends by itself, which must not take long.
  void StopInOrder(int id);
  void CutPower(int id);
  void StandStill(int id, Duration span);
  // Starts what is down, looks after processes that failed to start or lost their disk. Call it often.
  void Supervise(History* history);
  // From now on what is down is started at once.
  void Hurry() { hurry_ = true; }

  // As a client learns them, from any node that serves: its image may be an old one. 0: nobody knows.
  int LeaderOf(const model::TopicPartition& partition, Random& random) { return LookUp(partition, random).node; }
  struct Leader {
    int node = 0;
    model::LeaderEpoch epoch{-1};
  };
  Leader LookUp(const model::TopicPartition& partition, Random& random);
  // As the newest image says; 0: nobody.
  int LeaderInNewest(const model::TopicPartition& partition);
  int CoordinatorOf(broker::CoordinatorKind kind, const std::string& name, Random& random);
  int AnyServing(Random& random);  // 0: none
  // This node's copy; null: it has none, or is down.
  log::PartitionLog* CopyOf(int id, const model::TopicPartition& partition);
  bool Leads(int id, const model::TopicPartition& partition);
  // What the nodes that are up know of the metadata; the newest.
  meta::ImagePtr NewestImage();

  // Two leaders of one epoch, images that differ at one offset: told to `history`.
  void CheckInvariants(History* history);
  // Empty: everything is led, in sync, and level.
  std::string WhyNotLevel();

 private:
  void CheckImages(History* history);
  void CheckLeaders(History* history);
  void TraceChange(const meta::Image& image, const meta::PartitionKey& key, const meta::Partition& partition);
  std::string WhyNotLevel(const meta::Topic& topic, const meta::PartitionKey& key, const meta::Partition& partition);

  sim::SimWorld& world_;
  const Plan plan_;
  const std::function<void(const std::string&)> trace_;
  std::unique_ptr<sim::SimNetwork> network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<int, Instant> start_at_;  // of nodes that are down
  bool hurry_ = false;
  Random random_;
  std::map<int64_t, uint64_t> image_hashes_;                       // by end
  std::map<int, int64_t> looked_at_;                               // by node: the end of its image
  std::map<int32_t, int> controllers_;                             // by term of the quorum
  std::map<meta::PartitionKey, int32_t> partition_epochs_;         // told of by the trace
  std::map<std::pair<meta::PartitionKey, int32_t>, int> leaders_;  // by leader epoch, as images say
};

}  // namespace leat::nodes
