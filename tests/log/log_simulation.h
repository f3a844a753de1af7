// One seeded run of a log directory with two partitions on a disk that fails, checked by the oracle all along.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log_directory.h"
#include "tests/log/log_oracle.h"
#include "tests/log/simulated_producer.h"
#include "tests/log/transaction_oracle.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::log {

struct SimulationStats {
  int appends = 0, acknowledged = 0, power_cuts = 0, kills = 0, cut_tails = 0, offline = 0, refused = 0, fenced = 0;
  int repeats = 0, committed_reads = 0, aborted_told = 0;
};

class LogSimulation {
 public:
  struct Mutation {
    sim::DiskFaults::Lie lie = sim::DiskFaults::Lie::kNone;
    TailRule tail_rule = TailRule::kJudge;
    enum class Producers { kSound, kForgottenAtRestart, kForgottenAtOnce, kCommittedReadsSeeAll };
    Producers producers = Producers::kSound;
  };
  LogSimulation(uint64_t seed, const Mutation& mutation);
  ~LogSimulation();

  // What was wrong, or nullopt.
  std::optional<std::string> Run();
  const SimulationStats& stats() const { return stats_; }

 private:
  enum class Ending { kClose, kKill, kPowerCut };
  struct Partition {
    model::TopicPartition tp;
    std::unique_ptr<LogOracle> oracle;
    int epoch = 0;
    bool half_deleted = false;  // a deletion failed: it may have happened or not
    std::unique_ptr<TransactionOracle> transactions = std::make_unique<TransactionOracle>();
    std::unique_ptr<ProducerWorld> world = nullptr;
    std::vector<std::unique_ptr<SimulatedProducer>> producers;
    bool producers_known = true;  // what the log must say of them
  };

  void Step();
  void AppendSome();
  void AppendPlain(Partition& partition, PartitionLog& log);
  void AppendTogether(Partition& partition, PartitionLog& log);
  void LetProducerAct(Partition& partition, PartitionLog& log);
  // The partition is new: nothing is known of it.
  void ForgetHistory(Partition& partition);
  void WatchProducers(Partition& partition, const PartitionLog& log, Ending ending);
  void ReadSome();
  void DeleteSome();
  void FlipSome();
  void DeletePartition();
  void Restart(Ending ending);
  bool OpenAll(Ending ending);
  void Quiet();
  void CheckEverything();
  void CheckDerivedFiles();
  std::string RandomBatch(const model::BatchBuilder::Options& options);
  PartitionLog* Log(const Partition& partition) { return directory_ ? directory_->Find(partition.tp) : nullptr; }
  void Fail(std::string what);

  Random random_;
  Random deaths_;  // what is dead when all calls fail
  const Mutation mutation_;
  sim::SimWorld world_;
  sim::SimDisk disk_;
  std::unique_ptr<sim::SimShard> shard_;
  std::unique_ptr<LogDirectory> directory_;
  LogOptions options_;
  sim::DiskFaults rates_;  // while faults are on
  bool power_family_ = false;
  bool flip_family_ = false;
  bool flipped_ = false;  // damage is a fair answer
  bool index_flipped_ = false;
  bool producers_family_ = false;
  int64_t next_producer_ = 1;
  bool over_ = false;  // a damaged log was refused
  uint64_t written_ = 0;
  std::vector<Partition> partitions_;
  std::optional<std::string> failure_;
  SimulationStats stats_;
};

}  // namespace leat::log
