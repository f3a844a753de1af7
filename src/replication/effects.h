// What the cores want done, as data, in order. The driver carries the effects of a call out, in order, before it makes
// the next call on the same replica; what it cannot carry out it reports with PartitionReplica::OnLogFacts.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/error_code.h"
#include "replication/types.h"

namespace leat::replication {

using FetchId = StrongId<struct FetchIdTag, uint64_t>;    // unique within one replica's life
using WaiterId = StrongId<struct WaiterIdTag, uint64_t>;  // chosen by the driver
using Attempt = StrongId<struct AttemptTag, int64_t>;     // of a proposal, rising within one leader epoch

enum class FetchPurpose { kFollow, kRepair };
enum class Health { kWhole, kDamaged };  // kDamaged: a range of the sender's log is waiting to be mended

// Ask the leader for records from `offset` on. With kRepair those of [offset, limit), which this log has damaged.
struct SendFetch {
  FetchId id;
  FetchPurpose purpose = FetchPurpose::kFollow;
  model::NodeId leader;
  model::LeaderEpoch leader_epoch;  // as the sender's image knows it
  BrokerEpoch broker_epoch;         // the sender's
  model::Offset offset;
  model::LeaderEpoch last_epoch = kNoEpoch;  // of the record before `offset`; kNoEpoch: the log is empty
  model::Offset limit{-1};
  model::Offset log_start;
  Health health = Health::kWhole;
};
// Append all batches of the answer to this fetch, as they are.
struct AppendFetched {
  FetchId id;
  model::Offset base;
  model::Offset end;
};
// Cut the log. The cut is on disk before anything appended behind it counts as durable.
struct TruncateLog {
  model::Offset to;
  int64_t below_high_watermark = 0;  // records that were committed as far as this replica knew: an unclean election
};
// Remove the whole log and go on at this offset.
struct RestartLog {
  model::Offset at;
  int64_t skipped = 0;  // offsets that this log will never hold: the leader does not have them either
};
// Readers may read below it; the driver writes it to its checkpoint now and then.
struct SetHighWatermark {
  model::Offset to;
};
// Records below may go, as with DeleteRecords. It may lie above the high watermark until the SetHighWatermark that then
// follows in the same list: nothing of this log may be read in between.
struct SetLogStart {
  model::Offset to;
};
// Write the records of [from, to) of the answer to this fetch in place of the damaged ones, then call OnMended.
struct MendRange {
  FetchId id;
  model::Offset from;
  model::Offset to;
};

struct IsrMember {
  model::NodeId node;
  BrokerEpoch broker_epoch;
  friend bool operator==(const IsrMember&, const IsrMember&) = default;
};
// Send AlterPartition to the controller. It is the only way in which an in-sync set changes. The controller refuses an
// attempt of this leader epoch that is not above one it has seen: an older attempt must not succeed when a later one
// was refused.
struct ProposeIsr {
  Attempt attempt;
  model::LeaderEpoch leader_epoch;
  int32_t partition_epoch;
  std::vector<IsrMember> isr;  // by node
};
// The outcome of a waiting request.
struct Answer {
  WaiterId waiter;
  model::ErrorCode error = model::ErrorCode::kNone;
};
// For the log and a metric: this replica does not take the part that the image gives it, or wants to lose it.
struct Refuse {
  std::string reason;
};

using Effect = std::variant<SendFetch, AppendFetched, TruncateLog, RestartLog, SetHighWatermark, SetLogStart, MendRange,
                            ProposeIsr, Answer, Refuse>;

// One line, for traces and tests.
std::string Describe(const Effect& effect);

// Where the cores of one replica collect their effects.
class Outbox {
 public:
  void Add(Effect effect) { effects_.push_back(std::move(effect)); }
  std::vector<Effect> Take() { return std::exchange(effects_, {}); }
  bool empty() const { return effects_.empty(); }

 private:
  std::vector<Effect> effects_;
};

}  // namespace leat::replication
