#include "client/fetcher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/clock.h"
#include "client/metadata.h"
#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/log.grpc.pb.h"
#include "model/error_code.h"
#include "model/record_batch.h"

namespace leat::client {
namespace {

constexpr size_t kMessageBytes = size_t{4} << 20;
constexpr size_t kPartitionBytes = size_t{1} << 20;
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr absl::Duration kAskPause = absl::Milliseconds(50);  // between two questions who leads
constexpr absl::Duration kAskInterval = absl::Seconds(3);     // while all seems well
constexpr absl::Duration kAskPatience = absl::Seconds(3);

// Failures that pass by themselves: not worth telling.
bool Passing(model::ErrorCode code) {
  return code == model::ErrorCode::kLeaderNotAvailable || code == model::ErrorCode::kNotLeaderOrFollower ||
         code == model::ErrorCode::kFencedLeaderEpoch || code == model::ErrorCode::kUnknownLeaderEpoch ||
         code == model::ErrorCode::kRequestTimedOut || code == model::ErrorCode::kThrottlingQuotaExceeded;
}

std::string NameOf(const TopicPartition& partition) { return StrCat(partition.topic, "-", partition.partition); }

// Checks the batches; the offset behind the last of them.
absl::StatusOr<int64_t> EndOf(const std::string& batches, int64_t offset) {
  std::string_view rest = batches;
  while (!rest.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&rest));
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header,
                          model::ValidateBatch(batch, model::RecordCheck::kHeaderAndCrc, 0));
    offset = std::max(offset, header.next_offset().value());
  }
  return offset;
}

std::vector<model::AbortedTransaction> AbortedIn(const v1::FetchPartitionResult& result) {
  std::vector<model::AbortedTransaction> aborted;
  for (const v1::AbortedTransaction& from : result.aborted()) {
    aborted.push_back({model::ProducerId(from.producer_id()), model::Offset(from.first_offset())});
  }
  std::sort(aborted.begin(), aborted.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
  return aborted;
}

}  // namespace

Fetcher::Fetcher(std::shared_ptr<Connection> connection, const ConsumerOptions& options)
    : connection_(std::move(connection)), options_(options), thread_([this] { Run(); }) {}

Fetcher::~Fetcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    CancelStreamsLocked();
    if (asking_ != nullptr) asking_->TryCancel();
    wanted_.notify_all();
    leaders_wanted_.notify_all();
  }
  thread_.join();
  for (auto& [address, reader] : readers_) reader->thread.join();
}

void Fetcher::Restart(const std::map<TopicPartition, int64_t>& offsets) {
  const std::lock_guard lock(mutex_);
  next_ = offsets;
  pieces_.clear();
  bytes_ = 0;
  BeginAnewLocked();
}

void Fetcher::Change(const std::map<TopicPartition, int64_t>& offsets) {
  const std::lock_guard lock(mutex_);
  std::map<TopicPartition, int64_t> next = offsets;
  for (auto& [partition, offset] : next) {
    if (const auto before = next_.find(partition); before != next_.end()) offset = before->second;
  }
  next_ = std::move(next);
  std::erase_if(pieces_, [this](const Fetched& piece) {
    if (next_.contains(piece.partition)) return false;
    bytes_ -= piece.batches.size();
    return true;
  });
  BeginAnewLocked();
}

void Fetcher::BeginAnewLocked() {
  error_ = absl::OkStatus();
  ++generation_;
  CancelStreamsLocked();
  wanted_.notify_all();
  leaders_wanted_.notify_all();
}

void Fetcher::CancelStreamsLocked() {
  for (auto& [address, reader] : readers_) {
    if (reader->stream != nullptr) reader->stream->TryCancel();
  }
}

absl::StatusOr<std::optional<Fetched>> Fetcher::Next(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return !pieces_.empty() || !error_.ok(); };
  if (timeout >= absl::Hours(24)) {
    fetched_.wait(lock, something);
  } else if (timeout > absl::ZeroDuration()) {
    fetched_.wait_for(lock, absl::ToChronoMicroseconds(timeout), something);
  }
  if (!pieces_.empty()) {
    Fetched piece = std::move(pieces_.front());
    pieces_.pop_front();
    bytes_ -= piece.batches.size();
    wanted_.notify_all();
    return piece;
  }
  if (absl::IsOutOfRange(error_)) return error_;
  if (!error_.ok()) return std::exchange(error_, absl::OkStatus());
  return std::nullopt;
}

