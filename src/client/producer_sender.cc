#include "client/producer_sender.h"

#include <algorithm>

#include "base/check.h"
#include "client/clock.h"
#include "leat/v1/log.grpc.pb.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

constexpr size_t kRequestBytes = size_t{1} << 20;
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr absl::Duration kRetryPause = absl::Milliseconds(50);
constexpr absl::Duration kEndPatience = absl::Seconds(2);
constexpr absl::Duration kCancelPatience = absl::Milliseconds(100);


bool Retriable(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kLeaderNotAvailable:
    case model::ErrorCode::kNotLeaderOrFollower:
    case model::ErrorCode::kRequestTimedOut:
    case model::ErrorCode::kKafkaStorageError:  // space may come back
    case model::ErrorCode::kFencedLeaderEpoch:
    case model::ErrorCode::kUnknownLeaderEpoch:
    case model::ErrorCode::kThrottlingQuotaExceeded:
    case model::ErrorCode::kNotEnoughReplicas:
    case model::ErrorCode::kConcurrentTransactions:
    case model::ErrorCode::kCoordinatorNotAvailable:
    case model::ErrorCode::kCoordinatorLoadInProgress:
      return true;
    default:
      return false;
  }
}

v1::Acks AcksOf(ProducerOptions::Acks acks) {
  switch (acks) {
    case ProducerOptions::Acks::kAll:
      return v1::ACKS_ALL;
    case ProducerOptions::Acks::kLeader:
      return v1::ACKS_LEADER;
    case ProducerOptions::Acks::kNone:
      return v1::ACKS_NONE;
  }
  return v1::ACKS_ALL;
}

std::string NameOf(const Partition& partition) { return StrCat(partition.topic->name, "-", partition.id); }

}  // namespace

struct Sender::Stream {
  std::unique_ptr<v1::Log::Stub> stub;
  ::grpc::ClientContext context;
  std::unique_ptr<::grpc::ClientAsyncReaderWriter<v1::ProduceRequest, v1::ProduceResponse>> rpc;
  v1::ProduceRequest request;
  v1::ProduceResponse response;
  ::grpc::Status status;
  bool started = false;
  bool reading = false;
  bool writing = false;
  bool broken = false;  // nothing more will be sent or come
  bool cancelled = false;
  bool finishing = false;
  Instant cancel_after;  // while stopping: how long the broker may take to end it
};

Sender::Sender(std::shared_ptr<Connection> connection, const ProducerOptions& options, model::Compression compression)
    : connection_(std::move(connection)),
      options_(options),
      batches_(options, compression),
      reopen_pause_(kFirstPause),
      idempotent_(options.idempotence == ProducerOptions::Idempotence::kOn &&
                  options.acks == ProducerOptions::Acks::kAll) {}

void Sender::Start() {
  thread_ = std::thread([this] { Run(); });
}

Sender::~Sender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    WakeLocked();
  }
  if (thread_.joinable()) thread_.join();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Sender::WakeLocked() {
  news_ = true;
  if (!asleep_ || woken_) return;
  woken_ = true;
  alarm_.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), AsTag(kAlarm));
}

void Sender::Run() {
  while (true) {
    Instant next = Step();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && EndStream()) return;
      if (stopping_) next = std::min(next, MonotonicNow() + kCancelPatience);
      if (news_) next = MonotonicNow();
      asleep_ = !news_;
    }
    void* tag = nullptr;
    bool ok = false;
    const auto got = queue_.AsyncNext(
        &tag, &ok, next == Instant::Max() ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : DeadlineIn(next - MonotonicNow()));
    {
      const std::lock_guard lock(mutex_);
      asleep_ = false;
    }
    if (got == ::grpc::CompletionQueue::GOT_EVENT) HandleEvent(tag, ok);
  }
}

