// The channels to a cluster's brokers and the way every unary call is made over them: with a deadline, with retries
// where they are harmless, and with errors that say what to do.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "leat/client/client.h"
#include "model/error_code.h"

namespace leat::v1 {
class DescribeTopicsResponse;
class Outcome;
}  // namespace leat::v1

namespace leat::client {

// Whether doing the call twice is the same as doing it once.
enum class Repeat { kSafe, kUnsafe };
using ChannelPtr = std::shared_ptr<::grpc::Channel>;

struct Connection::Impl {
  explicit Impl(const ConnectOptions& connect_options);

  using Call = std::function<::grpc::Status(::grpc::ClientContext*, const ChannelPtr&)>;
  // Waits for a broker, makes the call and, if it is safe, makes it again while no broker answers: until the request
  // timeout, then kUnavailable.
  absl::Status Invoke(Repeat repeat, const Call& call);
  // The same at one broker, once. Empty: any broker, as Invoke. kUnavailable: it does not answer, perhaps it is gone.
  absl::Status InvokeAt(const std::string& address, Repeat repeat, const Call& call);

  // A channel to some broker: always the same one until it is said to have failed.
  ChannelPtr Any();
  ChannelPtr At(const std::string& address);    // empty: Any()
  void NoteFailure(const ChannelPtr& channel);  // of Any(): the next one, if there are others
  bool has_several();

  // Who leads what, as the brokers said last.
  void Learn(const v1::DescribeTopicsResponse& topics);
  // The address of the partition's leader. Empty: any broker will do, or nobody has said yet.
  std::string LeaderOf(const TopicPartition& partition);

  // What somebody has found out of coordinators, by a key of theirs.
  std::optional<std::string> CoordinatorOf(const std::string& key);
  void NoteCoordinator(const std::string& key, const std::string& address);

  void Pause(absl::Duration wait);

  const ConnectOptions options;

 private:
  absl::Status NobodyAnswers(const std::string& detail) const;
  absl::Status Attempt(const ChannelPtr& channel, Instant deadline, const Call& call, ::grpc::Status* answer);
  ChannelPtr ChannelLocked(const std::string& address);

  std::mutex mutex_;
  std::condition_variable never_;        // nobody notifies it: its timeout is the pause between two attempts
  std::vector<std::string> candidates_;  // those that were named, and then those that were heard of
  size_t current_ = 0;
  std::map<std::string, ChannelPtr> channels_;
  std::map<TopicPartition, std::string> leaders_;
  std::map<std::string, std::string> coordinators_;
};

// The point in time `wait` from now, in gRPC's terms.
gpr_timespec DeadlineIn(absl::Duration wait);

// The codes of gRPC's statuses are absl's.
absl::Status FromGrpc(const ::grpc::Status& status);

// The outcome of one topic or partition as a status; `what` begins the message.
absl::Status FromOutcome(const v1::Outcome& outcome, std::string_view what);

// The broker that was asked is not, or not any more, the one to ask: who is may be known when the brokers are asked
// again.
bool AskedTheWrongBroker(model::ErrorCode code);

}  // namespace leat::client
