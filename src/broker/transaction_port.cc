// What the transaction coordinator has done by the rest of the node: ids reserved in the metadata, markers written.
#include <memory>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/replica_append.h"
#include "broker/transaction_host.h"
#include "meta/commands.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using Marker = log::ProducerState::Marker;

// Of the one node that coordinates; it is in every marker and never goes back.
constexpr int32_t kCoordinatorEpoch = 0;

Marker MarkerOf(const txn::Markers& markers) {
  return {.producer_id = markers.producer_id,
          .producer_epoch = markers.producer_epoch,
          .marker = {markers.result == txn::Result::kCommit ? model::TransactionEnd::kCommit
                                                            : model::TransactionEnd::kAbort,
                     kCoordinatorEpoch},
          .expects = txn::EpochRises(markers.version) ? Marker::Epoch::kNewer : Marker::Epoch::kSameOrNewer};
}

// The partition has moved on: a newer epoch of the producer has written, which can only be after its coordinator had
// ended this transaction.
bool IsOvertaken(const absl::Status& status) {
  const auto code = model::CodeOf(status);
  return code == model::ErrorCode::kInvalidProducerEpoch || code == model::ErrorCode::kTransactionCoordinatorFenced;
}

}  // namespace

void TransactionHost::ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) {
  broker_.ChangeMetadata(meta::ReserveIds{count},
                         [count, done = std::move(done)](const absl::StatusOr<meta::CommandResult>& changed) mutable {
                           if (changed.ok()) {
                             done(Block{changed->producer_ids_begin, changed->producer_ids_begin + count});
                           } else {
                             done(changed.status());
                           }
                         });
}

void TransactionHost::WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                                  absl::AnyInvocable<void(absl::Status)> done) {
  AppendMarker(MarkerOf(markers), partition, [partition, done = std::move(done)](const absl::Status& status) mutable {
    if (IsOvertaken(status)) {
      LogWarning("broker", "the end of a transaction is not written to ", partition.ToString(), ": ", Message(status));
    }
    const bool settled = IsOvertaken(status) || absl::IsNotFound(status);
    done(settled ? absl::OkStatus() : status);
  });
}

void TransactionHost::AppendMarker(const Marker& marker, const model::TopicPartition& partition,
                                   absl::AnyInvocable<void(absl::Status)> done) {
  ShardState& owner = *broker_.shards()[OwnerOf(partition, broker_.shards().size())];
  owner.shard().Post([this, &owner, marker, partition, done = std::move(done)]() mutable {
    const ShardState::Found found = owner.FindLed(partition);
    auto answer = [this, done = std::move(done)](const absl::Status& status) mutable {
      broker_.home().Post([status, done = std::move(done)]() mutable { done(status); });
    };
    if (found.log == nullptr) {
      answer(model::WithCode(ToStatus(found.outcome), found.outcome.code));
      return;
    }
    AppendMarkerAsLeader(
        found, owner.shard(), marker,
        [this, marker, partition, answer = std::move(answer)](const absl::StatusOr<log::AppendResult>& result) mutable {
          // What the transaction says of groups is known before anybody is told that the transaction is over.
          if (result.ok() && partition.topic == meta::kOffsetsTopic) {
            broker_.group_coordinator()->CompleteTxn(partition.partition, marker.producer_id,
                                                     marker.marker.end == model::TransactionEnd::kCommit
                                                         ? group::TxnResult::kCommit
                                                         : group::TxnResult::kAbort);
          }
          answer(result.status());
        });
  });
}

void TransactionHost::WriteMarkers(std::vector<WriteMarkerRequest> markers, Callback<std::vector<Outcome>> done) {
  OnHome([this, markers = std::move(markers), done = std::move(done)](const Outcome& refusal) mutable {
    struct Gather {
      std::vector<Outcome> outcomes;
      size_t waiting = 0;
      Callback<std::vector<Outcome>> done;
    };
    auto gather = std::make_shared<Gather>();
    gather->outcomes.resize(markers.size(), refusal);
    gather->waiting = markers.size();
    if (markers.empty() || !refusal.ok()) {
      done(std::move(gather->outcomes));
      return;
    }
    gather->done = std::move(done);
    for (size_t i = 0; i < markers.size(); ++i) {
      const WriteMarkerRequest& request = markers[i];
      const Marker marker{.producer_id = request.producer_id,
                          .producer_epoch = request.producer_epoch,
                          .marker = {request.end, request.coordinator_epoch},
                          .expects = request.rules == TransactionRules::kEpochRises ? Marker::Epoch::kNewer
                                                                                    : Marker::Epoch::kSameOrNewer};
      AppendMarker(marker, request.partition, [gather, i](const absl::Status& status) {
        gather->outcomes[i] = AppendOutcome(status);
        if (--gather->waiting == 0) gather->done(std::move(gather->outcomes));
      });
    }
  });
}

}  // namespace leat::broker
