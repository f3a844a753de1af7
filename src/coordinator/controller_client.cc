// Asking the controller: who it is, and what to do when it does not answer.
#include "coordinator/controller_client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "coordinator/controller_codec.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

using model::ErrorCode;
using model::WithCode;

constexpr int kMostHops = 3;
constexpr std::string_view kNobodyKnown =
    "no active controller is known: more than half of the nodes of cluster.voters have to run and to reach each other";

absl::Status Unknown(const absl::Status& last) {
  return WithCode(Unavailable("it is not known whether the controller carried it out: ", Message(last)),
                  ErrorCode::kRequestTimedOut);
}

}  // namespace

ControllerClient::ControllerClient(const Options& options, ControlledLog& log, env::Transport& transport,
                                   env::Shard& shard, Node node)
    : options_(options),
      log_(log),
      transport_(transport),
      shard_(shard),
      node_(std::move(node)),
      random_(options.random_seed),
      client_(model::Uuid::New(random_)) {
  OnLeadership();
}

ControllerClient::~ControllerClient() = default;

void ControllerClient::Close() {
  if (closed_) return;
  closed_ = true;
  register_timer_.reset();
  heartbeat_timer_.reset();
  leave_timer_.reset();
  deliver_timer_.reset();
  alive_.reset();
  when_live_.clear();
  const absl::Status stopping = Unavailable("the broker is stopping: try again when it is back");
  while (!asking_.empty()) {
    const AskingPtr asking = asking_.begin()->second;
    Finish(asking, asking->maybe_done ? Unknown(stopping) : stopping);
  }
  AbandonChanges();
  if (auto started = std::exchange(started_, nullptr)) started(stopping);
  Left(stopping);
}

void ControllerClient::Learn(meta::NodeId node, int32_t epoch) {
  if (epoch < known_.epoch) return;
  known_ = {node, epoch};
}

void ControllerClient::OnLeadership() {
  // Another node may have told of a newer one than this node's log has heard of. One that this node has not heard of
  // for too long is not known any more: to go on asking it would only hide that there is none.
  if (log_.epoch() >= known_.epoch) known_ = {log_.leader(), log_.epoch()};
  if (known_.node == meta::kNobody) return;
  const std::map<uint64_t, AskingPtr> waiting = asking_;
  for (const auto& [number, asking] : waiting) {
    if (asking->timer != nullptr) Attempt(asking);
  }
}

void ControllerClient::Ask(Asking question) {
  auto asking = std::make_shared<Asking>(std::move(question));
  asking->backoff = options_.min_backoff;
  asking->last = Unavailable("no controller is known yet");
  asking->number = asked_++;
  asking_.emplace(asking->number, asking);
  Attempt(asking);
}

// Whoever is not the controller says who is. What must not be done twice goes to the one that is known.
meta::NodeId ControllerClient::NodeToAsk(const Asking& asking) {
  const bool elsewhere = known_.node == meta::kNobody || (asking.silent % 2 == 1);
  if (!elsewhere || asking.unanswered != Unanswered::kAgain) return known_.node;
  std::vector<meta::NodeId> voters = node_.voters();
  std::erase(voters, known_.node);
  return voters.empty() ? known_.node : voters[asked_voters_++ % voters.size()];
}

void ControllerClient::Attempt(const AskingPtr& asking) {
  asking->timer.reset();
  const Instant now = shard_.Now();
  if (now >= asking->deadline) {
    const absl::Status late =
        WithCode(DeadlineExceeded("the controller could not be reached in time: ", Message(asking->last)),
                 ErrorCode::kNotController);
    return Finish(asking, asking->maybe_done ? Unknown(late) : late);
  }
  const meta::NodeId node = NodeToAsk(*asking);
  if (node == meta::kNobody) return Later(asking, Unavailable(kNobodyKnown));
  // The controller of another epoch knows nothing of the earlier attempt.
  if (asking->maybe_done && asking->unanswered == Unanswered::kAgainInEpoch && known_.epoch != asking->epoch) {
    return Finish(asking, Unknown(asking->last));
  }
  asking->epoch = known_.epoch;
  const Duration patience = std::min(asking->attempt_timeout, asking->deadline - now);
  transport_.Call(node.value(), env::Service::kController, EncodeRequest(asking->request(known_.epoch)), patience,
                  [this, alive = std::weak_ptr<bool>(alive_), asking, node](const absl::StatusOr<OwnedBytes>& bytes) {
                    if (!alive.expired() && asking->done) TakeReply(asking, node, bytes);
                  });
}

