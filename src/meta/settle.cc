#include "meta/settle.h"

#include "base/check.h"

namespace leat::meta {
namespace {

// One partition on its way to its next state; the steps are made in the order of Settle.
class Settlement {
 public:
  Settlement(const Partition& before, const Wish& wish, const SettleRules& rules)
      : before_(before), wish_(wish), rules_(rules), after_(before) {
    after_.replicas = wish.replicas;
    after_.adding = wish.adding;
    after_.removing = wish.removing;
    lost_ = wish.lost_unsynced;
    for (const NodeId node : wish.lost_all) lost_.push_back(node);
    after_.isr = Without(Intersection(wish.replicas, wish.isr), lost_);
  }

  // A reassignment ends when all that it adds is in sync, and somebody who stays is (KIP-455).
  void FinishReassignment() {
    if (!after_.is_reassigning()) return;
    const NodeList staying = Without(after_.replicas, after_.removing);
    const NodeList isr = Intersection(after_.isr, staying);
    const bool added = ContainsAll(isr, after_.adding) || rules_.bug == Bug::kFinishReassignmentEarly;
    if (staying.empty() || !added || (isr.empty() && !after_.removing.empty())) return;
    after_.replicas = staying;
    after_.isr = isr;
    after_.adding.clear();
    after_.removing.clear();
  }

  // Who leaves an in-sync set that is then too small to acknowledge anything misses nothing and stays eligible
  // (KIP-966).
  void KeepEligible() {
    const bool enough = IsEnough();
    NodeList eligible;
    if (!enough) {
      eligible = before_.elr;
      for (const NodeId node : Without(before_.isr, before_.elr)) eligible.push_back(node);
      eligible = Without(Intersection(eligible, after_.replicas), after_.isr);
      if (rules_.bug != Bug::kKeepUncleanInElr) eligible = Without(eligible, lost_);
    }
    after_.elr = std::move(eligible);
  }

  void ElectLeader() {
    const NodeId preferred = after_.replicas.front();
    const bool preferred_can = Contains(after_.isr, preferred) && rules_.may_lead(preferred);
    if (wish_.election == ElectionWish::kPreferred && preferred_can) return Lead(preferred);
    if (Contains(after_.isr, before_.leader) && rules_.may_lead(before_.leader)) return;
    if (rules_.bug == Bug::kElectOutsideIsr && LeadUncleanly(Election::kClean)) return;
    for (const NodeList* candidates : {&after_.isr, &after_.elr}) {
      for (const NodeId node : after_.replicas) {
        if (Contains(*candidates, node) && rules_.may_lead(node)) return Lead(node);
      }
    }
    if (MayLastKnownLead()) return LeadAlone(before_.last_known_elr.front(), Election::kLastKnown);
    const bool unclean =
        rules_.unclean_allowed || wish_.election == ElectionWish::kUnclean || rules_.bug == Bug::kUncleanAlthoughOff;
    if (unclean && LeadUncleanly(Election::kUnclean)) return;
    after_.leader = kNobody;
  }

  // The last leader is remembered for as long as nobody is in sync.
  void RememberLastLeader() {
    if (!after_.isr.empty()) {
      after_.last_known_elr.clear();
      return;
    }
    if (before_.leader != kNobody) after_.last_known_elr = {before_.leader};
    after_.last_known_elr = Without(Intersection(after_.last_known_elr, after_.replicas), wish_.lost_all);
  }

  std::optional<Settled> Finish() {
    if (after_ == before_) return std::nullopt;
    const bool replica_left = !ContainsAll(after_.replicas, before_.replicas);
    const bool new_leader = after_.leader != before_.leader && rules_.bug != Bug::kForgetLeaderEpoch;
    if (new_leader || replica_left) ++after_.leader_epoch;
    if (rules_.bug != Bug::kForgetPartitionEpoch) ++after_.partition_epoch;
    return Settled{std::move(after_), election_};
  }

 private:
  bool IsEnough() const {
    return after_.isr.size() >= std::min(static_cast<size_t>(rules_.min_insync), after_.replicas.size());
  }

