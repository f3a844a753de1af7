// One simulation: a whole cluster and those who work on it, for as long as there are faults and until all is well
// again. Everything is a function of the seed and of the families that are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/faults.h"
#include "tests/sim/jobs.h"
#include "tests/sim/plan.h"
#include "tests/sim/reader.h"
#include "tests/sim/replica_checks.h"
#include "tests/sim/stage.h"
#include "tests/sim/topic_churn.h"

namespace leat::nodes {

struct Result {
  std::string failure;  // empty: all held
  uint64_t trace_hash = 0;
  double virtual_seconds = 0;
  uint64_t acknowledged = 0, seen = 0, faults = 0, transactions = 0;
};

enum class Tracing : bool { kQuiet, kPrint };  // kPrint: what happens, to stderr

class Simulation {
 public:
  Simulation(uint64_t seed, const std::set<Family>& without, Tracing tracing);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  Result Run();

 private:
  void Trace(const std::string& what);
  void Hash(uint64_t number);
  bool failed() const { return !history_.failure().empty(); }
  // Runs the world, looks after the cluster and checks it, until the condition holds; false after `limit`.
  bool RunUntil(const std::function<bool()>& condition, Duration limit);
  void RunFor(Duration span);
  bool Begin();
  void CreateTopic(const std::string& name, const broker::Configs& configs);
  void Populate();
  void Settle();
  void CheckLogs();
  void CheckCopies(const model::TopicPartition& name, const meta::Partition& partition);
  History::Record RecordAt(const std::string& bytes);

  const Plan plan_;
  const Tracing tracing_;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  sim::SimWorld world_;
  History history_;
  Cluster cluster_;
  ReplicaChecks copies_;
  ClientLink link_;
  Stage stage_;
  Faults faults_;
  TopicHistories topic_histories_;
  std::vector<std::string> topics_;  // with records that are checked
  std::vector<std::unique_ptr<Actor>> actors_;
  Jobs* jobs_ = nullptr;  // one of them, if there are any
  std::vector<std::unique_ptr<Reader>> readers_;
  Instant check_at_;
};

}  // namespace leat::nodes
