#include "client/producer_transaction.h"

#include <condition_variable>
#include <mutex>

#include "client/clock.h"
#include "client/routing.h"
#include "leat/v1/transactions.grpc.pb.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

using model::ErrorCode;

constexpr absl::Duration kPause = absl::Milliseconds(20);

// Passes by itself: the last transaction is being completed, the broker starts, stops, or its disk is full.
bool Passing(ErrorCode code) {
  return code == ErrorCode::kConcurrentTransactions || code == ErrorCode::kCoordinatorNotAvailable ||
         code == ErrorCode::kCoordinatorLoadInProgress || code == ErrorCode::kLeaderNotAvailable ||
         code == ErrorCode::kNotCoordinator || code == ErrorCode::kNotLeaderOrFollower;
}

bool IsFencing(ErrorCode code) {
  return code == ErrorCode::kProducerFenced || code == ErrorCode::kInvalidProducerEpoch ||
         code == ErrorCode::kInvalidProducerIdMapping;
}

}  // namespace

// `call` makes one attempt at the coordinator with this address and gives the outcome, or the reason why there is none.
template <typename Call>
absl::Status ProducerTransaction::Repeat(Call call, std::string_view what) {
  const Instant deadline = MonotonicNow() + options_.delivery_timeout;
  while (true) {
    v1::Outcome outcome;
    const auto keep = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
      LEAT_ASSIGN_OR_RETURN(outcome, call(address));
      // What the coordinator says is looked at here; who it is, there.
      const auto code = static_cast<ErrorCode>(outcome.code());
      return code == ErrorCode::kNotCoordinator ? outcome : v1::Outcome();
    };
    LEAT_RETURN_IF_ERROR(AskCoordinator(
        connection_->impl(), {.kind = Coordinates::kTransaction, .name = options_.transactional_id}, keep, what));
    const auto code = static_cast<ErrorCode>(outcome.code());
    if (code == ErrorCode::kNone) return absl::OkStatus();
    if (IsFencing(code)) {
      const std::lock_guard lock(sender_.mutex());
      state_ = State::kFenced;
      return Aborted(what, ": ", outcome.name(), ": ", outcome.message());
    }
    if (!Passing(code) || MonotonicNow() >= deadline) return FromOutcome(outcome, what);
    std::unique_lock lock(sender_.mutex());
    sender_.changed().wait_for(lock, absl::ToChronoMicroseconds(kPause));
  }
}

absl::Status ProducerTransaction::Init() {
  if (options_.transactional_id.empty()) return absl::OkStatus();
  v1::InitProducerIdRequest request;
  request.set_transactional_id(options_.transactional_id);
  request.set_timeout_ms(static_cast<int32_t>(absl::ToInt64Milliseconds(options_.transaction_timeout)));
  Connection::Impl& connection = connection_->impl();
  v1::ProducerIdResponse response;
  const absl::Status initialised = Repeat(
      [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
        // Once more would only raise the epoch once more.
        LEAT_RETURN_IF_ERROR(connection.InvokeAt(
            address, client::Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
              response.Clear();
              return v1::Transactions::NewStub(channel)->InitProducerId(context, request, &response);
            }));
        return response.outcome();
      },
      StrCat("producer ", options_.transactional_id));
  LEAT_RETURN_IF_ERROR(initialised);
  Adopt(response);
  return absl::OkStatus();
}

void ProducerTransaction::Adopt(const v1::ProducerIdResponse& response) {
  producer_id_ = response.producer_id();
  producer_epoch_ = response.producer_epoch();
  const std::lock_guard lock(sender_.mutex());
  sender_.SetProducerLocked(model::ProducerId(producer_id_), static_cast<int16_t>(producer_epoch_));
  state_ = State::kReady;
}

absl::Status ProducerTransaction::CheckSendLocked() {
  switch (state_) {
    case State::kNone:
    case State::kOpen:
      used_ = true;
      return absl::OkStatus();
    case State::kReady:
      return FailedPrecondition("send: no transaction is open: call BeginTransaction first");
    case State::kFenced:
      return Fenced();
  }
  return absl::OkStatus();
}

absl::Status ProducerTransaction::Fenced() const {
  return Aborted("another producer has the transactional id '", options_.transactional_id,
                 "' now, or the transaction timed out: create the producer anew");
}

absl::Status ProducerTransaction::Begin() {
  const std::lock_guard lock(sender_.mutex());
  if (state_ == State::kNone) return FailedPrecondition("begin: the producer was created without a transactional_id");
  if (state_ == State::kOpen) return FailedPrecondition("begin: a transaction is open already: commit or abort it");
  if (state_ == State::kFenced) return Fenced();
  state_ = State::kOpen;
  used_ = false;
  return absl::OkStatus();
}

absl::Status ProducerTransaction::CheckOpen(std::string_view what) const {
  const std::lock_guard lock(sender_.mutex());
  if (state_ == State::kOpen) return absl::OkStatus();
  if (state_ == State::kFenced) return Fenced();
  return FailedPrecondition(what, ": no transaction is open: call BeginTransaction first");
}

void ProducerTransaction::FillProducer(v1::Producer* out) const {
  out->set_transactional_id(options_.transactional_id);
  out->set_producer_id(producer_id_);
  out->set_producer_epoch(producer_epoch_);
}

absl::Status ProducerTransaction::SendOffsets(const std::string& group,
                                              const std::map<TopicPartition, int64_t>& offsets) {
  LEAT_RETURN_IF_ERROR(CheckOpen("send offsets"));
  if (offsets.empty()) return absl::OkStatus();
  {
    const std::lock_guard lock(sender_.mutex());
    used_ = true;
  }
  v1::TransactionOffsetsRequest request;
  FillProducer(request.mutable_producer());
  request.set_group(group);
  for (const auto& [partition, offset] : offsets) {
    auto* to = request.add_offsets();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    to->set_offset(offset);
  }
  Connection::Impl& connection = connection_->impl();
  return Repeat(
      [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
        v1::TransactionOffsetsResponse response;
        LEAT_RETURN_IF_ERROR(connection.InvokeAt(
            address, client::Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
              response.Clear();
              return v1::Transactions::NewStub(channel)->CommitOffsets(context, request, &response);
            }));
        for (const auto& result : response.results()) {
          if (result.outcome().code() != 0) return result.outcome();
        }
        return v1::Outcome();
      },
      "send offsets");
}

absl::Status ProducerTransaction::End(Outcome outcome) {
  const std::string_view what = outcome == Outcome::kCommit ? "commit" : "abort";
  LEAT_RETURN_IF_ERROR(CheckOpen(what));
  {
    const std::lock_guard lock(sender_.mutex());
    if (!used_) {  // the broker knows nothing of it
      state_ = State::kReady;
      return absl::OkStatus();
    }
    if (outcome == Outcome::kCommit) {
      LEAT_RETURN_IF_ERROR(
          Annotate(sender_.transaction_error(), "commit: a record was not stored, abort the transaction"));
    }
  }
  v1::EndTransactionRequest request;
  FillProducer(request.mutable_producer());
  request.set_commit(outcome == Outcome::kCommit);
  Connection::Impl& connection = connection_->impl();
  v1::ProducerIdResponse response;
  const absl::Status ended = Repeat(
      [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
        LEAT_RETURN_IF_ERROR(connection.InvokeAt(
            address, client::Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
              response.Clear();
              return v1::Transactions::NewStub(channel)->End(context, request, &response);
            }));
        return response.outcome();
      },
      what);
  LEAT_RETURN_IF_ERROR(ended);
  Adopt(response);
  return absl::OkStatus();
}

}  // namespace leat::client
