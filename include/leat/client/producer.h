// Sends records. Batches by partition, retries in order, and reports every record's outcome.
#pragma once

#include <functional>

#include "leat/client/client.h"

namespace leat::client {

struct ProducerOptions {
  enum class Acks { kAll, kLeader, kNone };
  Acks acks = Acks::kAll;
  Compression compression = Compression::kNone;
  size_t batch_bytes = 256 * 1024;                     // a batch is sent when it has this many bytes ..
  absl::Duration linger = absl::Milliseconds(5);       // .. or when its first record has waited this long
  size_t buffer_bytes = 32 << 20;                      // records not yet acknowledged; Send blocks above it
  absl::Duration delivery_timeout = absl::Minutes(2);  // after this a record fails with kDeadlineExceeded
  int max_inflight = 16;                               // requests not yet answered, over all partitions
  // Called on a thread of the library, with the reason, each time that records were not taken and will be sent again
  // (a full disk, a broker that went away); it must not block. They fail only after the delivery timeout.
  std::function<void(const absl::Status&)> on_retry = nullptr;
  // The broker knows a batch that it has already, so that a retry is never stored twice nor out of order. With acks kAll
  // only; the other kinds of acks are for those to whom a record more or less is nothing.
  enum class Idempotence { kOn, kOff };
  Idempotence idempotence = Idempotence::kOn;
  // With transactions: a name that is the producer's over restarts. Who creates a producer with the same name fences
  // those before it and aborts what they had open.
  std::string transactional_id;
  absl::Duration transaction_timeout = absl::Minutes(1);  // after this the broker aborts it
};

struct Record {
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;  // nullopt is a tombstone
  Headers headers;
  std::optional<int64_t> timestamp_ms;  // default: now
  std::optional<int32_t>
      partition;  // default: murmur2(key) % partitions as Kafka's clients; without a key, batch by batch round robin
};

struct Delivery {
  TopicPartition partition;
  int64_t offset = -1;  // -1 with acks none
  int64_t timestamp_ms = -1;
};

class Producer {
 public:
  using Callback = std::function<void(const absl::StatusOr<Delivery>&)>;

  static absl::StatusOr<std::unique_ptr<Producer>> Create(std::shared_ptr<Connection> connection,
                                                          const ProducerOptions& options);
  // Waits for what was sent (at most the delivery timeout); what is then undelivered has been reported as failed.
  ~Producer();

  // Queues the record; blocks while the buffer is full (kDeadlineExceeded after the delivery timeout). `callback` runs
  // once, on a thread of the library, in the order of the records of one partition; it must not block. Fails at once on
  // an unknown topic (auto-created if the broker does that), an absurd record, or a closed producer; then no callback.
  absl::Status Send(Record record, Callback callback = nullptr);
  // Sends what lingers and waits until everything is acknowledged or failed. The first failure since the last Flush.
  absl::Status Flush();

  // Transactions, with a transactional_id. Everything that is sent between Begin and Commit becomes visible to readers
  // of committed records together, or not at all. One at a time; call from one thread.
  // Sending outside of a transaction fails with kFailedPrecondition. After an error of Commit or of a record, Abort.
  // kAborted: another producer has the transactional id now, or the broker gave up waiting; create the producer anew.
  absl::Status BeginTransaction();
  // The group's offsets move with the transaction: what a consumer has read and this producer written are one step.
  absl::Status SendOffsets(const std::string& group, const std::map<TopicPartition, int64_t>& offsets);
  absl::Status CommitTransaction();  // flushes first
  absl::Status AbortTransaction();

 private:
  struct Impl;
  explicit Producer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::client