Instant Sender::Step() {
  const Instant now = MonotonicNow();
  bool overdue_in_flight = false;
  bool work = false;
  bool asks = false;
  {
    const std::lock_guard lock(mutex_);
    news_ = false;
    batches_.SealLingering(now);
    for (auto& [partition, batches] : batches_.TakeOverdue(now)) {
      // Whether the broker has what was sent is not known: what follows must not depend on it.
      const bool sent = std::any_of(batches.begin(), batches.end(), [](const auto& b) { return b->sequence >= 0; });
      if (sent) RenounceIdLocked(partition);
      FailLocked(partition, std::move(batches),
                 DeadlineExceeded("not delivered within the delivery timeout of ",
                                  absl::FormatDuration(options_.delivery_timeout),
                                  last_failure_.ok() ? std::string() : StrCat("; last: ", Message(last_failure_))));
    }
    overdue_in_flight = batches_.OverdueInFlight(now);
    work = !batches_.empty();
    asks = work && want_id_ && id_request_ == nullptr && now >= ask_at_;
  }
  TellOutcomes();
  if (overdue_in_flight && stream_ != nullptr && !stream_->cancelled) {
    // The answers come in order, so there is no other way to hear of the batches behind.
    stream_->cancelled = true;
    stream_->context.TryCancel();
  }
  if (asks) AskForId(now);
  if (stream_ == nullptr && work && now >= reopen_at_) OpenStream();
  while (stream_ != nullptr && SendNext(now)) {
  }
  Instant next;
  {
    const std::lock_guard lock(mutex_);
    next = batches_.NextDeadline(now);
    if (stream_ == nullptr && !batches_.empty()) next = std::min(next, std::max(reopen_at_, now));
    if (want_id_ && id_request_ == nullptr && !batches_.empty()) next = std::min(next, std::max(ask_at_, now));
  }
  if (stream_ != nullptr && stream_->cancelled) next = std::max(next, now + kCancelPatience);
  return next;
}

void Sender::OpenStream() {
  stream_ = std::make_unique<Stream>();
  stream_->stub = v1::Log::NewStub(connection_->impl().channel);
  stream_->context.set_wait_for_ready(true);
  stream_->rpc = stream_->stub->PrepareAsyncProduce(&stream_->context, &queue_);
  stream_->rpc->StartCall(AsTag(kStart));
}

bool Sender::SendNext(Instant now) {
  if (!stream_->started || stream_->writing || stream_->broken || stream_->cancelled) return false;
  if (in_flight_.size() >= static_cast<size_t>(std::max(options_.max_inflight, 1))) return false;
  std::vector<Load> loads = TakeLoads(now);
  if (loads.empty()) return false;
  Finish(&loads);
  if (!loads.empty()) Write(&loads);
  return true;
}

std::vector<Sender::Load> Sender::TakeLoads(Instant now) {
  std::vector<Load> loads;
  size_t bytes = 0;
  const std::lock_guard lock(mutex_);
  if (idempotent_ && want_id_) return loads;
  while (bytes < kRequestBytes) {
    Partition* const partition = batches_.NextReady(now);
    if (partition == nullptr) break;
    Load load{.sent = {.partition = partition}};
    for (const std::unique_ptr<Batch>& batch : partition->line) {
      if (load.batches.size() >= BatchesAtOnce(*partition)) break;
      if (!load.batches.empty() && (partition->alone > 0 || bytes + batch->charged_bytes > kRequestBytes)) break;
      load.batches.push_back(batch.get());
      bytes += batch->charged_bytes;
    }
    if (partition->alone > 0) --partition->alone;
    load.sent.count = load.batches.size();
    partition->in_flight = load.sent.count;
    loads.push_back(std::move(load));
  }
  return loads;
}

// Checksums and compresses what is sent for the first time: outside the lock, for it takes its time.
void Sender::Finish(std::vector<Load>* loads) {
  std::erase_if(*loads, [this](const Load& load) {
    for (Batch* batch : load.batches) {
      absl::Status finished;
      if (batch->bytes.empty()) {
        absl::StatusOr<std::string> bytes = batch->builder.Finish();
        finished = bytes.status();
        if (bytes.ok()) batch->bytes = *std::move(bytes);
      }
      if (finished.ok()) {
        if (idempotent_ && batch->sequence < 0) Number(load.sent.partition, batch);
        continue;
      }
      const std::lock_guard lock(mutex_);
      Partition* const partition = load.sent.partition;
      partition->in_flight = 0;
      FailLocked(partition, batches_.Take(partition, load.sent.count), finished);
      batches_.MakeReady(partition);
      return true;
    }
    return false;
  });
}

