// From a Status of the log or the metadata to the outcome that a client sees.
#pragma once

#include "base/status.h"
#include "broker/api.h"

namespace leat::broker {

Outcome Failed(model::ErrorCode code, std::string message);
// Of an append, a read, or any other call of a partition's log.
Outcome AppendOutcome(const absl::Status& status);
Outcome ReadOutcome(const absl::Status& status);
// Whether the leader epoch that the caller knows is the one in force; -1 is not looked at. FENCED_LEADER_EPOCH: it is
// an older one; UNKNOWN_LEADER_EPOCH: a newer one (KIP-320).
Outcome EpochOutcome(model::LeaderEpoch known, model::LeaderEpoch leader);
// NOT_LEADER_OR_FOLLOWER, and who leads instead.
Outcome NotLeader(const model::TopicPartition& partition, const CurrentLeader& leader);
// Of a change of a topic that was refused.
Outcome TopicOutcome(const absl::Status& status, std::string_view topic);
// The inverse, for callers that think in Status (LogPort, jobs).
absl::Status ToStatus(const Outcome& outcome);

}  // namespace leat::broker
