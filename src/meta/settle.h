// The rules by which a partition goes from one state to the next. Every change of a partition goes through here: what
// somebody wants (a smaller in-sync set, other replicas, an election) is completed by what follows from it (eligible
// replicas, the end of a reassignment, a leader, epochs).
#pragma once

#include <absl/functional/function_ref.h>

#include <map>
#include <optional>

#include "meta/bug.h"
#include "meta/image.h"
#include "meta/partition.h"
#include "meta/policy.h"
#include "meta/records.h"

namespace leat::meta {

enum class ElectionWish : uint8_t {
  kKeep,       // elect only if the leader cannot stay
  kPreferred,  // the first replica if it is live and in sync; else as kKeep
  kUnclean,    // any live replica if nobody may lead cleanly, whatever the topic says: an operator asked for it
};

// The state that somebody wants. Starts as the state that there is.
struct Wish {
  NodeList replicas, isr, adding, removing;
  NodeList lost_unsynced;  // ended uncleanly: not in sync and not eligible any more
  NodeList lost_all;       // has another disk, or a damaged copy: has nothing; not even the last known leader
  ElectionWish election = ElectionWish::kKeep;
  explicit Wish(const Partition& now)
      : replicas(now.replicas), isr(now.isr), adding(now.adding), removing(now.removing) {}
};

struct SettleRules {
  absl::FunctionRef<bool(NodeId)> may_lead;  // live, and not shutting down
  int32_t min_insync = 1;                    // min.insync.replicas; never more than there are replicas
  bool unclean_allowed = false;              // by the topic's config
  Bug bug = Bug::kNone;
};

struct Settled {
  Partition state;
  Election election = Election::kNone;
};

// The state after the wish; nullopt if it is the one that there is. It always satisfies Image::Apply.
// REQUIRES: the wish names replicas, each once; its isr, adding and removing are among them.
std::optional<Settled> Settle(const Partition& before, const Wish& wish, const SettleRules& rules);

// Settles partitions of an image, and collects the records.
class Settler {
 public:
  // Both outlive this.
  Settler(const Image& image, const Policy& policy) : image_(image), policy_(policy) {}

  // What the records before these make of a broker, which the image does not know yet.
  NodeId comes = kNobody;  // is live
  NodeId goes = kNobody;   // may not lead any more

  // REQUIRES: the partition has a state. kYes: a record was added.
  enum class Changed : bool { kNo, kYes };
  Changed Settle(const PartitionKey& key, const Wish& wish);
  void Add(Record record) { records_.push_back(std::move(record)); }
  Records Take() { return std::move(records_); }

 private:
  struct TopicRules {
    int32_t min_insync = 1;
    bool unclean_allowed = false;
  };
  const TopicRules& RulesOf(const TopicId& topic);
  bool MayLead(NodeId node) const;

  const Image& image_;
  const Policy& policy_;
  std::map<TopicId, TopicRules> rules_;
  Records records_;
};

// After a config change: min.insync.replicas may be smaller now, so that records can be acknowledged of which the
// eligible replicas know nothing; those are then eligible no more. `after` is the image with the change, `records`
// those that made it, to which the partitions' changes are added. For one topic, or with nullopt for all.
void ResettleEligible(const Image& after, const std::optional<TopicId>& topic, const Policy& policy, Records* records);

}  // namespace leat::meta