  bool MayLastKnownLead() const {
    if (!after_.isr.empty() || !after_.elr.empty() || before_.leader != kNobody) return false;
    if (before_.last_known_elr.size() != 1) return false;
    const NodeId last = before_.last_known_elr.front();
    return Contains(after_.replicas, last) && !Contains(wish_.lost_all, last) && rules_.may_lead(last);
  }

  void Lead(NodeId node) {
    const bool in_sync = Contains(after_.isr, node);
    if (!in_sync) {
      after_.isr.push_back(node);
      after_.isr = Intersection(after_.replicas, after_.isr);
      after_.elr = Without(after_.elr, {node});
      if (IsEnough()) after_.elr.clear();
    }
    after_.leader = node;
    if (node != before_.leader) election_ = in_sync ? Election::kClean : Election::kEligible;
  }

  // What the others have does not count any more: they follow this one.
  void LeadAlone(NodeId node, Election election) {
    after_.leader = node;
    after_.isr = {node};
    after_.elr.clear();
    election_ = election;
  }

  bool LeadUncleanly(Election election) {
    for (const NodeId node : after_.replicas) {
      if (!rules_.may_lead(node)) continue;
      LeadAlone(node, election);
      return true;
    }
    return false;
  }

  const Partition& before_;
  const Wish& wish_;
  const SettleRules& rules_;
  Partition after_;
  NodeList lost_;
  Election election_ = Election::kNone;
};

}  // namespace

std::optional<Settled> Settle(const Partition& before, const Wish& wish, const SettleRules& rules) {
  LEAT_CHECK(!wish.replicas.empty()) << "a partition without replicas is wished";
  Settlement settlement(before, wish, rules);
  settlement.FinishReassignment();
  settlement.KeepEligible();
  settlement.ElectLeader();
  settlement.RememberLastLeader();
  return settlement.Finish();
}

const Settler::TopicRules& Settler::RulesOf(const TopicId& id) {
  const auto it = rules_.find(id);
  if (it != rules_.end()) return it->second;
  const TopicPtr topic = image_.FindTopic(id);
  LEAT_CHECK(topic != nullptr) << "a partition of no topic: " << id.ToString();
  return rules_[id] = {MinInsync(image_, *topic, policy_), UncleanElectionAllowed(image_, *topic, policy_)};
}

bool Settler::MayLead(NodeId node) const {
  if (node == goes) return false;
  return node == comes || image_.IsActive(node);
}

Settler::Changed Settler::Settle(const PartitionKey& key, const Wish& wish) {
  const Partition* before = image_.FindPartition(key);
  LEAT_CHECK(before != nullptr) << "a partition without a state is settled";
  const TopicRules& rules = RulesOf(key.topic);
  const auto may_lead = [this](NodeId node) { return MayLead(node); };
  std::optional<Settled> settled =
      meta::Settle(*before, wish, {may_lead, rules.min_insync, rules.unclean_allowed, policy_.bug});
  if (!settled) return Changed::kNo;
  records_.push_back(PartitionChanged{key.topic, key.partition, std::move(settled->state), settled->election});
  return Changed::kYes;
}

void ResettleEligible(const Image& after, const std::optional<TopicId>& topic, const Policy& policy, Records* records) {
  Settler settler(after, policy);
  const auto resettle = [&](const PartitionKey& key, const Partition& partition) {
    if (!partition.elr.empty()) settler.Settle(key, Wish(partition));
  };
  if (!topic) {
    after.partitions().ForEach(resettle);
  } else {
    const TopicPtr found = after.FindTopic(*topic);
    LEAT_CHECK(found != nullptr) << topic->ToString();
    for (int32_t i = 0; i < found->partitions; ++i) {
      const PartitionKey key{*topic, PartitionId(i)};
      if (const Partition* partition = after.FindPartition(key)) resettle(key, *partition);
    }
  }
  for (Record& change : settler.Take()) records->push_back(std::move(change));
}

}  // namespace leat::meta
