#include "broker/replica_append.h"

#include <string>
#include <utility>

#include "broker/outcomes.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

// How long a marker or a coordinator's record waits for the other copies.
constexpr Duration kInternalTimeout = absl::Seconds(30);

bool IsReplicated(const ShardState::Found& found) { return found.replica != nullptr && !found.replica->alone(); }

}  // namespace

void AppendAsLeader(const ShardState::Found& found, env::Shard& shard, OwnedBytes batches, const LeaderAppend& how,
                    log::PartitionLog::AppendDone done) {
  log::AppendOptions options{
      .epoch = found.leader.epoch, .origin = how.origin, .verification = how.verification, .when = how.when};
  if (!IsReplicated(found)) return found.log->Append(std::move(batches), options, std::move(done));
  if (absl::Status status = found.replica->CheckAppend(found.leader.epoch, how.acks); !status.ok()) {
    return done(std::move(status));
  }
  // What is written later in this turn could be written when another node leads already.
  options.when = log::WriteTime::kAtOnce;
  found.log->Append(std::move(batches), options,
                    found.replica->Answering(how.acks, shard.Now() + how.timeout, std::move(done)));
}

void AppendMarkerAsLeader(const ShardState::Found& found, env::Shard& shard, const log::ProducerState::Marker& marker,
                          log::PartitionLog::AppendDone done) {
  if (!IsReplicated(found)) return found.log->AppendMarker(marker, found.leader.epoch, std::move(done));
  if (absl::Status status = found.replica->CheckAppend(found.leader.epoch, Acks::kAll); !status.ok()) {
    return done(std::move(status));
  }
  found.log->AppendMarker(marker, found.leader.epoch,
                          found.replica->Answering(Acks::kAll, shard.Now() + kInternalTimeout, std::move(done)));
}

coordinator::AppendTo AppendsTo(ShardState& shard, model::TopicPartition partition, model::LeaderEpoch known) {
  return [&shard, partition = std::move(partition), known](model::PartitionId, OwnedBytes bytes, log::Origin origin,
                                                           log::PartitionLog::AppendDone done) {
    const ShardState::Found found = shard.FindLed(partition, known);
    if (found.log == nullptr) return done(model::WithCode(ToStatus(found.outcome), found.outcome.code));
    AppendAsLeader(found, shard.shard(), std::move(bytes), {.timeout = kInternalTimeout, .origin = origin},
                   std::move(done));
  };
}

}  // namespace leat::broker
