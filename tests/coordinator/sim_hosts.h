// A metadata quorum in the simulated world: the real log, host and state machine of each node on a disk of its own, and
// a network between them. What must hold is looked at at every change and kept as the first violation.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/random.h"
#include "coordinator/metadata_log.h"
#include "model/error_status.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::coordinator::test {

inline constexpr char kLogPath[] = "/log";
inline constexpr char kFolder[] = "/log/__cluster_metadata-0";

inline log::LogOptions MetadataLogOptions() {
  log::LogOptions options;
  options.segment_bytes = 64 << 10;
  options.segment_age = absl::InfiniteDuration();
  options.delete_old = false;
  return options;
}

// What is on a disk now, on a disk of its own.
inline std::unique_ptr<sim::SimDisk> CopyOf(const sim::SimDisk& disk) {
  auto copy = std::make_unique<sim::SimDisk>(99);
  for (const std::string& path : disk.Files()) {
    LEAT_CHECK_OK(copy->CreateDirectories(env::ParentPath(path)));
    LEAT_CHECK_OK(env::WriteFileAtomically(*copy, path, disk.Content(path)));
  }
  return copy;
}

class SimHosts {
 public:
  struct Config {
    int nodes = 3;
    int voters = 3;  // nodes 1..voters
    int64_t snapshot_entries = 50'000;
  };
  struct Node {
    int id = 0;
    std::unique_ptr<sim::SimDisk> disk;
    std::unique_ptr<sim::SimShard> shard;
    std::unique_ptr<log::LogDirectory> directory;
    log::PartitionLog* log = nullptr;
    std::unique_ptr<MetadataLog> metadata;  // null: down
    Duration slowest_disk = absl::Milliseconds(2);
    int life = 0;
    int images = 0;  // published in this life
    model::NodeId Id() const { return model::NodeId(id); }
    bool up() const { return metadata != nullptr; }
  };

  SimHosts(const Config& config, uint64_t seed)
      : world(seed), network(world), random(seed * 7919 + 1), config_(config) {
    if (std::getenv("LEAT_SEED") == nullptr) InitLogging(LogLevel::kError);
    for (int id = 1; id <= config.nodes; ++id) {
      nodes.push_back(std::make_unique<Node>());
      nodes.back()->id = id;
      nodes.back()->disk = std::make_unique<sim::SimDisk>(random.Next());
    }
  }
  ~SimHosts() {
    for (auto& node : nodes) Crash(*node);
  }

  void Fail(const std::string& what) {
    if (violation.empty()) violation = StrCat(what, " (", world.Now().nanos() / 1'000'000, " ms)");
  }

  absl::Status TryStart(Node& node) {
    ++node.life;
    node.images = 0;
    node.shard = std::make_unique<sim::SimShard>(
        world, sim::SimShard::Options{.min_blocking = absl::Microseconds(50), .max_blocking = node.slowest_disk});
    LEAT_ASSIGN_OR_RETURN(node.directory, log::LogDirectory::Open(*node.disk, *node.shard, {.path = kLogPath}));
    LEAT_ASSIGN_OR_RETURN(
        node.log, node.directory->OpenPartition({"__cluster_metadata", model::PartitionId(0)}, MetadataLogOptions()));
    std::vector<model::NodeId> voters;
    for (int id = 1; id <= config_.voters; ++id) voters.emplace_back(id);
    RaftHost::Options options = QuorumOptions("sim", node.Id(), voters, kFolder);
    options.random_seed = random.Next();
    options.snapshot_entries = config_.snapshot_entries;
    env::Transport* transport = network.Attach(node.id, {node.shard.get()})[0];
    std::map<int32_t, env::PeerAddress> peers;
    for (const auto& other : nodes) {
      if (other->id != node.id) peers[other->id] = sim::SimNetwork::AddressOf(other->id);
    }
    transport->SetPeers(peers);
    LEAT_ASSIGN_OR_RETURN(
        node.metadata,
        MetadataLog::Open(
            std::move(options),
            {.disk = node.disk.get(), .shard = node.shard.get(), .log = node.log, .transport = transport},
            [this, &node](const meta::ImagePtr& image, const meta::Delta& delta) { OnChanged(node, image, delta); }));
    node.metadata->OnLeader([this, &node](const Leadership& now) { OnLeader(node, now); });
    return absl::OkStatus();
  }
  void Start(Node& node) {
    const absl::Status started = TryStart(node);
    if (started.ok()) return;
    Kill(node);
    // What the disk did while it failed is not the node's doing.
    if (!node.disk->dark()) Fail(StrCat("node ", node.id, " cannot start: ", started.ToString()));
  }
  void StartAll() {
    for (auto& node : nodes) Start(*node);
  }

  // The process dies; the disk keeps what it has.
  void Crash(Node& node) {
    if (node.shard == nullptr) return;
    Kill(node);
  }
  void PowerCut(Node& node) {
    Crash(node);
    node.disk->PowerCut();
  }

  Node* Active() {
    Node* active = nullptr;
    for (auto& node : nodes) {
      if (!node->up() || !node->metadata->active()) continue;
      if (active == nullptr || node->metadata->epoch() > active->metadata->epoch()) active = node.get();
    }
    return active;
  }
  bool WaitForActive(Duration limit = absl::Seconds(10)) {
    return world.RunUntil([&] { return Active() != nullptr || !violation.empty(); }, limit) && violation.empty();
  }

