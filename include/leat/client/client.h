// Leat's client library: shared types. Link leat::client. Every class is thread-safe unless it says otherwise; no call
// throws. Sizes are bytes, times milliseconds since 1970-01-01T00:00Z unless the type says otherwise.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leat::client {

// How to reach a cluster. Errors of all calls: kUnavailable (no broker answers; retried until the call's deadline),
// kInvalidArgument, kNotFound, kResourceExhausted, kDeadlineExceeded; the message says what to do.
struct ConnectOptions {
  // The gRPC listeners, host:port, of any broker, or of several with commas between them: while one of them answers,
  // the others of the cluster are learned from it.
  std::string address = "127.0.0.1:9095";
  absl::Duration request_timeout = absl::Seconds(30);
};

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

using Headers = std::vector<std::pair<std::string, std::optional<std::string>>>;

enum class Compression { kNone, kGzip, kSnappy, kLz4, kZstd };

// An open channel that producers, consumers and admins share.
class Connection {
 public:
  static std::shared_ptr<Connection> Open(const ConnectOptions& options);
  ~Connection();
  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::client