void Fetcher::Run() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (std::exchange(lost_, false)) AskForLeaders(&lock);
    if (stopping_) return;
    TakeLeadersLocked();
    const uint64_t generation = generation_;
    const auto news = [&] { return stopping_ || generation != generation_; };
    if (lost_) {
      leaders_wanted_.wait_for(lock, absl::ToChronoMicroseconds(kAskPause), news);
    } else if (readers_.size() > 1) {
      // A leader that hangs says nothing: the others know when it has been replaced.
      const auto woken = [&] { return news() || lost_; };
      lost_ = !leaders_wanted_.wait_for(lock, absl::ToChronoMicroseconds(kAskInterval), woken) || lost_;
    } else {
      leaders_wanted_.wait(lock, [&] { return news() || lost_; });
    }
  }
}

void Fetcher::AskForLeaders(Lock* lock) {
  v1::TopicNames request;
  std::set<std::string> topics;
  for (const auto& [partition, offset] : next_) topics.insert(partition.topic);
  for (const std::string& topic : topics) request.add_names(topic);
  if (topics.empty()) return;
  ::grpc::ClientContext context;
  context.set_deadline(DeadlineIn(kAskPatience));
  asking_ = &context;
  lock->unlock();
  const ChannelPtr channel = connection_->impl().Any();
  v1::DescribeTopicsResponse response;
  const ::grpc::Status status = v1::Admin::NewStub(channel)->DescribeTopics(&context, request, &response);
  if (status.ok()) {
    connection_->impl().Learn(response);
  } else {
    connection_->impl().NoteFailure(channel);
  }
  lock->lock();
  asking_ = nullptr;
  if (!status.ok()) lost_ = true;
}

// A partition that another broker leads now is read there; where to go on is known.
void Fetcher::TakeLeadersLocked() {
  std::map<TopicPartition, std::string> leaders;
  for (const auto& [partition, offset] : next_) leaders[partition] = connection_->impl().LeaderOf(partition);
  for (const auto& [partition, address] : leaders) {
    std::unique_ptr<Reader>& reader = readers_[address];
    if (reader != nullptr) continue;
    reader = std::make_unique<Reader>();
    reader->address = address;
    reader->thread = std::thread([this, reader = reader.get()] { ReadFrom(reader); });
  }
  if (leaders == leaders_) return;
  leaders_ = std::move(leaders);
  ++generation_;
  CancelStreamsLocked();
  wanted_.notify_all();
}

bool Fetcher::IsOf(const Reader& reader, const TopicPartition& partition) const {
  const auto leader = leaders_.find(partition);
  return leader != leaders_.end() && leader->second == reader.address && next_.contains(partition);
}

void Fetcher::ReadFrom(Reader* reader) {
  Lock lock(mutex_);
  absl::Duration pause = kFirstPause;
  while (!stopping_) {
    const bool idle =
        std::none_of(next_.begin(), next_.end(), [&](const auto& one) { return IsOf(*reader, one.first); });
    if (idle || absl::IsOutOfRange(error_) || bytes_ >= options_.prefetch_bytes) {
      wanted_.wait(lock);
      continue;
    }
    const uint64_t generation = generation_;
    if (ReadStream(&lock, reader)) pause = kFirstPause;
    if (generation != generation_ || stopping_) continue;
    wanted_.wait_for(lock, absl::ToChronoMicroseconds(pause), [&] { return stopping_ || generation != generation_; });
    pause = std::min(pause * 2, kLongestPause);
  }
}

v1::FetchRequest Fetcher::RequestLocked(const Reader& reader) const {
  v1::FetchRequest request;
  for (const auto& [partition, offset] : next_) {
    if (!IsOf(reader, partition)) continue;
    v1::FetchPartition* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    to->set_offset(offset);
    to->set_max_bytes(static_cast<int32_t>(kPartitionBytes));
  }
  request.set_max_wait_ms(static_cast<int32_t>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(options_.max_wait), 1, absl::ToInt64Milliseconds(absl::Hours(1)))));
  request.set_min_bytes(1);
  request.set_max_bytes(static_cast<int32_t>(std::clamp<size_t>(options_.prefetch_bytes / 2, 1, kMessageBytes)));
  request.set_follow(true);
  if (options_.isolation == ConsumerOptions::Isolation::kReadCommitted) request.set_isolation(v1::READ_COMMITTED);
  return request;
}

