// The ends of transactions on their way to the partitions: appended by the leader of each, on this node or another.
#include <memory>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/group_host.h"
#include "broker/outcomes.h"
#include "broker/replica_append.h"
#include "broker/transaction_host.h"
#include "meta/commands.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using Marker = log::ProducerState::Marker;

// The partition has moved on: a newer epoch of the producer has written, which can only be after its coordinator had
// ended this transaction; or this coordinator has been replaced by another.
bool IsOvertaken(const absl::Status& status) {
  const auto code = model::CodeOf(status);
  return code == model::ErrorCode::kInvalidProducerEpoch || code == model::ErrorCode::kTransactionCoordinatorFenced;
}

group::TxnResult ResultOf(const Marker& marker) {
  return marker.marker.end == model::TransactionEnd::kCommit ? group::TxnResult::kCommit : group::TxnResult::kAbort;
}

}  // namespace

void TransactionHost::EndIn(const Marker& marker, const model::TopicPartition& partition, Done done) {
  AppendMarker(marker, partition, [partition, done = std::move(done)](const absl::Status& status) mutable {
    if (IsOvertaken(status)) {
      LogWarning("broker", "the end of a transaction is not written to ", partition.ToString(), ": ", Message(status));
    }
    const bool settled = IsOvertaken(status) || absl::IsNotFound(status);
    done(settled ? absl::OkStatus() : status);
  });
}

// Whether the partition is there at all is said by this node's image alone: it is at least as new as the transaction.
// Another node's may be older.
void TransactionHost::AppendMarker(const Marker& marker, const model::TopicPartition& partition, Done done) {
  const meta::ImagePtr& image = broker_.image();
  const meta::TopicPtr topic = image->FindTopic(partition.topic);
  const meta::Partition* state = topic == nullptr ? nullptr : image->FindPartition({topic->id, partition.partition});
  if (state == nullptr || state->leader == broker_.node_id())
    return AppendMarkerHere(marker, partition, std::move(done));
  if (state->leader == meta::kNobody) {
    return done(Unavailable(partition.ToString(), " has no leader now"));
  }
  Call(state->leader, coordinator::MarkerMessage{partition, marker},
       [partition, done = std::move(done)](const absl::StatusOr<coordinator::BrokerAnswer>& answer) mutable {
         if (!answer.ok()) return done(answer.status());
         if (answer->code == model::ErrorCode::kNone) return done(absl::OkStatus());
         done(model::WithCode(
             Unavailable(partition.ToString(), ": ", model::ErrorName(answer->code), ": ", answer->message),
             answer->code));
       });
}

void TransactionHost::AppendMarkerHere(const Marker& marker, const model::TopicPartition& partition, Done done) {
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
    const bool is_of_groups = partition.topic == meta::kOffsetsTopic;  // then this is shard 0
    if (is_of_groups) NoteMarker(marker, partition);
    AppendMarkerAsLeader(found, owner.shard(), marker,
                         [this, is_of_groups, marker, partition,
                          answer = std::move(answer)](const absl::StatusOr<log::AppendResult>& result) mutable {
                           // What the transaction says of groups is known before anybody is told that the transaction
                           // is over.
                           if (result.ok() && is_of_groups) {
                             broker_.group_host().CompleteTxn(partition.partition, marker.producer_id,
                                                              ResultOf(marker));
                           }
                           answer(result.status());
                         });
  });
}

void TransactionHost::NoteMarker(const Marker& marker, const model::TopicPartition& partition) {
  for (Look& look : looks_) {
    if (look.producer == marker.producer_id && look.partition == partition) look.overtaken = true;
  }
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
