// Changes of the metadata on their way to the controller and back.
#include <algorithm>
#include <utility>

#include "coordinator/controller_client.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

using model::ErrorCode;
using model::WithCode;

// Between looks at whether the node has applied what was answered, where nobody tells.
constexpr Duration kDeliverInterval = absl::Milliseconds(5);

}  // namespace

void ControllerClient::Change(std::vector<meta::Command> commands, meta::ChangeMode mode,
                              absl::AnyInvocable<void(Changed)> done) {
  absl::Status refusal;
  if (closed_) refusal = Unavailable("the broker is stopping: try again when it is back");
  if (waiting_.size() + open_.size() + answered_.size() >= options_.waiting_changes) {
    refusal = ResourceExhausted(options_.waiting_changes,
                                " changes of the metadata wait for the controller already: ", "try again later");
  }
  if (!refusal.ok()) {
    shard_.Post([refusal, done = std::move(done)]() mutable { done({refusal, {}}); });
    return;
  }
  waiting_.push_back({std::move(commands), mode, shard_.Now() + options_.change_timeout, std::move(done)});
  StartChanges();
}

// The controller remembers so many answers: a request that is older than those could not be told from a copy.
void ControllerClient::StartChanges() {
  const auto window = static_cast<int64_t>(options_.open_changes);
  while (!waiting_.empty() && (open_.empty() || next_sequence_ - *open_.begin() < window)) {
    WaitingChange change = std::move(waiting_.front());
    waiting_.pop_front();
    Send(std::move(change));
  }
}

void ControllerClient::Send(WaitingChange change) {
  const int64_t sequence = next_sequence_++;
  open_.insert(sequence);
  Ask({.request =
           [client = client_, sequence, mode = change.mode,
            commands = std::make_shared<const std::vector<meta::Command>>(std::move(change.commands))](int32_t epoch) {
             return ChangeRequest{epoch, client, sequence, mode, *commands};
           },
       .unanswered = Unanswered::kAgainInEpoch,
       .deadline = change.deadline,
       .attempt_timeout = options_.attempt_timeout,
       .backoff = {},
       .done =
           [this, sequence, deadline = change.deadline,
            done = std::move(change.done)](absl::StatusOr<ControllerReply> answer) mutable {
             open_.erase(sequence);
             TakeChange(std::move(answer), deadline, std::move(done));
             if (!closed_) StartChanges();
           },
       .last = {},
       .timer = nullptr});
}

void ControllerClient::TakeChange(absl::StatusOr<ControllerReply> answer, Instant deadline,
                                  absl::AnyInvocable<void(Changed)> done) {
  if (!answer.ok()) return done({answer.status(), {}});
  if (!answer->status.ok()) return done({answer->status, {}});
  auto* body = std::get_if<ChangeReply>(&answer->body);
  if (body == nullptr) return done({Internal("the controller answered something else than was asked"), {}});
  Changed changed{absl::OkStatus(), std::move(body->results)};
  if (closed_ || node_.applied() >= answer->end) return done(std::move(changed));
  answered_.emplace(answer->end, AnsweredChange{std::move(changed), deadline, std::move(done)});
  if (deliver_timer_ == nullptr) DeliverChanges();
}

void ControllerClient::DeliverChanges() {
  const model::Offset applied = node_.applied();
  const Instant now = shard_.Now();
  std::vector<AnsweredChange> ready;
  for (auto it = answered_.begin(); it != answered_.end();) {
    AnsweredChange& answered = it->second;
    if (it->first > applied && now < answered.deadline) {
      ++it;
      continue;
    }
    if (it->first > applied) {
      answered.changed = {
          WithCode(DeadlineExceeded("the change was made, but this node has not heard of it in time: it "
                                    "is at offset ",
                                    applied, " of the metadata, the change before ", it->first),
                   ErrorCode::kRequestTimedOut),
          {}};
    }
    ready.push_back(std::move(answered));
    it = answered_.erase(it);
  }
  deliver_timer_.reset();
  if (!answered_.empty()) {
    deliver_timer_ = shard_.RunAt(now + kDeliverInterval, [this] { DeliverChanges(); });
  }
  for (AnsweredChange& each : ready) each.done(std::move(each.changed));
}

void ControllerClient::AlterIsr(AlterPartitionsRequest::Item item,
                                absl::AnyInvocable<void(AlterPartitionsReply::Result)> done) {
  if (closed_) {
    shard_.Post([done = std::move(done)]() mutable { done({Unavailable("the broker is stopping"), {}}); });
    return;
  }
  isrs_.push_back({std::move(item), std::move(done)});
  SendIsrs();
}

// One request at a time, with all that came since the last one.
void ControllerClient::SendIsrs() {
  if (altering_ || isrs_.empty()) return;
  altering_ = true;
  auto sent = std::make_shared<std::vector<WaitingIsr>>();
  const int64_t life = isrs_.front().item.command.broker_epoch;
  while (!isrs_.empty() && sent->size() < kMostAlterPartitions && isrs_.front().item.command.broker_epoch == life) {
    sent->push_back(std::move(isrs_.front()));
    isrs_.pop_front();
  }
  Ask({.request =
           [sent](int32_t epoch) {
             AlterPartitionsRequest request{epoch, {}};
             for (const WaitingIsr& each : *sent) request.items.push_back(each.item);
             return request;
           },
       .unanswered = Unanswered::kGiveUp,
       .deadline = shard_.Now() + options_.alter_timeout,
       .attempt_timeout = options_.attempt_timeout,
       .backoff = {},
       .done =
           [this, sent](absl::StatusOr<ControllerReply> answer) {
             altering_ = false;
             const absl::Status status = answer.ok() ? answer->status : answer.status();
             auto* body = answer.ok() ? std::get_if<AlterPartitionsReply>(&answer->body) : nullptr;
             const bool fits = body != nullptr && body->results.size() == sent->size();
             const absl::Status failed =
                 status.ok() ? Internal("the controller answered something else than was asked") : status;
             for (size_t i = 0; i < sent->size(); ++i) {
               (*sent)[i].done(fits ? std::move(body->results[i]) : AlterPartitionsReply::Result{failed, {}});
             }
             if (!closed_) SendIsrs();
           },
       .last = {},
       .timer = nullptr});
}

void ControllerClient::AbandonChanges() {
  const absl::Status stopping = Unavailable("the broker is stopping: try again when it is back");
  for (WaitingChange& change : std::exchange(waiting_, {})) change.done({stopping, {}});
  // These were carried out.
  for (auto& [end, answered] : std::exchange(answered_, {})) answered.done(std::move(answered.changed));
  for (WaitingIsr& waiting : std::exchange(isrs_, {})) waiting.done({stopping, {}});
}

}  // namespace leat::coordinator
