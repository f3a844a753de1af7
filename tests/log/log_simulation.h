// One seeded run of a log directory with two partitions on a disk that fails, checked by the oracle all along.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log_directory.h"
#include "tests/log/log_oracle.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::log {

struct SimulationStats {
  int appends = 0, acknowledged = 0, power_cuts = 0, kills = 0, cut_tails = 0, offline = 0, refused = 0, fenced = 0;
};

class LogSimulation {
 public:
  struct Mutation {
    sim::DiskFaults::Lie lie = sim::DiskFaults::Lie::kNone;
    TailRule tail_rule = TailRule::kJudge;
  };
  LogSimulation(uint64_t seed, const Mutation& mutation);
  ~LogSimulation();

  // What was wrong, or nullopt.
  std::optional<std::string> Run();
  const SimulationStats& stats() const { return stats_; }

 private:
  struct Partition {
    model::TopicPartition tp;
    std::unique_ptr<LogOracle> oracle;
    int epoch = 0;
    bool half_deleted = false;  // a deletion failed: it may have happened or not
  };
  enum class Ending { kClose, kKill, kPowerCut };

  void Step();
  void AppendSome();
  void ReadSome();
  void DeleteSome();
  void FlipSome();
  void DeletePartition();
  void Restart(Ending ending);
  bool OpenAll(Ending ending);
  void Quiet();
  void CheckEverything();
  void CheckDerivedFiles();
  std::string RandomBatches();
  PartitionLog* Log(const Partition& partition) { return directory_ ? directory_->Find(partition.tp) : nullptr; }
  void Fail(std::string what);

  Random random_;
  const Mutation mutation_;
  sim::SimWorld world_;
  sim::SimDisk disk_;
  std::unique_ptr<sim::SimShard> shard_;
  std::unique_ptr<LogDirectory> directory_;
  LogOptions options_;
  sim::DiskFaults rates_;   // while faults are on
  bool power_family_ = false;
  bool flip_family_ = false;
  bool flipped_ = false;    // damage is a fair answer
  bool index_flipped_ = false;
  bool over_ = false;       // a damaged log was refused
  uint64_t written_ = 0;
  std::vector<Partition> partitions_;
  std::optional<std::string> failure_;
  SimulationStats stats_;
};

}  // namespace leat::log
