#include "client/fetcher.h"

#include <algorithm>
#include <utility>

#include "client/clock.h"
#include "client/metadata.h"
#include "leat/v1/log.grpc.pb.h"
#include "model/error_code.h"
#include "model/record_batch.h"

namespace leat::client {
namespace {

constexpr size_t kMessageBytes = size_t{4} << 20;
constexpr size_t kPartitionBytes = size_t{1} << 20;
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);

// Failures that pass by themselves: not worth telling.
bool Passing(model::ErrorCode code) {
  return code == model::ErrorCode::kLeaderNotAvailable || code == model::ErrorCode::kNotLeaderOrFollower ||
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
    if (stream_ != nullptr) stream_->TryCancel();
    wanted_.notify_all();
  }
  thread_.join();
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
  if (stream_ != nullptr) stream_->TryCancel();
  wanted_.notify_all();
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
  std::unique_lock lock(mutex_);
  absl::Duration pause = kFirstPause;
  while (!stopping_) {
    if (next_.empty() || absl::IsOutOfRange(error_) || bytes_ >= options_.prefetch_bytes) {
      wanted_.wait(lock);
      continue;
    }
    const uint64_t generation = generation_;
    if (ReadStream(&lock)) pause = kFirstPause;
    if (generation != generation_ || stopping_) continue;
    wanted_.wait_for(lock, absl::ToChronoMicroseconds(pause), [&] { return stopping_ || generation != generation_; });
    pause = std::min(pause * 2, kLongestPause);
  }
}

v1::FetchRequest Fetcher::RequestLocked() const {
  v1::FetchRequest request;
  for (const auto& [partition, offset] : next_) {
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

bool Fetcher::ReadStream(std::unique_lock<std::mutex>* lock) {
  const uint64_t generation = generation_;
  const v1::FetchRequest request = RequestLocked();
  ::grpc::ClientContext context;
  context.set_wait_for_ready(true);
  stream_ = &context;
  lock->unlock();
  const auto stub = v1::Log::NewStub(connection_->impl().channel);
  const auto reader = stub->Fetch(&context, request);
  v1::FetchResponse response;
  bool brought = false;
  while (reader->Read(&response)) {
    brought = true;
    lock->lock();
    const bool go_on = TakeLocked(lock, &response, generation);
    lock->unlock();
    if (go_on) continue;
    context.TryCancel();
  }
  const ::grpc::Status status = reader->Finish();
  lock->lock();
  stream_ = nullptr;
  const bool ours = generation == generation_ && !stopping_;
  const bool passing = status.ok() || status.error_code() == ::grpc::StatusCode::UNAVAILABLE ||
                       status.error_code() == ::grpc::StatusCode::CANCELLED;
  if (ours && !passing && error_.ok()) {
    error_ = Annotate(FromGrpc(status), "fetch");
    fetched_.notify_all();
  }
  return brought;
}

bool Fetcher::TakeLocked(std::unique_lock<std::mutex>* lock, v1::FetchResponse* response, uint64_t generation) {
  const auto current = [&] { return generation == generation_ && !stopping_; };
  if (!current()) return false;
  for (v1::FetchPartitionResult& result : *response->mutable_partitions()) {
    if (!next_.contains({result.topic(), result.partition()})) continue;
    if (result.outcome().code() == 0) {
      TakeBatchesLocked(&result);
    } else {
      OnErrorLocked(lock, result, generation);
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

void Fetcher::OnErrorLocked(std::unique_lock<std::mutex>* lock, const v1::FetchPartitionResult& result,
                            uint64_t generation) {
  const TopicPartition partition{result.topic(), result.partition()};
  const auto code = static_cast<model::ErrorCode>(result.outcome().code());
  const std::string what = StrCat("fetch of ", NameOf(partition), " at offset ", next_[partition]);
  absl::Status status = FromOutcome(result.outcome(), what);
  if (code == model::ErrorCode::kOffsetOutOfRange && options_.reset != ConsumerOptions::Reset::kError) {
    lock->unlock();
    const bool earliest = options_.reset == ConsumerOptions::Reset::kEarliest;
    const auto offsets =
        ListOffsets(connection_->impl(), {partition}, earliest ? OffsetSpec::kEarliest : OffsetSpec::kLatest, 0);
    lock->lock();
    if (generation != generation_ || stopping_) return;
    if (offsets.ok()) {
      next_[partition] = offsets->front();
      pieces_.push_back({partition, "", {}, offsets->front()});
      error_ = absl::OkStatus();
      wanted_.notify_all();
      // The broker has left the partition out of this stream: the next one takes it in again.
      if (stream_ != nullptr) stream_->TryCancel();
      return;
    }
    status = offsets.status();
  }
  if (!Passing(code) && error_.ok()) error_ = status;
  if (Passing(code) && stream_ != nullptr) stream_->TryCancel();
}

}  // namespace leat::client