  // Asks the node to make a topic of a new name. Its outcome is kept.
  std::string Submit(Node& node) {
    const int number = ++submitted_;
    const std::string name = StrCat("t", number);
    const auto id = static_cast<uint64_t>(number);
    node.metadata->Submit(
        [name, id](const meta::Image& image) -> absl::StatusOr<meta::Records> {
          if (image.FindTopic(name) != nullptr) return AlreadyExists(name);
          return meta::Records{meta::TopicCreated{{id, id}, name, 1, {}}};
        },
        [this, name, &node](const absl::Status& status) {
          outcomes[name] = status;
          if (status.ok()) {
            acked.insert(name);
            if (node.metadata->image()->FindTopic(name) == nullptr)
              Fail(StrCat(name, " was answered and is not there"));
          } else if (model::CodeOf(status) == model::ErrorCode::kNotController) {
            refused.insert(name);
          }
        });
    return name;
  }
  // Submits where the active controller is until one is acknowledged.
  bool Progress(Duration limit = absl::Seconds(10)) {
    const Instant end = world.Now() + limit;
    while (world.Now() < end && violation.empty()) {
      if (!WaitForActive(end - world.Now())) return false;
      const std::string name = Submit(*Active());
      world.RunUntil([&] { return outcomes.contains(name) || !violation.empty(); }, absl::Seconds(2));
      if (acked.contains(name)) return true;
      world.RunFor(absl::Milliseconds(10));  // a refusal takes no time
    }
    return false;
  }
  // Everybody who is up has applied the same, with all that was acknowledged and nothing that was refused.
  bool Agree(Duration limit = absl::Seconds(10)) {
    const auto agree = [this] {
      Node* active = Active();
      if (active == nullptr) return false;
      for (auto& node : nodes) {
        if (!node->up() || node->metadata->end() != active->metadata->end()) return false;
      }
      return active->metadata->end() == active->metadata->quorum().log_end();
    };
    if (!world.RunUntil([&] { return agree() || !violation.empty(); }, limit)) return false;
    for (auto& node : nodes) {
      CheckImage(*node);
      if (node->metadata->image()->Hash() != nodes[0]->metadata->image()->Hash()) {
        Fail(StrCat("nodes 1 and ", node->id, " have different images at ", node->metadata->end()));
      }
      for (const std::string& name : refused) {
        if (node->metadata->image()->FindTopic(name) != nullptr) Fail(StrCat(name, " was refused and is there"));
      }
    }
    return violation.empty();
  }

  // What each node is at, for the message of a failure.
  std::string State() const {
    std::string text;
    for (const auto& node : nodes) {
      StrAppend(&text, "\n  node ", node->id);
      if (!node->up()) {
        StrAppend(&text, " is down");
        continue;
      }
      const RaftHost& host = node->metadata->quorum();
      StrAppend(&text, ": term ", host.term(), ", leader ", host.leader(), ", applied ", host.applied_end(),
                ", committed ", host.commit_end(), ", log ", node->log->log_start(), " to ", host.log_end(), " (",
                node->log->log_end(), ", durable ", node->log->durable_end(), "), ", host.failure().ToString(), ", ",
                host.stall().ToString());
    }
    return text;
  }

  sim::SimWorld world;
  sim::SimNetwork network;
  Random random;
  std::vector<std::unique_ptr<Node>> nodes;
  std::string violation;
  std::map<std::string, absl::Status> outcomes;
  std::set<std::string> acked;
  std::set<std::string> refused;  // with NOT_CONTROLLER: nothing happened
  std::map<model::LeaderEpoch, int> active_in;
  int snapshots_loaded = 0;

 private:
  void Kill(Node& node) {
    if (network.alive(node.id)) network.Kill(node.id);
    // What dies may queue more.
    for (int i = 0; i < 3; ++i) node.shard->Kill();
    node.directory.reset();
    node.shard->Kill();
    node.metadata.reset();
    node.shard->Kill();
    node.shard.reset();
    node.log = nullptr;
  }

  void CheckImage(const Node& node) {
    for (const std::string& name : acked) {
      if (node.metadata->image()->FindTopic(name) == nullptr) {
        Fail(StrCat("node ", node.id, " lacks ", name, ", which was acknowledged"));
      }
    }
  }

  void OnChanged(Node& node, const meta::ImagePtr& image, const meta::Delta& delta) {
    ++node.images;
    if (node.metadata == nullptr) return Fail("a change was told before Open returned");
    const auto [known, fresh] = hashes_.emplace(node.metadata->end(), image->Hash());
    if (!fresh && known->second != image->Hash()) {
      Fail(StrCat("node ", node.id, " has another image at ", node.metadata->end(), " than a node before it"));
    }
    for (const auto& change : delta.topics) {
      if (change.after == nullptr || image->FindTopic(change.after->id) == nullptr) Fail("a delta that does not fit");
    }
  }

  void OnLeader(Node& node, const Leadership& now) {
    if (!now.active) return;
    const auto [known, fresh] = active_in.emplace(now.epoch, node.id);
    if (!fresh && known->second != node.id) {
      Fail(StrCat("nodes ", known->second, " and ", node.id, " are both active in term ", now.epoch));
    }
    CheckImage(node);
  }

  const Config config_;
  int submitted_ = 0;
  std::map<model::Offset, uint64_t> hashes_;  // of the image at each end
};

}  // namespace leat::coordinator::test
