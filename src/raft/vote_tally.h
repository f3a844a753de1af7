// The answers to one candidacy. An answer counts once, and only of a node that has a vote.
#pragma once

#include <set>

#include "raft/quorum.h"
#include "raft/voters.h"

namespace leat::raft {

class VoteTally {
 public:
  void Clear() { granted_.clear(), denied_.clear(); }
  void Grant(NodeId from) { granted_.insert(from); }
  void Deny(NodeId from) { denied_.insert(from); }
  bool Won(const VoterSet& voters) const { return Count(granted_, voters) >= MajorityOf(voters.size()); }
  bool Lost(const VoterSet& voters) const { return voters.size() - Count(denied_, voters) < MajorityOf(voters.size()); }

 private:
  static size_t Count(const std::set<NodeId>& nodes, const VoterSet& voters) {
    size_t count = 0;
    for (NodeId node : nodes) count += voters.Find(node) != nullptr ? 1 : 0;
    return count;
  }
  std::set<NodeId> granted_;
  std::set<NodeId> denied_;
};

}  // namespace leat::raft