bool Fetcher::ReadStream(Lock* lock, Reader* reader) {
  const uint64_t generation = generation_;
  const v1::FetchRequest request = RequestLocked(*reader);
  ::grpc::ClientContext context;
  // Where there are several brokers another one may do what this one does not.
  context.set_wait_for_ready(reader->address.empty() && !connection_->impl().has_several());
  reader->stream = &context;
  lock->unlock();
  const ChannelPtr channel = connection_->impl().At(reader->address);
  const auto stub = v1::Log::NewStub(channel);
  const auto stream = stub->Fetch(&context, request);
  v1::FetchResponse response;
  bool brought = false;
  while (stream->Read(&response)) {
    brought = true;
    lock->lock();
    const bool go_on = TakeLocked(lock, reader, &response, generation);
    lock->unlock();
    if (go_on) continue;
    context.TryCancel();
  }
  const ::grpc::Status status = stream->Finish();
  lock->lock();
  reader->stream = nullptr;
  const bool ours = generation == generation_ && !stopping_;
  const bool gone = status.error_code() == ::grpc::StatusCode::UNAVAILABLE;
  const bool passing = status.ok() || gone || status.error_code() == ::grpc::StatusCode::CANCELLED;
  if (ours && gone && connection_->impl().has_several()) {
    connection_->impl().NoteFailure(channel);
    lost_ = true;
    leaders_wanted_.notify_all();
  }
  if (ours && !passing && error_.ok()) {
    error_ = Annotate(FromGrpc(status), "fetch");
    fetched_.notify_all();
  }
  return brought;
}

bool Fetcher::TakeLocked(Lock* lock, Reader* reader, v1::FetchResponse* response, uint64_t generation) {
  const auto current = [&] { return generation == generation_ && !stopping_; };
  if (!current()) return false;
  for (v1::FetchPartitionResult& result : *response->mutable_partitions()) {
    if (!next_.contains({result.topic(), result.partition()})) continue;
    if (result.outcome().code() == 0) {
      TakeBatchesLocked(&result);
    } else {
      OnErrorLocked(lock, reader, result, generation);
    }
    if (!current()) return false;
  }
  fetched_.notify_all();
  if (!error_.ok()) return false;  // the next stream tries the failed partition again
  wanted_.wait(*lock, [&] { return !current() || bytes_ < options_.prefetch_bytes; });
  return current();
}

void Fetcher::TakeBatchesLocked(v1::FetchPartitionResult* result) {
  if (result->batches().empty()) return;
  const TopicPartition partition{result->topic(), result->partition()};
  int64_t& next = next_[partition];
  const absl::StatusOr<int64_t> end = EndOf(result->batches(), next);
  if (!end.ok()) {
    if (error_.ok()) error_ = DataLoss("fetch of ", NameOf(partition), ": ", Message(end.status()));
    return;
  }
  next = *end;
  bytes_ += result->batches().size();
  pieces_.push_back({partition, std::move(*result->mutable_batches()), AbortedIn(*result), std::nullopt});
}

void Fetcher::OnErrorLocked(Lock* lock, Reader* reader, const v1::FetchPartitionResult& result, uint64_t generation) {
  const TopicPartition partition{result.topic(), result.partition()};
  const auto code = static_cast<model::ErrorCode>(result.outcome().code());
  const std::string what = StrCat("fetch of ", NameOf(partition), " at offset ", next_[partition]);
  absl::Status status = FromOutcome(result.outcome(), what);
  if (code == model::ErrorCode::kOffsetOutOfRange && options_.reset != ConsumerOptions::Reset::kError) {
    lock->unlock();
    const bool earliest = options_.reset == ConsumerOptions::Reset::kEarliest;
    const auto offsets = ListOffsets(connection_->impl(), {partition},
                                     {earliest ? OffsetSpec::kEarliest : OffsetSpec::kLatest, options_.isolation});
    lock->lock();
    if (generation != generation_ || stopping_) return;
    if (offsets.ok()) {
      next_[partition] = offsets->front();
      pieces_.push_back({partition, "", {}, offsets->front()});
      error_ = absl::OkStatus();
      wanted_.notify_all();
      // The broker has left the partition out of this stream: the next one takes it in again.
      if (reader->stream != nullptr) reader->stream->TryCancel();
      return;
    }
    status = offsets.status();
  }
  if (!Passing(code) && error_.ok()) error_ = status;
  if (AskedTheWrongBroker(code)) {
    lost_ = true;
    leaders_wanted_.notify_all();
  }
  if (Passing(code) && reader->stream != nullptr) reader->stream->TryCancel();
}

}  // namespace leat::client
