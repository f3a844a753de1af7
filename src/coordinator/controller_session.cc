// The broker's own standing with the controller: its registration, its heartbeats, its leave.
#include <utility>

#include "base/logging.h"
#include "coordinator/controller_client.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

using model::ErrorCode;
using Wish = meta::Heartbeat::Wish;

constexpr Duration kDuplicatePause = absl::Milliseconds(100);
constexpr Duration kRefusedPause = absl::Seconds(2);
constexpr Duration kLeavingInterval = absl::Milliseconds(20);

absl::Status StatusOf(const absl::StatusOr<ControllerReply>& answer) {
  return answer.ok() ? answer->status : answer.status();
}

// No repetition makes it another answer.
bool IsFinal(ErrorCode code) {
  return code == ErrorCode::kInconsistentClusterId || code == ErrorCode::kInvalidRegistration ||
         code == ErrorCode::kUnsupportedVersion || code == ErrorCode::kDuplicateBrokerRegistration ||
         code == ErrorCode::kInvalidRequest;
}

}  // namespace

void ControllerClient::Start(absl::AnyInvocable<void(absl::Status)> done) {
  started_ = std::move(done);
  running_ = true;
  patience_ends_ = shard_.Now() + options_.duplicate_patience;
  Register();
}

void ControllerClient::Introduce() {
  if (running_) Register();
}

void ControllerClient::Register() {
  if (closed_ || !running_) return;
  if (registering_) {
    introduce_again_ = true;
    return;
  }
  registering_ = true;
  introduce_again_ = false;
  register_timer_.reset();
  Ask({.request = [this](int32_t) { return RegisterRequest{node_.introduce()}; },
       .unanswered = Unanswered::kAgain,
       .deadline = Instant::Max(),
       .attempt_timeout = options_.attempt_timeout,
       .backoff = {},
       .done = [this](const absl::StatusOr<ControllerReply>& answer) { TakeRegistration(answer); },
       .last = {},
       .timer = nullptr});
}

void ControllerClient::RegisterLater(Duration pause) {
  register_timer_ = shard_.RunAt(shard_.Now() + pause, [this] { Register(); });
}

void ControllerClient::TakeRegistration(const absl::StatusOr<ControllerReply>& answer) {
  registering_ = false;
  if (closed_) return;
  const absl::Status status = StatusOf(answer);
  const auto* body = answer.ok() ? std::get_if<RegisterReply>(&answer->body) : nullptr;
  if (status.ok() && body != nullptr) {
    if (body->broker_epoch != broker_epoch_) {
      broker_epoch_ = body->broker_epoch;
      fenced_ = true;
      live_end_ = model::Offset(-1);
      LogInfo("coordinator", "broker ", options_.self, " is registered, with epoch ", broker_epoch_);
    }
    if (auto started = std::exchange(started_, nullptr)) started(absl::OkStatus());
    if (introduce_again_) Register();
    Heartbeat();
    return;
  }
  const ErrorCode code = model::CodeOf(status).value_or(ErrorCode::kNone);
  if (code == ErrorCode::kDuplicateBrokerRegistration && shard_.Now() < patience_ends_) {
    RegisterLater(kDuplicatePause);
    return;
  }
  if (absl::IsUnavailable(status)) {
    RegisterLater(kDuplicatePause);
    return;
  }
  LogError("coordinator", "broker ", options_.self, " is not let into the cluster: ", Message(status));
  RegisterLater(kRefusedPause);
  const bool told = IsFinal(code) || status.code() == absl::StatusCode::kResourceExhausted;
  if (!told || !started_) return;
  if (IsFinal(code)) {
    running_ = false;
    register_timer_.reset();
  }
  std::exchange(started_, nullptr)(status);
}

void ControllerClient::SetWish(Wish wish) {
  if (wish_ == wish) return;
  wish_ = wish;
  Heartbeat();
}

void ControllerClient::WhenLive(env::Closure live) {
  when_live_.push_back(std::move(live));
  shard_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) MaybeLive();
  });
}