void Sender::Write(std::vector<Load>* loads) {
  v1::ProduceRequest& request = stream_->request;
  request.Clear();
  request.set_correlation_id(next_correlation_id_++);
  request.set_acks(AcksOf(options_.acks));
  request.set_transactional_id(options_.transactional_id);
  Request sent{.correlation_id = request.correlation_id()};
  std::vector<Batch*> lent;  // whose bytes the message holds, in the order of its partitions
  for (Load& load : *loads) {
    const auto add = [&] {
      v1::ProducePartition* to = request.add_partitions();
      to->set_topic(load.sent.partition->topic->name);
      to->set_partition(load.sent.partition->id);
      return to;
    };
    if (idempotent_ || load.batches.size() == 1) {
      for (Batch* batch : load.batches) {
        add()->set_batches(std::move(batch->bytes));
        lent.push_back(batch);
      }
    } else {
      v1::ProducePartition* to = add();
      for (const Batch* batch : load.batches) to->mutable_batches()->append(batch->bytes);
      lent.push_back(nullptr);
    }
    sent.sent.push_back(load.sent);
  }
  sent.results = request.partitions_size();
  in_flight_.push_back(std::move(sent));
  stream_->writing = true;
  stream_->rpc->Write(request, AsTag(kWrite));
  // The message is serialised by now: the bytes go back to where a retry finds them.
  for (size_t i = 0; i < lent.size(); ++i) {
    if (lent[i] == nullptr) continue;
    lent[i]->bytes = std::move(*request.mutable_partitions(static_cast<int>(i))->mutable_batches());
  }
}

void Sender::HandleEvent(void* tag, bool ok) {
  switch (static_cast<Tag>(reinterpret_cast<intptr_t>(tag))) {
    case kAlarm: {
      const std::lock_guard lock(mutex_);
      woken_ = false;
      return;
    }
    case kStart:
      if (ok) {
        stream_->started = true;
        stream_->reading = true;
        stream_->rpc->Read(&stream_->response, AsTag(kRead));
      }
      break;
    case kRead:
      stream_->reading = false;
      if (ok) {
        OnAnswer(stream_->response);
        stream_->reading = true;
        stream_->rpc->Read(&stream_->response, AsTag(kRead));
      }
      break;
    case kWrite:
      stream_->writing = false;
      if (ok) OnWritten();
      break;
    case kWritesDone:
      stream_->writing = false;
      if (!stream_->reading) EndIfBroken();
      return;
    case kFinish:
      return OnStreamEnd();
    case kId:
      return TakeId();
  }
  if (!ok) stream_->broken = true;
  EndIfBroken();
}

void Sender::EndIfBroken() {
  if (!stream_->broken || stream_->finishing) return;
  if (stream_->writing || stream_->reading) {
    if (!stream_->cancelled) stream_->context.TryCancel();  // what is under way will not succeed any more
    stream_->cancelled = true;
    return;
  }
  stream_->finishing = true;
  stream_->rpc->Finish(&stream_->status, AsTag(kFinish));
}

// While stopping: true when there is no stream any more. The first call lets the broker take what was written.
bool Sender::EndStream() {
  if (id_request_ != nullptr) return CancelIdRequest();
  if (stream_ == nullptr) return true;
  if (stream_->started && !stream_->broken && !stream_->writing && !stream_->cancelled && batches_.empty()) {
    stream_->writing = true;
    stream_->broken = true;
    stream_->cancel_after = MonotonicNow() + kEndPatience;
    stream_->rpc->WritesDone(AsTag(kWritesDone));
  } else if (!stream_->cancelled && MonotonicNow() >= stream_->cancel_after) {
    stream_->cancelled = true;
    stream_->context.TryCancel();
  }
  return false;
}

void Sender::OnAnswer(const v1::ProduceResponse& response) {
  reopen_pause_ = kFirstPause;
  const bool expected = !in_flight_.empty() && in_flight_.front().correlation_id == response.correlation_id() &&
                        in_flight_.front().results == response.partitions_size();
  if (!expected) {
    // Not an answer to what was asked: nothing it says can be trusted. Everything is sent again on another stream.
    last_failure_ = Internal("the broker answered request ", response.correlation_id(), " out of turn");
    stream_->cancelled = true;
    stream_->context.TryCancel();
    return;
  }
  const Request request = std::move(in_flight_.front());
  in_flight_.pop_front();
  {
    const std::lock_guard lock(mutex_);
    const Instant now = MonotonicNow();
    auto result = response.partitions().pointer_begin();
    for (const Sent& sent : request.sent) {
      OnResultsLocked(sent, &*result, now);
      result += static_cast<std::ptrdiff_t>(idempotent_ ? sent.count : 1);
    }
  }
  TellRetry();
  TellOutcomes();
}

void Sender::OnResultsLocked(const Sent& sent, const v1::ProducePartitionResult* const* results, Instant now) {
  Partition* const partition = sent.partition;
  partition->in_flight = 0;
  const Sent each{partition, idempotent_ ? size_t{1} : sent.count};
  for (size_t i = 0; i < (idempotent_ ? sent.count : 1); ++i) {
    const v1::ProducePartitionResult& result = *results[i];
    const auto code = static_cast<model::ErrorCode>(result.outcome().code());
    if (code == model::ErrorCode::kDuplicateSequenceNumber) {
      AckLocked(each, -1, -1);  // it is there, behind so many others that the broker does not know where any more
    } else if (code == model::ErrorCode::kNone) {
      partition->numbers.known = true;
      AckLocked(each, result.base_offset(), result.log_append_time_ms());
    } else if (!idempotent_ && sent.count > 1 && !Retriable(code)) {
      partition->alone = sent.count;  // one of them is to blame: it alone shall fail
    } else {
      // Those behind it were refused too, because it is missing.
      OnFailureLocked(partition, result, now);
      break;
    }
  }
  batches_.MakeReady(partition);
}

