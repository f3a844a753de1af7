#include "leat/client/producer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/clock.h"
#include "client/connection.h"
#include "client/metadata.h"
#include "client/producer_sender.h"
#include "client/producer_transaction.h"
#include "model/ids.h"

namespace leat::client {
namespace {

// Requests have to fit in the broker's largest message.
constexpr size_t kMaxRecordBytes = size_t{30} << 20;

absl::Status CheckOptions(const ProducerOptions& options) {
  if (options.batch_bytes == 0) return InvalidArgument("producer: batch_bytes: expected at least 1, got 0");
  if (options.batch_bytes > kMaxRecordBytes) {
    return InvalidArgument("producer: batch_bytes: expected at most ", kMaxRecordBytes, ", got ", options.batch_bytes);
  }
  if (options.buffer_bytes < options.batch_bytes) {
    return InvalidArgument("producer: buffer_bytes: expected at least batch_bytes (", options.batch_bytes, "), got ",
                           options.buffer_bytes);
  }
  if (options.linger < absl::ZeroDuration()) return InvalidArgument("producer: linger: expected 0 or more");
  if (options.delivery_timeout <= absl::ZeroDuration()) {
    return InvalidArgument("producer: delivery_timeout: expected more than 0");
  }
  if (options.max_inflight < 1) {
    return InvalidArgument("producer: max_inflight: expected at least 1, got ", options.max_inflight);
  }
  if (!options.transactional_id.empty()) {
    if (options.acks != ProducerOptions::Acks::kAll || options.idempotence == ProducerOptions::Idempotence::kOff) {
      return InvalidArgument("producer: transactional_id: transactions need acks kAll and idempotence");
    }
    if (options.transaction_timeout < absl::Milliseconds(1) || options.transaction_timeout > absl::Hours(24)) {
      return InvalidArgument("producer: transaction_timeout: expected 1 ms to 24 h, got ",
                             absl::FormatDuration(options.transaction_timeout));
    }
  }
  return absl::OkStatus();
}

model::Compression CompressionOf(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return model::Compression::kNone;
    case Compression::kGzip:
      return model::Compression::kGzip;
    case Compression::kSnappy:
      return model::Compression::kSnappy;
    case Compression::kLz4:
      return model::Compression::kLz4;
    case Compression::kZstd:
      return model::Compression::kZstd;
  }
  return model::Compression::kNone;
}

absl::Status CheckRecord(const Record& record, size_t size, size_t buffer_bytes) {
  if (!model::IsValidTopicName(record.topic)) {
    return InvalidArgument("send: expected a topic name of 1 to 249 of [a-zA-Z0-9._-], got '",
                           record.topic.substr(0, 300), "'");
  }
  if (record.partition && *record.partition < 0) {
    return InvalidArgument("send: expected a partition of 0 or more, got ", *record.partition);
  }
  if (size > kMaxRecordBytes || size > buffer_bytes) {
    return InvalidArgument("send: a record of ", size, " bytes is more than the ",
                           std::min(kMaxRecordBytes, buffer_bytes),
                           " that can be sent; store it elsewhere and send a reference");
  }
  return absl::OkStatus();
}

}  // namespace

struct Producer::Impl {
  Impl(std::shared_ptr<Connection> to, const ProducerOptions& producer_options)
      : connection(std::move(to)),
        options(producer_options),
        sender(connection, options, CompressionOf(options.compression)),
        transaction(connection, options, sender) {}

  absl::Status Send(const Record& record, Callback callback);
  absl::Status Flush();

  // With the lock, which it gives away while it asks the broker. Afterwards the topic has partitions, or the record was
  // sent already (kSent): it was the one that made the topic.
  enum class Resolved { kKnown, kSent };
  absl::StatusOr<Resolved> Resolve(std::unique_lock<std::mutex>* lock, Topic* topic, const Record& record,
                                   Callback* callback);
  absl::StatusOr<Resolved> MakeTopic(std::unique_lock<std::mutex>* lock, Topic* topic, const Record& record,
                                     Callback* callback);
  absl::Status WaitForRoom(std::unique_lock<std::mutex>* lock, size_t size);
  void AddLocked(Partition* partition, const Record& record, Callback callback) {
    const int64_t wall_ms = record.timestamp_ms ? 0 : WallClockMs();
    if (sender.batches().Add(partition, record, std::move(callback), wall_ms, MonotonicNow())) sender.WakeLocked();
  }

  const std::shared_ptr<Connection> connection;
  const ProducerOptions options;
  Sender sender;
  ProducerTransaction transaction;
};

absl::Status Producer::Impl::Send(const Record& record, Callback callback) {
  const size_t size = Batches::SizeOf(record);
  LEAT_RETURN_IF_ERROR(CheckRecord(record, size, options.buffer_bytes));
  std::unique_lock lock(sender.mutex());
  LEAT_RETURN_IF_ERROR(transaction.CheckSendLocked());
  Topic& topic = sender.batches().TopicNamed(record.topic);
  LEAT_RETURN_IF_ERROR(WaitForRoom(&lock, size));
  while (topic.resolving || topic.partition_count == 0 ||
         (record.partition && *record.partition >= topic.partition_count)) {
    LEAT_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(&lock, &topic, record, &callback));
    if (resolved == Resolved::kSent) return absl::OkStatus();
  }
  AddLocked(&sender.batches().Choose(&topic, record), record, std::move(callback));
  return absl::OkStatus();
}

