// What must hold of the copies of a partition at every moment, looked at from outside of all machines after every
// event: what is committed is held by everybody whom the controller takes for one who may lead, as it was committed,
// and on disk where that was the promise. A history of clients shows a breach only once somebody who lacks a record
// leads.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"

namespace leat::nodes {

class ReplicaChecks {
 public:
  // A leader has just asked the controller for another in-sync set, or a partition has another leader: for faults that
  // are aimed at such moments.
  struct Moment {
    enum class What : uint8_t { kProposal, kElection };
    What what;
    int leader = 0;
    int controller = 0;         // 0: nobody is active
    std::vector<int> subjects;  // who is to join or leave; of an election the eligible that are not in sync
  };

  ReplicaChecks(Cluster& cluster, History& history) : cluster_(cluster), history_(history) {}
  void Watch(const model::TopicPartition& partition) { truths_.push_back({.name = partition}); }
  void OnMoment(std::function<void(const Moment&)> moment) { moment_ = std::move(moment); }

  void AfterEvent();
  // Costs more; now and then.
  void Look();

 private:
  using Epochs = std::vector<log::LeaderEpochs::Entry>;
  struct Truth {
    model::TopicPartition name;
    meta::PartitionKey key;
    const meta::Partition* partition = nullptr;  // of the newest image
    int64_t committed = 0;                       // the end of what was
    Epochs epochs;                               // in which it was written
    int32_t partition_epoch = -1;
    int leader = 0;
    bool proposing = false;
    std::map<int, uint64_t> synced;                       // node -> its life in which all was on disk once
    std::map<int32_t, std::pair<int, uint64_t>> leading;  // leader epoch -> node and life that led in it
    std::map<int32_t, int64_t> given_to;  // leader epoch -> broker epoch of the registration to which it was given
    // As the last image that said something new of it had them, and its partition epoch.
    meta::NodeList adding;
    int32_t adding_epoch = -1;
  };

  bool TakeNewest(int id);  // true: it had some that nobody else has shown
  void LookAtLeader(Truth& truth);
  void LookAtProposal(Truth& truth, int leader, const replication::LeaderCore& core);
  void CheckHolders(const Truth& truth);
  void CheckHolder(const Truth& truth, int id);
  void CheckSynced(const Truth& truth);
  void CheckLives(Truth& truth);
  void CheckGiven(const Truth& truth, int id, int32_t epoch);
  void CheckLeaderless();
  void CheckReassignment(Truth& truth);
  broker::ShardState::Open CopyOf(int id, const model::TopicPartition& name);
  int Controller();
  void Tell(Moment::What what, int leader, std::vector<int> subjects);

  Cluster& cluster_;
  History& history_;
  std::function<void(const Moment&)> moment_;
  std::vector<Truth> truths_;
  std::vector<uint64_t> turns_;  // of each node, that were looked at
  meta::ImagePtr newest_;
  int64_t newest_end_ = -1;
  int32_t term_ = -1;                                 // of the active controller
  std::map<meta::PartitionKey, Instant> leaderless_;  // since when, although somebody eligible is active
};

}  // namespace leat::nodes
