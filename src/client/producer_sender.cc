#include "client/producer_link.h"

#include <algorithm>

#include "base/check.h"
#include "client/clock.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

constexpr size_t kRequestBytes = size_t{1} << 20;
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
    case model::ErrorCode::kNotEnoughReplicasAfterAppend:  // it is stored, and may be committed yet
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

Sender::Sender(std::shared_ptr<Connection> connection, const ProducerOptions& options, model::Compression compression)
    : connection_(std::move(connection)),
      options_(options),
      batches_(options, compression),
      idempotent_(options.idempotence == ProducerOptions::Idempotence::kOn &&
                  options.acks == ProducerOptions::Acks::kAll) {
  want_id_ = idempotent_ && options_.transactional_id.empty();
}

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
  alarm_.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), &alarm_event_);
}

void Sender::Run() {
  while (true) {
    Instant next = Step();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && EndStreams()) return;
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
    if (got == ::grpc::CompletionQueue::GOT_EVENT) HandleEvent(*static_cast<const Event*>(tag), ok);
  }
}

void Sender::FailOverdueLocked(Instant now) {
  for (auto& [partition, batches] : batches_.TakeOverdue(now)) {
    // Whether the broker has what was sent is not known: what follows must not depend on it.
    const bool sent = std::any_of(batches.begin(), batches.end(), [](const auto& b) { return b->sequence >= 0; });
    if (sent) RenounceIdLocked(partition);
    FailLocked(partition, std::move(batches),
               DeadlineExceeded("not delivered within the delivery timeout of ",
                                absl::FormatDuration(options_.delivery_timeout),
                                last_failure_.ok() ? std::string() : StrCat("; last: ", Message(last_failure_))));
  }
}

Instant Sender::Step() {
  const Instant now = MonotonicNow();
  std::set<std::string> overdue;  // the brokers that have what is overdue
  bool asks = false;
  bool looks = false;
  {
    const std::lock_guard lock(mutex_);
    news_ = false;
    batches_.SealLingering(now);
    FailOverdueLocked(now);
    looks = !batches_.empty() && NextLook(now) <= now;
    for (const Partition* partition : batches_.OverdueInFlight(now)) overdue.insert(partition->sent_to);
    asks = !batches_.empty() && want_id_ && id_request_ == nullptr && now >= ask_at_;
  }
  TellOutcomes();
  // The answers come in order, so there is no other way to hear of the batches behind.
  for (const std::string& address : overdue) Cancel(&LinkTo(address));
  if (asks) AskForId(now);
  if (looks) AskForLeaders(now);
  OpenStreams(now);
  bool cancelled = false;
  Instant reopen = Instant::Max();
  for (auto& [address, link] : links_) {
    while (link->stream != nullptr && SendNext(link.get(), now)) {
    }
    cancelled = cancelled || (link->stream != nullptr && link->stream->cancelled);
    if (link->stream == nullptr && link->wanted) reopen = std::min(reopen, std::max(link->reopen_at, now));
  }
  const std::lock_guard lock(mutex_);
  Instant next = std::min(batches_.NextDeadline(now), reopen);
  if (want_id_ && id_request_ == nullptr && !batches_.empty()) next = std::min(next, std::max(ask_at_, now));
  if (!batches_.empty()) next = std::min(next, NextLook(now));
  if (cancelled) next = std::max(next, now + kCancelPatience);
  return next;
}

Sender::Link& Sender::LinkTo(const std::string& address) {
  std::unique_ptr<Link>& link = links_[address];
  if (link == nullptr) link = std::make_unique<Link>(address);
  return *link;
}

// To every broker for which something waits.
void Sender::OpenStreams(Instant now) {
  std::set<std::string> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = batches_.WaitingFor();
  }
  for (const std::string& address : wanted) LinkTo(address);
  for (auto& [address, link] : links_) {
    link->wanted = wanted.contains(address);
    if (link->wanted && link->stream == nullptr && now >= link->reopen_at) OpenStream(link.get());
  }
}

void Sender::OpenStream(Link* link) {
  link->stream = std::make_unique<Stream>();
  Stream& stream = *link->stream;
  stream.channel = connection_->impl().At(link->address);
  stream.stub = v1::Log::NewStub(stream.channel);
  // Where there are several brokers, one that has gone is not waited for: others lead what it led.
  stream.context.set_wait_for_ready(!connection_->impl().has_several());
  stream.rpc = stream.stub->PrepareAsyncProduce(&stream.context, &queue_);
  stream.rpc->StartCall(&link->start);
}

void Sender::Cancel(Link* link) {
  if (link->stream == nullptr || link->stream->cancelled) return;
  link->stream->cancelled = true;
  link->stream->context.TryCancel();
}

bool Sender::SendNext(Link* link, Instant now) {
  const Stream& stream = *link->stream;
  if (!stream.started || stream.writing || stream.broken || stream.cancelled) return false;
  if (in_flight_ >= static_cast<size_t>(std::max(options_.max_inflight, 1))) return false;
  std::vector<Load> loads = TakeLoads(*link, now);
  if (loads.empty()) return false;
  Finish(&loads);
  if (!loads.empty()) Write(link, &loads);
  return true;
}

std::vector<Sender::Load> Sender::TakeLoads(const Link& link, Instant now) {
  std::vector<Load> loads;
  size_t bytes = 0;
  const std::lock_guard lock(mutex_);
  if (idempotent_ && want_id_) return loads;
  while (bytes < kRequestBytes) {
    Partition* const partition = batches_.NextReady(now, link.address);
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
    partition->sent_to = link.address;
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
      RenounceIdLocked(partition);  // some of them had numbers already
      batches_.MakeReady(partition);
      return true;
    }
    return false;
  });
}