absl::Status Producer::Impl::WaitForRoom(std::unique_lock<std::mutex>* lock, size_t size) {
  Batches& batches = sender.batches();
  if (batches.buffered_bytes() + size <= options.buffer_bytes) return absl::OkStatus();
  const Instant deadline = MonotonicNow() + options.delivery_timeout;
  while (batches.buffered_bytes() + size > options.buffer_bytes) {
    if (batches.all_open()) {  // everything lingers: waiting would be for nothing
      batches.SealAll();
      sender.WakeLocked();
    }
    const absl::Duration left = deadline - MonotonicNow();
    if (left <= absl::ZeroDuration()) {
      return DeadlineExceeded("send: the buffer of ", options.buffer_bytes, " bytes stayed full for ",
                              absl::FormatDuration(options.delivery_timeout),
                              ": the broker is too slow or away; send less, or raise buffer_bytes");
    }
    sender.changed().wait_for(*lock, absl::ToChronoMicroseconds(left));
  }
  return absl::OkStatus();
}

absl::StatusOr<Producer::Impl::Resolved> Producer::Impl::Resolve(std::unique_lock<std::mutex>* lock, Topic* topic,
                                                                 const Record& record, Callback* callback) {
  if (topic->resolving) {  // another thread asks; its answer is ours
    sender.changed().wait(*lock, [&] { return !topic->resolving; });
    return Resolved::kKnown;
  }
  topic->resolving = true;
  lock->unlock();
  const absl::StatusOr<int32_t> count = PartitionCount(connection->impl(), record.topic);
  lock->lock();
  absl::StatusOr<Resolved> resolved = Resolved::kKnown;
  if (count.ok()) {
    sender.batches().SetPartitionCount(topic, *count);
    sender.TakeLeadersLocked(topic);
    if (record.partition && *record.partition >= *count) {
      resolved = InvalidArgument("send: ", record.topic, " has ", *count, " partitions, the record is for partition ",
                                 *record.partition, "; they are counted from 0");
    }
  } else if (absl::IsNotFound(count.status()) && record.partition.value_or(0) == 0) {
    resolved = MakeTopic(lock, topic, record, callback);
  } else {
    resolved = count.status();
  }
  topic->resolving = false;
  sender.changed().notify_all();
  return resolved;
}

// A broker may make a topic when something is produced to it. This record goes ahead, alone, to the partition that
// every topic has; the others follow when the topic's partitions are known, so that keys find theirs.
absl::StatusOr<Producer::Impl::Resolved> Producer::Impl::MakeTopic(std::unique_lock<std::mutex>* lock, Topic* topic,
                                                                   const Record& record, Callback* callback) {
  std::optional<absl::Status> outcome;
  Batches& batches = sender.batches();
  batches.SetPartitionCount(topic, std::max<int32_t>(1, static_cast<int32_t>(topic->partitions.size())));
  Partition* const first = topic->partitions.front().get();
  batches.Seal(first);
  AddLocked(first, record, [&](const absl::StatusOr<Delivery>& delivery) {
    if (*callback && !absl::IsNotFound(delivery.status())) (*callback)(delivery);
    const std::lock_guard guard(sender.mutex());
    outcome = delivery.status();
  });
  batches.Seal(first);
  sender.WakeLocked();
  sender.changed().wait(*lock, [&] { return outcome.has_value(); });
  topic->partition_count = 0;
  if (absl::IsNotFound(*outcome)) {
    static_cast<void>(sender.TakeErrorLocked());  // told right here
    return *outcome;
  }
  return Resolved::kSent;
}

absl::Status Producer::Impl::Flush() {
  std::unique_lock lock(sender.mutex());
  sender.batches().SealAll();
  const uint64_t generation = sender.batches().BeginFlush();
  sender.WakeLocked();
  sender.changed().wait(lock, [&] { return sender.batches().Flushed(generation); });
  return sender.TakeErrorLocked();
}

absl::StatusOr<std::unique_ptr<Producer>> Producer::Create(std::shared_ptr<Connection> connection,
                                                           const ProducerOptions& options) {
  if (connection == nullptr) return InvalidArgument("producer: expected an open connection, got none");
  LEAT_RETURN_IF_ERROR(CheckOptions(options));
  auto impl = std::make_unique<Impl>(std::move(connection), options);
  LEAT_RETURN_IF_ERROR(impl->transaction.Init());
  impl->sender.Start();
  return std::unique_ptr<Producer>(new Producer(std::move(impl)));
}

Producer::Producer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// Every record has a deadline, so this ends. An open transaction is aborted by the broker, later or when the next
// producer with its name comes.
Producer::~Producer() { static_cast<void>(impl_->Flush()); }

absl::Status Producer::Send(Record record, Callback callback) { return impl_->Send(record, std::move(callback)); }
absl::Status Producer::Flush() { return impl_->Flush(); }

absl::Status Producer::BeginTransaction() { return impl_->transaction.Begin(); }
absl::Status Producer::SendOffsets(const std::string& group, const std::map<TopicPartition, int64_t>& offsets) {
  return impl_->transaction.SendOffsets(group, offsets);
}
absl::Status Producer::CommitTransaction() {
  const absl::Status flushed = impl_->Flush();
  LEAT_RETURN_IF_ERROR(Annotate(flushed, "commit: a record was not stored, abort the transaction"));
  return impl_->transaction.End(ProducerTransaction::Outcome::kCommit);
}
absl::Status Producer::AbortTransaction() {
  static_cast<void>(impl_->Flush());  // what was not stored is not there: that is what is wanted
  return impl_->transaction.End(ProducerTransaction::Outcome::kAbort);
}

}  // namespace leat::client
