#include "client/connection.h"

#include <absl/strings/str_split.h>

#include <algorithm>
#include <chrono>

#include "client/clock.h"
#include "leat/v1/admin.pb.h"
#include "leat/v1/common.pb.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

constexpr int kMaxAnswerBytes = 256 << 20;
constexpr int kMaxFrameBytes = 1 << 20;
constexpr int kWriteBufferBytes = 1 << 20;
constexpr int kLookaheadBytes = 4 << 20;
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// With several brokers to choose from: how long one may take to be connected, and to answer.
constexpr absl::Duration kConnectPatience = absl::Milliseconds(300);
constexpr absl::Duration kAnswerPatience = absl::Seconds(10);

int Millis(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

std::shared_ptr<::grpc::Channel> OpenChannel(const std::string& address) {
  ::grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(absl::Seconds(30)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(absl::Seconds(10)));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Millis(absl::Seconds(1)));
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // retries are ours: they keep order
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kLookaheadBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxFrameBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, kWriteBufferBytes);
  return ::grpc::CreateCustomChannel(address, ::grpc::InsecureChannelCredentials(), arguments);
}

// A broker that listens everywhere and was not told what to say of itself: nobody else can connect to that.
bool IsWildcard(const std::string& address) {
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:") || address.starts_with("*:");
}

absl::StatusCode StatusCodeOf(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kNone:
      return absl::StatusCode::kOk;
    case model::ErrorCode::kOffsetOutOfRange:
      return absl::StatusCode::kOutOfRange;
    case model::ErrorCode::kCorruptMessage:
      return absl::StatusCode::kDataLoss;
    case model::ErrorCode::kUnknownTopicOrPartition:
    case model::ErrorCode::kBrokerIdNotRegistered:
    case model::ErrorCode::kVoterNotFound:
      return absl::StatusCode::kNotFound;
    case model::ErrorCode::kTopicAlreadyExists:
    case model::ErrorCode::kDuplicateVoter:
      return absl::StatusCode::kAlreadyExists;
    case model::ErrorCode::kRequestTimedOut:
      return absl::StatusCode::kDeadlineExceeded;
    case model::ErrorCode::kThrottlingQuotaExceeded:
    case model::ErrorCode::kPolicyViolation:
      return absl::StatusCode::kResourceExhausted;
    case model::ErrorCode::kLeaderNotAvailable:
    case model::ErrorCode::kNotLeaderOrFollower:
    case model::ErrorCode::kCoordinatorLoadInProgress:
    case model::ErrorCode::kCoordinatorNotAvailable:
    case model::ErrorCode::kNotCoordinator:
    case model::ErrorCode::kNotController:
    case model::ErrorCode::kFencedLeaderEpoch:
    case model::ErrorCode::kUnknownLeaderEpoch:
    case model::ErrorCode::kKafkaStorageError:
      return absl::StatusCode::kUnavailable;
    case model::ErrorCode::kUnsupportedVersion:
      return absl::StatusCode::kUnimplemented;
    case model::ErrorCode::kUnknownServerError:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

}  // namespace

Connection::Impl::Impl(const ConnectOptions& connect_options) : options(connect_options) {
  for (const absl::string_view address : absl::StrSplit(options.address, ',', absl::SkipEmpty())) {
    candidates_.emplace_back(ToStd(address));
  }
  if (candidates_.empty()) candidates_.push_back(options.address);
}

ChannelPtr Connection::Impl::ChannelLocked(const std::string& address) {
  ChannelPtr& channel = channels_[address];
  if (channel == nullptr) channel = OpenChannel(address);
  return channel;
}

ChannelPtr Connection::Impl::Any() {
  const std::lock_guard lock(mutex_);
  return ChannelLocked(candidates_[current_]);
}

ChannelPtr Connection::Impl::At(const std::string& address) {
  const std::lock_guard lock(mutex_);
  return ChannelLocked(address.empty() ? candidates_[current_] : address);
}

void Connection::Impl::NoteFailure(const ChannelPtr& channel) {
  const std::lock_guard lock(mutex_);
  // Somebody else may have gone on already.
  if (ChannelLocked(candidates_[current_]) == channel) current_ = (current_ + 1) % candidates_.size();
}

bool Connection::Impl::has_several() {
  const std::lock_guard lock(mutex_);
  return candidates_.size() > 1;
}

void Connection::Impl::Learn(const v1::DescribeTopicsResponse& topics) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, address] : topics.brokers()) {
    const bool known = std::find(candidates_.begin(), candidates_.end(), address) != candidates_.end();
    if (!known && !address.empty() && !IsWildcard(address)) candidates_.push_back(address);
  }
  for (const v1::TopicDescription& topic : topics.topics()) {
    for (const v1::PartitionDescription& partition : topic.partitions()) {
      const auto leader = topics.brokers().find(partition.leader());
      const bool reachable = leader != topics.brokers().end() && !IsWildcard(leader->second);
      leaders_[{topic.name(), partition.partition()}] = reachable ? leader->second : std::string();
    }
  }
}