void Sender::Write(Link* link, std::vector<Load>* loads) {
  v1::ProduceRequest& request = link->stream->request;
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
        ++batch->attempts;
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
  link->in_flight.push_back(std::move(sent));
  ++in_flight_;
  link->stream->writing = true;
  link->stream->rpc->Write(request, &link->write);
  // The message is serialised by now: the bytes go back to where a retry finds them.
  for (size_t i = 0; i < lent.size(); ++i) {
    if (lent[i] == nullptr) continue;
    lent[i]->bytes = std::move(*request.mutable_partitions(static_cast<int>(i))->mutable_batches());
  }
}

void Sender::HandleEvent(const Event& event, bool ok) {
  Link* const link = event.link;
  switch (event.tag) {
    case kAlarm: {
      const std::lock_guard lock(mutex_);
      woken_ = false;
      return;
    }
    case kId:
      return TakeId();
    case kLeaders:
      return TakeLeaders();
    case kStart:
      link->stream->started = ok;
      if (ok) link->Read();
      break;
    case kRead:
      link->stream->reading = false;
      if (ok) {
        OnAnswer(link, link->stream->response);
        link->Read();
      }
      break;
    case kWrite:
      link->stream->writing = false;
      if (ok) OnWritten(link);
      break;
    case kWritesDone:
      link->stream->writing = false;
      if (!link->stream->reading) EndIfBroken(link);
      return;
    case kFinish:
      return OnStreamEnd(link);
  }
  if (!ok) link->stream->broken = true;
  EndIfBroken(link);
}

void Sender::EndIfBroken(Link* link) {
  Stream& stream = *link->stream;
  if (!stream.broken || stream.finishing) return;
  if (stream.writing || stream.reading) {
    Cancel(link);  // what is under way will not succeed any more
    return;
  }
  stream.finishing = true;
  stream.rpc->Finish(&stream.status, &link->finish);
}

// While stopping: true when there is no stream any more.
bool Sender::EndStreams() {
  if (id_request_ != nullptr) return CancelIdRequest();
  if (leaders_request_ != nullptr) return CancelLeadersRequest();
  bool ended = true;
  for (auto& [address, link] : links_) ended = EndStream(link.get()) && ended;
  return ended;
}

// The first call lets the broker take what was written.
bool Sender::EndStream(Link* link) {
  if (link->stream == nullptr) return true;
  Stream& stream = *link->stream;
  if (stream.started && !stream.broken && !stream.writing && !stream.cancelled && batches_.empty()) {
    stream.writing = true;
    stream.broken = true;
    stream.cancel_after = MonotonicNow() + kEndPatience;
    stream.rpc->WritesDone(&link->writes_done);
  } else if (!stream.cancelled && MonotonicNow() >= stream.cancel_after) {
    Cancel(link);
  }
  return false;
}

void Sender::OnAnswer(Link* link, const v1::ProduceResponse& response) {
  link->reopen_pause = kFirstReopenPause;
  const bool expected = !link->in_flight.empty() &&
                        link->in_flight.front().correlation_id == response.correlation_id() &&
                        link->in_flight.front().results == response.partitions_size();
  if (!expected) {
    // Not an answer to what was asked: nothing it says can be trusted. Everything is sent again on another stream.
    last_failure_ = Internal("the broker answered request ", response.correlation_id(), " out of turn");
    return Cancel(link);
  }
  const Request request = std::move(link->in_flight.front());
  link->in_flight.pop_front();
  --in_flight_;
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
  if (AskedTheWrongBroker(code)) LookAgain(partition->topic->name);
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
  // An earlier attempt whose answer was lost may have stored it, or this one if the broker cannot tell: its number must
  // not be another batch's.
  const bool refused_at_once = partition->line.front()->attempts <= 1 && code != model::ErrorCode::kUnknownServerError;
  FailLocked(partition, batches_.Take(partition, 1), FromOutcome(result.outcome(), "produce"));
  if (!idempotent_) return;
  if (refused_at_once && !unknown_topic) {
    RenumberLocked(partition, sequence);
  } else {
    RenounceIdLocked(partition);
  }
}

void Sender::OnWritten(Link* link) {
  if (options_.acks != ProducerOptions::Acks::kNone || link->in_flight.empty()) return;
  const Request request = std::move(link->in_flight.front());
  link->in_flight.pop_front();
  --in_flight_;
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

void Sender::OnStreamEnd(Link* link) {
  if (!link->stream->status.ok()) {
    last_failure_ = FromGrpc(link->stream->status);
    retried_ = true;
    TellRetry();
    if (link->address.empty()) connection_->impl().NoteFailure(link->stream->channel);
  }
  link->stream.reset();
  const Instant now = MonotonicNow();
  link->reopen_at = now + link->reopen_pause;
  link->reopen_pause = std::min(link->reopen_pause * 2, kLongestPause);
  const std::lock_guard lock(mutex_);
  // Another broker may lead by now what this one led.
  if (connection_->impl().has_several()) {
    for (const std::string& topic : batches_.TopicsAt(link->address)) LookAgain(topic);
  }
  for (const Request& request : link->in_flight) {
    for (const Sent& sent : request.sent) {
      sent.partition->in_flight = 0;
      batches_.MakeReady(sent.partition);
    }
  }
  in_flight_ -= link->in_flight.size();
  link->in_flight.clear();
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
