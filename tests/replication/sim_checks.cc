// The invariants, looked at after every step.
#include "tests/replication/sim_cluster.h"

namespace leat::replication::sim {

using model::NodeId;

void Cluster::Fail(const std::string& text) {
  if (!result_.failure.empty()) return;
  result_.failure = StrCat("seed ", seed_, " at ", now_ms(), " ms: ", text);
  Log(result_.failure);
}

// I1: one leader in each epoch. I2, for its part: what was committed before is in the log of the new leader.
void Cluster::CheckRole(int id, size_t p, PartitionReplica::Role before, model::LeaderEpoch epoch_before) {
  const PartitionReplica& replica = *node(id).replicas[p];
  if (replica.leader() == nullptr) return;
  if (before == PartitionReplica::Role::kLeader && epoch_before == replica.epoch()) return;
  ++result_.elections;
  const auto [it, fresh] = truths_[p].leaders.emplace(replica.epoch().value(), id);
  if (!fresh) Fail(StrCat("I1: nodes ", it->second, " and ", id, " lead ", p, " in epoch ", replica.epoch()));
  CheckPrefix(id, p, replica.epoch().value(), "leads");
}

void Cluster::CheckPrefix(int id, size_t p, int32_t epoch, const char* why) {
  const Truth& truth = truths_[p];
  const SimLog& log = node(id).logs[p];
  for (size_t at = static_cast<size_t>(log.start); at < truth.committed.size(); ++at) {
    if (truth.committed_in[at] >= epoch) continue;
    if (static_cast<int64_t>(at) >= log.end()) return Fail(StrCat("I2: node ", id, " ", why, " ", p, " without ", at));
    if (log.At(static_cast<int64_t>(at)) == truth.committed[at]) continue;
    return Fail(StrCat("I3: node ", id, " ", why, " ", p, " with another record at ", at));
  }
}

// I3, I5, I6: what a replica says is committed is the same everywhere, and held by all that may lead.
void Cluster::CheckHighWatermark(int id, size_t p, int64_t to) {
  Node& at = node(id);
  Truth& truth = truths_[p];
  const SimLog& log = at.logs[p];
  const PartitionReplica& replica = *at.replicas[p];
  if (to > log.end())
    return Fail(StrCat("I6: node ", id, " has high watermark ", to, " and its log ends at ", log.end()));
  if (to < at.checked[p]) return Fail(StrCat("I4: the high watermark of node ", id, " goes back to ", to));
  for (int64_t o = std::max(at.checked[p], log.start); o < to; ++o) {
    const Record& record = log.At(o);
    if (o < static_cast<int64_t>(truth.committed.size())) {
      if (truth.committed[static_cast<size_t>(o)] == record) continue;
      return Fail(StrCat("I3: node ", id, " has another record at ", o, " of ", p));
    }
    // It may have advanced it as its last act in the epoch.
    const auto leader = truth.leaders.find(replica.epoch().value());
    if (leader == truth.leaders.end() || leader->second != id) {
      return Fail(StrCat("I6: follower ", id, " is the first with ", o));
    }
    const LeaderCore* core = replica.leader();
    if (core != nullptr && core->isr().committed().size() < core->view().effective_min_insync()) {
      return Fail(StrCat("I6: ", o, " is committed with too few in sync"));
    }
    truth.committed.push_back(record);
    truth.committed_in.push_back(replica.epoch().value());
    for (int other = 1; other <= n_; ++other) {
      if (!controller_.partitions()[p].Holds(NodeId(other)) || truth.at_risk.contains(other)) continue;
      const SimLog& theirs = node(other).logs[p];
      const bool holds = o < theirs.start || (o < theirs.end() && theirs.At(o) == record);
      if (!holds) return Fail(StrCat("I5: ", o, " of ", p, " is committed, eligible node ", other, " lacks it"));
    }
  }
  at.checked[p] = to;
}

void Cluster::CheckAck(int id, const Waiting& waiting) {
  const Truth& truth = truths_[waiting.partition];
  const LeaderCore* leader = node(id).replicas[waiting.partition]->leader();
  ++result_.acked;
  if (leader == nullptr) return Fail(StrCat("I6: node ", id, " acknowledges without leading"));
  const size_t needed = leader->view().effective_min_insync();
  if (leader->isr().committed().size() < needed) return Fail(StrCat("I6: acknowledged with too few in sync"));
  for (int64_t o = waiting.base; o < waiting.end; ++o) {
    const uint64_t value = waiting.first_value + static_cast<uint64_t>(o - waiting.base);
    if (o >= static_cast<int64_t>(truth.committed.size()) || truth.committed[static_cast<size_t>(o)].value != value) {
      return Fail(StrCat("I2: ", o, " of ", waiting.partition, " is acknowledged and not committed"));
    }
  }
  size_t holders = truth.at_risk.size();
  for (int other = 1; other <= n_; ++other) {
    if (truth.at_risk.contains(other)) continue;
    const SimLog& log = node(other).logs[waiting.partition];
    const Record& last = truth.committed[static_cast<size_t>(waiting.end - 1)];
    holders += log.start >= waiting.end || (log.end() >= waiting.end && log.At(waiting.end - 1) == last);
  }
  if (holders < needed) Fail(StrCat("I6: ", holders, " replicas hold what is acknowledged at ", waiting.base));
}

// I5 between the steps at which something becomes committed: nobody who may lead loses it, and nobody joins without it.
void Cluster::CheckPartition(size_t p) {
  Truth& truth = truths_[p];
  const PartitionView& view = controller_.partitions()[p].view;
  if (view.partition_epoch != truth.seen_partition_epoch) {
    truth.seen_partition_epoch = view.partition_epoch;
    for (const NodeId member : view.isr) {
      if (Contains(truth.isr, member)) continue;
      // The controller may choose one that has lost power a moment ago. It cannot act upon that: when it comes back it
      // registers, and is out of the set.
      if (node(member.value()).lost_tail) continue;
      truth.at_risk.erase(member.value());
      CheckPrefix(member.value(), p, INT32_MAX, "joins the in-sync set of");
    }
    truth.isr = view.isr;
  }
  const int64_t committed = static_cast<int64_t>(truth.committed.size());
  for (const std::vector<NodeId>* group : {&view.isr, &view.elr}) {
    for (const NodeId member : *group) {
      if (truth.at_risk.contains(member.value()) || node(member.value()).logs[p].end() >= committed) continue;
      return Fail(StrCat("I5: eligible node ", member, " has ", node(member.value()).logs[p].end(), " of ", committed,
                         " committed records of ", p));
    }
  }
}

std::string Cluster::WhyNotCaughtUp() const {
  for (size_t p = 0; p < truths_.size(); ++p) {
    const PartitionView& view = controller_.partitions()[p].view;
    if (view.leader == kNoNode) return StrCat("partition ", p, " has no leader");
    if (view.isr.size() != view.replicas.size()) return StrCat(view.isr.size(), " in sync of partition ", p);
    const int64_t committed = static_cast<int64_t>(truths_[p].committed.size());
    for (const ReplicaView& replica : view.replicas) {
      const Node& at = nodes_[static_cast<size_t>(replica.node.value())];
      if (at.replicas[p] == nullptr) return StrCat("node ", replica.node, " is not up");
      if (at.replicas[p]->epoch() != view.epoch) return StrCat("node ", replica.node, " is in an old epoch of ", p);
      const LogFacts& facts = at.replicas[p]->log();
      const SimLog& log = at.logs[p];
      if (facts.high_watermark.value() != committed || log.end() != committed) {
        return StrCat("node ", replica.node, "/", p, " has high watermark ", facts.high_watermark, ", end ", log.end(),
                      " of ", committed);
      }
      if (facts.start.value() != log.start) return StrCat("node ", replica.node, " is wrong about its log's start");
      if (!at.holes[p].empty()) return StrCat("node ", replica.node, "/", p, " has damage left");
      if (!at.waiting.empty()) return StrCat("node ", replica.node, " owes answers");
    }
  }
  return "";
}

}  // namespace leat::replication::sim
