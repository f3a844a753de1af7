// One seeded life of a log that is one copy of several, on a disk that fails: a leader's batches come, the log is cut
// and begins again, the high watermark moves, the process dies and the power goes. A model beside it knows what the log
// holds at every moment, and what the disk may hold after a crash.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/log_directory.h"
#include "tests/log/forgetful_disk.h"
#include "tests/log/transaction_oracle.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::log {

class ReplicatedSimulation {
 public:
  struct Stats {
    int appends = 0, cuts = 0, restarts = 0, power_cuts = 0, kills = 0, offline = 0, revived = 0, held = 0, gaps = 0;
    void Add(const Stats& one) {
      appends += one.appends;
      cuts += one.cuts;
      restarts += one.restarts;
      power_cuts += one.power_cuts;
      kills += one.kills;
      offline += one.offline;
      revived += one.revived;
      held += one.held;
      gaps += one.gaps;
    }
  };
  ReplicatedSimulation(uint64_t seed, ForgetfulDisk::Bug bug, sim::DiskFaults::Lie lie = sim::DiskFaults::Lie::kNone);
  ~ReplicatedSimulation();

  std::optional<std::string> Run();  // what was wrong, or nullopt
  const Stats& stats() const { return stats_; }

 private:
  enum class Ending { kClose, kKill, kPowerCut };
  struct Batch {
    int64_t base;
    int64_t next;
    int epoch;
    std::string bytes;
  };
  // What a log holds: every batch since it began, deleted ones too.
  struct Content {
    int64_t begin = 0;
    std::vector<Batch> batches;
    int64_t end() const { return batches.empty() ? begin : batches.back().next; }
    void CutTo(int64_t to);
  };
  // What the disk may hold beside the log as it is: what was there before a cut that is under way.
  struct Before {
    Content content;
    int64_t least_end;  // of it
    int64_t start, most_start;
    int64_t most_watermark;
    bool emptied;  // the log has begun again since
  };

  void Step();
  void AppendSome();
  std::string NextBatch(int64_t base);
  void CutSome();
  void RestartSome();
  void MarkSome();
  void DeleteSome();
  void ReadSome();
  void EndProcess(Ending ending);
  bool Open(Ending ending, bool faults_may_hinder);
  void Adopt(Ending ending);
  void RememberBefore(bool emptied);
  void Settle();  // the disk holds what the log does
  void Follow();  // takes over what the log has taken of what was offered
  void Check();
  void CheckContent();
  void CheckDerived();
  void TakeFailed(Content* content);
  void RebuildTransactions();
  void Fail(std::string what);
  void Say(std::string what) const;

  Random random_;
  Random deaths_;  // what is dead when all calls fail
  sim::SimWorld world_;
  sim::SimDisk sim_disk_;
  ForgetfulDisk disk_;
  std::unique_ptr<sim::SimShard> shard_;
  std::unique_ptr<LogDirectory> directory_;
  PartitionLog* log_ = nullptr;
  LogOptions options_;
  sim::DiskFaults rates_;
  bool power_family_ = true;
  bool delete_family_ = true;

  Content mine_;
  std::deque<Batch> offered_;                        // appended, not yet taken
  std::map<int64_t, std::set<std::string>> failed_;  // appended in this life, in vain
  std::unique_ptr<TransactionOracle> transactions_;
  std::vector<Before> before_;
  int changes_under_way_ = 0;  // cuts and restarts
  uint64_t life_ = 0;          // callbacks of an earlier one mean nothing
  int64_t start_ = 0;
  int64_t most_start_ = 0;  // that was asked for
  int64_t watermark_ = 0;
  int64_t durable_ = 0;
  int epoch_ = 0;
  int32_t sequence_ = 0;
  uint64_t written_ = 0;
  std::optional<std::string> failure_;
  Stats stats_;
};

}  // namespace leat::log
