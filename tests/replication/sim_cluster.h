// A whole replicated cluster in one thread on virtual time: the cores as they are, a driver as simple as can be, an
// idealised controller, and a network and machines that fail as a seed says. Everything is a function of the seed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "replication/partition_replica.h"
#include "tests/replication/sim_controller.h"
#include "tests/replication/sim_log.h"

namespace leat::replication::sim {

struct Result {
  std::string failure;  // empty: all invariants held, and everything caught up in the end
  uint64_t hash = 0;    // of all that happened
  int64_t virtual_ms = 0;
  uint64_t events = 0, acked = 0, committed = 0, elections = 0, truncations = 0, faults = 0, isr_changes = 0,
           mended = 0;
};

class Cluster {
 public:
  enum class Trace { kOff, kStderr };
  explicit Cluster(uint64_t seed, Trace trace = Trace::kOff);
  Result Run();

 private:
  using Action = std::function<void()>;
  struct Event {
    int64_t at_us;
    uint64_t number;
    Action action;
    bool operator>(const Event& other) const {
      return at_us != other.at_us ? at_us > other.at_us : number > other.number;
    }
  };
  struct Parked {
    size_t partition;
    int from;
    uint64_t from_life;
    FetchId id;
    model::Offset offset;
    model::LeaderEpoch epoch;
    bool answered = false;
  };
  struct Waiting {
    size_t partition;
    int64_t base, end;
    uint64_t first_value;
  };
  struct Node {
    bool up = false, paused = false, registered = false, lost_tail = false;
    uint64_t life = 0;
    int64_t broker_epoch = -1;
    uint64_t image_version = 0;
    std::vector<SimLog> logs;                                 // by partition; survive a crash
    std::vector<std::vector<OffsetRange>> holes;              // likewise
    std::vector<std::unique_ptr<PartitionReplica>> replicas;  // null if not assigned or not up
    std::vector<int64_t> tick_at;                             // of the tick that is on its way
    std::vector<int64_t> sync_to;                             // -1: no sync is on its way
    std::vector<int64_t> checked;                             // compared with what is committed up to here
    std::vector<std::shared_ptr<Parked>> parked;
    std::map<WaiterId, Waiting> waiting;
    std::map<FetchId, std::vector<Record>> fetched;  // the bytes of the answer that is being worked on
    std::vector<Action> deferred;                    // while paused
  };
  struct Answer {
    FetchAnswer answer;
    std::vector<Record> records;
  };
  // What the checker knows of a partition.
  struct Truth {
    std::vector<Record> committed;
    std::vector<int32_t> committed_in;  // the epoch whose leader was the first to say so
    std::map<int32_t, int> leaders;     // by epoch
    std::set<int> at_risk;              // lost a tail, and has not joined the in-sync set since
    std::set<int> damaged;              // had damage, and may be out of the in-sync set for it
    std::vector<model::NodeId> isr;     // as seen last
    int32_t reader_epoch = 0;
    int64_t reader_latest = 0;
    int32_t seen_partition_epoch = -1;
  };

  // sim_cluster.cc: machines, network, driver
  void At(int64_t delay_us, Action action);
  void Log(const std::string& text);
  void Send(int from, int to, Action deliver);
  void OnNode(int node, uint64_t life, Action action);
  void Start(int node);
  void Stop(int node, bool power_cut);
  void HeartbeatLoop(int node, uint64_t life);
  void PublishImages();
  void TakeImage(int node, const std::shared_ptr<const std::vector<PartitionView>>& image, uint64_t version);
  void Perform(int node, size_t partition);
  void Carry(int node, size_t partition, const Effect& effect);
  void AskToBeReplaced(int node, size_t partition, uint64_t life, model::LeaderEpoch epoch);
  void CarryFetch(int node, size_t partition, const SendFetch& fetch);
  void CarryAppend(int node, size_t partition, const AppendFetched& append);
  void OnFetchArrives(int node, size_t partition, int from, uint64_t from_life, const SendFetch& fetch);
  void Reply(int node, size_t partition, int to, uint64_t to_life, FetchId id, const FetchVerdict& verdict,
             model::Offset offset);
  void WakeParked(int node, size_t partition);
  void SyncLater(int node, size_t partition);
  void Schedule(int node, size_t partition);
  void Produce(size_t partition);
  Node& node(int id) { return nodes_[static_cast<size_t>(id)]; }
  Instant now() const { return Instant::FromNanos(now_us_ * 1000); }
  int64_t now_ms() const { return now_us_ / 1000; }

  // sim_faults.cc
  void Draw();
  void InjectFaults();
  void OneFault();
  void CutPower(int id);
  void DamageSomething(int id);
  void ReadLatest(size_t partition);
  void ProduceLoop(size_t partition);
  void DeleteRecords(size_t partition);
  void Heal();

  // sim_checks.cc
  void Fail(const std::string& text);
  void CheckRole(int node, size_t partition, PartitionReplica::Role before, model::LeaderEpoch epoch_before);
  void CheckHighWatermark(int node, size_t partition, int64_t to);
  void CheckAck(int node, const Waiting& waiting);
  bool MayHarm(int node, size_t partition) const;
  void CheckPartition(size_t partition);
  // The log holds what was committed in epochs before this one.
  void CheckPrefix(int node, size_t partition, int32_t epoch, const char* why);
  std::string WhyNotCaughtUp() const;

  const uint64_t seed_;
  Random random_;
  const Trace trace_;
  Options options_;
  Controller controller_;
  uint64_t published_ = 0;
  std::vector<Node> nodes_;  // [0] is the controller: only its network is used
  std::vector<Truth> truths_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t next_event_ = 0, next_value_ = 1, next_waiter_ = 1;
  int64_t now_us_ = 0;
  bool healed_ = false;
  int n_ = 0;
  // Drawn from the seed.
  double loss_ = 0, duplicate_ = 0, stuck_ = 0, mean_delay_us_ = 0;
  int64_t fault_every_us_ = 0, chaos_us_ = 0, produce_every_us_ = 0;
  std::set<std::pair<int, int>> cut_;  // one way
  Result result_;
};

}  // namespace leat::replication::sim
