#include "client/connection.h"

#include <algorithm>
#include <chrono>

#include "client/clock.h"
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

Connection::Impl::Impl(const ConnectOptions& connect_options)
    : options(connect_options), channel(OpenChannel(connect_options.address)) {}

absl::Status Connection::Impl::NobodyAnswers(const std::string& detail) const {
  return Unavailable("no broker answers at ", options.address, " (", detail,
                     "): start leatd there, or connect to another address; if it runs there, it may have as many "
                     "connections as it takes (limits.connections): its log says so");
}

absl::Status Connection::Impl::Invoke(Repeat repeat, const Call& call) {
  const Instant deadline = MonotonicNow() + options.request_timeout;
  absl::Duration pause = kFirstPause;
  while (true) {
    const absl::Duration left = std::max(deadline - MonotonicNow(), absl::ZeroDuration());
    if (!channel->WaitForConnected(DeadlineIn(left))) {
      return NobodyAnswers(StrCat("waited ", absl::FormatDuration(options.request_timeout)));
    }
    ::grpc::ClientContext context;
    context.set_deadline(deadline == Instant::Max() ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                                                    : DeadlineIn(deadline - MonotonicNow()));
    const ::grpc::Status status = call(&context);
    if (status.error_code() != ::grpc::StatusCode::UNAVAILABLE) return FromGrpc(status);
    if (repeat == Repeat::kUnsafe) {
      return Unavailable("the connection to ", options.address, " failed during the call (", status.error_message(),
                         "): it may have been done; look before doing it again");
    }
    if (MonotonicNow() + pause >= deadline) return NobodyAnswers(status.error_message());
    std::unique_lock lock(mutex_);
    never_.wait_for(lock, absl::ToChronoMicroseconds(pause));
    pause = std::min(pause * 2, kLongestPause);
  }
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

absl::Status FromOutcome(const v1::Outcome& outcome, std::string_view what) {
  if (outcome.code() == 0) return absl::OkStatus();
  const auto code = static_cast<model::ErrorCode>(outcome.code());
  return {StatusCodeOf(code),
          StrCat(what, ": ", outcome.message(), outcome.message().empty() ? "" : " ", "(", outcome.name(), ")")};
}

}  // namespace leat::client
