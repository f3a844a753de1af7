// A channel and the way every unary call is made over it: with a deadline, with retries where they are harmless, and
// with errors that say what to do.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "leat/client/client.h"

namespace leat::v1 {
class Outcome;
}

namespace leat::client {

// Whether doing the call twice is the same as doing it once.
enum class Repeat { kSafe, kUnsafe };

struct Connection::Impl {
  explicit Impl(const ConnectOptions& connect_options);

  using Call = std::function<::grpc::Status(::grpc::ClientContext*)>;
  // Waits for a broker, makes the call and, if it is safe, makes it again while no broker answers: until the request
  // timeout, then kUnavailable.
  absl::Status Invoke(Repeat repeat, const Call& call);

  const ConnectOptions options;
  const std::shared_ptr<::grpc::Channel> channel;

 private:
  absl::Status NobodyAnswers(const std::string& detail) const;

  std::mutex mutex_;
  std::condition_variable never_;  // nobody notifies it: its timeout is the pause between two attempts
};

// The point in time `wait` from now, in gRPC's terms.
gpr_timespec DeadlineIn(absl::Duration wait);

// The codes of gRPC's statuses are absl's.
absl::Status FromGrpc(const ::grpc::Status& status);

// The outcome of one topic or partition as a status; `what` begins the message.
absl::Status FromOutcome(const v1::Outcome& outcome, std::string_view what);

}  // namespace leat::client