void ControllerClient::TakeReply(const AskingPtr& asking, meta::NodeId from, const absl::StatusOr<OwnedBytes>& bytes) {
  if (!bytes.ok()) {
    const bool sent = bytes.status().code() != absl::StatusCode::kResourceExhausted;
    if (sent && asking->unanswered == Unanswered::kGiveUp) return Finish(asking, Unknown(bytes.status()));
    asking->maybe_done |= sent;
    ++asking->silent;
    return Later(asking, Annotate(bytes.status(), StrCat("controller node ", from)));
  }
  asking->silent = 0;
  absl::StatusOr<ControllerReply> reply = DecodeReply(*bytes);
  if (!reply.ok()) return Finish(asking, Annotate(reply.status(), StrCat("controller node ", from)));
  const std::optional<ErrorCode> code = model::CodeOf(reply->status);
  if (code == ErrorCode::kNotController || code == ErrorCode::kStaleControllerEpoch) {
    return TakeRefusal(asking, from, *reply);
  }
  Learn(from, reply->controller_epoch);
  Finish(asking, *std::move(reply));
}

// Nothing was done this time.
void ControllerClient::TakeRefusal(const AskingPtr& asking, meta::NodeId from, const ControllerReply& reply) {
  const bool stale = model::CodeOf(reply.status) == ErrorCode::kStaleControllerEpoch;
  if (stale) {
    Learn(from, reply.controller_epoch);
  } else if (reply.leader != meta::kNobody && reply.leader != from) {
    Learn(reply.leader, reply.controller_epoch);
  } else if (known_.node == from && reply.controller_epoch >= known_.epoch && from != log_.leader()) {
    known_ = {log_.leader(), std::max(known_.epoch, log_.epoch())};
  }
  if (asking->maybe_done && asking->unanswered == Unanswered::kAgainInEpoch) {
    return Finish(asking, Unknown(reply.status));
  }
  const bool moved = known_.node != from || (stale && known_.epoch != asking->epoch);
  if (moved && known_.node != meta::kNobody && ++asking->hops <= kMostHops) return Attempt(asking);
  Later(asking, reply.status);
}

void ControllerClient::Later(const AskingPtr& asking, absl::Status why) {
  asking->last = std::move(why);
  asking->hops = 0;
  // Half of it by chance: those who wait for the same controller do not come together.
  const Duration pause = asking->backoff * (0.5 + random_.Unit() / 2);
  asking->backoff = std::min(asking->backoff * 2, options_.max_backoff);
  const Instant when = std::min(shard_.Now() + pause, asking->deadline);
  // The leader may be known again by then, from the log or by somebody else's answer.
  asking->timer = shard_.RunAt(when, [this, asking] {
    if (known_.node == meta::kNobody) known_.node = log_.leader();
    Attempt(asking);
  });
}

void ControllerClient::Finish(const AskingPtr& asking, absl::StatusOr<ControllerReply> reply) {
  const AskingPtr kept = asking;  // the timer's closure may be what holds it
  asking_.erase(kept->number);
  Answered done = std::exchange(kept->done, nullptr);
  if (kept->timer != nullptr) kept->timer->Cancel();
  LEAT_CHECK(done != nullptr) << "a request to the controller was answered twice";
  done(std::move(reply));
}

}  // namespace leat::coordinator