std::string Connection::Impl::LeaderOf(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  const auto found = leaders_.find(partition);
  return found == leaders_.end() ? std::string() : found->second;
}

absl::Status Connection::Impl::NobodyAnswers(const std::string& detail) const {
  return Unavailable("no broker answers at ", options.address, " (", detail,
                     "): start leatd there, or connect to another address; if it runs there, it may have as many "
                     "connections as it takes (limits.connections): its log says so");
}

std::optional<std::string> Connection::Impl::CoordinatorOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = coordinators_.find(key);
  return found == coordinators_.end() ? std::nullopt : std::optional(found->second);
}

void Connection::Impl::NoteCoordinator(const std::string& key, const std::string& address) {
  const std::lock_guard lock(mutex_);
  coordinators_[key] = address;
}

void Connection::Impl::Pause(absl::Duration wait) {
  std::unique_lock lock(mutex_);
  never_.wait_for(lock, absl::ToChronoMicroseconds(wait));
}

absl::Status Connection::Impl::Attempt(const ChannelPtr& channel, Instant deadline, const Call& call,
                                       ::grpc::Status* answer) {
  const absl::Duration left = std::max(deadline - MonotonicNow(), absl::ZeroDuration());
  if (!channel->WaitForConnected(DeadlineIn(has_several() ? std::min(left, kConnectPatience) : left))) {
    return Unavailable("waited ", absl::FormatDuration(has_several() ? kConnectPatience : options.request_timeout));
  }
  ::grpc::ClientContext context;
  context.set_deadline(deadline == Instant::Max() ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                                                  : DeadlineIn(deadline - MonotonicNow()));
  *answer = call(&context, channel);
  return absl::OkStatus();
}

absl::Status Connection::Impl::Invoke(Repeat repeat, const Call& call) {
  const Instant deadline = MonotonicNow() + options.request_timeout;
  absl::Duration pause = kFirstPause;
  while (true) {
    const ChannelPtr channel = Any();
    // One that has stopped to answer must not use up the time of the others.
    const bool tries_others = repeat == Repeat::kSafe && has_several();
    const Instant until = tries_others ? std::min(deadline, MonotonicNow() + kAnswerPatience) : deadline;
    ::grpc::Status status;
    const absl::Status connected = Attempt(channel, until, call, &status);
    if (!connected.ok()) {
      NoteFailure(channel);
      if (MonotonicNow() >= deadline || !has_several()) return NobodyAnswers(std::string(Message(connected)));
      continue;
    }
    const bool too_slow = tries_others && status.error_code() == ::grpc::StatusCode::DEADLINE_EXCEEDED;
    if (status.error_code() != ::grpc::StatusCode::UNAVAILABLE && !too_slow) return FromGrpc(status);
    NoteFailure(channel);
    if (repeat == Repeat::kUnsafe) {
      return Unavailable("the connection to ", options.address, " failed during the call (", status.error_message(),
                         "): it may have been done; look before doing it again");
    }
    if (MonotonicNow() + pause >= deadline) return NobodyAnswers(status.error_message());
    Pause(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

absl::Status Connection::Impl::InvokeAt(const std::string& address, Repeat repeat, const Call& call) {
  if (address.empty()) return Invoke(repeat, call);
  const Instant deadline = MonotonicNow() + std::min(options.request_timeout, kAnswerPatience);
  ::grpc::Status status;
  const absl::Status connected = Attempt(At(address), deadline, call, &status);
  if (!connected.ok()) return Unavailable("broker ", address, " does not answer: ", Message(connected));
  if (status.error_code() == ::grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Unavailable("broker ", address, " does not answer: ", status.error_message());
  }
  return FromGrpc(status);
}

std::shared_ptr<Connection> Connection::Open(const ConnectOptions& options) {
  return std::shared_ptr<Connection>(new Connection(std::make_unique<Impl>(options)));
}
Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

gpr_timespec DeadlineIn(absl::Duration wait) {
  if (wait >= absl::Hours(24 * 365)) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(wait), GPR_TIMESPAN));
}

absl::Status FromGrpc(const ::grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

bool AskedTheWrongBroker(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kNotLeaderOrFollower:
    case model::ErrorCode::kLeaderNotAvailable:
    case model::ErrorCode::kFencedLeaderEpoch:
    case model::ErrorCode::kUnknownLeaderEpoch:
    case model::ErrorCode::kNotCoordinator:
    case model::ErrorCode::kCoordinatorNotAvailable:
      return true;
    default:
      return false;
  }
}

absl::Status FromOutcome(const v1::Outcome& outcome, std::string_view what) {
  if (outcome.code() == 0) return absl::OkStatus();
  const auto code = static_cast<model::ErrorCode>(outcome.code());
  return {StatusCodeOf(code),
          StrCat(what, ": ", outcome.message(), outcome.message().empty() ? "" : " ", "(", outcome.name(), ")")};
}

}  // namespace leat::client
