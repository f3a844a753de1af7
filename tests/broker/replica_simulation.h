// Three nodes with the real replication driver on real logs: simulated disks and network, an idealised controller, and
// machines that crash, lose power and are cut off as a seed says. Everything is a function of the seed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/replica_fetch.h"
#include "broker/replica_host.h"
#include "log/partition_log.h"
#include "tests/replication/sim_controller.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::broker {

class ReplicaSimulation {
 public:
  struct Options {
    int partitions = 2;
    replication::Durability durability = replication::Durability::kFsync;
    Duration chaos = absl::Seconds(4);
  };
  ReplicaSimulation(uint64_t seed, const Options& options);
  ~ReplicaSimulation();

  // Empty: all invariants held, and everything caught up in the end.
  std::string Run();
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t elections() const { return elections_; }
  uint64_t faults() const { return faults_; }
  uint64_t isr_changes() const { return isr_changes_; }

 private:
  class Port;
  struct Node {
    Node(int number, uint64_t seed) : id(number), disk(seed) {}
    int id;
    sim::SimDisk disk;
    uint64_t life = 0;
    bool up = false;
    bool lost_tail = false;  // since it registered last
    int64_t broker_epoch = -1;
    uint64_t image_version = 0;
    std::unique_ptr<sim::SimShard> shard;
    env::Transport* transport = nullptr;
    std::unique_ptr<ControllerPort> port;
    std::unique_ptr<ReplicaHost> host;  // once registered
    std::unique_ptr<ReplicaFetchServer> server;
    std::unique_ptr<log::LogDirectory> directory;
    std::vector<log::PartitionLog*> logs;
    std::vector<int64_t> checked;  // compared with the truth up to here
    std::vector<model::LeaderEpoch> led;
  };
  struct Truth {
    std::map<int64_t, std::string> committed;     // by offset: what somebody has shown below a high watermark
    std::map<int64_t, std::string> acknowledged;  // with acks=all
    std::set<int> at_risk;                        // lost a tail, and have not joined the in-sync set since
  };

  Node& node(int id) { return *nodes_[static_cast<size_t>(id) - 1]; }
  int64_t now_ms() const { return world_.Now().nanos() / 1'000'000; }
  meta::PartitionKey Key(size_t partition) const;
  void Fail(const std::string& text);
  void Every(Duration mean, std::function<void()> action);
  // Runs where the controller is, or back at the node if it still lives that life, unless the way is cut.
  void ToController(int id, std::function<void()> action);
  void FromController(int id, uint64_t life, std::function<void()> action);

  void Start(int id);
  void Stop(int id);
  void CutPower(int id);
  void Heartbeat(int id);
  void Register(int id);
  void PublishImages();
  void TakeImage(int id, const std::vector<replication::PartitionView>& image);
  void Produce();
  void OneFault();
  void Heal();

  std::map<int64_t, std::string> ReadAll(log::PartitionLog& log, int64_t from, int64_t to);
  void CheckLeader(int id, size_t partition);
  void CheckAll();
  std::string WhyNotCaughtUp();

  const uint64_t seed_;
  const Options options_;
  sim::SimWorld world_;
  Random random_;
  std::unique_ptr<sim::SimNetwork> network_;
  replication::sim::Controller controller_{3};
  uint64_t published_ = 0;
  replication::Options replication_;
  ReplicaFetcher::Limits fetch_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Truth> truths_;
  std::string failure_;
  bool healed_ = false;
  bool producing_ = true;
  uint64_t next_value_ = 1;
  uint64_t acknowledged_ = 0, elections_ = 0, faults_ = 0, isr_changes_ = 0;
};

}  // namespace leat::broker