void ControllerClient::MaybeLive() {
  if (broker_epoch_ < 0 || fenced_ || live_end_.value() < 0 || node_.applied() < live_end_) return;
  std::vector<env::Closure> waiting = std::exchange(when_live_, {});
  for (env::Closure& live : waiting) live();
}

// One at a time: what has changed meanwhile goes with the next.
void ControllerClient::Heartbeat() {
  if (closed_ || broker_epoch_ < 0) return;
  if (beating_) {
    beat_again_ = true;
    return;
  }
  beating_ = true;
  beat_again_ = false;
  heartbeat_timer_.reset();
  Ask({.request =
           [this](int32_t) {
             reported_ = node_.applied();
             return HeartbeatRequest{{options_.self, broker_epoch_, reported_, wish_}};
           },
       .unanswered = Unanswered::kAgain,
       .deadline = shard_.Now() + options_.attempt_timeout,
       .attempt_timeout = options_.heartbeat_timeout,
       .backoff = {},
       .done = [this](const absl::StatusOr<ControllerReply>& answer) { TakeHeartbeat(answer); },
       .last = {},
       .timer = nullptr});
}

void ControllerClient::TakeHeartbeat(const absl::StatusOr<ControllerReply>& answer) {
  beating_ = false;
  if (closed_) return;
  const absl::Status status = StatusOf(answer);
  const std::optional<ErrorCode> code = model::CodeOf(status);
  if (code == ErrorCode::kStaleBrokerEpoch || code == ErrorCode::kBrokerIdNotRegistered) {
    // Nobody counts on this registration any more.
    if (wish_ == Wish::kStop) return Left(absl::OkStatus());
    LogWarning("coordinator", "broker ", options_.self, " registers again: ", Message(status));
    broker_epoch_ = -1;
    fenced_ = true;
    return Register();
  }
  const auto* body = answer.ok() ? std::get_if<HeartbeatReply>(&answer->body) : nullptr;
  if (status.ok() && body != nullptr) {
    if (fenced_ && !body->answer.is_fenced) live_end_ = answer->end;
    fenced_ = body->answer.is_fenced;
    if (body->answer.may_stop && wish_ == Wish::kStop) return Left(absl::OkStatus());
    MaybeLive();
  } else {
    LogWarning("coordinator", "a heartbeat of broker ", options_.self, " failed: ", Message(status));
  }
  // Since then it has come as far as the controller waits for, or wants something else.
  if (beat_again_ || (status.ok() && fenced_ && wish_ == Wish::kServe && node_.applied() > reported_)) {
    return Heartbeat();
  }
  const Duration interval = wish_ == Wish::kStop ? kLeavingInterval : options_.heartbeat_interval;
  heartbeat_timer_ = shard_.RunAt(shard_.Now() + interval, [this] { Heartbeat(); });
}

void ControllerClient::OnApplied() {
  DeliverChanges();
  if (closed_) return;
  if (fenced_ && wish_ == Wish::kServe && !beating_ && node_.applied() > reported_) Heartbeat();
  MaybeLive();
}

void ControllerClient::LeaveInOrder(Duration patience, absl::AnyInvocable<void(absl::Status)> may_stop) {
  may_stop_ = std::move(may_stop);
  running_ = false;
  register_timer_.reset();
  if (broker_epoch_ < 0) {
    shard_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) Left(absl::OkStatus());
    });
    return;
  }
  leave_timer_ = shard_.RunAt(shard_.Now() + patience, [this] {
    Left(DeadlineExceeded("the other brokers did not take this one's partitions over in time"));
  });
  SetWish(Wish::kStop);
}

void ControllerClient::Left(absl::Status status) {
  heartbeat_timer_.reset();
  if (leave_timer_ != nullptr) leave_timer_->Cancel();
  if (auto may_stop = std::exchange(may_stop_, nullptr)) may_stop(std::move(status));
}

}  // namespace leat::coordinator
