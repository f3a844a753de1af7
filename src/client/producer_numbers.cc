// Idempotence: which producer id is in use, and how batches are numbered. The producer has one id for all partitions; a
// partition whose numbers do not hold any more (a batch was given up without an answer) goes on with the next id.
#include <algorithm>

#include "client/clock.h"
#include "client/producer_sender.h"
#include "leat/v1/transactions.grpc.pb.h"

namespace leat::client {
namespace {

// The broker remembers so many batches of a producer in a partition: more must not be on their way.
constexpr size_t kBatchesAtOnce = 5;
constexpr absl::Duration kAskPause = absl::Milliseconds(100);
constexpr absl::Duration kAskPatience = absl::Seconds(10);

}  // namespace

struct Sender::IdRequest {
  ChannelPtr channel;
  std::unique_ptr<v1::Transactions::Stub> stub;
  ::grpc::ClientContext context;
  v1::InitProducerIdRequest request;
  v1::ProducerIdResponse response;
  ::grpc::Status status;
  std::unique_ptr<::grpc::ClientAsyncResponseReader<v1::ProducerIdResponse>> rpc;
};

size_t Sender::BatchesAtOnce(const Partition& partition) const {
  if (!idempotent_) return SIZE_MAX;
  // A broker that does not know the producer yet would take any number as the first one.
  const bool known = partition.numbers.known && partition.numbers.generation == id_generation_;
  return known ? kBatchesAtOnce : 1;
}

void Sender::Number(Partition* partition, Batch* batch) {
  ProducerNumbers& numbers = partition->numbers;
  {
    const std::lock_guard lock(mutex_);
    const bool first = partition->line.front().get() == batch;
    if (first && numbers.generation != id_generation_) numbers = {id_generation_, producer_id_, producer_epoch_};
  }
  batch->sequence = numbers.next_sequence;
  model::SetProducer(&batch->bytes, {.producer_id = numbers.producer_id,
                                     .producer_epoch = numbers.producer_epoch,
                                     .base_sequence = batch->sequence,
                                     .transactional = !options_.transactional_id.empty()});
  // Behind the largest number comes 0.
  numbers.next_sequence =
      static_cast<int32_t>((static_cast<int64_t>(numbers.next_sequence) + batch->records) & INT32_MAX);
}

void Sender::RenumberLocked(Partition* partition, int32_t sequence) {
  for (const std::unique_ptr<Batch>& batch : partition->line) batch->sequence = -1;
  partition->numbers.next_sequence = std::max(sequence, 0);
}

void Sender::RenounceIdLocked(Partition* partition) {
  // A transaction is lost with one of its records: what follows is refused for the gap, up to the abort.
  if (!idempotent_ || !options_.transactional_id.empty()) return;
  RenumberLocked(partition, 0);
  if (partition->numbers.generation == id_generation_) want_id_ = true;
}

bool Sender::NumbersLost(model::ErrorCode code) const {
  if (!options_.transactional_id.empty()) return false;  // the transaction is lost with them
  return code == model::ErrorCode::kOutOfOrderSequenceNumber || code == model::ErrorCode::kUnknownProducerId ||
         code == model::ErrorCode::kInvalidProducerEpoch;
}

void Sender::SetProducerLocked(model::ProducerId producer_id, int16_t producer_epoch) {
  ++id_generation_;
  producer_id_ = producer_id;
  producer_epoch_ = producer_epoch;
  want_id_ = false;
  transaction_error_ = absl::OkStatus();
}

void Sender::AskForId(Instant now) {
  ask_at_ = now + kAskPause;
  id_request_ = std::make_shared<IdRequest>();
  id_request_->channel = connection_->impl().Any();
  id_request_->stub = v1::Transactions::NewStub(id_request_->channel);
  id_request_->context.set_wait_for_ready(!connection_->impl().has_several());
  id_request_->context.set_deadline(DeadlineIn(kAskPatience));
  id_request_->rpc =
      id_request_->stub->PrepareAsyncInitProducerId(&id_request_->context, id_request_->request, &queue_);
  id_request_->rpc->StartCall();
  id_request_->rpc->Finish(&id_request_->response, &id_request_->status, &id_event_);
}

void Sender::TakeId() {
  const std::shared_ptr<IdRequest> request = std::move(id_request_);
  absl::Status failure;
  if (!request->status.ok()) {
    failure = FromGrpc(request->status);
  } else if (request->response.outcome().code() != 0) {
    failure = FromOutcome(request->response.outcome(), "producer id");
  }
  if (!failure.ok()) {
    last_failure_ = failure;
    connection_->impl().NoteFailure(request->channel);
    return;
  }
  const std::lock_guard lock(mutex_);
  SetProducerLocked(model::ProducerId(request->response.producer_id()),
                    static_cast<int16_t>(request->response.producer_epoch()));
}

bool Sender::CancelIdRequest() {
  id_request_->context.TryCancel();
  return false;
}

}  // namespace leat::client
