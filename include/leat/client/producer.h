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

 private:
  struct Impl;
  explicit Producer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::client
