// What goes wrong, when and for how long, as the plan's families allow. Everything ends with Heal.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "tests/sim/replica_checks.h"
#include "tests/sim/stage.h"

namespace leat::nodes {

class Faults {
 public:
  explicit Faults(Stage& stage);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  void Start() {
    started_ = true;
    Next();
  }
  // A node asks the controller for something. Who joins is told late of what the metadata say by then.
  void NoteAsking(int node, int controller);
  // Some moments are followed by what is worst in them.
  void Aim(const ReplicaChecks::Moment& moment);
  // Nothing goes wrong any more: everybody is started, reached and served by a disk that works.
  void Heal();
  uint64_t count() const { return count_; }
  // Page cache: one machine at a time may lose what it has not on disk. Call it often.
  void NoteInSync();

 private:
  void Next();
  void One();
  void Crash(int id);
  void Power();
  void Cut(int id);
  void Disk(int id);
  void Reassign();
  void ChangeVoters(int id);
  void LeaveFetchBehind();
  void AimAtProposal(const ReplicaChecks::Moment& moment);
  void AimAtElection(const ReplicaChecks::Moment& moment);
  // Its process or its power ends in a moment, and it is started again soon.
  void Restart(int id, Duration in);
  void Part(int from, int to, Duration span);
  bool MayLoseTail(int id);
  int AnyNode() { return static_cast<int>(random_.Between(1, stage_.cluster.size())); }
  Duration Span();
  void After(Duration span, std::function<void()> action) { stage_.Later(this, span, std::move(action)); }

  Stage& stage_;
  Random random_;
  Random aim_;
  Random voters_, join_;
  uint64_t aims_one_in_ = 1;
  std::vector<Family> kinds_;
  bool started_ = false, healed_ = false;
  std::map<int, uint64_t> asked_;  // node -> its last life that has asked the controller
  int bad_disk_ = 0;               // whose disk fails now; 0: none
  uint64_t count_ = 0;
};

}  // namespace leat::nodes