// Of the first batch in the partition's line.
void Sender::OnFailureLocked(Partition* partition, const v1::ProducePartitionResult& result, Instant now) {
  const auto code = static_cast<model::ErrorCode>(result.outcome().code());
  last_failure_ = FromOutcome(result.outcome(), NameOf(*partition));
  if (Retriable(code)) {
    partition->not_before = now + kRetryPause;
    retried_ = true;
    return;
  }
  if (idempotent_ && NumbersLost(code)) {
    RenounceIdLocked(partition);
    partition->not_before = now + kRetryPause;
    return;
  }
  const bool unknown_topic = code == model::ErrorCode::kUnknownTopicOrPartition;
  if (unknown_topic) partition->topic->partition_count = 0;
  const int32_t sequence = partition->line.front()->sequence;
  FailLocked(partition, batches_.Take(partition, 1), FromOutcome(result.outcome(), "produce"));
  if (!idempotent_) return;
  if (unknown_topic) {
    RenounceIdLocked(partition);  // a topic of this name that comes later knows nothing of what was before
  } else {
    RenumberLocked(partition, sequence);
  }
}

void Sender::OnWritten() {
  if (options_.acks != ProducerOptions::Acks::kNone || in_flight_.empty()) return;
  const Request request = std::move(in_flight_.front());
  in_flight_.pop_front();
  {
    const std::lock_guard lock(mutex_);
    for (const Sent& sent : request.sent) {
      sent.partition->in_flight = 0;
      AckLocked(sent, -1, -1);
      batches_.MakeReady(sent.partition);
    }
  }
  TellOutcomes();
}

void Sender::OnStreamEnd() {
  if (!stream_->status.ok()) {
    last_failure_ = FromGrpc(stream_->status);
    retried_ = true;
    TellRetry();
  }
  stream_.reset();
  const Instant now = MonotonicNow();
  reopen_at_ = now + reopen_pause_;
  reopen_pause_ = std::min(reopen_pause_ * 2, kLongestPause);
  const std::lock_guard lock(mutex_);
  for (const Request& request : in_flight_) {
    for (const Sent& sent : request.sent) {
      sent.partition->in_flight = 0;
      batches_.MakeReady(sent.partition);
    }
  }
  in_flight_.clear();
}

void Sender::AckLocked(const Sent& sent, int64_t base_offset, int64_t append_time_ms) {
  const TopicPartition where{sent.partition->topic->name, sent.partition->id};
  for (std::unique_ptr<Batch>& batch : batches_.Take(sent.partition, sent.count)) {
    const int32_t records = batch->records;
    outcomes_.push_back({std::move(batch), Delivery{where, base_offset, append_time_ms}, append_time_ms >= 0});
    if (base_offset >= 0) base_offset += records;
  }
}

void Sender::FailLocked(Partition* partition, std::vector<std::unique_ptr<Batch>> batches, const absl::Status& status) {
  const absl::Status annotated = Annotate(status, NameOf(*partition));
  for (std::unique_ptr<Batch>& batch : batches) outcomes_.push_back({std::move(batch), annotated});
  if (error_.ok()) error_ = annotated;
  if (transaction_error_.ok() && !options_.transactional_id.empty() && !batches.empty()) transaction_error_ = annotated;
}

void Sender::TellRetry() {
  if (std::exchange(retried_, false) && options_.on_retry) options_.on_retry(last_failure_);
}

void Sender::TellOutcomes() {
  if (outcomes_.empty()) return;
  for (const Outcome& outcome : outcomes_) {
    for (const Completion& completion : outcome.batch->completions) {
      absl::StatusOr<Delivery> delivery = outcome.first;
      if (delivery.ok()) {
        if (delivery->offset >= 0) delivery->offset += completion.index;
        if (!outcome.broker_time) delivery->timestamp_ms = completion.timestamp_ms;
      }
      completion.callback(delivery);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    for (const Outcome& outcome : outcomes_) batches_.Release(*outcome.batch);
  }
  outcomes_.clear();
  changed_.notify_all();
}

}  // namespace leat::client
